//! Files that are this user's alone, changed whole or not at all, by one process at a time.

use crate::error::ClientError;
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The largest file that is read. A hub is about 400 bytes and a remembered head about 250.
pub(crate) const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIRECTORY_MODE: u32 = 0o700;

/// Where the client keeps its files: `$XDG_CONFIG_HOME/landline`, else `~/.config/landline`.
///
/// # Errors
/// There is no home directory.
pub fn configuration_directory() -> Result<PathBuf, ClientError> {
    // A relative path is to be ignored: XDG Base Directory Specification, "Environment variables".
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = || absolute("HOME").map(|home| home.join(".config"));
    let config = absolute("XDG_CONFIG_HOME")
        .or_else(home)
        .ok_or_else(|| ClientError::File {
            path: "~/.config".to_owned(),
            reason: "there is no home directory to keep hubs in".to_owned(),
            hint: Some("set HOME or XDG_CONFIG_HOME to an absolute path".to_owned()),
        })?;
    Ok(config.join("landline"))
}

/// A private file by its path.
#[derive(Clone, Debug)]
pub(crate) struct PrivateFile {
    path: PathBuf,
}

/// The right to change a private file, until it is dropped.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    file: &'a PrivateFile,
    _lock: File,
}

impl PrivateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its text; none where there is no such file.
    pub(crate) fn read(&self) -> Result<Option<String>, ClientError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|error| self.failed(&error))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(self.damaged(&format!("it is longer than {FILE_BYTES_MAX} bytes")));
        }
        Ok(Some(text))
    }

    /// Waits until no other process holds it. What is read before is not to be trusted: read again.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, ClientError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        make_private(directory).map_err(|error| failed(directory, &error))?;
        let path = self.beside("lock");
        let lock = open(&path, OFlags::empty()).map_err(|error| failed(&path, &error))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)
            .map_err(|error| failed(&path, &error.into()))?;
        Ok(Locked {
            file: self,
            _lock: lock,
        })
    }

    /// What to say of a file that was read but makes no sense.
    pub(crate) fn damaged(&self, reason: &dyn std::fmt::Display) -> ClientError {
        ClientError::File {
            path: self.path.display().to_string(),
            reason: format!("it is damaged: {reason}"),
            hint: Some("mend it, or move it away and log in to your hubs again".to_owned()),
        }
    }

    fn failed(&self, error: &std::io::Error) -> ClientError {
        failed(&self.path, error)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(suffix);
        path.into()
    }
}

impl Locked<'_> {
    /// Puts `text` in the file's place: it has all of it or, should the machine stop, what it had before.
    pub(crate) fn replace(&self, text: &str) -> Result<(), ClientError> {
        let PrivateFile { path } = self.file;
        let fresh = self.file.beside("new");
        let written = (|| {
            // The directory is ours alone and the lock is held: what lies there is a leftover of our own.
            let mut file = open(&fresh, OFlags::TRUNC)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, path)?;
            File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
        })();
        written.map_err(|error| self.file.failed(&error))
    }
}

fn open(path: &Path, flags: OFlags) -> std::io::Result<File> {
    let flags = flags | OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, FILE_MODE)?))
}

/// Makes the directory and what is missing above it; closes it to others where it was open to them.
fn make_private(directory: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)?;
    let opened = File::open(directory)?;
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        rustix::fs::fchmod(opened.as_fd(), Mode::RWXU)?;
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> ClientError {
    ClientError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_and_its_directory_are_the_users_alone() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("landline");
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = PrivateFile::new(directory.join("x"));
        assert_eq!(file.read().unwrap(), None);
        file.lock().unwrap().replace("text").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("text"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join("x"))), (0o700, 0o600));
    }

    #[test]
    fn a_leftover_of_an_interrupted_change_is_no_obstacle() {
        let root = tempfile::tempdir().unwrap();
        let file = PrivateFile::new(root.path().join("x"));
        std::fs::write(root.path().join("x.new"), "half of something long").unwrap();
        file.lock().unwrap().replace("whole").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("whole"));
    }

    #[test]
    fn changes_made_at_once_are_made_one_after_another() {
        let root = tempfile::tempdir().unwrap();
        let file = PrivateFile::new(root.path().join("x"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let locked = file.lock().unwrap();
                    let text = file.read().unwrap().unwrap_or_default();
                    locked.replace(&format!("{text}x")).unwrap();
                });
            }
        });
        assert_eq!(file.read().unwrap().as_deref(), Some("xxxxxxxx"));
    }
}

//! The directory of everything that a hub keeps: made private, and held by one hub at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};
use thiserror::Error;

const LOCK_NAME: &str = "lock";
const PARTS: [&str; 4] = ["db", "files", "log", "tls"];

/// What may lie in a directory that becomes a data directory: parts of an unfinished first start, a configuration
/// that was written beforehand, and what a fresh file system brings along.
const HARMLESS: [&str; 6] = [
    "db",
    "files",
    "log",
    "tls",
    crate::config::FILE_NAME,
    "lost+found",
];

const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
const ANYBODY_ELSE: u32 = 0o077;

/// Digits of a process id, and a newline.
const MAX_LOCK_BYTES: u64 = 32;

/// A data directory that this process holds: no other hub can open it until this is dropped or the process ends.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    is_new: bool,
    warnings: Vec<String>,
    /// Holds the lock for as long as it is open.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataDirectoryError {
    /// Another hub has it.
    #[error("another hub{} uses {}; stop it, or give this one a directory of its own with --data", process(.pid), path.display())]
    Held {
        /// The data directory.
        path: PathBuf,
        /// The other hub's process, where the lock file says it.
        pid: Option<u32>,
    },
    /// It holds something else.
    #[error("{} holds other files ({found}) and no hub's; give an empty or new directory with --data", path.display())]
    NotEmpty {
        /// The data directory.
        path: PathBuf,
        /// One of them, free of control characters.
        found: String,
    },
    /// It is another user's and open to others.
    #[error("{} belongs to user {owner} and is open to others (mode {mode:o}); run the hub as that user, or give another directory with --data", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl DataDirectory {
    /// Opens a data directory, and makes it where it is not there yet, readable by its owner only.
    ///
    /// # Errors
    /// Another hub holds it, it holds something else, it is another user's, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, DataDirectoryError> {
        let mut warnings = Vec::new();
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| failed("create", parent, source))?;
        }
        create_directory(path)?;
        refuse_foreign_content(path)?;
        keep_private(path, &mut warnings)?;
        let (lock, is_new) = take_lock(path)?;
        for part in PARTS {
            let part = path.join(part);
            create_directory(&part)?;
            keep_private(&part, &mut warnings)?;
        }
        sync_file_systems(path)?;
        Ok(Self {
            path: path.to_owned(),
            is_new,
            warnings,
            _lock: lock,
        })
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether no hub ever opened it before: its lock file was made by this call.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What was found and mended, for the log, which does not run yet when the directory is opened.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Databases.
    pub fn databases(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Users' files.
    pub fn files(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Log files.
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Keys and certificates.
    pub fn tls(&self) -> PathBuf {
        self.path.join("tls")
    }
}

fn create_directory(path: &Path) -> Result<(), DataDirectoryError> {
    match DirBuilder::new().mode(PRIVATE_DIRECTORY).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(failed("create", path, source)),
    }
}

/// Making a directory of something else private could lock a whole machine out of it: `--data /tmp` as root.
fn refuse_foreign_content(path: &Path) -> Result<(), DataDirectoryError> {
    if path.join(LOCK_NAME).is_file() && path.join("tls").is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(|source| failed("list", path, source))? {
        let name = entry.map_err(|source| failed("list", path, source))?.file_name();
        let is_harmless = name == LOCK_NAME || HARMLESS.iter().any(|harmless| name == *harmless);
        if !is_harmless {
            let found = landline_model::text::escape(&name.to_string_lossy()).into_owned();
            return Err(DataDirectoryError::NotEmpty {
                path: path.to_owned(),
                found,
            });
        }
    }
    Ok(())
}

fn keep_private(path: &Path, warnings: &mut Vec<String>) -> Result<(), DataDirectoryError> {
    let directory = open_directory(path)?;
    let metadata = directory
        .metadata()
        .map_err(|source| failed("examine", path, source))?;
    let mode = metadata.mode() & 0o7777;
    if mode & ANYBODY_ELSE == 0 {
        return Ok(());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(DataDirectoryError::NotOurs {
            path: path.to_owned(),
            owner: metadata.uid(),
            mode,
        });
    }
    directory
        .set_permissions(fs::Permissions::from_mode(mode & !ANYBODY_ELSE))
        .map_err(|source| failed("make private", path, source))?;
    let shown = landline_model::text::escape(&path.to_string_lossy()).into_owned();
    warnings.push(format!(
        "{shown} was open to others (mode {mode:o}); made private"
    ));
    Ok(())
}

/// Takes the lock, and says whether the lock file is new. The file is never removed: a hub that had it open, and
/// one that made it anew, would each believe to hold the lock.
fn take_lock(directory: &Path) -> Result<(File, bool), DataDirectoryError> {
    let path = directory.join(LOCK_NAME);
    let mut options = OpenOptions::new();
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    options
        .read(true)
        .write(true)
        .mode(PRIVATE_FILE)
        .custom_flags(no_link);
    let (mut lock, is_new) = match options.clone().create_new(true).open(&path) {
        Ok(lock) => (lock, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (
            options
                .open(&path)
                .map_err(|source| failed("open", &path, source))?,
            false,
        ),
        Err(source) => return Err(failed("create", &path, source)),
    };
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(DataDirectoryError::Held {
                path: directory.to_owned(),
                pid: holder(&lock),
            });
        }
        Err(errno) => return Err(failed("lock", &path, errno.into())),
    }
    let written = lock.set_len(0).and_then(|()| lock.rewind());
    written
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .map_err(|source| failed("write", &path, source))?;
    Ok((lock, is_new))
}

fn holder(lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.take(MAX_LOCK_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Makes durable whatever is there now: the names of the data directory and its parts, which may be new, and what a hub
/// that was killed had written and not yet synced. Everything that is acknowledged from here on stands on that: a
/// message that is sent again is acknowledged without being written again. The parts may be file systems of their own.
fn sync_file_systems(path: &Path) -> Result<(), DataDirectoryError> {
    let parts = PARTS.iter().map(|part| path.join(part));
    for path in std::iter::once(path.to_owned()).chain(parts) {
        rustix::fs::syncfs(open_directory(&path)?).map_err(|errno| failed("sync", &path, errno.into()))?;
    }
    Ok(())
}

fn open_directory(path: &Path) -> Result<File, DataDirectoryError> {
    let only_directories = i32::try_from(OFlags::DIRECTORY.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(only_directories);
    options.open(path).map_err(|source| failed("open", path, source))
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> DataDirectoryError {
    DataDirectoryError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

fn process(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn everything_is_made_private() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("deep/below/data");
        let data = DataDirectory::open(&path).unwrap();
        assert!(data.is_new());
        assert_eq!(mode(&path), 0o700);
        for part in [data.databases(), data.files(), data.log(), data.tls()] {
            assert_eq!(mode(&part), 0o700, "{}", part.display());
        }
        assert_eq!(mode(&path.join(LOCK_NAME)), 0o600);
        assert!(data.warnings().is_empty());
        drop(data);
        assert!(!DataDirectory::open(&path).unwrap().is_new());
    }

    #[test]
    fn a_second_hub_is_told_which_process_holds_the_directory() {
        let place = tempfile::tempdir().unwrap();
        let first = DataDirectory::open(place.path()).unwrap();
        match DataDirectory::open(place.path()) {
            Err(error @ DataDirectoryError::Held { pid: Some(pid), .. }) => {
                assert_eq!(pid, std::process::id());
                let text = error.to_string();
                assert!(
                    text.contains(&format!("(process {pid})")) && text.contains("--data"),
                    "{text}"
                );
            }
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(DataDirectory::open(place.path()).is_ok());
    }

    #[test]
    fn loose_modes_are_tightened_with_a_warning() {
        let place = tempfile::tempdir().unwrap();
        drop(DataDirectory::open(place.path()).unwrap());
        let tls = place.path().join("tls");
        fs::set_permissions(&tls, fs::Permissions::from_mode(0o755)).unwrap();
        let data = DataDirectory::open(place.path()).unwrap();
        assert_eq!(mode(&tls), 0o700);
        assert_eq!(data.warnings().len(), 1);
        assert!(data.warnings()[0].contains("755"), "{:?}", data.warnings());
    }

    #[test]
    fn a_directory_of_something_else_is_refused_and_left_alone() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("thesis\u{1b}.tex"), "").unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = DataDirectory::open(place.path()).unwrap_err();
        assert!(matches!(error, DataDirectoryError::NotEmpty { .. }), "{error}");
        assert!(error.to_string().contains("thesis\\u{1b}.tex"), "{error}");
        assert_eq!(mode(place.path()), 0o755);
        assert!(!place.path().join(LOCK_NAME).exists());
    }

    #[test]
    fn a_configuration_written_beforehand_is_welcome() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(crate::config::FILE_NAME), "").unwrap();
        assert!(DataDirectory::open(place.path()).unwrap().is_new());
    }

    #[test]
    fn a_file_in_its_place_is_an_error_that_names_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        fs::write(&path, "").unwrap();
        let error = DataDirectory::open(&path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

//! A file that is not there yet: written beside its place, published by rename, gone if it is not.

use super::{Directory, FilesError};
use data_encoding::HEXLOWER;
use landline_model::protocol::files::{Attributes, MODE_MAX};
use landline_model::time::Timestamp;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, fstat, openat, renameat, statat, unlinkat};
use rustix::rand::{GetRandomFlags, getrandom};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// The longest name that Linux file systems have, in bytes.
const NAME_MAX: usize = landline_model::path::COMPONENT_MAX;

/// Random bytes in a temporary file's name: too many to guess, or to meet by chance.
const RANDOM_BYTES: usize = 8;

/// A file under a name of its own in the directory where it is to appear. Only its owner can read it before
/// [`publish`](Self::publish); dropped before, it is removed.
#[derive(Debug)]
pub(super) struct Temporary {
    directory: Arc<Directory>,
    name: OsString,
    file: File,
    /// The permissions that it gets when it is published.
    mode: Mode,
    /// The name of what is kept beside it, if it is to survive until the next attempt.
    journal: Option<OsString>,
    published: bool,
}

impl Temporary {
    /// Makes an empty file that is to become `target`. It will have the permissions of the file that it replaces, or
    /// else those that the process's umask and the directory give to a new one.
    pub(super) fn create(directory: &Arc<Directory>, target: &OsStr) -> Result<Self, FilesError> {
        let failed = |error| FilesError::local(&directory.path_of(target), error);
        // The kernel applies umask and default ACL, which a program cannot ask for safely; while the file is still
        // empty the result is noted and taken away.
        let mut temporary = Self::open(directory, target, Mode::from_raw_mode(0o666))?;
        let new = Mode::from_raw_mode(fstat(&temporary.file).map_err(failed)?.st_mode);
        temporary.mode = replaced_mode(directory, target).unwrap_or(new) & Mode::from_raw_mode(0o777);
        fchmod(&temporary.file, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        Ok(temporary)
    }

    /// The same for one that will have what `attributes` say, and the content that is given.
    pub(super) fn with_content(
        directory: &Arc<Directory>,
        target: &OsStr,
        attributes: &Attributes,
        content: &[u8],
    ) -> Result<Self, FilesError> {
        let mut temporary = match attributes.mode {
            Some(_) => Self::open(directory, target, Mode::RUSR | Mode::WUSR)?,
            None => Self::create(directory, target)?,
        };
        temporary
            .file
            .write_all(content)
            .map_err(|error| FilesError::local(&directory.path_of(target), error))?;
        temporary.take_on(attributes)?;
        Ok(temporary)
    }

    fn open(directory: &Arc<Directory>, target: &OsStr, mode: Mode) -> Result<Self, FilesError> {
        let failed = |error| FilesError::local(&directory.path_of(target), error);
        let mut random = [0; RANDOM_BYTES];
        getrandom(&mut random, GetRandomFlags::empty()).map_err(failed)?;
        let name = temporary_name(target, random);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = openat(directory, &name, flags, mode).map_err(failed)?;
        Ok(Self {
            directory: Arc::clone(directory),
            name,
            file: File::from(descriptor),
            mode,
            journal: None,
            published: false,
        })
    }

    /// Takes over a file that outlives this process, with a journal beside it, until it is published or discarded.
    pub(super) fn kept(
        directory: &Arc<Directory>,
        target: &OsStr,
        (name, journal): (OsString, OsString),
        file: File,
    ) -> Result<Self, FilesError> {
        // Made by somebody else's rules: one that is made and removed again tells which permissions it would have.
        let mode = Self::create(directory, target)?.mode;
        Ok(Self {
            directory: Arc::clone(directory),
            name,
            file,
            mode,
            journal: Some(journal),
            published: false,
        })
    }

    /// Removes it for good.
    pub(super) fn discard(mut self) {
        self.forget_journal();
    }

    fn forget_journal(&mut self) {
        if let Some(journal) = self.journal.take() {
            // A journal without its file means nothing to anybody.
            let _ = unlinkat(&self.directory, &journal, AtFlags::empty());
        }
    }

    /// Takes on what the file is to keep beside its content; everything is written to it by now.
    pub(super) fn take_on(&mut self, attributes: &Attributes) -> Result<(), FilesError> {
        if let Some(mode) = attributes.mode {
            self.mode = Mode::from_raw_mode(mode & MODE_MAX);
        }
        let Some(Timestamp(milliseconds)) = attributes.modified else {
            return Ok(());
        };
        let nanos = Duration::from_nanos(attributes.modified_nanos.into());
        // A time that this system does not have is left out.
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds) + nanos);
        time.map_or(Ok(()), |time| self.file.set_modified(time))
            .map_err(|error| FilesError::local(&self.directory.path_of(&self.name), error))
    }

    /// Makes its content durable.
    pub(super) fn sync(&self) -> Result<(), FilesError> {
        self.file
            .sync_all()
            .map_err(|error| FilesError::local(&self.directory.path_of(&self.name), error))
    }

    /// Where to write.
    pub(super) fn file(&self) -> Result<File, FilesError> {
        self.file
            .try_clone()
            .map_err(|error| FilesError::local(&self.directory.path_of(&self.name), error))
    }

    /// Gives the file its name, in place of a file that has it. What is to survive a crash is synced before, and the
    /// directory behind it.
    pub(super) fn publish(mut self, target: &OsStr) -> Result<(), FilesError> {
        let failed = |error| FilesError::local(&self.directory.path_of(target), error);
        fchmod(&self.file, self.mode).map_err(failed)?;
        renameat(&self.directory, &self.name, &self.directory, target).map_err(failed)?;
        self.published = true;
        self.forget_journal();
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published && self.journal.is_none() {
            // What cannot be removed now can be removed by nobody here; its name says what it is.
            let _ = unlinkat(&self.directory, &self.name, AtFlags::empty());
        }
    }
}

fn replaced_mode(directory: &Directory, target: &OsStr) -> Option<Mode> {
    let stat = statat(directory, target, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    FileType::from_raw_mode(stat.st_mode)
        .is_file()
        .then(|| Mode::from_raw_mode(stat.st_mode))
}

/// `.NAME.landline-RANDOM`.
fn temporary_name(target: &OsStr, random: [u8; RANDOM_BYTES]) -> OsString {
    hidden_name(target, &format!(".landline-{}", HEXLOWER.encode(&random)))
}

/// `.NAME` and a suffix. Where that would be too long, NAME is cut, between characters where it has any, and what tells
/// it from others that are cut alike is put behind it.
pub(super) fn hidden_name(target: &OsStr, suffix: &str) -> OsString {
    let target = target.as_bytes();
    if 1 + target.len() + suffix.len() <= NAME_MAX {
        return OsString::from_vec([b".", target, suffix.as_bytes()].concat());
    }
    let hash = blake3::hash(target);
    let suffix = format!("~{}{suffix}", HEXLOWER.encode(&hash.as_bytes()[..RANDOM_BYTES]));
    let mut length = NAME_MAX - 1 - suffix.len();
    if std::str::from_utf8(target).is_ok() {
        // A continuation byte of UTF-8 is 0b10......
        while target[length] & 0xc0 == 0x80 {
            length -= 1;
        }
    }
    OsString::from_vec([b".", &target[..length], suffix.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn entries(place: &tempfile::TempDir) -> Vec<OsString> {
        fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    }

    #[test]
    fn a_temporary_name_fits_whatever_its_target() {
        assert_eq!(
            temporary_name(OsStr::new("a"), [0xab; 8]),
            ".a.landline-abababababababab"
        );
        let ship = "🚢".repeat(63);
        let name = temporary_name(OsStr::new(&ship), [0; 8]);
        assert!(name.len() <= NAME_MAX && name.to_str().is_some(), "{name:?}");
        let bytes = [0xd6; 255];
        assert_eq!(temporary_name(OsStr::from_bytes(&bytes), [0; 8]).len(), NAME_MAX);
    }

    #[test]
    fn what_is_not_published_is_gone_and_the_old_file_stays() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a"), b"old").unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        let temporary = Temporary::create(&directory, OsStr::new("a")).unwrap();
        temporary.file().unwrap().write_all(b"half").unwrap();
        assert_eq!(entries(&place).len(), 2);
        drop(temporary);
        assert_eq!(entries(&place), ["a"]);
        assert_eq!(fs::read(place.path().join("a")).unwrap(), b"old");
    }

    #[test]
    fn a_published_file_has_the_permissions_of_the_one_it_replaced() {
        let place = tempfile::tempdir().unwrap();
        let old = place.path().join("a");
        fs::write(&old, b"old").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        let temporary = Temporary::create(&directory, OsStr::new("a")).unwrap();
        temporary.file().unwrap().write_all(b"new").unwrap();
        let hidden = place.path().join(&temporary.name);
        assert_eq!(fs::metadata(hidden).unwrap().permissions().mode() & 0o777, 0o600);
        temporary.publish(OsStr::new("a")).unwrap();
        assert_eq!(entries(&place), ["a"]);
        assert_eq!(fs::read(&old).unwrap(), b"new");
        assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_new_file_has_the_permissions_that_any_new_file_gets_here() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("usual"), b"").unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        Temporary::create(&directory, OsStr::new("a"))
            .unwrap()
            .publish(OsStr::new("a"))
            .unwrap();
        let mode = |name: &str| {
            fs::metadata(place.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("a"), mode("usual"));
    }

    #[test]
    fn a_directory_in_the_way_stays_and_nothing_is_left_beside_it() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("a")).unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        let temporary = Temporary::create(&directory, OsStr::new("a")).unwrap();
        assert!(temporary.publish(OsStr::new("a")).is_err());
        assert_eq!(entries(&place), ["a"]);
    }
}

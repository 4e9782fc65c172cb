//! An open directory of this machine, and what can be done beneath it.

use super::FilesError;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fsync, mkdirat, openat, statat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// An open directory. What stands in it is reached by its one name and never through a link, whatever happens to the
/// path meanwhile.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    /// How it was reached: for messages only.
    path: PathBuf,
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, to whatever.
    Link,
    /// A device, a pipe or a socket.
    Special,
}

impl Directory {
    /// Opens a directory that the user named; links are followed.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        let shown = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor =
            rustix::fs::open(shown, flags, Mode::empty()).map_err(|error| FilesError::local(shown, error))?;
        Ok(Self {
            descriptor,
            path: path.to_owned(),
        })
    }

    /// Opens a directory in this one; a link is an error.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub fn open_child(&self, name: &OsStr) -> Result<Self, FilesError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path_of(name);
        let descriptor = openat(&self.descriptor, name, flags, Mode::empty())
            .map_err(|error| FilesError::local(&path, error))?;
        Ok(Self { descriptor, path })
    }

    /// Opens a directory in this one, and makes it first where it is missing.
    ///
    /// # Errors
    /// [`FilesError::Local`], also where something else stands there.
    pub fn make_child(&self, name: &OsStr) -> Result<Self, FilesError> {
        match mkdirat(&self.descriptor, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => self.open_child(name),
            Err(error) => Err(FilesError::local(&self.path_of(name), error)),
        }
    }

    /// Opens a file in this one for reading; a link is an error, and nobody is waited for at the other end of a pipe.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub fn open_file(&self, name: &OsStr) -> Result<File, FilesError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        openat(&self.descriptor, name, flags, Mode::empty())
            .map(File::from)
            .map_err(|error| FilesError::local(&self.path_of(name), error))
    }

    /// What stands under a name here; `None` for nothing.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub fn kind_of(&self, name: &OsStr) -> Result<Option<Kind>, FilesError> {
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Kind::of(FileType::from_raw_mode(stat.st_mode)))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(FilesError::local(&self.path_of(name), error)),
        }
    }

    /// The names in it, in the order of their bytes, without `.` and `..`.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub fn names(&self) -> Result<Vec<OsString>, FilesError> {
        let failed = |error| FilesError::local(&self.path, error);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        Ok(names)
    }

    /// Brings the names in it to the disk.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub fn sync(&self) -> Result<(), FilesError> {
        fsync(&self.descriptor).map_err(|error| FilesError::local(&self.path, error))
    }

    /// How it was reached: for messages only.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How a name in it is shown.
    #[must_use]
    pub fn path_of(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Kind {
    /// The kind, with its article.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a device, pipe or socket",
        }
    }

    pub(super) fn of(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            _ => Self::Special,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_is_named_as_one_and_never_followed() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("real")).unwrap();
        std::fs::write(place.path().join("file"), b"x").unwrap();
        symlink("real", place.path().join("directory-link")).unwrap();
        symlink("file", place.path().join("file-link")).unwrap();
        let directory = Directory::open(place.path()).unwrap();
        assert_eq!(
            directory.kind_of(OsStr::new("directory-link")).unwrap(),
            Some(Kind::Link)
        );
        assert!(directory.open_child(OsStr::new("directory-link")).is_err());
        assert!(directory.make_child(OsStr::new("directory-link")).is_err());
        assert!(directory.open_file(OsStr::new("file-link")).is_err());
        assert!(directory.make_child(OsStr::new("file")).is_err());
        assert!(directory.make_child(OsStr::new("real")).is_ok());
    }

    #[test]
    fn names_come_in_byte_order_and_stay_bytes() {
        let place = tempfile::tempdir().unwrap();
        let mut names =
            [&b"b"[..], b"\xd6\xd0", b"-rf", b"a\nb"].map(|name| OsStr::from_bytes(name).to_owned());
        for name in &names {
            std::fs::write(place.path().join(name), b"").unwrap();
        }
        names.sort();
        assert_eq!(Directory::open(place.path()).unwrap().names().unwrap(), names);
    }
}

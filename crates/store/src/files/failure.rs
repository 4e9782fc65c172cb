//! What the file system's errors mean to whoever asked.

use super::error::FilesError;
use rustix::io::Errno;
use std::fmt::Display;

/// Gives an error of the file system the name of what it happened to. The name is shown: it must be escaped.
pub(super) trait Named<T> {
    fn at(self, what: impl Display) -> Result<T, FilesError>;
}

impl<T> Named<T> for Result<T, Errno> {
    fn at(self, what: impl Display) -> Result<T, FilesError> {
        self.map_err(|error| named(error, &what))
    }
}

/// For what is written after the deed: that has happened and is synced, even where there is no space left to write down
/// that it is over. The journal goes on saying what was under way, and the next start finds that it is done. Also for
/// what can be found out again at any time.
pub(super) fn unless_full(written: Result<(), FilesError>) -> Result<(), FilesError> {
    if written == Err(FilesError::StorageFull) {
        tracing::warn!("the disk is full: the journal of files could not be brought up to date");
        return Ok(());
    }
    written
}

/// What cannot be done to a space as a whole.
pub(super) fn space_itself() -> FilesError {
    FilesError::WrongKind("this works on what is in a space, not on the space itself".to_owned())
}

pub(super) fn not_found(what: impl Display) -> FilesError {
    FilesError::NotFound(format!("{what} does not exist"))
}

pub(super) fn exists(what: impl Display) -> FilesError {
    FilesError::Exists(format!("{what} is already there"))
}

pub(super) fn is_directory(what: impl Display) -> FilesError {
    FilesError::WrongKind(format!("{what} is a directory"))
}

pub(super) fn no_file(what: impl Display) -> FilesError {
    FilesError::WrongKind(format!("{what} is not a regular file"))
}

fn named(error: Errno, what: &dyn Display) -> FilesError {
    match error {
        Errno::NOENT => not_found(what),
        Errno::EXIST => exists(what),
        Errno::ISDIR => is_directory(what),
        Errno::NOTEMPTY => FilesError::WrongKind(format!("{what} is a directory that is not empty")),
        // A link, another file system's root, or a file stands where a directory should.
        Errno::NOTDIR | Errno::LOOP | Errno::XDEV => {
            FilesError::WrongKind(format!("{what} is not reached through directories alone"))
        }
        Errno::NAMETOOLONG => FilesError::TooLarge(format!("{what} is too long a name")),
        Errno::FBIG => FilesError::TooLarge(format!("{what} would be too large")),
        Errno::NOSPC | Errno::DQUOT => FilesError::StorageFull,
        // A writer elsewhere renames without end, or the system has no descriptors left.
        Errno::AGAIN | Errno::MFILE | Errno::NFILE => {
            FilesError::Busy(format!("{what} cannot be opened now"))
        }
        error => FilesError::Internal(format!("{what}: {error}")),
    }
}

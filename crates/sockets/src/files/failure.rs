//! The operating system's errors in words that are fit for a peer.

use std::io;

use landline_services::receive::FileFailure;
use rustix::io::Errno;

/// What an error means for somebody who knows only the file's name.
pub(super) fn failure(error: Errno) -> FileFailure {
    match error {
        Errno::NOENT => FileFailure::Missing,
        // NXIO: a socket, or a device that is not there. LOOP: a link, which is never followed.
        Errno::ISDIR | Errno::NOTDIR | Errno::LOOP | Errno::NXIO => FileFailure::NotAFile,
        Errno::NOSPC | Errno::DQUOT => FileFailure::Full,
        Errno::FBIG => FileFailure::TooLarge,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => FileFailure::Denied,
        Errno::MFILE | Errno::NFILE => FileFailure::TooMany,
        other => FileFailure::System(other.raw_os_error()),
    }
}

/// The same for an error of the standard library.
pub(super) fn io_failure(error: &io::Error) -> FileFailure {
    Errno::from_io_error(error).map_or(FileFailure::System(0), failure)
}

//! What became of a file or a request.

use super::content_md5::Md5Digest;
use super::file_name::{FileName, FileNameError};
use super::header::HeaderError;
use super::work::FileFailure;

/// One line for a log. Its [`Display`](std::fmt::Display) is safe for a terminal, whatever the peer said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// A file arrived whole and has its name.
    #[error("{name}: {size} bytes stored")]
    Stored {
        /// Its name.
        name: FileName,
        /// In bytes.
        size: u64,
    },
    /// A file that was asked for is on its way out.
    #[error("{name}: {size} bytes on their way")]
    Sending {
        /// Its name.
        name: FileName,
        /// In bytes.
        size: u64,
    },
    /// The connection ended before the file did. Nothing is left of it.
    #[error("{name}: the connection ended before all of {size} bytes were there; nothing is stored")]
    Incomplete {
        /// Its name.
        name: FileName,
        /// What its header said, in bytes.
        size: u64,
    },
    /// The connection broke while a whole file was given its name: whether it has it is not known.
    #[error("{name}: the connection broke while the file was being stored")]
    Unconfirmed {
        /// Its name.
        name: FileName,
    },
    /// The content is not what its MD5 says. Nothing is left of it.
    #[error("{name}: its MD5 is {actual} and not {expected}; nothing is stored")]
    Corrupt {
        /// Its name.
        name: FileName,
        /// What the header said.
        expected: Md5Digest,
        /// What arrived.
        actual: Md5Digest,
    },
    /// The file could not be stored. Nothing is left of it.
    #[error("{name}: {failure}; nothing is stored")]
    Failed {
        /// Its name.
        name: FileName,
        /// Why.
        failure: FileFailure,
    },
    /// A file that was asked for could not be read.
    #[error("{name}: asked for, but {failure}")]
    NotSent {
        /// Its name.
        name: FileName,
        /// Why.
        failure: FileFailure,
    },
    /// Something was asked for whose name is none.
    #[error("asked for {0}")]
    BadName(FileNameError),
    /// A header that leads nowhere; the connection ended.
    #[error("{0}")]
    BadHeader(HeaderError),
    /// A `cmd` that we do not know; the connection ended.
    #[error("an unknown cmd {0:?}")]
    UnknownCommand(String),
    /// The peer said no, in these words.
    #[error("the peer says: {}", .0.escape_debug())]
    Refused(String),
}

impl Note {
    /// Whether something went as it should.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Stored { .. } | Self::Sending { .. })
    }
}

//! What a connection asks of the file system, and what it is answered.

use std::fs::File;
use std::sync::Arc;

use super::file_name::FileName;

/// The longest block of a file's content: 64 KiB. It is what one connection holds in memory.
pub const BLOCK_MAX: usize = 64 * 1024;

/// One thing for a file worker to do. Each is asked by a connection, and answered, before the next; only `Abandon` may
/// come while another is under way, when the connection has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileWork {
    /// Begin a file that nobody sees until it is finished. Answer: [`FileAnswer::Done`].
    Open {
        /// Its name once it is finished.
        name: FileName,
        /// How many bytes will follow.
        size: u64,
    },
    /// Append 1 to [`BLOCK_MAX`] bytes. Answer: [`FileAnswer::Done`].
    Block(Vec<u8>),
    /// Everything is there and is right: make it durable and give it its name, in place of a file that has it. Answer:
    /// [`FileAnswer::Done`].
    Finish,
    /// Leave nothing of what was begun. Never fails. Answer: [`FileAnswer::Done`].
    Abandon,
    /// Open a file for reading. Answer: [`FileAnswer::Found`].
    Find(FileName),
}

/// What the worker says.
#[derive(Clone, Debug)]
pub enum FileAnswer {
    /// It is done.
    Done,
    /// Here it is.
    Found {
        /// A regular file, open for reading.
        file: Arc<File>,
        /// Its length when it was opened, in bytes.
        length: u64,
    },
    /// It cannot be done. Of a file that was begun, nothing is left.
    Failed(FileFailure),
}

/// Why a file cannot be stored or read. The words are fit for a peer: they name nothing of the server's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFailure {
    /// The name stands for nothing.
    #[error("no such file")]
    Missing,
    /// The name stands for a directory, a link or a device.
    #[error("not a regular file")]
    NotAFile,
    /// The file system is full, or its quota is.
    #[error("the disk is full")]
    Full,
    /// The file grows beyond what the file system can hold.
    #[error("the file is too large")]
    TooLarge,
    /// The server may not.
    #[error("permission denied")]
    Denied,
    /// The server has too much open.
    #[error("too many files are open")]
    TooMany,
    /// Something was asked that does not follow from what was asked before: we are at fault.
    #[error("asked out of order")]
    OutOfOrder,
    /// Another error of the operating system, by its number (errno).
    #[error("the file system failed (error {0})")]
    System(i32),
}

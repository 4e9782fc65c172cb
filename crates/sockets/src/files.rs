//! Files on a disk, for `receive`: a worker that does what its connections ask, beneath one directory.
//!
//! A file is written under a name of its own that begins with a dot, made durable, and then takes its place in one step:
//! whoever looks sees the old file or the new one, never a mix. What is given up is removed at once, and what a crash
//! left is swept away when the directory is opened again.

mod content;
mod directory;
mod failure;
mod partial;
mod pool;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use landline_engine::protocol::ConnId;
use landline_engine::{Reply, Worker};
use landline_services::receive::{FileAnswer, FileWork};

pub use content::{content_md5, open_content};
use directory::Directory;
use pool::Pool;

/// Stores and finds files in one directory, on a few threads of its own. Serves the connections of one engine, which
/// it tells apart by their ids.
///
/// What connections ask is done in turn, one thing for each; what one connection asks is done in order. Dropped, it
/// finishes what is being done at this moment and removes what is not whole.
#[derive(Debug)]
pub struct FileWorker(Pool);

impl FileWorker {
    /// Holds the directory open from now on, whatever its path comes to mean, and removes what a crash left in it.
    ///
    /// # Errors
    /// The path is no directory, it cannot be read, or there are no threads.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let directory = Directory::open(directory)?;
        directory.sweep()?;
        Pool::start(directory).map(Self)
    }

    /// Has one thing done for a connection. `answer` is called on a thread of the worker's; where the worker ends
    /// first, it is dropped.
    pub fn submit(
        &self,
        connection: ConnId,
        work: FileWork,
        answer: impl FnOnce(FileAnswer) + Send + 'static,
    ) {
        self.0.submit(connection, work, Box::new(answer));
    }
}

impl Worker<FileWork, FileAnswer> for FileWorker {
    fn start(&self, work: FileWork, reply: Reply<FileAnswer>) {
        self.submit(reply.connection(), work, |answer| reply.answer(answer));
    }
}

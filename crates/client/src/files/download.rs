//! Fetching a whole tree, over one connection or several: each file comes over one of them.

use super::fetched::{FETCHED_MAX, Fetching};
use super::{Destination, Directory, FilesError, Listing, Progress, Skipped, Tally, blocking, get, together};
use crate::Connection;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::{Entry, EntryKind};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// Fetches everything in a remote directory into an open one. Files replace files of the same name; directories that
/// are there are filled up; links here are not followed, and what is neither file nor directory at the hub is left
/// out. What fails is told to `progress` and counted; the rest goes on. `resume` is as for [`get()`].
///
/// # Errors
/// What leaves no way to go on: the connection is gone, a disk is full, or the first directory cannot be read.
pub async fn download(
    connection: &Connection,
    from: &RemotePath,
    into: Directory,
    resume: bool,
    progress: &dyn Progress,
) -> Result<Tally, FilesError> {
    download_over(std::slice::from_ref(connection), from, into, resume, progress).await
}

/// The same over several connections to one hub at a time; over none, nothing is fetched.
///
/// # Errors
/// The same.
pub async fn download_over(
    connections: &[Connection],
    from: &RemotePath,
    into: Directory,
    resume: bool,
    progress: &dyn Progress,
) -> Result<Tally, FilesError> {
    let Some(connection) = connections.first() else {
        return Ok(Tally::default());
    };
    let (jobs, queue) = mpsc::channel(1);
    let queue = Mutex::new(queue);
    let walk = Walk {
        connection,
        progress,
        jobs,
        tally: Tally::default(),
        waiting: Vec::new(),
    };
    type Work<'a> = Pin<Box<dyn Future<Output = Result<Tally, FilesError>> + Send + 'a>>;
    let mut work: Vec<Work<'_>> = vec![Box::pin(walk.all(from, into))];
    for connection in connections {
        let receiving = Receiving {
            connection,
            resume,
            progress,
            small: Fetching::new(connection, resume, progress),
            tally: Tally::default(),
        };
        work.push(Box::pin(receiving.all(&queue)));
    }
    let mut sum = Tally::default();
    for tally in together(work).await? {
        sum.add(tally);
    }
    Ok(sum)
}

/// A file to be fetched.
struct Job {
    remote: RemotePath,
    destination: Destination,
    /// In bytes, when it was listed.
    size: u64,
}

/// Fetches what comes out of a queue over one connection.
struct Receiving<'a> {
    connection: &'a Connection,
    resume: bool,
    progress: &'a dyn Progress,
    small: Fetching<'a>,
    tally: Tally,
}

impl Receiving<'_> {
    async fn all(mut self, queue: &Mutex<mpsc::Receiver<Job>>) -> Result<Tally, FilesError> {
        loop {
            let next = queue.lock().await.recv().await;
            let Some(job) = next else { break };
            if let Err(error) = self.fetch(job).await {
                self.tally.fail(error, self.progress)?;
            }
        }
        self.small.settle(&mut self.tally).await?;
        Ok(self.tally)
    }

    async fn fetch(&mut self, job: Job) -> Result<(), FilesError> {
        let Job {
            remote,
            destination,
            size,
        } = job;
        if size <= FETCHED_MAX {
            return self.small.ask(remote, size, destination, &mut self.tally).await;
        }
        get(self.connection, &remote, &destination, self.resume, self.progress).await?;
        self.tally.done += 1;
        Ok(())
    }
}

/// Walks over the tree at the hub.
struct Walk<'a> {
    connection: &'a Connection,
    progress: &'a dyn Progress,
    jobs: mpsc::Sender<Job>,
    tally: Tally,
    /// Directories that have been seen and not yet been fetched. They are opened late, so that only those above the
    /// one under way are open: at most as many as a path is deep.
    waiting: Vec<Waiting>,
}

struct Waiting {
    parent: Arc<Directory>,
    name: OsString,
    remote: RemotePath,
}

impl Walk<'_> {
    async fn all(mut self, from: &RemotePath, into: Directory) -> Result<Tally, FilesError> {
        self.fetch(from, Arc::new(into)).await?;
        while let Some(next) = self.waiting.pop() {
            if let Err(error) = self.descend(next).await {
                self.tally.fail(error, self.progress)?;
            }
        }
        Ok(self.tally)
    }

    async fn descend(&mut self, next: Waiting) -> Result<(), FilesError> {
        let directory = blocking(move || next.parent.make_child(&next.name)).await?;
        self.fetch(&next.remote, Arc::new(directory)).await
    }

    /// Hands the files of one directory on, and notes its directories for later.
    async fn fetch(&mut self, remote: &RemotePath, local: Arc<Directory>) -> Result<(), FilesError> {
        let mut listing = Listing::new(remote.clone());
        let first = self.waiting.len();
        while let Some(page) = listing.next_page(self.connection).await? {
            for (name, entry) in page {
                if let Err(error) = self.take(remote, &local, name, &entry).await {
                    self.tally.fail(error, self.progress)?;
                }
            }
        }
        // The last one noted is the next one fetched.
        self.waiting[first..].reverse();
        Ok(())
    }

    async fn take(
        &mut self,
        remote: &RemotePath,
        local: &Arc<Directory>,
        name: Component,
        entry: &Entry,
    ) -> Result<(), FilesError> {
        // A component is one name and neither `.` nor `..`: it cannot lead out of the directory.
        let local_name = OsStr::from_bytes(name.as_bytes()).to_owned();
        let remote = remote.join(name).map_err(|error| FilesError::Path {
            path: local.path_of(&local_name),
            error,
        })?;
        match entry.kind {
            EntryKind::File => {
                let destination = Destination {
                    directory: Arc::clone(local),
                    name: local_name,
                };
                let job = Job {
                    remote,
                    destination,
                    size: entry.size,
                };
                self.jobs.send(job).await.map_err(|_| FilesError::Stopped)?;
            }
            EntryKind::Directory => {
                self.waiting.push(Waiting {
                    parent: Arc::clone(local),
                    name: local_name,
                    remote,
                });
            }
            _ => {
                self.tally.skipped += 1;
                self.progress.skipped(&Skipped::Remote(&remote));
            }
        }
        Ok(())
    }
}

//! Sending a whole tree, over one connection or several: each file goes over one of them.

use super::link::Link;
use super::put::{PutOptions, put_blocks};
use super::small::{BATCHES, Found, SmallFile, SmallWindow, read_directory};
use super::{
    Directory, FilesError, Progress, Skipped, Source, Tally, blocking, ensure_directory, make_directory,
    together,
};
use crate::Connection;
use landline_model::path::{Component, RemotePath};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// Sends everything in an open directory into a remote one, which is made where it is missing. Links are not followed:
/// they and special files are left out. What fails is told to `progress` and counted; the rest goes on.
///
/// # Errors
/// What leaves no way to go on: the connection is gone, a disk is full, or the first directory cannot be read or made.
pub async fn upload(
    connection: &Connection,
    from: Directory,
    into: &RemotePath,
    options: PutOptions,
    progress: &dyn Progress,
) -> Result<Tally, FilesError> {
    upload_over(std::slice::from_ref(connection), from, into, options, progress).await
}

/// The same over several connections to one hub at a time; over none, nothing is sent.
///
/// # Errors
/// The same.
pub async fn upload_over(
    connections: &[Connection],
    from: Directory,
    into: &RemotePath,
    options: PutOptions,
    progress: &dyn Progress,
) -> Result<Tally, FilesError> {
    let Some(connection) = connections.first() else {
        return Ok(Tally::default());
    };
    // What is missing above the first one stays missing; below it, files make the directories that they need.
    ensure_directory(connection, into).await?;
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
        let sending = Sending {
            connection,
            options,
            progress,
            small: SmallWindow::new(connection, options.overwrite, progress),
            ensured: None,
            tally: Tally::default(),
        };
        work.push(Box::pin(sending.all(&queue)));
    }
    let mut sum = Tally::default();
    for tally in together(work).await? {
        sum.add(tally);
    }
    Ok(sum)
}

/// A file to be sent, and the directory that it goes to.
struct Job {
    file: File,
    directory: RemotePath,
    remote: RemotePath,
}

enum File {
    Small(SmallFile),
    Large(Source),
}

/// Sends what comes out of a queue over one connection.
struct Sending<'a> {
    connection: &'a Connection,
    options: PutOptions,
    progress: &'a dyn Progress,
    small: SmallWindow<'a>,
    /// The directory that was last known to be there.
    ensured: Option<RemotePath>,
    tally: Tally,
}

impl Sending<'_> {
    async fn all(mut self, queue: &Mutex<mpsc::Receiver<Job>>) -> Result<Tally, FilesError> {
        loop {
            let next = queue.lock().await.recv().await;
            let Some(job) = next else { break };
            if let Err(error) = self.send(job).await {
                self.tally.fail(error, self.progress)?;
            }
        }
        self.small.settle(&mut self.tally).await?;
        Ok(self.tally)
    }

    async fn send(&mut self, job: Job) -> Result<(), FilesError> {
        match job.file {
            File::Small(file) => self.small.send(file, job.remote, &mut self.tally).await,
            File::Large(source) => {
                if !job.directory.components.is_empty() && self.ensured.as_ref() != Some(&job.directory) {
                    // The small files that would make it may be on their way yet.
                    make_directory(self.connection, &job.directory, true).await?;
                    self.ensured = Some(job.directory);
                }
                let link = Link::new(self.connection.clone(), None);
                put_blocks(&link, source, &job.remote, self.options, self.progress).await?;
                self.tally.done += 1;
                Ok(())
            }
        }
    }
}

/// Walks over the tree here.
struct Walk<'a> {
    connection: &'a Connection,
    progress: &'a dyn Progress,
    jobs: mpsc::Sender<Job>,
    tally: Tally,
    /// Directories that have been seen and not yet been sent. They are opened late, so that only those above the one
    /// under way are open: at most as many as a path is deep.
    waiting: Vec<Waiting>,
}

struct Waiting {
    parent: Arc<Directory>,
    name: OsString,
    remote: RemotePath,
}

impl Walk<'_> {
    async fn all(mut self, from: Directory, into: &RemotePath) -> Result<Tally, FilesError> {
        self.read(Arc::new(from), into).await?;
        while let Some(next) = self.waiting.pop() {
            if let Err(error) = self.descend(next).await {
                self.tally.fail(error, self.progress)?;
            }
        }
        Ok(self.tally)
    }

    async fn descend(&mut self, next: Waiting) -> Result<(), FilesError> {
        let directory = blocking(move || next.parent.open_child(&next.name)).await?;
        if !self.read(Arc::new(directory), &next.remote).await? {
            make_directory(self.connection, &next.remote, true).await?;
        }
        Ok(())
    }

    /// Hands the files of one directory on, and notes its directories for later. Says whether there was a file that makes
    /// the directory.
    async fn read(&mut self, local: Arc<Directory>, remote: &RemotePath) -> Result<bool, FilesError> {
        let (batches, mut queue) = mpsc::channel(BATCHES);
        let read = Arc::clone(&local);
        let reader = tokio::spawn(blocking(move || read_directory(&read, &batches)));
        let first = self.waiting.len();
        let mut makes_it = false;
        while let Some(batch) = queue.recv().await {
            for (name, found) in batch {
                makes_it |= matches!(found, Found::Small(_));
                if let Err(error) = self.take(&local, remote, name, found).await {
                    self.tally.fail(error, self.progress)?;
                }
            }
        }
        reader.await.map_err(|_| FilesError::Stopped)??;
        // The last one noted is the next one sent.
        self.waiting[first..].reverse();
        Ok(makes_it)
    }

    async fn take(
        &mut self,
        local: &Arc<Directory>,
        remote: &RemotePath,
        name: OsString,
        found: Found,
    ) -> Result<(), FilesError> {
        let path = || local.path_of(&name);
        let child = Component::new(name.as_bytes()).and_then(|component| remote.join(component));
        let child = child.map_err(|error| FilesError::Path { path: path(), error })?;
        match found {
            Found::Small(file) => self.hand_on(File::Small(file), remote, child).await,
            Found::Large(source) => self.hand_on(File::Large(source), remote, child).await,
            Found::Directory => {
                self.waiting.push(Waiting {
                    parent: Arc::clone(local),
                    name,
                    remote: child,
                });
                Ok(())
            }
            Found::Other(kind) => {
                self.tally.skipped += 1;
                self.progress.skipped(&Skipped::Local {
                    path: &path(),
                    kind: kind.described(),
                });
                Ok(())
            }
            Found::Failed(error) => Err(error),
        }
    }

    async fn hand_on(
        &self,
        file: File,
        directory: &RemotePath,
        remote: RemotePath,
    ) -> Result<(), FilesError> {
        let job = Job {
            file,
            directory: directory.clone(),
            remote,
        };
        self.jobs.send(job).await.map_err(|_| FilesError::Stopped)
    }
}

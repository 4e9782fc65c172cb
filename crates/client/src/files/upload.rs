//! Sending a whole tree.

use super::put::put_blocks;
use super::small::{BATCHES, Found, SmallWindow, read_directory};
use super::{Directory, FilesError, Progress, Skipped, Tally, blocking, ensure_directory};
use crate::Connection;
use landline_model::path::{Component, RemotePath};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Sends everything in an open directory into a remote one, which is made where it is missing. Links are not followed:
/// they and special files are left out. What fails is told to `progress` and counted; the rest goes on.
///
/// # Errors
/// What leaves no way to go on: the connection is gone, a disk is full, or the first directory cannot be read or made.
pub async fn upload(
    connection: &Connection,
    from: Directory,
    into: &RemotePath,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<Tally, FilesError> {
    let mut upload = Upload {
        connection,
        overwrite,
        progress,
        small: SmallWindow::new(connection, overwrite, progress),
        tally: Tally::default(),
        waiting: Vec::new(),
    };
    // What is missing above the first one stays missing; below it, files make the directories that they need.
    ensure_directory(connection, into).await?;
    upload.send(Arc::new(from), into).await?;
    while let Some(next) = upload.waiting.pop() {
        if let Err(error) = upload.descend(next).await {
            upload.tally.fail(error, progress)?;
        }
    }
    upload.small.settle(&mut upload.tally).await?;
    Ok(upload.tally)
}

struct Upload<'a> {
    connection: &'a Connection,
    overwrite: bool,
    progress: &'a dyn Progress,
    small: SmallWindow<'a>,
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

impl Upload<'_> {
    async fn descend(&mut self, next: Waiting) -> Result<(), FilesError> {
        let directory = blocking(move || next.parent.open_child(&next.name)).await?;
        if !self.send(Arc::new(directory), &next.remote).await? {
            ensure_directory(self.connection, &next.remote).await?;
        }
        Ok(())
    }

    /// Sends the files of one directory, and notes its directories for later. Says whether there was a file that makes
    /// the directory.
    async fn send(&mut self, local: Arc<Directory>, remote: &RemotePath) -> Result<bool, FilesError> {
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
            Found::Small(file) => self.small.send(file, child, &mut self.tally).await?,
            Found::Large(source) => {
                ensure_directory(self.connection, remote).await?;
                put_blocks(self.connection, source, &child, self.overwrite, self.progress).await?;
                self.tally.done += 1;
            }
            Found::Directory => self.waiting.push(Waiting {
                parent: Arc::clone(local),
                name,
                remote: child,
            }),
            Found::Other(kind) => {
                self.tally.skipped += 1;
                self.progress.skipped(&Skipped::Local {
                    path: &path(),
                    kind: kind.described(),
                });
            }
            Found::Failed(error) => return Err(error),
        }
        Ok(())
    }
}

//! Fetching a whole tree.

use super::fetched::{FETCHED_MAX, Fetching};
use super::{Destination, Directory, FilesError, Listing, Progress, Skipped, Tally, blocking, get};
use crate::Connection;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::{Entry, EntryKind};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

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
    let mut download = Download {
        connection,
        resume,
        progress,
        small: Fetching::new(connection, resume, progress),
        tally: Tally::default(),
        waiting: Vec::new(),
    };
    download.fetch(from, Arc::new(into)).await?;
    while let Some(next) = download.waiting.pop() {
        if let Err(error) = download.descend(next).await {
            download.tally.fail(error, progress)?;
        }
    }
    download.small.settle(&mut download.tally).await?;
    Ok(download.tally)
}

struct Download<'a> {
    connection: &'a Connection,
    resume: bool,
    progress: &'a dyn Progress,
    small: Fetching<'a>,
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

impl Download<'_> {
    async fn descend(&mut self, next: Waiting) -> Result<(), FilesError> {
        let directory = blocking(move || next.parent.make_child(&next.name)).await?;
        self.fetch(&next.remote, Arc::new(directory)).await
    }

    /// Fetches the files of one directory, and notes its directories for later.
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
                if entry.size <= FETCHED_MAX {
                    return self
                        .small
                        .ask(remote, entry.size, destination, &mut self.tally)
                        .await;
                }
                get(self.connection, &remote, &destination, self.resume, self.progress).await?;
                self.tally.done += 1;
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

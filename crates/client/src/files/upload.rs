//! Sending a whole tree.

use super::{Directory, FilesError, Kind, Progress, Skipped, Source, Tally, blocking, ensure_directory, put};
use crate::Connection;
use landline_model::path::{Component, RemotePath};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

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
        tally: Tally::default(),
        waiting: Vec::new(),
    };
    upload.send(Arc::new(from), into).await?;
    while let Some(next) = upload.waiting.pop() {
        if let Err(error) = upload.descend(next).await {
            upload.tally.fail(error, progress)?;
        }
    }
    Ok(upload.tally)
}

struct Upload<'a> {
    connection: &'a Connection,
    overwrite: bool,
    progress: &'a dyn Progress,
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
        self.send(Arc::new(directory), &next.remote).await
    }

    /// Sends the files of one directory, and notes its directories for later.
    async fn send(&mut self, local: Arc<Directory>, remote: &RemotePath) -> Result<(), FilesError> {
        let listed = Arc::clone(&local);
        let names = blocking(move || listed.names()).await?;
        ensure_directory(self.connection, remote).await?;
        let first = self.waiting.len();
        for name in names {
            if let Err(error) = self.take(&local, remote, name).await {
                self.tally.fail(error, self.progress)?;
            }
        }
        // The last one noted is the next one sent.
        self.waiting[first..].reverse();
        Ok(())
    }

    async fn take(
        &mut self,
        local: &Arc<Directory>,
        remote: &RemotePath,
        name: OsString,
    ) -> Result<(), FilesError> {
        let path = local.path_of(&name);
        let remote = Component::new(name.as_bytes()).and_then(|component| remote.join(component));
        let remote = remote.map_err(|error| FilesError::Path {
            path: path.clone(),
            error,
        })?;
        match local.kind_of(&name)? {
            Some(Kind::File) => {
                let directory = Arc::clone(local);
                let source = blocking(move || Source::open_in(&directory, &name)).await?;
                put(self.connection, source, &remote, self.overwrite, self.progress).await?;
                self.tally.done += 1;
            }
            Some(Kind::Directory) => {
                self.waiting.push(Waiting {
                    parent: Arc::clone(local),
                    name,
                    remote,
                });
            }
            Some(kind) => {
                self.tally.skipped += 1;
                self.progress.skipped(&Skipped::Local {
                    path: &path,
                    kind: kind.described(),
                });
            }
            // It was there a moment ago; somebody removed it, and there is nothing to send.
            None => {}
        }
        Ok(())
    }
}

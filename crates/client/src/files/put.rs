//! Sending one file: read once, hashed on the way, several blocks under way at a time.

use super::small::{SMALL_MAX, SmallFile, put_small};
use super::window::Window;
use super::{Direction, FilesError, Progress, Source, Transfer, blocking};
use crate::Connection;
use landline_model::id::UploadId;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Entry, PutAbort, PutFinish, PutOpen};
use tokio::sync::mpsc;

/// Blocks that are read and hashed but not yet sent.
const READ_AHEAD_BLOCKS: usize = 2;

/// Sends a file, a small one in one message. It appears at the hub, in place of a file that is there if `overwrite` says so, once all of it is
/// there and right; when anything fails, what stood there stays and the upload is given up.
///
/// # Errors
/// Any [`FilesError`] but `Mismatch` and `Path`.
pub async fn put(
    connection: &Connection,
    source: Source,
    path: &RemotePath,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<Entry, FilesError> {
    if source.size() > SMALL_MAX {
        return put_blocks(connection, source, path, overwrite, progress).await;
    }
    let file = blocking(move || SmallFile::read(source)).await?;
    put_small(connection, file, path, overwrite, progress).await
}

/// As [`put`], block by block.
pub(super) async fn put_blocks(
    connection: &Connection,
    source: Source,
    path: &RemotePath,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<Entry, FilesError> {
    let size = source.size();
    let local = source.path().to_owned();
    let open = PutOpen {
        path: path.clone(),
        size,
        overwrite,
        attributes: source.attributes(),
        resume: None,
    };
    let opened = connection.call(&open).await?;
    let transfer = Transfer {
        direction: Direction::Put,
        local: &local,
        remote: path,
        size,
    };
    progress.begins(&transfer);
    let sending = Sending {
        connection,
        path,
        upload: opened.upload,
        progress,
    };
    match sending.send(source, opened.offset).await {
        Ok(entry) => {
            progress.done(&transfer);
            Ok(entry)
        }
        Err(error) => {
            // Where the hub cannot be told, it finds out by itself when the upload's time is over.
            let _ = connection
                .call(&PutAbort {
                    upload: opened.upload,
                })
                .await;
            Err(error)
        }
    }
}

struct Sending<'a> {
    connection: &'a Connection,
    path: &'a RemotePath,
    upload: UploadId,
    progress: &'a dyn Progress,
}

impl Sending<'_> {
    async fn send(&self, source: Source, offset: u64) -> Result<Entry, FilesError> {
        if offset != 0 {
            let what = "a new upload that does not begin at its beginning";
            return Err(FilesError::Protocol {
                path: self.path.clone(),
                what,
            });
        }
        let (blocks, mut queue) = mpsc::channel(READ_AHEAD_BLOCKS);
        let reader = tokio::spawn(blocking(move || source.read(&blocks)));
        let mut window = Window::new(self.connection, self.path, self.upload);
        while let Some(block) = queue.recv().await {
            self.progress.moved(window.send(block).await?);
        }
        // The reader ends before the last blocks are acknowledged; where the file changed, they are not waited for.
        let hash = reader.await.map_err(|_| FilesError::Stopped)??;
        while let Some(bytes) = window.acknowledged().await? {
            self.progress.moved(bytes);
        }
        let finish = PutFinish {
            upload: self.upload,
            size: window.sent(),
            hash,
        };
        Ok(self.connection.call(&finish).await?)
    }
}

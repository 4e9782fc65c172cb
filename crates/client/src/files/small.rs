//! Small files on their way to the hub, many at a time: each whole in one message.

use super::{Direction, Directory, FilesError, Kind, Progress, Source, Tally, Transfer};
use crate::{Connection, Pending};
use bytes::Bytes;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Attributes, Entry, PutFile};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// The largest file that travels whole, in bytes. A larger one can be resumed in the middle.
pub(super) const SMALL_MAX: u64 = 1024 * 1024;

/// How many small files, and about how many of their bytes, may be on their way before the oldest is acknowledged: twice
/// what a hub makes durable together, so that it has the next ones when it is done with the first.
const WINDOW_FILES: usize = 512;
const WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// How many things of a directory, and about how many bytes, are read before they are handed on.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 1024 * 1024;

/// How many such batches wait.
pub(super) const BATCHES: usize = 2;

/// What stands under a name of a directory here.
pub(super) enum Found {
    Small(SmallFile),
    Large(Source),
    Directory,
    Other(Kind),
    Failed(FilesError),
}

/// A small file, read.
pub(super) struct SmallFile {
    path: PathBuf,
    content: Bytes,
    hash: Hash,
    attributes: Attributes,
}

/// What a thread has found of a directory.
pub(super) type Batch = Vec<(OsString, Found)>;

/// Reads what stands in a directory, in the order of the names. Waits while nobody takes it.
///
/// # Errors
/// Where the names cannot be read; [`FilesError::Stopped`] where nobody wants them any more.
pub(super) fn read_directory(directory: &Directory, batches: &mpsc::Sender<Batch>) -> Result<(), FilesError> {
    let hand_on = |batch| batches.blocking_send(batch).map_err(|_| FilesError::Stopped);
    let (mut batch, mut bytes) = (Batch::new(), 0);
    for name in directory.names()? {
        let found = match find(directory, &name) {
            Ok(Some(found)) => found,
            // It was there a moment ago; somebody removed it, and there is nothing to send.
            Ok(None) => continue,
            Err(error) => Found::Failed(error),
        };
        if let Found::Small(file) = &found {
            bytes += file.size();
        }
        batch.push((name, found));
        if batch.len() >= BATCH_FILES || bytes >= BATCH_BYTES {
            hand_on(std::mem::take(&mut batch))?;
            bytes = 0;
        }
    }
    if batch.is_empty() { Ok(()) } else { hand_on(batch) }
}

fn find(directory: &Directory, name: &OsString) -> Result<Option<Found>, FilesError> {
    Ok(match directory.kind_of(name)? {
        None => None,
        Some(Kind::Directory) => Some(Found::Directory),
        Some(Kind::File) => {
            let source = Source::open_in(directory, name)?;
            Some(if source.size() <= SMALL_MAX {
                Found::Small(SmallFile::read(source)?)
            } else {
                Found::Large(source)
            })
        }
        Some(kind) => Some(Found::Other(kind)),
    })
}

impl SmallFile {
    /// Reads a file of at most [`SMALL_MAX`] bytes.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`], and those of the disk.
    pub(super) fn read(source: Source) -> Result<Self, FilesError> {
        let (path, attributes) = (source.path().to_owned(), source.attributes());
        let content = source.read_whole()?;
        Ok(Self {
            path,
            hash: blake3::hash(&content).into(),
            content,
            attributes,
        })
    }

    fn size(&self) -> u64 {
        self.content.len() as u64
    }
}

/// Small files that are sent and not yet acknowledged, oldest first.
pub(super) struct SmallWindow<'a> {
    connection: &'a Connection,
    overwrite: bool,
    progress: &'a dyn Progress,
    sent: VecDeque<Sent>,
    bytes: u64,
}

struct Sent {
    pending: Pending<PutFile>,
    local: PathBuf,
    remote: RemotePath,
    size: u64,
}

impl<'a> SmallWindow<'a> {
    pub(super) fn new(connection: &'a Connection, overwrite: bool, progress: &'a dyn Progress) -> Self {
        Self {
            connection,
            overwrite,
            progress,
            sent: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Sends one, and what is missing above it is made. Where the window is full, the oldest are waited for first.
    ///
    /// # Errors
    /// What leaves no way to go on.
    pub(super) async fn send(
        &mut self,
        file: SmallFile,
        remote: RemotePath,
        tally: &mut Tally,
    ) -> Result<(), FilesError> {
        while self.sent.len() >= WINDOW_FILES || (self.bytes >= WINDOW_BYTES && !self.sent.is_empty()) {
            self.settle_oldest(tally).await?;
        }
        let size = file.size();
        let call = PutFile {
            path: remote,
            hash: file.hash,
            overwrite: self.overwrite,
            parents: true,
            attributes: file.attributes,
        };
        let pending = self.connection.start(&call, file.content).await?;
        self.bytes += size;
        self.sent.push_back(Sent {
            pending,
            local: file.path,
            remote: call.path,
            size,
        });
        Ok(())
    }

    /// Waits until all are acknowledged.
    ///
    /// # Errors
    /// What leaves no way to go on.
    pub(super) async fn settle(&mut self, tally: &mut Tally) -> Result<(), FilesError> {
        while !self.sent.is_empty() {
            self.settle_oldest(tally).await?;
        }
        Ok(())
    }

    async fn settle_oldest(&mut self, tally: &mut Tally) -> Result<(), FilesError> {
        let Some(Sent {
            pending,
            local,
            remote,
            size,
        }) = self.sent.pop_front()
        else {
            return Ok(());
        };
        self.bytes -= size;
        if let Err(error) = pending.finished().await {
            return tally.fail(error.into(), self.progress);
        }
        tell(self.progress, &local, &remote, size);
        tally.done += 1;
        Ok(())
    }
}

/// Sends one alone.
///
/// # Errors
/// The hub's refusal, or how the connection ended.
pub(super) async fn put_small(
    connection: &Connection,
    file: &SmallFile,
    remote: &RemotePath,
    overwrite: bool,
    progress: &dyn Progress,
) -> Result<Entry, FilesError> {
    let size = file.size();
    let call = PutFile {
        path: remote.clone(),
        hash: file.hash,
        overwrite,
        parents: false,
        attributes: file.attributes,
    };
    let entry = connection.exchange(&call, file.content.clone()).await?.reply;
    tell(progress, &file.path, remote, size);
    Ok(entry)
}

/// A small file is told of when it is all over: it is under way for as long as a sync takes.
fn tell(progress: &dyn Progress, local: &std::path::Path, remote: &RemotePath, size: u64) {
    let transfer = Transfer {
        direction: Direction::Put,
        local,
        remote,
        size,
    };
    progress.begins(&transfer);
    progress.moved(size);
    progress.done(&transfer);
}

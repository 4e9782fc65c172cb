//! Small files on their way from the hub, many at a time: asked for one behind the other, and written together.

use super::temporary::Temporary;
use super::{Destination, Direction, Directory, FilesError, Progress, Tally, Transfer, blocking, get};
use crate::{Connection, Parts, Streamed};
use bytes::Bytes;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Attributes, Get, Got, Piece};
use rustix::fs::{fstat, syncfs};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The largest file that is fetched this way, in bytes: what a hub sends in one piece.
pub(super) const FETCHED_MAX: u64 = 256 * 1024;

/// How many, and about how many of their bytes, may be asked for before the oldest has come.
const WINDOW_FILES: usize = 256;
const WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// How many files, and about how many of their bytes, are written and synced together.
const BATCH_FILES: usize = 256;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Up to so many files are synced one by one; of more, the file system as a whole.
const SYNCED_ONE_BY_ONE: usize = 4;

/// Small files that are asked for, and those that have come.
pub(super) struct Fetching<'a> {
    connection: &'a Connection,
    resume: bool,
    progress: &'a dyn Progress,
    asked: VecDeque<Asked>,
    /// Of those that are asked for, as listed.
    asked_bytes: u64,
    arrived: Vec<Arrived>,
    bytes: usize,
    /// Those that are written while the next ones come.
    writing: Option<JoinHandle<Result<Vec<Outcome>, FilesError>>>,
}

struct Asked {
    parts: Parts<Get>,
    remote: RemotePath,
    destination: Destination,
    /// As listed, in bytes.
    size: u64,
}

struct Arrived {
    remote: RemotePath,
    destination: Destination,
    content: Bytes,
    attributes: Attributes,
}

/// A file that was to be written, and whether it was.
struct Outcome {
    remote: RemotePath,
    local: PathBuf,
    size: u64,
    result: Result<(), FilesError>,
}

impl<'a> Fetching<'a> {
    pub(super) fn new(connection: &'a Connection, resume: bool, progress: &'a dyn Progress) -> Self {
        Self {
            connection,
            resume,
            progress,
            asked: VecDeque::with_capacity(WINDOW_FILES),
            asked_bytes: 0,
            arrived: Vec::new(),
            bytes: 0,
            writing: None,
        }
    }

    /// Asks for one. Where enough were asked for, the oldest is waited for first.
    ///
    /// # Errors
    /// What leaves no way to go on.
    pub(super) async fn ask(
        &mut self,
        remote: RemotePath,
        size: u64,
        destination: Destination,
        tally: &mut Tally,
    ) -> Result<(), FilesError> {
        while self.asked.len() >= WINDOW_FILES || self.asked_bytes >= WINDOW_BYTES {
            self.take_oldest(tally).await?;
        }
        let call = Get {
            path: remote,
            offset: 0,
            version: None,
        };
        let parts = self.connection.stream(&call).await?;
        self.asked_bytes += size;
        self.asked.push_back(Asked {
            parts,
            remote: call.path,
            destination,
            size,
        });
        Ok(())
    }

    /// Waits until all have come and are written.
    ///
    /// # Errors
    /// What leaves no way to go on.
    pub(super) async fn settle(&mut self, tally: &mut Tally) -> Result<(), FilesError> {
        while !self.asked.is_empty() {
            self.take_oldest(tally).await?;
        }
        self.write(tally).await?;
        self.written(tally).await
    }

    async fn take_oldest(&mut self, tally: &mut Tally) -> Result<(), FilesError> {
        let Some(asked) = self.asked.pop_front() else {
            return Ok(());
        };
        self.asked_bytes -= asked.size;
        match self.receive(asked).await {
            Ok(Some(arrived)) => {
                self.bytes += arrived.content.len();
                self.arrived.push(arrived);
            }
            Ok(None) => tally.done += 1,
            Err(error) => tally.fail(error, self.progress)?,
        }
        if self.arrived.len() >= BATCH_FILES || self.bytes >= BATCH_BYTES {
            self.write(tally).await?;
        }
        Ok(())
    }

    /// What was asked for; none: it has grown meanwhile, and was fetched like any other.
    async fn receive(&self, asked: Asked) -> Result<Option<Arrived>, FilesError> {
        let Asked {
            mut parts,
            remote,
            destination,
            ..
        } = asked;
        let mut content = Bytes::new();
        loop {
            match parts.next_as::<Piece>().await? {
                Streamed::Part { part, body } if content.is_empty() && part.size == body.len() as u64 => {
                    content = body;
                }
                Streamed::Part { .. } => {
                    drop(parts);
                    get(self.connection, &remote, &destination, self.resume, self.progress).await?;
                    return Ok(None);
                }
                Streamed::End(answer) => {
                    let Got {
                        size,
                        hash,
                        attributes,
                    } = answer.reply;
                    if content.is_empty() {
                        content = answer.body;
                    }
                    if size != content.len() as u64 || hash != Hash::from(blake3::hash(&content)) {
                        return Err(FilesError::Mismatch { path: remote });
                    }
                    return Ok(Some(Arrived {
                        remote,
                        destination,
                        content,
                        attributes,
                    }));
                }
            }
        }
    }

    /// Begins to write what has come, when what came before is written.
    async fn write(&mut self, tally: &mut Tally) -> Result<(), FilesError> {
        self.written(tally).await?;
        let arrived = std::mem::take(&mut self.arrived);
        self.bytes = 0;
        if !arrived.is_empty() {
            self.writing = Some(tokio::spawn(blocking(move || publish(arrived))));
        }
        Ok(())
    }

    async fn written(&mut self, tally: &mut Tally) -> Result<(), FilesError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        for outcome in writing.await.map_err(|_| FilesError::Stopped)?? {
            let Outcome {
                remote,
                local,
                size,
                result,
            } = outcome;
            if let Err(error) = result {
                tally.fail(error, self.progress)?;
                continue;
            }
            let transfer = Transfer {
                direction: Direction::Get,
                local: &local,
                remote: &remote,
                size,
            };
            self.progress.begins(&transfer);
            self.progress.moved(size);
            self.progress.done(&transfer);
            tally.done += 1;
        }
        Ok(())
    }
}

/// Writes files, syncs them together, and gives them their names.
///
/// # Errors
/// Where they cannot be synced: then none has appeared. What fails for one file is its own outcome.
fn publish(arrived: Vec<Arrived>) -> Result<Vec<Outcome>, FilesError> {
    let mut directories: Vec<Arc<Directory>> = Vec::new();
    for file in &arrived {
        let directory = &file.destination.directory;
        if !directories
            .last()
            .is_some_and(|last| Arc::ptr_eq(last, directory))
        {
            directories.push(Arc::clone(directory));
        }
    }
    let written: Vec<_> = arrived.iter().map(write).collect();
    sync(&directories, &written)?;
    let mut outcomes = Vec::with_capacity(arrived.len());
    for (file, temporary) in arrived.into_iter().zip(written) {
        let result = temporary.and_then(|temporary| temporary.publish(&file.destination.name));
        outcomes.push(Outcome {
            local: file.destination.path(),
            remote: file.remote,
            size: file.content.len() as u64,
            result,
        });
    }
    for directory in directories {
        directory.sync()?;
    }
    Ok(outcomes)
}

fn write(file: &Arrived) -> Result<Temporary, FilesError> {
    let Destination { directory, name } = &file.destination;
    file.destination.check()?;
    Temporary::with_content(directory, name, &file.attributes, &file.content)
}

fn sync(directories: &[Arc<Directory>], written: &[Result<Temporary, FilesError>]) -> Result<(), FilesError> {
    if written.len() <= SYNCED_ONE_BY_ONE {
        return written.iter().flatten().try_for_each(Temporary::sync);
    }
    let mut synced = BTreeSet::new();
    for directory in directories {
        let failed = |error| FilesError::local(directory.path(), error);
        // A tree may lie on several file systems.
        let device = fstat(directory).map_err(failed)?.st_dev;
        if synced.insert(device) {
            syncfs(directory).map_err(failed)?;
        }
    }
    Ok(())
}

//! Fetching one file: it appears, or changes its content, only when all of it is here, is right, and is on the disk.

use super::temporary::Temporary;
use super::{Direction, Directory, FilesError, Kind, Progress, Transfer, blocking};
use crate::{Connection, Streamed};
use bytes::Bytes;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Get, Got, Piece};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pieces between network and disk, 1 MiB each at most: enough that neither waits for the other's hiccups.
const QUEUE_PIECES: usize = 4;

/// Where a fetched file is to appear: a name in an open directory.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The directory.
    pub directory: Arc<Directory>,
    /// One name, without `/`, and neither `.` nor `..`.
    pub name: OsString,
}

/// Fetches a file. It takes the place of a file or link that has the name, at once and whole; when anything fails,
/// what stood there stays and nothing is left beside it.
///
/// # Errors
/// Any [`FilesError`] but `SourceChanged` and `Path`.
pub async fn get(
    connection: &Connection,
    path: &RemotePath,
    destination: &Destination,
    progress: &dyn Progress,
) -> Result<Got, FilesError> {
    // It stays here, and not with the thread that writes to it, so that whoever drops this future finds it removed.
    let mut temporary = destination.prepare()?;
    let file = temporary.file()?;
    let local = destination.path();
    let (pieces, queue) = mpsc::channel(QUEUE_PIECES);
    let shown = local.clone();
    let writer = tokio::spawn(blocking(move || write(file, &shown, queue)));
    let received = Receiving {
        path,
        local: &local,
        progress,
        pieces,
    }
    .receive(connection)
    .await;
    // A full disk also ends the receiving; then it is the disk's error that tells why.
    let written = writer.await.map_err(|_| FilesError::Stopped)??;
    let got = received?;
    if written != (got.size, got.hash) {
        return Err(FilesError::Mismatch { path: path.clone() });
    }
    // Whoever drops this future meanwhile finds the file there or not, and nothing beside it.
    let (directory, name) = (Arc::clone(&destination.directory), destination.name.clone());
    blocking(move || {
        temporary.take_on(&got.attributes)?;
        temporary.sync()?;
        temporary.publish(&name)?;
        directory.sync()
    })
    .await?;
    progress.done(&Transfer {
        direction: Direction::Get,
        local: &local,
        remote: path,
        size: got.size,
    });
    Ok(got)
}

impl Destination {
    /// How it is shown.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path_of(&self.name)
    }

    /// Makes the file to write to, unless something stands in the way that a file must not replace.
    pub(super) fn prepare(&self) -> Result<Temporary, FilesError> {
        match self.directory.kind_of(&self.name)? {
            None | Some(Kind::File | Kind::Link) => Temporary::create(&self.directory, &self.name),
            Some(kind) => Err(FilesError::NotAFile {
                path: self.path(),
                kind: kind.described(),
            }),
        }
    }
}

struct Receiving<'a> {
    path: &'a RemotePath,
    local: &'a Path,
    progress: &'a dyn Progress,
    pieces: mpsc::Sender<Bytes>,
}

impl Receiving<'_> {
    async fn receive(self, connection: &Connection) -> Result<Got, FilesError> {
        let mut parts = connection
            .stream(&Get {
                path: self.path.clone(),
                offset: 0,
            })
            .await?;
        let mut received = 0;
        let mut announced = None;
        loop {
            match parts.next_as::<Piece>().await? {
                Streamed::Part { part, body } => {
                    self.check(part, received, announced)?;
                    if announced.is_none() {
                        self.begins(part.size);
                        announced = Some(part.size);
                    }
                    let bytes = body.len() as u64;
                    received += bytes;
                    self.pieces.send(body).await.map_err(|_| FilesError::Stopped)?;
                    self.progress.moved(bytes);
                }
                Streamed::End(answer) => {
                    if announced.is_none() {
                        self.begins(answer.reply.size);
                    }
                    return Ok(answer.reply);
                }
            }
        }
    }

    fn check(&self, piece: Piece, received: u64, announced: Option<u64>) -> Result<(), FilesError> {
        if piece.offset != received {
            return Err(self.nonsense("a piece that does not begin where the one before it ended"));
        }
        if announced.is_some_and(|size| size != piece.size) {
            return Err(self.nonsense("a size that changes on the way"));
        }
        Ok(())
    }

    fn nonsense(&self, what: &'static str) -> FilesError {
        FilesError::Protocol {
            path: self.path.clone(),
            what,
        }
    }

    fn begins(&self, size: u64) {
        let transfer = Transfer {
            direction: Direction::Get,
            local: self.local,
            remote: self.path,
            size,
        };
        self.progress.begins(&transfer);
    }
}

/// Writes and hashes what comes, until nothing comes any more; says what that was.
fn write(mut file: File, shown: &Path, mut queue: mpsc::Receiver<Bytes>) -> Result<(u64, Hash), FilesError> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    while let Some(piece) = queue.blocking_recv() {
        file.write_all(&piece)
            .map_err(|error| FilesError::local(shown, error))?;
        hasher.update(&piece);
        size += piece.len() as u64;
    }
    Ok((size, hasher.finalize().into()))
}

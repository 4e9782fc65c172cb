//! Fetching one file: it appears, or changes its content, only when all of it is here, is right, and is on the disk.

use super::kept::{Arriving, Kept};
use super::link::Link;
use super::retry::is_passing;
use super::temporary::Temporary;
use super::{Direction, Directory, FilesError, Kind, Phase, Progress, Transfer, blocking};
use crate::{Connection, Parts, Streamed};
use bytes::Bytes;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Get, Got, Piece};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// As [`get_over`], over this connection alone.
///
/// # Errors
/// As [`get_over`].
pub async fn get(
    connection: &Connection,
    path: &RemotePath,
    destination: &Destination,
    resume: bool,
    progress: &dyn Progress,
) -> Result<Got, FilesError> {
    let link = Link::new(connection.clone(), None);
    get_over(&link, path, destination, resume, progress).await
}

/// Fetches a file. It takes the place of a file or link that has the name, at once and whole; when anything fails,
/// what stood there stays. With `resume`, what has come of a large one is kept beside it until then, and the next attempt
/// goes on with it where the hub still has the same content; so does this one when the link is lost. Without, nothing is
/// left beside it.
///
/// # Errors
/// Any [`FilesError`] but `SourceChanged` and `Path`.
pub async fn get_over(
    link: &Link,
    path: &RemotePath,
    destination: &Destination,
    resume: bool,
    progress: &dyn Progress,
) -> Result<Got, FilesError> {
    let moved = AtomicU64::new(0);
    let mut outage = None;
    loop {
        let before = moved.load(Ordering::Relaxed);
        match attempt(&link.connection(), path, destination, resume, (progress, &moved)).await {
            Err(FilesError::Hub(why)) if is_passing(&why) => {
                if moved.load(Ordering::Relaxed) > before {
                    // It is another outage.
                    outage = None;
                }
                progress.phase(Phase::Waiting);
                link.reconnect(&mut outage, why).await?;
            }
            ended => return ended,
        }
    }
}

async fn attempt(
    connection: &Connection,
    path: &RemotePath,
    destination: &Destination,
    resume: bool,
    (progress, moved): (&dyn Progress, &AtomicU64),
) -> Result<Got, FilesError> {
    destination.check()?;
    let kept = {
        let Destination { directory, name } = destination.clone();
        blocking(move || Kept::find(&directory, &name)).await?
    };
    let kept = match kept {
        Some(kept) if !resume => {
            kept.temporary.discard();
            None
        }
        kept => kept,
    };
    let fetching = Fetching {
        path,
        destination,
        local: &destination.path(),
        resume,
        progress,
        moved,
    };
    let goes_on = kept.is_some();
    match fetching.fetch(connection, kept).await {
        // What was kept is of other content, or was changed here: then all of it is fetched.
        Err(error) if goes_on && error.is_mismatch() => fetching.fetch(connection, None).await,
        fetched => fetched,
    }
}

impl Destination {
    /// How it is shown.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.path_of(&self.name)
    }

    /// Makes the file to write to, unless something stands in the way that a file must not replace.
    pub(super) fn prepare(&self) -> Result<Temporary, FilesError> {
        self.check()?;
        Temporary::create(&self.directory, &self.name)
    }

    /// Whether a file may appear here.
    pub(super) fn check(&self) -> Result<(), FilesError> {
        match self.directory.kind_of(&self.name)? {
            None | Some(Kind::File | Kind::Link) => Ok(()),
            Some(kind) => Err(FilesError::NotAFile {
                path: self.path(),
                kind: kind.described(),
            }),
        }
    }
}

struct Fetching<'a> {
    path: &'a RemotePath,
    destination: &'a Destination,
    local: &'a Path,
    resume: bool,
    progress: &'a dyn Progress,
    /// How many bytes have come.
    moved: &'a AtomicU64,
}

impl Fetching<'_> {
    async fn fetch(&self, connection: &Connection, kept: Option<Kept>) -> Result<Got, FilesError> {
        let begun = kept.as_ref().map_or(0, |kept| kept.arriving.length());
        let call = Get {
            path: self.path.clone(),
            offset: begun,
            version: kept.as_ref().map(|kept| kept.version),
        };
        let mut parts = connection.stream(&call).await?;
        let first = match parts.next_as::<Piece>().await {
            Ok(first) => first,
            Err(error) => {
                let error = FilesError::from(error);
                if let Some(kept) = kept.filter(|_| error.is_mismatch()) {
                    kept.temporary.discard();
                }
                return Err(error);
            }
        };
        let size = match &first {
            Streamed::Part { part, .. } => part.size,
            Streamed::End(answer) => answer.reply.size,
        };
        let kept = match kept {
            Some(kept) if kept.size != size => {
                kept.temporary.discard();
                return Err(self.mismatch());
            }
            kept => kept,
        };
        // The temporary file stays here, and not with the thread that writes to it, so that whoever drops this future
        // finds it removed, unless it is kept.
        let (temporary, arriving) = self.place(kept, &first).await?;
        self.begins(size, begun);
        self.progress.phase(Phase::Sending);
        let (pieces, queue) = mpsc::channel(QUEUE_PIECES);
        let shown = self.local.to_owned();
        let writer = tokio::spawn(blocking(move || write(arriving, &shown, queue)));
        let mut receiving = Receiving {
            path: self.path,
            progress: self.progress,
            moved: self.moved,
            size,
            received: begun,
            pieces,
        };
        let received = receiving.receive(first, parts).await;
        drop(receiving);
        // A full disk also ends the receiving; then it is the disk's error that tells why.
        let written = writer.await.map_err(|_| FilesError::Stopped)??;
        let got = received?;
        if written != (got.size, got.hash) {
            temporary.discard();
            return Err(self.mismatch());
        }
        self.publish(temporary, got).await?;
        Ok(got)
    }

    /// Where the bytes go: what is kept and goes on, what is to be kept, or a file for this attempt alone.
    async fn place(
        &self,
        kept: Option<Kept>,
        first: &Streamed<Got, Piece>,
    ) -> Result<(Temporary, Arriving), FilesError> {
        let kept = match (kept, first) {
            (Some(kept), _) => Some(kept),
            (
                None,
                Streamed::Part {
                    part:
                        Piece {
                            version: Some(version),
                            size,
                            ..
                        },
                    ..
                },
            ) if self.resume => {
                let (Destination { directory, name }, version, size) =
                    (self.destination.clone(), *version, *size);
                blocking(move || Kept::begin(&directory, &name, version, size)).await?
            }
            _ => None,
        };
        if let Some(Kept {
            temporary, arriving, ..
        }) = kept
        {
            return Ok((temporary, arriving));
        }
        let temporary = self.destination.prepare()?;
        let arriving = Arriving::without_journal(temporary.file()?);
        Ok((temporary, arriving))
    }

    async fn publish(&self, mut temporary: Temporary, got: Got) -> Result<(), FilesError> {
        // Whoever drops this future meanwhile finds the file there or not, and nothing beside it.
        let Destination { directory, name } = self.destination.clone();
        blocking(move || {
            temporary.take_on(&got.attributes)?;
            temporary.sync()?;
            temporary.publish(&name)?;
            directory.sync()
        })
        .await?;
        self.progress.done(&self.transfer(got.size));
        Ok(())
    }

    fn mismatch(&self) -> FilesError {
        FilesError::Mismatch {
            path: self.path.clone(),
        }
    }

    fn begins(&self, size: u64, begun: u64) {
        self.progress.begins(&self.transfer(size));
        if begun > 0 {
            self.progress.resumed(begun);
        }
    }

    fn transfer(&self, size: u64) -> Transfer<'_> {
        Transfer {
            direction: Direction::Get,
            local: self.local,
            remote: self.path,
            size,
        }
    }
}

struct Receiving<'a> {
    path: &'a RemotePath,
    progress: &'a dyn Progress,
    moved: &'a AtomicU64,
    size: u64,
    received: u64,
    pieces: mpsc::Sender<Bytes>,
}

impl Receiving<'_> {
    async fn receive(
        &mut self,
        first: Streamed<Got, Piece>,
        mut parts: Parts<Get>,
    ) -> Result<Got, FilesError> {
        let mut next = first;
        loop {
            match next {
                Streamed::Part { part, body } => {
                    self.check(part)?;
                    self.take(body).await?;
                }
                Streamed::End(answer) => {
                    if !answer.body.is_empty() {
                        self.take(answer.body).await?;
                    }
                    return Ok(answer.reply);
                }
            }
            next = parts.next_as::<Piece>().await?;
        }
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        let length = bytes.len() as u64;
        self.received += length;
        self.pieces.send(bytes).await.map_err(|_| FilesError::Stopped)?;
        self.progress.moved(length);
        self.moved.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }

    fn check(&self, piece: Piece) -> Result<(), FilesError> {
        let what = if piece.offset != self.received {
            "a piece that does not begin where the one before it ended"
        } else if piece.size != self.size {
            "a size that changes on the way"
        } else {
            return Ok(());
        };
        Err(FilesError::Protocol {
            path: self.path.clone(),
            what,
        })
    }
}

/// Writes and hashes what comes, until nothing comes any more; says what there is then.
fn write(
    mut arriving: Arriving,
    shown: &Path,
    mut queue: mpsc::Receiver<Bytes>,
) -> Result<(u64, Hash), FilesError> {
    while let Some(piece) = queue.blocking_recv() {
        arriving.write(&piece, shown)?;
    }
    Ok(arriving.finish())
}

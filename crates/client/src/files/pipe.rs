//! Fetching a file into a pipe: it cannot be taken back, so it is checked behind the last byte.

use super::{FilesError, blocking};
use crate::{Connection, Streamed};
use bytes::Bytes;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Get, Got, Piece};
use std::io::{self, Write};
use std::path::Path;
use tokio::sync::mpsc;

/// Pieces between network and pipe.
const QUEUE_PIECES: usize = 4;

/// Fetches a file and writes it to `out`, which is called `shown`. When this succeeds, size and hash of all that was
/// written are those that the hub names.
///
/// # Errors
/// [`FilesError::Mismatch`] where they are not; [`FilesError::Local`] where `out` takes no more; those of the hub.
pub async fn get_into(
    connection: &Connection,
    path: &RemotePath,
    shown: &Path,
    out: impl Write + Send + 'static,
) -> Result<Got, FilesError> {
    let (pieces, queue) = mpsc::channel(QUEUE_PIECES);
    let shown = shown.to_owned();
    let writer = tokio::spawn(blocking(move || {
        write(out, queue).map_err(|error| FilesError::local(&shown, error))
    }));
    let received = receive(connection, path, pieces).await;
    // Where nobody reads the pipe any more, it is the pipe's error that tells why.
    let written = writer.await.map_err(|_| FilesError::Stopped)??;
    let got = received?;
    if written != (got.size, got.hash) {
        return Err(FilesError::Mismatch { path: path.clone() });
    }
    Ok(got)
}

async fn receive(
    connection: &Connection,
    path: &RemotePath,
    pieces: mpsc::Sender<Bytes>,
) -> Result<Got, FilesError> {
    let call = Get {
        path: path.clone(),
        offset: 0,
        version: None,
    };
    let mut parts = connection.stream(&call).await?;
    let mut received = 0;
    loop {
        match parts.next_as::<Piece>().await? {
            Streamed::Part { part, .. } if part.offset != received => {
                let what = "a piece that does not begin where the one before it ended";
                return Err(FilesError::Protocol {
                    path: call.path,
                    what,
                });
            }
            Streamed::Part { body, .. } => {
                received += body.len() as u64;
                pieces.send(body).await.map_err(|_| FilesError::Stopped)?;
            }
            Streamed::End(answer) => {
                if !answer.body.is_empty() {
                    pieces.send(answer.body).await.map_err(|_| FilesError::Stopped)?;
                }
                return Ok(answer.reply);
            }
        }
    }
}

fn write(mut out: impl Write, mut queue: mpsc::Receiver<Bytes>) -> io::Result<(u64, Hash)> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    while let Some(piece) = queue.blocking_recv() {
        out.write_all(&piece)?;
        hasher.update(&piece);
        size += piece.len() as u64;
    }
    out.flush()?;
    Ok((size, hasher.finalize().into()))
}

//! Looking into the trash, and fetching a file from it.

use super::{Destination, FilesError, blocking};
use crate::page::lines;
use crate::{ClientError, Connection};
use bytes::Bytes;
use landline_model::id::TrashId;
use landline_model::path::RemotePath;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::spaces::{TrashCursor, TrashList, TrashPiece, TrashRead, Trashed};
use std::io::Write as _;
use std::sync::Arc;

/// Reads one's own trash page by page, the newest first.
#[derive(Clone, Debug, Default)]
pub struct TrashListing {
    path: Option<RemotePath>,
    replaced: bool,
    after: Option<TrashCursor>,
    ended: bool,
}

impl TrashListing {
    /// Only what was at this path.
    #[must_use]
    pub fn at(mut self, path: RemotePath) -> Self {
        self.path = Some(path);
        self
    }

    /// Only what was replaced: versions.
    #[must_use]
    pub fn replaced(mut self) -> Self {
        self.replaced = true;
        self
    }

    /// The next page; none behind the last one. A page may be empty.
    ///
    /// # Errors
    /// Those of the connection; a page that leads to no end.
    pub async fn next_page(&mut self, connection: &Connection) -> Result<Option<Vec<Trashed>>, ClientError> {
        if self.ended {
            return Ok(None);
        }
        let call = TrashList {
            path: self.path.clone(),
            replaced: self.replaced,
            after: self.after,
            limit: PAGE_MAX,
        };
        let answer = connection.exchange(&call, Bytes::new()).await?;
        let next = answer.reply.next;
        // A cursor only goes back in time.
        let goes_on = next.is_none_or(|next| {
            self.after
                .is_none_or(|after| (next.deleted, next.id) < (after.deleted, after.id))
        });
        if !goes_on {
            return Err(ClientError::Protocol {
                address: connection.address().to_string(),
                reason: "a page of the trash that leads to no end".to_owned(),
            });
        }
        (self.after, self.ended) = (next, next.is_none());
        lines(&answer.body, connection).map(Some)
    }
}

/// Fetches a file from one's own trash. It takes the place of a file that has the name, whole; when anything fails, what
/// stood there stays.
///
/// # Errors
/// Any [`FilesError`]; `Mismatch` where what came is not what the hub knows its hash to be.
pub async fn get_trashed(
    connection: &Connection,
    id: TrashId,
    shown: &RemotePath,
    destination: &Destination,
) -> Result<u64, FilesError> {
    let mut temporary = destination.prepare()?;
    let mut file = temporary.file()?;
    let mut hasher = blake3::Hasher::new();
    let mut offset = 0;
    let last: TrashPiece = loop {
        let answer = connection
            .exchange(&TrashRead { id, offset }, Bytes::new())
            .await?;
        let (piece, body) = (answer.reply, answer.body);
        if body.is_empty() {
            break piece;
        }
        hasher.update(&body);
        offset += body.len() as u64;
        let path = destination.path();
        file = blocking(move || match file.write_all(&body) {
            Ok(()) => Ok(file),
            Err(error) => Err(FilesError::local(&path, error)),
        })
        .await?;
        if offset >= piece.size {
            break piece;
        }
    };
    if offset != last.size || last.hash.is_some_and(|hash| hash != hasher.finalize().into()) {
        return Err(FilesError::Mismatch { path: shown.clone() });
    }
    let (directory, name) = (Arc::clone(&destination.directory), destination.name.clone());
    blocking(move || {
        temporary.take_on(&last.attributes)?;
        temporary.sync()?;
        temporary.publish(&name)?;
        directory.sync()
    })
    .await?;
    Ok(offset)
}

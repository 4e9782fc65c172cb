//! Sending a file on a native connection: one piece is read while the one before it is sent.

use super::{Connection, Gone, SEND_BYTES, arguments};
use crate::answer::{Answer, encode_answer, encode_part, encode_refusal};
use crate::authorise::Identity;
use crate::files;
use crate::refusals::from_files;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::protocol::files::{Get, Got, Piece};
use landline_model::protocol::{Call as _, RequestHeader};
use landline_store::files::{Files, FilesError, OpenFile};
use std::sync::Arc;

/// The bytes of each piece but the last.
const PIECE_BYTES: usize = 256 * 1024;

/// What one turn of reading brings back: the bytes, and the hash so far where it is not known beforehand.
type Read = (Vec<u8>, Option<Box<blake3::Hasher>>);

impl Connection {
    /// Answers `get`; none: it is another request. The pieces are sent here, the end of the answer is returned.
    pub(super) async fn download(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
    ) -> Result<Option<Bytes>, Gone> {
        if header.name != Get::NAME {
            return Ok(None);
        }
        let id = header.id;
        let opened = match arguments::<Get>(header) {
            Ok(call) => open(&self.services, who, &call)
                .await
                .map(|opened| (opened, call)),
            Err(refusal) => Err(refusal),
        };
        let end = match opened {
            Ok((Opened::Large(file), call)) => self.send_pieces(id, file, call).await?,
            Ok((Opened::Small(bytes, got), Get { offset, .. })) => {
                if !bytes.is_empty() {
                    let size = got.size;
                    encode_part(id, Piece { offset, size }, &bytes, &mut self.output);
                }
                Ok(got)
            }
            Err(refusal) => Err(refusal),
        };
        Ok(Some(match end {
            Ok(got) => encode_answer(id, Ok(Answer::from(got))),
            Err(refusal) => encode_refusal(id, refusal),
        }))
    }

    async fn send_pieces(
        &mut self,
        id: u64,
        file: Arc<OpenFile>,
        Get { path, mut offset }: Get,
    ) -> Result<Result<Got, Refusal>, Gone> {
        let size = file.size();
        // A file that is read from its beginning is hashed on the way, unless its hash is known.
        let hasher = (file.known_hash().is_none() && offset == 0).then(Box::default);
        let mut reading = tokio::spawn(read(Arc::clone(&file), offset, hasher));
        loop {
            let (bytes, hasher) = match reading.await.map_err(std::io::Error::from)? {
                Ok(read) => read,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if bytes.is_empty() {
                return Ok(end_of(&self.services, file, offset, hasher).await);
            }
            // Whoever is put out of the room, or loses the role, gets no further piece.
            let who = self.session.identity(|account| self.services.role(account));
            if let Err(refusal) = who.and_then(|who| files::still_readable(&self.services, &who, &path)) {
                return Ok(Err(refusal));
            }
            let piece = Piece { offset, size };
            offset += bytes.len() as u64;
            reading = tokio::spawn(read(Arc::clone(&file), offset, hasher));
            encode_part(id, piece, &bytes, &mut self.output);
            if self.output.len() >= SEND_BYTES {
                self.flush().await?;
            }
        }
    }
}

/// A file that is asked for.
enum Opened {
    /// All that was asked for of a small one: what is read in one go is read where it was opened.
    Small(Vec<u8>, Got),
    Large(Arc<OpenFile>),
}

async fn open(services: &Services, who: &Identity, call: &Get) -> Result<Opened, Refusal> {
    let place = files::readable(services, who, &call.path)?;
    let (store, offset) = (services.files.clone(), call.offset);
    crate::services::blocking(move || {
        let file = store.read(&place).map_err(|error| from_files(&error))?;
        let size = file.size();
        let rest = size.checked_sub(offset).ok_or_else(|| {
            Refusal::new(
                ErrorCode::BadRequest,
                format!("offset {offset} lies behind the end of the file ({size} bytes)"),
            )
        })?;
        if rest > PIECE_BYTES as u64 {
            return Ok(Opened::Large(Arc::new(file)));
        }
        let bytes = read_piece(&file, offset)?;
        let hash = (offset == 0 && file.known_hash().is_none()).then(|| blake3::hash(&bytes).into());
        let end = offset + bytes.len() as u64;
        Ok(Opened::Small(bytes, got(&store, &file, end, hash)?))
    })
    .await
}

async fn end_of(
    services: &Services,
    file: Arc<OpenFile>,
    offset: u64,
    hasher: Option<Box<blake3::Hasher>>,
) -> Result<Got, Refusal> {
    let computed: Option<Hash> = hasher.map(|hasher| hasher.finalize().into());
    let store = services.files.clone();
    crate::services::blocking(move || got(&store, &file, offset, computed)).await
}

/// The end of the answer, when everything up to `end` was read; `computed` is the hash of all of it.
fn got(store: &Files, file: &OpenFile, end: u64, computed: Option<Hash>) -> Result<Got, Refusal> {
    let failed = |error: FilesError| from_files(&error);
    if !file.unchanged().map_err(failed)? || end != file.size() {
        return Err(
            Refusal::new(ErrorCode::Conflict, "the file changed while it was read")
                .with_hint("fetch it again"),
        );
    }
    let hash = match computed {
        Some(hash) => store.remember_hash(file, &hash).map(|()| hash),
        None => store.hash_of(file),
    };
    Ok(Got {
        size: file.size(),
        hash: hash.map_err(failed)?,
        attributes: file.attributes(),
    })
}

/// Reads a piece of at most [`PIECE_BYTES`].
fn read_piece(file: &OpenFile, offset: u64) -> Result<Vec<u8>, Refusal> {
    let rest = usize::try_from(file.size().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; rest.min(PIECE_BYTES)];
    let filled = file
        .read_at(offset, &mut bytes)
        .map_err(|error| from_files(&error))?;
    bytes.truncate(filled);
    Ok(bytes)
}

async fn read(
    file: Arc<OpenFile>,
    offset: u64,
    mut hasher: Option<Box<blake3::Hasher>>,
) -> Result<Read, Refusal> {
    crate::services::blocking(move || {
        let bytes = read_piece(&file, offset)?;
        if let Some(hasher) = &mut hasher {
            hasher.update(&bytes);
        }
        Ok((bytes, hasher))
    })
    .await
}

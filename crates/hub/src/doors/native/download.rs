//! Sending files on a native connection.
//!
//! What is asked for in a row is opened together, and of the small ones several are read in one go. A large one goes
//! piece by piece: one is read while the one before it is sent.

use super::{Connection, Gone, SEND_BYTES, arguments};
use crate::answer::{Answer, encode_answer, encode_part_header, encode_refusal};
use crate::authorise::Identity;
use crate::files;
use crate::refusals::from_files;
use bytes::{Bytes, BytesMut};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::protocol::files::{Get, Got, Piece};
use landline_model::protocol::{Call as _, RequestHeader};
use landline_store::files::{Files, FilesError, OpenFile, Place};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The bytes of each piece but the last, and of the largest file that comes with the end of the answer.
const PIECE_BYTES: usize = 256 * 1024;

/// How many files are opened together.
const GETS_TOGETHER: usize = 32;

/// About how many bytes of small files are read in one go.
const GROUP_BYTES: usize = 512 * 1024;

/// A file that is asked for, by somebody who may read it.
struct Asked {
    id: u64,
    call: Get,
    place: Place,
}

/// Files that are open and not yet sent, in the order in which they were asked for.
type Group = VecDeque<(Asked, Result<OpenFile, Refusal>)>;

impl Connection {
    /// Answers `get`, and those that have arrived right behind it; none: it is another request. What is returned is the
    /// end of the answer.
    pub(super) async fn download(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
    ) -> Result<Option<Bytes>, Gone> {
        if header.name != Get::NAME {
            return Ok(None);
        }
        let asked = self.gather_gets(who, header)?;
        let store = self.services.files.clone();
        let opened = crate::services::blocking(move || Ok(open(&store, asked))).await;
        let mut group = match opened {
            Ok(group) => group,
            Err(refusal) => return Ok(Some(encode_refusal(header.id, refusal))),
        };
        while !group.is_empty() {
            let store = self.services.files.clone();
            let read = crate::services::blocking(move || Ok(read_group(&store, group))).await;
            let (answers, rest) = read.map_err(|_| Gone::Lost)?;
            self.output.extend_from_slice(&answers);
            group = rest;
            if let Some((asked, file)) = take_large(&mut group) {
                let id = asked.id;
                let answer = self.send_pieces(asked, file).await?.map(Answer::from);
                self.output.extend_from_slice(&encode_answer(id, answer));
            }
            if self.output.len() >= SEND_BYTES {
                self.flush().await?;
            }
        }
        Ok(Some(Bytes::new()))
    }

    /// This request and those of its kind right behind it, as far as they have arrived and may be answered; those that
    /// may not are refused here.
    fn gather_gets(&mut self, who: &Identity, first: &RequestHeader<'_>) -> Result<Vec<Asked>, Gone> {
        let mut gathered = Vec::new();
        self.ask(who, first, &mut gathered);
        while gathered.len() < GETS_TOGETHER {
            let Some(frame) = self.decoder.decode(&mut self.input)? else {
                break;
            };
            match serde_json::from_slice::<RequestHeader<'_>>(&frame.header) {
                Ok(header) if header.name == Get::NAME => self.ask(who, &header, &mut gathered),
                _ => {
                    self.ahead = Some(frame);
                    break;
                }
            }
        }
        Ok(gathered)
    }

    fn ask(&mut self, who: &Identity, header: &RequestHeader<'_>, gathered: &mut Vec<Asked>) {
        let id = header.id;
        let asked = arguments::<Get>(header).and_then(|call| {
            let place = files::readable(&self.services, who, &call.path)?;
            Ok(Asked { id, call, place })
        });
        match asked {
            Ok(asked) => gathered.push(asked),
            Err(refusal) => self.output.extend_from_slice(&encode_refusal(id, refusal)),
        }
    }

    async fn send_pieces(&mut self, asked: Asked, file: OpenFile) -> Result<Result<Got, Refusal>, Gone> {
        let (id, Get { path, mut offset, .. }) = (asked.id, asked.call);
        let size = file.size();
        let mut version = Some(file.version());
        // A file that is read from its beginning is hashed on the way, unless its hash is known.
        let hasher = (file.known_hash().is_none() && offset == 0).then(Box::default);
        let file = Arc::new(file);
        let mut reading = read_ahead(&file, offset, hasher, Vec::new());
        let mut spare = Vec::new();
        loop {
            let (bytes, hasher) = match reading.await.map_err(std::io::Error::from)? {
                Ok(read) => read,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if bytes.is_empty() {
                let computed = hasher.map(|hasher| hasher.finalize().into());
                let store = self.services.files.clone();
                let end = move || got(&store, &file, offset, computed);
                return Ok(crate::services::blocking(end).await);
            }
            // Whoever is put out of the room, or loses the role, gets no further piece.
            let who = self.session.identity(|account| self.services.role(account));
            if let Err(refusal) = who.and_then(|who| files::still_readable(&self.services, &who, &path)) {
                return Ok(Err(refusal));
            }
            let piece = Piece {
                offset,
                size,
                version: version.take(),
            };
            offset += bytes.len() as u64;
            reading = read_ahead(&file, offset, hasher, spare);
            encode_part_header(id, piece, bytes.len(), &mut self.output);
            self.send_with(&bytes).await?;
            spare = bytes;
        }
    }
}

fn open(store: &Files, asked: Vec<Asked>) -> Group {
    let places: Vec<Place> = asked.iter().map(|asked| asked.place.clone()).collect();
    let opened = store.read_together(&places);
    asked
        .into_iter()
        .zip(opened)
        .map(|(asked, file)| {
            let file = file
                .map_err(|error| from_files(&error))
                .and_then(|file| checked(&asked.call, file));
            (asked, file)
        })
        .collect()
}

/// The file, if it is what is asked for.
fn checked(
    Get {
        path,
        offset,
        version,
    }: &Get,
    file: OpenFile,
) -> Result<OpenFile, Refusal> {
    if version.is_some_and(|version| !file.is_version(&version)) {
        return Err(Refusal::new(
            ErrorCode::Mismatch,
            format!("{path} is not what it was when the first part of it was fetched"),
        )
        .with_hint("fetch it from its beginning"));
    }
    let size = file.size();
    if *offset > size {
        return Err(Refusal::new(
            ErrorCode::BadRequest,
            format!("offset {offset} lies behind the end of the file ({size} bytes)"),
        ));
    }
    Ok(file)
}

/// Whether the rest of it is sent piece by piece.
fn is_large(asked: &Asked, file: &OpenFile) -> bool {
    file.size().saturating_sub(asked.call.offset) > PIECE_BYTES as u64
}

/// Takes the first one, if it is large.
fn take_large(group: &mut Group) -> Option<(Asked, OpenFile)> {
    let is_large = |(asked, file): &mut (Asked, Result<OpenFile, Refusal>)| {
        file.as_ref().is_ok_and(|file| is_large(asked, file))
    };
    let (asked, file) = group.pop_front_if(|first| is_large(first))?;
    Some((asked, file.ok()?))
}

/// Answers as many of the first ones as are small and fit into one go.
fn read_group(store: &Files, mut group: Group) -> (BytesMut, Group) {
    let mut answers = BytesMut::new();
    while let Some((asked, file)) = group.pop_front() {
        let answer = match file {
            Ok(file) if is_large(&asked, &file) => {
                group.push_front((asked, Ok(file)));
                break;
            }
            Ok(file) => read_small(store, &asked, &file),
            Err(refusal) => Err(refusal),
        };
        answers.extend_from_slice(&encode_answer(asked.id, answer));
        if answers.len() >= GROUP_BYTES {
            break;
        }
    }
    (answers, group)
}

fn read_small(store: &Files, asked: &Asked, file: &OpenFile) -> Result<Answer<Got>, Refusal> {
    let offset = asked.call.offset;
    let mut bytes = Vec::new();
    read_piece(file, offset, &mut bytes)?;
    let hash = (offset == 0 && file.known_hash().is_none()).then(|| blake3::hash(&bytes).into());
    let reply = got(store, file, offset + bytes.len() as u64, hash)?;
    let body = bytes.into();
    Ok(Answer { reply, body })
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

/// What one turn of reading brings back: the bytes, and the hash so far where it is not known beforehand.
type Read = Result<(Vec<u8>, Option<Box<blake3::Hasher>>), Refusal>;

/// Begins to read the next piece into a buffer that is free again.
fn read_ahead(
    file: &Arc<OpenFile>,
    offset: u64,
    mut hasher: Option<Box<blake3::Hasher>>,
    mut buffer: Vec<u8>,
) -> JoinHandle<Read> {
    let file = Arc::clone(file);
    tokio::task::spawn_blocking(move || {
        read_piece(&file, offset, &mut buffer)?;
        if let Some(hasher) = &mut hasher {
            hasher.update(&buffer);
        }
        Ok((buffer, hasher))
    })
}

/// Reads a piece of at most [`PIECE_BYTES`] in place of what the buffer held.
fn read_piece(file: &OpenFile, offset: u64, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
    let rest = usize::try_from(file.size().saturating_sub(offset)).unwrap_or(usize::MAX);
    buffer.resize(rest.min(PIECE_BYTES), 0);
    let filled = file.read_at(offset, buffer).map_err(|error| from_files(&error))?;
    buffer.truncate(filled);
    Ok(())
}

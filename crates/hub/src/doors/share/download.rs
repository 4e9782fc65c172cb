//! Sending a file: one piece is read while the one before it is encrypted and sent.

use super::range::{self, Part};
use super::reply::{Failure, SANDBOX, finish, safe};
use super::visit::{Visit, Watch};
use super::{field, path};
use crate::doors::patience::Patience;
use crate::files;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use hyper::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response, StatusCode};
use landline_model::hash::Hash;
use landline_model::path::Component;
use landline_model::time::Timestamp;
use landline_store::files::{FilesError, OpenFile, Place};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::WaitForCancellationFutureOwned;

/// The bytes of each piece but the last. It fits into a processor's cache together with what becomes of it.
const PIECE_BYTES: usize = 256 * 1024;

/// The largest file that is read in full before it is sent, because its hash is not known: what was not published by
/// Landline is. Of a larger one the tag names what it looks like.
const HASHED_FIRST_MAX: u64 = 64 * 1024 * 1024;

/// Answers GET and HEAD for a file.
pub(super) async fn send(
    visit: Visit,
    head: &Parts,
    file: OpenFile,
    below: &[Component],
) -> Result<Response<Body>, Failure> {
    let place = visit.share.below(below);
    let file = with_hash(&visit, file).await?;
    let size = file.size();
    let part = if is_for_this(&head.headers, &file) {
        asked_part(&head.headers, size)
    } else {
        Part::Whole
    };
    let (begin, end) = match part {
        Part::Whole => (0, size),
        Part::Range(begin, end) => (begin, end),
        Part::Unsatisfiable => return Err(Failure::range(size)),
    };
    let is_head = head.method == Method::HEAD;
    if !is_head {
        count(&visit, &place, &file, begin > 0).await?;
    } else if visit.share.left == Some(0) {
        return Err(Failure::nothing());
    }
    let mut builder = match part {
        Part::Range(..) => safe(StatusCode::PARTIAL_CONTENT, SANDBOX).header(
            CONTENT_RANGE,
            format!("bytes {begin}-{}/{size}", end.saturating_sub(1)),
        ),
        _ => safe(StatusCode::OK, SANDBOX),
    };
    builder = builder
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_DISPOSITION, disposition(place.components.last()))
        .header(ACCEPT_RANGES, "bytes")
        .header(ETAG, tag(&file))
        .header(CONTENT_LENGTH, end - begin);
    if let Some(modified) = modified(&file) {
        builder = builder.header(LAST_MODIFIED, modified);
    }
    let body = if is_head {
        Body::empty()
    } else {
        tracing::info!(share = %visit.share.id, peer = %visit.peer, begin, end, "a file is fetched by a share");
        Body::new(Download::new(visit, place, file, begin, end))
    };
    Ok(finish(builder, body))
}

/// The file again; where its hash was not known and it is not too large, it is now.
async fn with_hash(visit: &Visit, file: OpenFile) -> Result<OpenFile, Failure> {
    if file.known_hash().is_some() || file.size() > HASHED_FIRST_MAX {
        return Ok(file);
    }
    Ok(files::blocking(&visit.services, move |files| {
        match files.hash_of(&file) {
            Ok(hash) => Ok(file.with_hash(hash)),
            // It is being written to by other means than Landline's: then there is nothing to say of it.
            Err(FilesError::Conflict(_)) => Ok(file),
            Err(error) => Err(error),
        }
    })
    .await?)
}

/// A download counts when its first byte is sent; who has begun one goes on with it for a day without another.
async fn count(visit: &Visit, place: &Place, file: &OpenFile, goes_on: bool) -> Result<(), Failure> {
    if visit.share.left.is_none() {
        return Ok(());
    }
    let mut hasher = blake3::Hasher::new_derive_key("Landline 2026-11 what a share fetches");
    for component in &place.components {
        hasher.update(component.as_bytes());
        hasher.update(b"/");
    }
    hasher.update(file.version().as_bytes());
    let (share, file) = (visit.share.id, Hash::from(hasher.finalize()));
    let client = visit.peer.to_string().into_bytes();
    let may = files::blocking(&visit.services, move |files| {
        files.count_share(share, &client, &file, goes_on)
    })
    .await?;
    if may { Ok(()) } else { Err(Failure::nothing()) }
}

fn asked_part(headers: &HeaderMap, size: u64) -> Part {
    let field = headers.get(RANGE).and_then(|field| field.to_str().ok());
    field.map_or(Part::Whole, |field| range::part(field, size))
}

/// Whether a range may be of this file as it is (RFC 9110, section 13.1.5).
fn is_for_this(headers: &HeaderMap, file: &OpenFile) -> bool {
    let Some(field) = headers.get(IF_RANGE) else {
        return true;
    };
    let Ok(field) = field.to_str() else {
        return false;
    };
    let version = field
        .strip_prefix('"')
        .and_then(|field| field.strip_suffix('"'))
        .and_then(|tag| tag.strip_prefix(LOOKS).unwrap_or(tag).parse::<Hash>().ok());
    match version {
        Some(version) => file.is_version(&version),
        None => modified(file).is_some_and(|modified| modified == field),
    }
}

/// What a tag begins with that is not the file's BLAKE3.
const LOOKS: &str = "looks-";

/// The file's BLAKE3; where that is not known, what names it by what it looks like.
fn tag(file: &OpenFile) -> String {
    let looks = if file.known_hash().is_some() { "" } else { LOOKS };
    format!("\"{looks}{}\"", file.version())
}

fn modified(file: &OpenFile) -> Option<String> {
    let Timestamp(time) = file.attributes().modified?;
    field::date(time / 1000)
}

/// A name to keep the file by: as it is for who reads RFC 8187, and in plain letters for who does not.
fn disposition(name: Option<&Component>) -> String {
    let bytes = name.map_or(&b"file"[..], Component::as_bytes);
    let text = String::from_utf8_lossy(bytes);
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() || " .-_()".contains(character) {
            character
        } else {
            '_'
        }
    };
    let plain: String = text.chars().map(plain).collect();
    let encoded = path::encode(text.as_bytes());
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Why a download stops before its end. The client sees that the connection breaks off.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the share has ended")]
    Share,
    #[error("the file changed while it was read")]
    Changed,
    #[error("it cannot be read: {0}")]
    Read(#[from] FilesError),
    #[error("reading did not end")]
    Lost,
}

/// The rest of a file on its way to whoever fetches it.
struct Download {
    watch: Watch,
    end_of_share: Pin<Box<WaitForCancellationFutureOwned>>,
    file: Arc<OpenFile>,
    /// What is read next, and where the part ends.
    offset: u64,
    end: u64,
    reading: Option<JoinHandle<Result<Vec<u8>, Ended>>>,
    spare: Spare,
    patience: Arc<Patience>,
    /// How long whoever fetches may take over a piece.
    stall: Duration,
}

/// Buffers that are free again.
type Spare = Arc<Mutex<Vec<Vec<u8>>>>;

impl Download {
    fn new(visit: Visit, place: Place, file: OpenFile, begin: u64, end: u64) -> Self {
        let patience = Arc::clone(&visit.patience);
        let stall = visit.services.config.limits.idle;
        let watch = visit.watch(place);
        let mut download = Self {
            end_of_share: Box::pin(watch.end().cancelled_owned()),
            watch,
            file: Arc::new(file),
            offset: begin,
            end,
            reading: None,
            spare: Spare::default(),
            patience,
            stall,
        };
        download.read_ahead();
        download
    }

    /// Begins to read the next piece, if there is one.
    fn read_ahead(&mut self) {
        let rest = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        if rest == 0 {
            return;
        }
        let buffer = lock(&self.spare).pop().unwrap_or_default();
        let (file, offset) = (Arc::clone(&self.file), self.offset);
        let (count, is_last) = (rest.min(PIECE_BYTES), rest <= PIECE_BYTES);
        self.reading = Some(tokio::task::spawn_blocking(move || {
            read(&file, offset, count, is_last, buffer)
        }));
    }
}

fn read(
    file: &OpenFile,
    offset: u64,
    count: usize,
    is_last: bool,
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, Ended> {
    buffer.resize(count, 0);
    let filled = file.read_at(offset, &mut buffer)?;
    // The last piece of a file that was written to meanwhile is kept back: nobody takes what they have for the file.
    if filled != count || (is_last && !file.unchanged()?) {
        return Err(Ended::Changed);
    }
    Ok(buffer)
}

impl hyper::body::Body for Download {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        // Revoked, over, or its owner has lost the right: then not one piece more.
        let may_go_on = self.end_of_share.as_mut().poll(context).is_pending() && self.watch.may_go_on();
        let read = match read {
            _ if !may_go_on => Err(Ended::Share),
            Ok(read) => read,
            Err(_) => Err(Ended::Lost),
        };
        let buffer = match read {
            Ok(buffer) => buffer,
            Err(why) => {
                tracing::info!(share = %self.watch.share().id, %why, "a download by a share was ended");
                return Poll::Ready(Some(Err(why.into())));
            }
        };
        self.offset += buffer.len() as u64;
        self.read_ahead();
        self.patience.extend(self.stall);
        let piece = Piece {
            buffer,
            spare: Arc::clone(&self.spare),
        };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.reading.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // Of what is being read nothing has been given yet: `offset` is where that begins.
        SizeHint::with_exact(self.end - self.offset)
    }
}

/// A piece on its way; its buffer is used again.
struct Piece {
    buffer: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        lock(&self.spare).push(std::mem::take(&mut self.buffer));
    }
}

fn lock(spare: &Spare) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_cannot_end_its_field_or_become_another() {
        let of = |name: &[u8]| disposition(Some(&Component::new(name).unwrap()));
        assert_eq!(
            of("a \"b\";\r\né.txt".as_bytes()),
            "attachment; filename=\"a _b_____.txt\"; filename*=UTF-8''a%20%22b%22%3B%0D%0A%C3%A9.txt"
        );
        assert_eq!(
            of(b"\xff.bin"),
            "attachment; filename=\"_.bin\"; filename*=UTF-8''%EF%BF%BD.bin"
        );
    }
}

//! The two tasks of a connection, and what they share with those who wait: one reads, one writes.

use super::{ClientEvent, QUEUE_PARTS_BYTES};
use crate::error::ClientError;
use bytes::{Bytes, BytesMut};
use landline_model::link::HubAddress;
use landline_model::protocol::HubHeader;
use landline_model::protocol::chat::{RoomEvent, Signal};
use landline_model::token::EXPORTER_BYTES;
use landline_wire::{Frame, FrameDecoder};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// What is read at once where no large message is under way.
const READ_BYTES: usize = 16 * 1024;

/// What is gathered into one write at most, unless a single message is longer.
const WRITE_BYTES: usize = 64 * 1024;

/// Messages taken off the queue at once.
const WRITE_MESSAGES: usize = 64;

/// After a failed write: how long the reader may still find out why (a last refusal may be on its way).
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A message to be written, and the room that it takes in the queue until it is.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) head: Bytes,
    pub(super) body: Bytes,
    pub(super) _room: OwnedSemaphorePermit,
}

/// Where an answer goes. Dropped without an answer: the connection ended, and [`Shared::fate`] says how.
#[derive(Debug)]
pub(super) enum Waiter {
    Answer(oneshot::Sender<Result<Reply, ClientError>>),
    Parts(mpsc::Sender<Piece>),
}

/// A piece of an answer, and the room that it takes among those that wait until it is taken.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) reply: Result<Reply, ClientError>,
    _room: OwnedSemaphorePermit,
}

/// An answer or a piece of one, its JSON unread.
#[derive(Debug)]
pub(super) enum Reply {
    Ok { json: Box<RawValue>, body: Bytes },
    Part { json: Box<RawValue>, body: Bytes },
}

/// What the tasks and the connection's users share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) address: HubAddress,
    /// What no other TLS connection has, for the login with a token; none where there is no TLS.
    pub(super) exporter: OnceLock<[u8; EXPORTER_BYTES]>,
    ids: AtomicU64,
    /// Set once, before the waiters are let go.
    fate: watch::Sender<Option<ClientError>>,
    waiting: Mutex<Waiting>,
    /// For the bytes of pieces that nobody has taken.
    room: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Waiting {
    answers: HashMap<u64, Waiter>,
    events: Option<mpsc::Sender<ClientEvent>>,
}

impl Shared {
    pub(super) fn new(address: HubAddress) -> Self {
        Self {
            address,
            exporter: OnceLock::new(),
            ids: AtomicU64::new(1),
            fate: watch::Sender::new(None),
            waiting: Mutex::default(),
            room: Arc::new(Semaphore::new(QUEUE_PARTS_BYTES)),
        }
    }

    /// Never 0: that is what a hub answers to what it could not read.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn register(&self, id: u64, waiter: Waiter) -> Result<(), ClientError> {
        let mut waiting = self.lock();
        if let Some(fate) = self.fate.borrow().clone() {
            return Err(fate);
        }
        waiting.answers.insert(id, waiter);
        Ok(())
    }

    pub(super) fn send_events_to(&self, events: mpsc::Sender<ClientEvent>) {
        let mut waiting = self.lock();
        if self.fate.borrow().is_none() {
            waiting.events = Some(events);
        }
    }

    /// How the connection ended.
    pub(super) fn fate(&self) -> ClientError {
        self.fate
            .borrow()
            .clone()
            .unwrap_or_else(|| self.lost("it was closed"))
    }

    pub(super) async fn ended(&self) -> ClientError {
        let mut fate = self.fate.subscribe();
        let ended = fate.wait_for(Option::is_some).await.map(|fate| fate.clone());
        ended.ok().flatten().unwrap_or_else(|| self.fate())
    }

    pub(super) fn lose(&self, reason: &str) {
        self.end(self.lost(reason));
    }

    pub(super) fn broke(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Protocol {
            address: self.address.to_string(),
            reason: reason.into(),
        }
    }

    /// Reads what answered a request.
    pub(super) fn read<T: DeserializeOwned>(&self, what: &str, json: &RawValue) -> Result<T, ClientError> {
        serde_json::from_str(json.get()).map_err(|error| self.broke(format!("its answer to {what}: {error}")))
    }

    fn lost(&self, reason: impl Into<String>) -> ClientError {
        ClientError::Lost {
            address: self.address.to_string(),
            reason: reason.into(),
        }
    }

    /// Lets everybody go who waits; the first fate stands.
    fn end(&self, fate: ClientError) {
        let mut waiting = self.lock();
        self.fate.send_if_modified(|now| {
            let first = now.is_none();
            if first {
                *now = Some(fate);
            }
            first
        });
        waiting.answers.clear();
        waiting.events = None;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing inside a lock's life can panic half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts both tasks. They end when `queue` has no senders left, or the peer ends.
pub(super) fn run<S>(stream: S, shared: &Arc<Shared>, queue: mpsc::Receiver<Outgoing>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (input, output) = tokio::io::split(stream);
    let reading = Arc::clone(shared);
    let reader = tokio::spawn(async move {
        let fate = read_all(input, &reading).await;
        reading.end(fate);
    });
    tokio::spawn(write_all(output, queue, reader, Arc::clone(shared)));
}

/// Writes until nobody can send any more or the reader has ended.
async fn write_all(
    mut output: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Outgoing>,
    mut reader: JoinHandle<()>,
    shared: Arc<Shared>,
) {
    let written = tokio::select! {
        written = write_queue(&mut output, &mut queue) => Some(written),
        // The reader has said how it ended. Closing the queue lets those go who wait for room in it.
        _ = &mut reader => None,
    };
    match written {
        Some(Ok(())) => {
            // Everybody is gone. A peer that does not read our farewell does not hold us up for long.
            let _ = tokio::time::timeout(LAST_WORDS, output.shutdown()).await;
            reader.abort();
        }
        Some(Err(error)) => {
            let _ = tokio::time::timeout(LAST_WORDS, &mut reader).await;
            reader.abort();
            shared.end(shared.lost(error.to_string()));
        }
        None => {}
    }
}

async fn write_queue(
    output: &mut (impl AsyncWrite + Unpin),
    queue: &mut mpsc::Receiver<Outgoing>,
) -> std::io::Result<()> {
    let mut messages = Vec::with_capacity(WRITE_MESSAGES);
    let mut gathered = BytesMut::with_capacity(WRITE_BYTES);
    while queue.recv_many(&mut messages, WRITE_MESSAGES).await > 0 {
        for Outgoing { head, body, _room } in messages.drain(..) {
            for bytes in [head, body] {
                if gathered.len() + bytes.len() > WRITE_BYTES {
                    output.write_all(&gathered).await?;
                    gathered.clear();
                }
                if bytes.len() > WRITE_BYTES {
                    output.write_all(&bytes).await?;
                } else {
                    gathered.extend_from_slice(&bytes);
                }
            }
        }
        output.write_all(&gathered).await?;
        gathered.clear();
        output.flush().await?;
    }
    Ok(())
}

/// Reads until the stream ends or breaks a rule, and says how it ended.
async fn read_all(mut input: impl AsyncRead + Unpin, shared: &Shared) -> ClientError {
    let mut decoder = FrameDecoder::default();
    let mut bytes = BytesMut::new();
    loop {
        match decoder.decode(&mut bytes) {
            Ok(Some(frame)) => {
                if let Err(fate) = deliver(frame, shared).await {
                    return fate;
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => return shared.broke(error.to_string()),
        }
        bytes.reserve(decoder.wanted(bytes.len()).max(READ_BYTES));
        match input.read_buf(&mut bytes).await {
            Ok(0) if decoder.finish(bytes.len()).is_ok() => return shared.lost("the hub closed it"),
            Ok(0) => return shared.lost("it ended in the middle of a message"),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return shared.lost("the other side is gone");
            }
            Err(error) => return shared.lost(error.to_string()),
        }
    }
}

/// Brings one message to whoever waits for it. An error is the connection's end.
async fn deliver(frame: Frame, shared: &Shared) -> Result<(), ClientError> {
    let header: HubHeader<'_> =
        serde_json::from_slice(&frame.header).map_err(|error| shared.broke(error.to_string()))?;
    let body = frame.body;
    match header {
        HubHeader {
            event: Some(event),
            args,
            ..
        } => deliver_event(&event, args, &body, shared).await,
        // The hub could not read a request, or has something to say to the whole connection before it closes.
        HubHeader {
            id: Some(0),
            error: Some(refusal),
            ..
        } => Err(refusal.into()),
        HubHeader {
            id: Some(id),
            error: Some(refusal),
            ..
        } => finish(id, Err(refusal.into()), shared).await,
        HubHeader {
            id: Some(id),
            ok: Some(json),
            ..
        } => {
            finish(
                id,
                Ok(Reply::Ok {
                    json: json.to_owned(),
                    body,
                }),
                shared,
            )
            .await
        }
        HubHeader {
            id: Some(id),
            part: Some(json),
            ..
        } => {
            let parts = match shared.lock().answers.get(&id) {
                Some(Waiter::Parts(parts)) => parts.clone(),
                Some(Waiter::Answer(_)) => return Err(shared.broke("pieces of an answer that has none")),
                None => {
                    return Err(shared.broke(format!("a piece of the answer to {id}, which was not asked")));
                }
            };
            let part = Reply::Part {
                json: json.to_owned(),
                body,
            };
            queue(&parts, Ok(part), shared).await;
            Ok(())
        }
        _ => Err(shared.broke("a message that is no reply and no event")),
    }
}

async fn finish(id: u64, result: Result<Reply, ClientError>, shared: &Shared) -> Result<(), ClientError> {
    let waiter = shared.lock().answers.remove(&id);
    match waiter {
        // Nobody may want it any more.
        Some(Waiter::Answer(answer)) => drop(answer.send(result)),
        Some(Waiter::Parts(parts)) => queue(&parts, result, shared).await,
        None => return Err(shared.broke(format!("an answer to {id}, which was not asked"))),
    }
    Ok(())
}

async fn queue(parts: &mpsc::Sender<Piece>, reply: Result<Reply, ClientError>, shared: &Shared) {
    let bytes = match &reply {
        Ok(Reply::Ok { body, .. } | Reply::Part { body, .. }) => body.len(),
        Err(_) => 0,
    };
    let room = Arc::clone(&shared.room).acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
    // The semaphore is never closed.
    let Ok(_room) = room.await else { return };
    // Nobody may want it any more.
    let _ = parts.send(Piece { reply, _room }).await;
}

async fn deliver_event(
    event: &str,
    args: Option<&RawValue>,
    body: &Bytes,
    shared: &Shared,
) -> Result<(), ClientError> {
    let args = args.ok_or_else(|| shared.broke("an event without content"))?;
    let event = match event {
        RoomEvent::NAME => room_event(args, body, shared)?,
        Signal::NAME => match serde_json::from_str(args.get()) {
            Ok(signal) => ClientEvent::Signal(signal),
            // It is not stored and nothing depends on it; the kinds of signals grow.
            Err(error) => {
                tracing::debug!(%error, "a signal that this version does not know");
                return Ok(());
            }
        },
        event => {
            tracing::debug!(event, "an event that this version does not know");
            return Ok(());
        }
    };
    let events = shared.lock().events.clone();
    if let Some(events) = events {
        // Nobody may want it any more.
        let _ = events.send(event).await;
    }
    Ok(())
}

fn room_event(args: &RawValue, body: &Bytes, shared: &Shared) -> Result<ClientEvent, ClientError> {
    let event = shared.read::<RoomEvent>("subscribe", args)?;
    let text = String::from_utf8(body.to_vec()).map_err(|_| shared.broke("a text that is not UTF-8"))?;
    Ok(ClientEvent::Room(event, text))
}

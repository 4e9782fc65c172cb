//! A connection to a hub: requests out, replies and events in, many at a time.

mod dial;
mod link;
mod unverified;

pub(crate) use unverified::Unverified;

use crate::error::ClientError;
use bytes::{Bytes, BytesMut};
use landline_model::error::ErrorCode;
use landline_model::link::{HubAddress, Pin};
use landline_model::protocol::chat::{Ping, RoomEvent, Signal};
use landline_model::protocol::people::{Hello, Welcome};
use landline_model::protocol::{Call, OutgoingRequest, VERSION};
use landline_model::token::EXPORTER_BYTES;
use link::{Outgoing, Piece, Reply, Shared, Waiter};
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// From the first byte to the hub's welcome, for one address.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Requests that wait to be written. Whoever starts one more waits.
pub const QUEUE_REQUESTS: usize = 256;

/// Bytes that wait to be written: room for a few whole blocks of a file.
pub const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Events that wait to be taken. Beyond that reading stops, and the hub's own limits take over.
pub const QUEUE_EVENTS: usize = 256;

/// Pieces of one streamed answer that wait to be taken: at most this many MiB. Beyond that reading stops.
pub const QUEUE_PARTS: usize = 4;

/// Bytes in pieces of streamed answers that wait to be taken, all of a connection's together. Beyond that reading
/// stops: whoever asks for several such answers at a time must not expect more than this of them.
pub const QUEUE_PARTS_BYTES: usize = 32 * 1024 * 1024;

/// How long a keep-alive ping may go unanswered before the connection counts as lost.
pub const PING_DEADLINE: Duration = Duration::from_secs(20);

/// A live connection to a hub. Clones share it; it closes when the last clone, [`Pending`] and [`Parts`] are gone.
#[derive(Clone, Debug)]
pub struct Connection {
    queue: mpsc::Sender<Outgoing>,
    budget: Arc<Semaphore>,
    shared: Arc<Shared>,
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<R> {
    /// The reply.
    pub reply: R,
    /// The bytes that came with it.
    pub body: Bytes,
}

/// What a hub says without having been asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are events, and a box for each would cost more than signals waste"
)]
pub enum ClientEvent {
    /// Something happened in a room that this connection follows; beside it the text.
    Room(RoomEvent, String),
    /// Something that is not stored.
    Signal(Signal),
}

/// A request on its way. Dropping it does not take the request back.
#[derive(Debug)]
pub struct Pending<C> {
    connection: Connection,
    answer: oneshot::Receiver<Result<Reply, ClientError>>,
    call: PhantomData<fn() -> C>,
}

/// An answer in pieces.
#[derive(Debug)]
pub struct Parts<C> {
    connection: Connection,
    parts: mpsc::Receiver<Piece>,
    call: PhantomData<fn() -> C>,
}

/// A piece of an answer, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Streamed<R, P = serde_json::Value> {
    /// More follows.
    Part {
        /// What it says.
        part: P,
        /// The bytes that came with it.
        body: Bytes,
    },
    /// That was all.
    End(Answer<R>),
}

impl Connection {
    /// Connects to the first of `addresses` at which the hub with this pin answers, and says hello.
    ///
    /// # Errors
    /// Why not; of several addresses, the one failure that matters most (another certificate authority before
    /// everything else).
    pub async fn open(addresses: &[HubAddress], pin: Pin) -> Result<(Self, Welcome), ClientError> {
        dial::dial(addresses, pin).await
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The hub's refusal, or how the connection ended.
    pub async fn call<C: Call>(&self, call: &C) -> Result<C::Reply, ClientError> {
        Ok(self.exchange(call, Bytes::new()).await?.reply)
    }

    /// Asks, with bytes, and waits for the answer and its bytes.
    ///
    /// # Errors
    /// As [`call`](Self::call); also what cannot be sent.
    pub async fn exchange<C: Call>(&self, call: &C, body: Bytes) -> Result<Answer<C::Reply>, ClientError> {
        self.start(call, body).await?.finished().await
    }

    /// Asks without waiting for the answer. Requests are written in the order in which they were started; waits while
    /// too much is queued already.
    ///
    /// # Errors
    /// What cannot be sent, or how the connection ended.
    pub async fn start<C: Call>(&self, call: &C, body: Bytes) -> Result<Pending<C>, ClientError> {
        let (sender, answer) = oneshot::channel();
        self.submit(call, body, Waiter::Answer(sender)).await?;
        Ok(Pending {
            connection: self.clone(),
            answer,
            call: PhantomData,
        })
    }

    /// Asks for something that is answered in pieces.
    ///
    /// # Errors
    /// What cannot be sent, or how the connection ended.
    pub async fn stream<C: Call>(&self, call: &C) -> Result<Parts<C>, ClientError> {
        let (sender, parts) = mpsc::channel(QUEUE_PARTS);
        self.submit(call, Bytes::new(), Waiter::Parts(sender)).await?;
        Ok(Parts {
            connection: self.clone(),
            parts,
            call: PhantomData,
        })
    }

    /// From now on, what the hub says unasked goes here; before the first call, it is dropped. The receiver ends with
    /// the connection. It must be drained: a full queue stops replies too.
    #[must_use]
    pub fn events(&self) -> mpsc::Receiver<ClientEvent> {
        let (sender, events) = mpsc::channel(QUEUE_EVENTS);
        self.shared.send_events_to(sender);
        events
    }

    /// Pings the hub every `interval`, so that it does not take a quiet client for a dead one; a hub that does not
    /// answer within [`PING_DEADLINE`] counts as lost. Ends with the connection, which it does not keep open.
    pub fn keep_alive(&self, interval: Duration) {
        let queue = self.queue.downgrade();
        let (budget, shared) = (Arc::clone(&self.budget), Arc::clone(&self.shared));
        tokio::spawn(async move {
            loop {
                if tokio::time::timeout(interval, shared.ended()).await.is_ok() {
                    return;
                }
                let Some(queue) = queue.upgrade() else { return };
                let connection = Self {
                    queue,
                    budget: Arc::clone(&budget),
                    shared: Arc::clone(&shared),
                };
                let answer = tokio::time::timeout(PING_DEADLINE, connection.call(&Ping {})).await;
                if answer.is_err() {
                    shared.lose("it does not answer any more");
                }
            }
        });
    }

    /// Waits until the connection ends, and says how.
    pub async fn ended(&self) -> ClientError {
        self.shared.ended().await
    }

    /// Where the hub is: the address that answered.
    #[must_use]
    pub fn address(&self) -> &HubAddress {
        &self.shared.address
    }

    /// What no other TLS connection has.
    pub(crate) fn exporter(&self) -> Option<&[u8; EXPORTER_BYTES]> {
        self.shared.exporter.get()
    }

    async fn hello(&self) -> Result<Welcome, ClientError> {
        let other = |reason: String| ClientError::OtherVersion {
            address: self.address().to_string(),
            reason,
        };
        let hello = Hello {
            protocol: VERSION,
            client: concat!("landline/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        match self.call(&hello).await {
            Ok(welcome) if welcome.protocol == VERSION => Ok(welcome),
            Ok(welcome) => Err(other(format!(
                "it speaks version {}, this is {VERSION}",
                welcome.protocol
            ))),
            Err(ClientError::Refused(refusal)) if refusal.code == ErrorCode::Version => {
                Err(other(refusal.message))
            }
            Err(error) => Err(error),
        }
    }

    async fn submit<C: Call>(&self, call: &C, body: Bytes, waiter: Waiter) -> Result<(), ClientError> {
        let id = self.shared.next_id();
        let mut head = BytesMut::new();
        let request = OutgoingRequest {
            id,
            name: C::NAME,
            args: call,
        };
        landline_wire::encode_head(&request, body.len(), &mut head)?;
        // Waiting comes first, so that a caller that gives up while waiting leaves nothing behind.
        let slot = self.queue.reserve().await.map_err(|_| self.shared.fate())?;
        let weight =
            u32::try_from(head.len() + body.len()).expect("a frame is at most a little more than 1 MiB");
        let room = Arc::clone(&self.budget)
            .acquire_many_owned(weight)
            .await
            .map_err(|_| self.shared.fate())?;
        self.shared.register(id, waiter)?;
        slot.send(Outgoing {
            head: head.freeze(),
            body,
            _room: room,
        });
        Ok(())
    }
}

impl<C: Call> Pending<C> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// The hub's refusal, or how the connection ended.
    pub async fn finished(self) -> Result<Answer<C::Reply>, ClientError> {
        let shared = &self.connection.shared;
        match self.answer.await.map_err(|_| shared.fate())?? {
            Reply::Ok { json, body } => Ok(Answer {
                reply: shared.read(C::NAME, &json)?,
                body,
            }),
            Reply::Part { .. } => Err(shared.broke(format!("a part as the answer to {}", C::NAME))),
        }
    }
}

impl<C: Call> Parts<C> {
    /// Waits for the next piece, or the end. Behind the end there is nothing: do not ask again.
    ///
    /// # Errors
    /// The hub's refusal, or how the connection ended.
    pub async fn next(&mut self) -> Result<Streamed<C::Reply>, ClientError> {
        self.next_as().await
    }

    /// As [`next`](Self::next), with the piece's header read as `P`.
    ///
    /// # Errors
    /// The same; also a piece that is no `P`.
    pub async fn next_as<P: DeserializeOwned>(&mut self) -> Result<Streamed<C::Reply, P>, ClientError> {
        let shared = &self.connection.shared;
        match self.parts.recv().await.ok_or_else(|| shared.fate())?.reply? {
            Reply::Part { json, body } => Ok(Streamed::Part {
                part: shared.read(C::NAME, &json)?,
                body,
            }),
            Reply::Ok { json, body } => Ok(Streamed::End(Answer {
                reply: shared.read(C::NAME, &json)?,
                body,
            })),
        }
    }
}

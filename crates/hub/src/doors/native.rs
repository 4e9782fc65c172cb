//! The native door: frames on TLS. One task owns a connection, its session, its places in rooms and its buffers.
//!
//! A turn: take events from the rings, take acknowledgements from the outbox, send (acknowledgements first, see
//! [`Outbox`]), then wait for whichever comes first: something to send, something to read, the end of the session, the
//! stop of the hub, a deadline. Requests are answered one after another, but for `send` and `ping`, whose answers come
//! from the store's thread after its next commit: so they are pipelined, in order, up to a limit.
//!
//! At every failure the connection closes and drops what it holds: its places in rooms, its place among the live
//! ones, its admission. A send that is under way is committed all the same, and a client that repeats it is told so.

mod code;
mod download;
mod login;
mod small;
mod talk;
mod trees;
mod upload;

use super::MESSAGE_TIME;
use super::gate::Admission;
use crate::answer::{encode_answer, encode_refusal};
use crate::authorise::Identity;
use crate::chat::feed::{Ahead, Cursor};
use crate::live::{Line, Place};
use crate::outbox::Outbox;
use crate::services::Services;
use crate::session::Session;
use crate::{chat, files, people, receipts, shares, spaces};
use bytes::{Buf as _, Bytes, BytesMut};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::files::{PutBlock, PutFile};
use landline_model::protocol::{Call, RequestHeader};
use landline_store::chat::Batch;
use landline_wire::{BODY_MAX, Frame, FrameDecoder, FrameError};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// How long a connection that ends may take to hear why.
const GOODBYE_TIME: Duration = Duration::from_secs(5);

/// What is read at once at least, in bytes.
const READ_BYTES: usize = 8 * 1024;

/// What is collected before it is sent, in bytes, about.
const SEND_BYTES: usize = 64 * 1024;

/// A buffer that grew beyond this goes when it is empty, so that idle connections stay small.
const BUFFER_KEPT: usize = 32 * 1024;

/// How many of one connection's sends may wait for their acknowledgement; beyond it nothing more is read.
const SENDS_IN_FLIGHT: usize = 1024;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("the peer closed it")]
    Closed,
    #[error("the peer broke the framing: {0}")]
    Framing(#[from] FrameError),
    #[error("somebody logged out")]
    LoggedOut,
    #[error("nobody logged in in time")]
    NoLogin,
    #[error("the peer was silent too long")]
    Idle,
    #[error("the peer did not read what was sent")]
    Stalled,
    #[error("a message was not whole in time")]
    SlowMessage,
    #[error("the hub is stopping")]
    Stopping,
    #[error("what it asked for went wrong inside the hub")]
    Lost,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves a native client to its end; `deadline` is when somebody must be logged in.
pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    services: Arc<Services>,
    admission: Admission,
    deadline: Instant,
) {
    let peer = admission.peer();
    let end = CancellationToken::new();
    let connection = Connection::new(stream, services, admission, end.clone(), deadline);
    tokio::select! {
        biased;
        () = end.cancelled() => tracing::info!(%peer, "a connection was closed because its session ended"),
        why = connection.run() => match why {
            Gone::Closed | Gone::LoggedOut | Gone::Stopping => tracing::debug!(%peer, %why, "a connection ended"),
            why => tracing::info!(%peer, %why, "a connection was ended"),
        },
    }
}

struct Connection {
    stream: TlsStream<TcpStream>,
    services: Arc<Services>,
    admission: Admission,
    session: Session,
    by_code: code::ByCode,
    /// Among the live ones, once somebody is logged in.
    place: Option<Place>,
    end: CancellationToken,
    outbox: Arc<Outbox>,
    in_flight: Arc<Semaphore>,
    /// What was asked of the store's thread and it has not heard of.
    batch: Batch,
    small: small::SmallFiles,
    blocks: upload::Blocks,
    /// The directory that is being listed, page by page.
    listing: files::Listing,
    cursors: Vec<Cursor>,
    decoder: FrameDecoder,
    input: BytesMut,
    /// A message that was taken off the input and has yet to be answered.
    ahead: Option<Frame>,
    /// The length of the last message's body.
    last_body: usize,
    output: BytesMut,
    /// True while messages that have arrived wait for room among the sends in flight.
    held_back: bool,
    /// True while followed rooms have more than one turn may send.
    more_to_send: bool,
    /// True once nothing more is to be read: the connection closes when its output is sent.
    closing: bool,
    /// When the peer must have done what is expected of it next.
    deadline: Instant,
}

impl Connection {
    fn new(
        stream: TlsStream<TcpStream>,
        services: Arc<Services>,
        admission: Admission,
        end: CancellationToken,
        deadline: Instant,
    ) -> Self {
        // Nothing that is asked before the login has a body.
        let decoder = FrameDecoder::new(services.config.limits.header_bytes, 0);
        let outbox = Arc::default();
        let blocks = upload::Blocks::new(&services, &outbox);
        Self {
            stream,
            services,
            admission,
            session: Session::default(),
            by_code: code::ByCode::default(),
            place: None,
            end,
            outbox,
            in_flight: Arc::new(Semaphore::new(SENDS_IN_FLIGHT)),
            batch: Batch::default(),
            small: small::SmallFiles::default(),
            blocks,
            listing: files::Listing::default(),
            cursors: Vec::new(),
            decoder,
            input: BytesMut::new(),
            ahead: None,
            last_body: 0,
            output: BytesMut::new(),
            held_back: false,
            more_to_send: false,
            closing: false,
            deadline,
        }
    }

    async fn run(mut self) -> Gone {
        let why = loop {
            if let Err(why) = self.turn().await {
                break why;
            }
        };
        // Whoever broke the framing hears why before the connection closes.
        if let Gone::Framing(error) = &why {
            let refusal = Refusal::new(
                ErrorCode::BadRequest,
                format!("the message cannot be read: {error}"),
            );
            self.output.extend_from_slice(&encode_refusal(0, refusal));
        }
        if matches!(why, Gone::Stalled | Gone::Io(_)) {
            let _ = timeout(GOODBYE_TIME, self.take_what_arrived()).await;
        }
        if !matches!(why, Gone::Closed | Gone::Stalled | Gone::Io(_)) {
            // The peer may be gone by now, or not listen; then there is nobody to say goodbye to.
            let _ = timeout(GOODBYE_TIME, async {
                self.flush().await?;
                self.stream.shutdown().await.map_err(Gone::Io)
            })
            .await;
        }
        why
    }

    async fn turn(&mut self) -> Result<(), Gone> {
        self.collect().await;
        self.flush().await?;
        if self.closing {
            return self.finish_sends(Gone::LoggedOut).await;
        }
        self.publish_gathered();
        let may_read = self.may_read();
        if self.held_back && may_read {
            return self.take_requests().await;
        }
        let stopping = self.services.stopping.clone();
        self.make_room_for_reading();
        tokio::select! {
            biased;
            () = stopping.cancelled() => self.finish_sends(Gone::Stopping).await,
            read = self.stream.read_buf(&mut self.input), if may_read => match end_of_input(read)? {
                0 => Err(self.decoder.finish(self.input.len()).map_or_else(Gone::Framing, |()| Gone::Closed)),
                _ => {
                    self.read_on().await?;
                    self.take_requests().await
                }
            },
            // After reading, and each turn begins with sending: neither starves the other.
            () = self.outbox.woken() => Ok(()),
            () = std::future::ready(()), if self.more_to_send => Ok(()),
            // Whoever is held back waits for the hub, not the hub for it.
            () = tokio::time::sleep_until(self.deadline), if !self.held_back => Err(self.too_late()),
        }
    }

    /// Whether the next request may be taken: there is a place for it.
    fn may_read(&self) -> bool {
        self.in_flight.available_permits() > 0 && !self.small.is_full() && !self.blocks.is_full()
    }

    fn too_late(&self) -> Gone {
        if !self.session.is_logged_in() {
            Gone::NoLogin
        } else if self.input.is_empty() {
            Gone::Idle
        } else {
            Gone::SlowMessage
        }
    }

    /// Reads on as long as a message is under way and more of it is there already.
    async fn read_on(&mut self) -> Result<(), Gone> {
        while self.decoder.wanted(self.input.len()) > 0 {
            self.make_room_for_reading();
            tokio::select! {
                biased;
                read = self.stream.read_buf(&mut self.input) => if end_of_input(read)? == 0 {
                    // Nothing comes behind it; the next turn finds that out once more.
                    return Ok(());
                },
                () = std::future::ready(()) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Room grows with what has arrived, never with what was merely announced; a message may be as long as the one before
    /// it was.
    fn make_room_for_reading(&mut self) {
        if self.input.is_empty() && self.input.capacity() > BUFFER_KEPT {
            self.input = BytesMut::new();
        }
        let wanted = self.decoder.wanted(self.input.len());
        self.input
            .reserve(wanted.clamp(READ_BYTES, READ_BYTES.max(self.input.len()).max(self.last_body)));
    }

    /// Answers the whole messages that have arrived. What goes to the store's thread goes there together.
    async fn take_requests(&mut self) -> Result<(), Gone> {
        let taken = self.take_whole_requests().await;
        self.submit().await;
        taken
    }

    async fn submit(&mut self) {
        if !self.batch.is_empty() {
            self.services.chat.submit_batch(&mut self.batch).await;
        }
    }

    async fn take_whole_requests(&mut self) -> Result<(), Gone> {
        if std::mem::take(&mut self.held_back) {
            self.deadline = self.next_deadline(self.services.config.limits.idle);
        }
        while !self.closing {
            if !self.may_read() {
                self.held_back = true;
                break;
            }
            let frame = match self.ahead.take() {
                Some(frame) => frame,
                None => match self.decoder.decode(&mut self.input)? {
                    Some(frame) => frame,
                    None => break,
                },
            };
            self.last_body = frame.body.len();
            let answer = self.request(frame).await?;
            self.output.extend_from_slice(&answer);
            if self.output.len() >= SEND_BYTES {
                self.submit().await;
                self.flush().await?;
            }
            self.deadline = self.next_deadline(self.services.config.limits.idle);
        }
        if !self.input.is_empty() {
            self.deadline = self.deadline.min(self.next_deadline(MESSAGE_TIME));
        }
        Ok(())
    }

    /// Before the login there is one deadline for everything.
    fn next_deadline(&self, time: Duration) -> Instant {
        if self.session.is_logged_in() {
            Instant::now() + time
        } else {
            self.deadline
        }
    }

    /// Answers one request. An empty answer comes later, through the outbox.
    async fn request(&mut self, Frame { header, body }: Frame) -> Result<Bytes, Gone> {
        let header: RequestHeader<'_> = match serde_json::from_slice(&header) {
            Ok(header) => header,
            Err(error) => {
                let refusal = Refusal::new(
                    ErrorCode::BadRequest,
                    format!("the request cannot be read: {error}"),
                );
                return Ok(encode_refusal(0, refusal));
            }
        };
        if let Err(refusal) = self.session.admit(&header.name) {
            return Ok(encode_refusal(header.id, refusal));
        }
        if !talk::is_batched(&header.name) {
            // It may rest on what was asked before it.
            self.submit().await;
        }
        if header.name != PutFile::NAME {
            self.small_files_settled().await;
        }
        if header.name != PutBlock::NAME {
            self.blocks.settled().await;
        }
        if let Some(answer) = self.log_in_or_greet(&header).await {
            return Ok(answer);
        }
        let who = match self.session.identity(|account| self.services.role(account)) {
            Ok(who) => who,
            Err(refusal) => return Ok(encode_refusal(header.id, refusal)),
        };
        self.request_of(&who, &header, body).await
    }

    async fn request_of(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
        body: Bytes,
    ) -> Result<Bytes, Gone> {
        if header.name == PutFile::NAME {
            return Ok(self.gather(who, header, body));
        }
        if let Some(answer) = self.talk(who, header, &body).await {
            return Ok(answer);
        }
        if let Some(answer) = self.upload(who, header, &body).await {
            return Ok(answer);
        }
        if let Some(answer) = self.download(who, header).await? {
            return Ok(answer);
        }
        if let Some(answer) = self.tree(who, header).await? {
            return Ok(answer);
        }
        let services = &self.services;
        let (number, peer) = (self.admission.number(), self.admission.peer());
        if let Some(answer) = people::answer(services, who, header, number, peer).await {
            // It may have been about the session that asks: that one hears the answer, and no more.
            if !services.people.session_is_open(&who.session) {
                self.leave();
            }
            return Ok(answer);
        }
        if let Some(answer) = chat::answer(services, who, header, &body, self.admission.number()).await {
            return Ok(answer);
        }
        if let Some(answer) = spaces::answer(services, who, header).await {
            return Ok(answer);
        }
        if let Some(answer) = files::answer(services, who, header).await {
            return Ok(answer);
        }
        if let Some(answer) = shares::answer(services, who, header).await {
            return Ok(answer);
        }
        if let Some(answer) = receipts::answer(services, who, header).await {
            return Ok(answer);
        }
        let name = landline_model::text::escape(&header.name);
        let refusal = Refusal::new(
            ErrorCode::BadRequest,
            format!("this hub knows no request '{name:.64}'"),
        )
        .with_hint("the client may be newer than the hub");
        Ok(encode_refusal(header.id, refusal))
    }

    /// Puts into the output what followed rooms and the store's thread have for this connection.
    async fn collect(&mut self) {
        if self.outbox.is_to_judge() {
            self.judge();
        }
        let mut events: Vec<Bytes> = Vec::new();
        let mut budget = SEND_BYTES;
        let mut some_are_cut = false;
        for cursor in &mut self.cursors {
            while budget > 0 {
                let found = match cursor.ahead(budget) {
                    Ahead::Nothing => break,
                    Ahead::Events(found) => found,
                    Ahead::InStore { since, delivered } => {
                        let found = chat::replay(&self.services, cursor, since, delivered).await;
                        // It may have been cut while the store was read; then even that is not for it.
                        some_are_cut |= cursor.is_cut();
                        if found.is_empty() || cursor.is_cut() {
                            break;
                        }
                        found
                    }
                    Ahead::Cut => {
                        some_are_cut = true;
                        break;
                    }
                };
                budget = budget.saturating_sub(found.iter().map(Bytes::len).sum());
                events.extend(found);
            }
        }
        if some_are_cut {
            self.cursors.retain(|cursor| !cursor.is_cut());
        }
        self.more_to_send = budget == 0;
        if self.more_to_send {
            // The next turn begins with another room.
            let rooms = self.cursors.len().max(1);
            self.cursors.rotate_left(1 % rooms);
        }
        let queued = self.outbox.take();
        for reply in queued.replies {
            self.output.extend_from_slice(&reply);
        }
        for event in events {
            self.output.extend_from_slice(&event);
        }
        if let Some(signals) = queued.signals {
            self.add_signals(*signals);
        }
    }

    /// Sends the output. A peer that takes nothing for as long as it may be silent is gone; before the login there is
    /// one deadline for everything.
    async fn flush(&mut self) -> Result<(), Gone> {
        if self.session.is_logged_in() || self.closing {
            self.send_output().await
        } else {
            timeout_at(self.deadline, self.send_output())
                .await
                .map_err(|_| Gone::NoLogin)?
        }
    }

    async fn send_output(&mut self) -> Result<(), Gone> {
        let stall = self.services.config.limits.idle;
        while self.output.has_remaining() {
            let sent = timeout(stall, self.stream.write_buf(&mut self.output))
                .await
                .map_err(|_| Gone::Stalled)??;
            if sent == 0 {
                return Err(Gone::Closed);
            }
        }
        if self.output.capacity() > BUFFER_KEPT {
            self.output = BytesMut::new();
        }
        self.flush_stream().await
    }

    /// Sends the output, and behind it what it announces.
    async fn send_with(&mut self, mut body: &[u8]) -> Result<(), Gone> {
        let stall = self.services.config.limits.idle;
        while self.output.has_remaining() || body.has_remaining() {
            let sent = timeout(stall, async {
                if self.output.has_remaining() {
                    self.stream.write_buf(&mut self.output).await
                } else {
                    self.stream.write_buf(&mut body).await
                }
            });
            if sent.await.map_err(|_| Gone::Stalled)?? == 0 {
                return Err(Gone::Closed);
            }
        }
        self.flush_stream().await
    }

    async fn flush_stream(&mut self) -> Result<(), Gone> {
        let stall = self.services.config.limits.idle;
        timeout(stall, self.stream.flush())
            .await
            .map_err(|_| Gone::Stalled)??;
        Ok(())
    }

    /// When the hub stops, or somebody has logged out: what was taken is acknowledged, then the connection closes.
    async fn finish_sends(&mut self, why: Gone) -> Result<(), Gone> {
        self.small_files_settled().await;
        self.blocks.settled().await;
        while self.in_flight.available_permits() < SENDS_IN_FLIGHT {
            self.outbox.woken().await;
        }
        self.collect().await;
        self.flush().await?;
        Err(why)
    }

    /// Opens everything that a login opens.
    fn logged_in(&mut self, who: crate::session::LoggedInAs) {
        let line = Line {
            number: self.admission.number(),
            end: self.end.clone(),
            outbox: Arc::clone(&self.outbox),
        };
        self.place = Some(self.services.live.enter(who.session, who.account, line));
        self.session = Session::LoggedIn(who);
        self.admission.handshake_is_over();
        self.decoder = FrameDecoder::new(self.services.config.limits.header_bytes, BODY_MAX);
    }
}

/// A peer that goes without a TLS goodbye is gone like any other; what it had begun is noticed by the framing.
fn end_of_input(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        read => read,
    }
}

/// Reads a request's arguments.
pub(crate) fn arguments<C: Call>(header: &RequestHeader<'_>) -> Result<C, Refusal> {
    header.arguments().map_err(|error| {
        let error = error.to_string();
        let error = landline_model::text::escape(&error);
        Refusal::new(
            ErrorCode::BadRequest,
            format!("the arguments of {} cannot be read: {error:.200}", C::NAME),
        )
    })
}

/// The answer to one request as a frame, from the future that makes it.
pub(crate) async fn answered<R: serde::Serialize>(
    id: u64,
    answer: impl Future<Output = crate::answer::Answered<R>>,
) -> Bytes {
    encode_answer(id, answer.await)
}

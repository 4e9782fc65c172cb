//! The rules of a connection: all that an engine need not know about the protocol that it drives.
//!
//! ```text
//!            finish()                  all sent             shut_down()          peer's end, linger over
//!   Open ─────────────▶ Finishing ───────────────▶ (Shutdown) ─────────▶ Lingering ─────────▶ Ended
//!     │                     │                                               │
//!     └──── abort, reset, timeout, overflow ── everything queued is lost ───┴───────────────▶ Ended
//! ```
//!
//! | what happens | what follows |
//! |---|---|
//! | more is queued than `output_high` | nothing is read until a quarter of it is left |
//! | `unanswered_max` events wait for an answer | nothing is read, and no idle time passes, until one is answered |
//! | the protocol leaves more unconsumed than it said it would | aborted |
//! | a command arrives while more than `output_max` is unsent | aborted: the peer does not read |
//! | no byte moves either way for `idle` (before it is established: `handshake`) | aborted |
//! | the peer's end arrives while something unconsumed waits | what waits first, then the end |
//! | the peer's end arrives after ours | ended |
//! | more than `messages_a_turn` messages are there | the rest in the next turn |

mod limits;
mod outbox;
mod shell;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

pub use limits::ConnLimits;
pub use outbox::Pending;
use shell::{Phase, Shell};

use crate::stream::StreamProtocol;

/// An engine's buffer that grew beyond this is given back to the system: 1 MiB.
const SPARE_MAX: usize = 1024 * 1024;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Both sides came to their end, or ours did and the peer was given its time.
    Finished,
    /// What a client is told instead where ours came and the server's did not in its time, or came before it had taken
    /// everything.
    Unclosed,
    /// The peer, or the network, broke it off.
    Reset,
    /// Nothing moved for the idle timeout.
    Idle,
    /// The peer did not get through the handshake in its time.
    Handshake,
    /// The peer sent more than the protocol can hold.
    Overflow,
    /// The peer does not read what it is sent.
    Overrun,
    /// The protocol broke it off, and says why.
    Aborted(&'static str),
    /// The server broke it off.
    Stopped,
}

/// One connection: a protocol and the rules around it. The only thing that an engine sees.
///
/// An engine reads at most [`room`](Self::room) bytes and gives them to [`feed`](Self::feed), sends what
/// [`pending`](Self::pending) shows and says so with [`wrote`](Self::wrote), wakes it at [`deadline`](Self::deadline)
/// with [`tick`](Self::tick), takes its [`event`](Self::event)s, and closes the socket once [`ended`](Self::ended)
/// says why. Nothing here blocks.
#[derive(Debug)]
pub struct Conn<P: StreamProtocol> {
    protocol: P,
    /// What arrived and is not consumed. Owns no memory while it is empty.
    input: Vec<u8>,
    shell: Shell<P::Event>,
}

impl<P: StreamProtocol> Conn<P> {
    /// A connection that stands since `now`. The protocol is told at once.
    pub fn open(protocol: P, limits: Arc<ConnLimits>, now: Instant) -> Self {
        let mut conn = Self {
            protocol,
            input: Vec::new(),
            shell: Shell::new(limits, now),
        };
        conn.protocol.opened(&mut conn.shell, now);
        conn
    }

    /// The protocol itself, to look at.
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    /// How many bytes may be read now. Zero says: do not read, let the peer wait.
    pub fn room(&self) -> usize {
        match self.shell.phase {
            Phase::Open if self.shell.peer_finished || !self.takes_input() => 0,
            Phase::Open => self.protocol.input_max().saturating_sub(self.input.len()),
            Phase::Finishing | Phase::Lingering if self.shell.peer_finished => 0,
            Phase::Finishing | Phase::Lingering => self.shell.limits.linger_bytes.max(1),
            Phase::Ended(_) => 0,
        }
    }

    /// Bytes arrived: at most [`room`](Self::room), in the pieces in which they were read.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) {
        if bytes.is_empty() {
            return;
        }
        match self.shell.phase {
            Phase::Open if self.input.is_empty() => {
                self.shell.progress = now;
                let mut rest = bytes;
                self.turn(&mut rest, now);
                self.input.extend_from_slice(rest);
            }
            Phase::Open => {
                self.shell.progress = now;
                self.input.extend_from_slice(bytes);
                self.resume(now);
            }
            Phase::Finishing | Phase::Lingering => self.shell.discard(bytes.len()),
            Phase::Ended(_) => {}
        }
        self.settle_input();
    }

    /// The peer will send no more.
    pub fn end_of_input(&mut self, now: Instant) {
        self.shell.peer_finished = true;
        self.shell.progress = now;
        self.resume(now);
        self.shell.end_if_done();
    }

    /// What to send next.
    pub fn pending(&self) -> Pending<'_> {
        match self.shell.phase {
            Phase::Ended(_) => Pending::Nothing,
            Phase::Open | Phase::Lingering => self.shell.outbox.first().unwrap_or(Pending::Nothing),
            Phase::Finishing => self.shell.outbox.first().unwrap_or(Pending::Shutdown),
        }
    }

    /// `count` bytes of what [`pending`](Self::pending) showed are sent.
    pub fn wrote(&mut self, count: usize, now: Instant) {
        self.shell.wrote(count, now);
        if self.shell.resumes() {
            self.protocol.writable(&mut self.shell, now);
            self.resume(now);
        }
    }

    /// Our end was sent, as [`pending`](Self::pending) asked.
    pub fn shut_down(&mut self, now: Instant) {
        if self.shell.phase == Phase::Finishing {
            self.shell.phase = Phase::Lingering;
            self.shell.progress = now;
            self.shell.end_if_done();
        }
    }

    /// When [`tick`](Self::tick) wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let timeout = self.shell.timeout(self.protocol.established()).map(|(at, _)| at);
        match self.shell.phase {
            Phase::Open => [timeout, self.protocol.deadline()].into_iter().flatten().min(),
            Phase::Finishing | Phase::Lingering => timeout,
            Phase::Ended(_) => None,
        }
    }

    /// Whether messages are left that the last turn had no budget for: call [`tick`](Self::tick) without waiting.
    pub fn has_work(&self) -> bool {
        self.shell.has_more && self.shell.phase == Phase::Open
    }

    /// Time has passed, or there is work left over. Never wrong to call.
    pub fn tick(&mut self, now: Instant) {
        if let Some((at, ended)) = self.shell.timeout(self.protocol.established())
            && at <= now
        {
            return self.shell.end(ended);
        }
        if self.shell.phase == Phase::Open {
            if self.protocol.deadline().is_some_and(|deadline| deadline <= now) {
                self.protocol.deadline_reached(&mut self.shell, now);
            }
            self.resume(now);
        }
    }

    /// Whether so much is unsent that one more [`command`](Self::command) would end it: send first, if the socket takes
    /// any of it.
    pub fn is_crowded(&self) -> bool {
        self.shell.outbox.len() > self.shell.limits.output_max
    }

    /// The service says something of its own accord.
    pub fn command(&mut self, command: P::Command, now: Instant) {
        if self.shell.phase != Phase::Open {
            return;
        }
        if self.is_crowded() {
            return self.shell.end(Ended::Overrun);
        }
        self.protocol.commanded(command, &mut self.shell, now);
        self.resume(now);
    }

    /// The service answers an event that was asked.
    pub fn answer(&mut self, command: P::Command, now: Instant) {
        self.shell.unanswered = self.shell.unanswered.saturating_sub(1);
        self.shell.progress = now;
        if self.shell.phase == Phase::Open {
            self.protocol.commanded(command, &mut self.shell, now);
            self.resume(now);
        }
    }

    /// The server stops: the protocol is asked to come to an end.
    pub fn drain(&mut self, now: Instant) {
        if self.shell.phase == Phase::Open {
            self.protocol.drain(&mut self.shell, now);
            self.resume(now);
        }
    }

    /// The next event for the service, in the order in which they were given.
    pub fn event(&mut self) -> Option<P::Event> {
        self.shell.events.pop_front()
    }

    /// Flushes and ends it, without asking the protocol.
    pub fn finish(&mut self) {
        self.shell.begin_finish();
    }

    /// Ends it from outside: the socket broke ([`Ended::Reset`]), or the server's patience did.
    pub fn close(&mut self, why: Ended) {
        self.shell.end(why);
    }

    /// Once it says something, the engine closes the socket: after [`Ended::Finished`] as it is, else with a reset, so
    /// that what the peer did not read takes no memory.
    pub fn ended(&self) -> Option<Ended> {
        match self.shell.phase {
            Phase::Ended(why) => Some(why),
            Phase::Open | Phase::Finishing | Phase::Lingering => None,
        }
    }

    /// Whether the peer's end has arrived.
    pub fn peer_has_finished(&self) -> bool {
        self.shell.peer_finished
    }

    /// Lends an engine's buffer for one turn, so that an idle connection needs none of its own.
    pub fn borrow_buffer(&mut self, spare: &mut Vec<u8>) {
        self.shell.outbox.borrow(spare);
    }

    /// Takes the buffer back after a turn.
    pub fn return_buffer(&mut self, spare: &mut Vec<u8>) {
        self.shell.outbox.give_back(spare);
        self.shell.outbox.release();
        if spare.capacity() > SPARE_MAX {
            spare.shrink_to(SPARE_MAX);
        }
    }

    /// Whether the protocol may be given input now.
    fn takes_input(&self) -> bool {
        self.shell.takes_input() && self.protocol.wants_input()
    }

    /// Goes on with what is left of the input.
    fn resume(&mut self, now: Instant) {
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        self.turn(&mut rest, now);
        let consumed = input.len() - rest.len();
        self.input = input;
        self.input.drain(..consumed);
        self.settle_input();
    }

    /// Hands messages to the protocol until it waits for more, is held back, or has had its share of this turn. Then
    /// the peer's end, once there is nothing before it.
    fn turn(&mut self, rest: &mut &[u8], now: Instant) {
        self.shell.has_more = false;
        let mut budget = self.shell.limits.messages_a_turn.max(1);
        let mut waits = rest.is_empty();
        while !waits && self.takes_input() {
            if budget == 0 {
                self.shell.has_more = true;
                return;
            }
            budget -= 1;
            let before = rest.len();
            self.protocol.received(rest, &mut self.shell, now);
            waits = rest.is_empty() || rest.len() == before;
        }
        if !self.takes_input() {
            return;
        }
        if self.shell.peer_finished {
            self.tell_end(rest, now);
        } else if rest.len() >= self.protocol.input_max() {
            self.shell.end(Ended::Overflow);
        }
    }

    /// Tells the protocol of the peer's end, once nothing that came before it is under way.
    fn tell_end(&mut self, rest: &mut &[u8], now: Instant) {
        while !self.shell.end_told && self.shell.unanswered == 0 && self.takes_input() {
            let before = rest.len();
            self.protocol.peer_finished(rest, &mut self.shell, now);
            self.shell.end_told = rest.len() == before;
        }
    }

    /// Gives up what no longer matters, and the memory of an empty buffer.
    fn settle_input(&mut self) {
        if self.shell.phase != Phase::Open || self.input.is_empty() {
            self.input = Vec::new();
        }
    }
}

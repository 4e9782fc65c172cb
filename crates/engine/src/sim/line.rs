//! A made-up TCP connection: the server's socket at one end, a peer at the other, and the way between.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Split;
use super::random::Random;
use crate::socket::Outcome;

/// How a peer saw its connection end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// All that was sent, and the end of the stream.
    End,
    /// A reset. What was not read by then is lost.
    Reset,
}

#[derive(Debug)]
enum Item {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// What is on its way in one direction, each with the moment of its arrival. The moments never fall.
#[derive(Debug, Default)]
struct Way(VecDeque<(Instant, Item)>);

impl Way {
    fn push(&mut self, at: Instant, item: Item) {
        let at = self.0.back().map_or(at, |(last, _)| at.max(*last));
        self.0.push_back((at, item));
    }

    fn next(&self) -> Option<Instant> {
        self.0.front().map(|(at, _)| *at)
    }

    fn arrived(&mut self, now: Instant) -> Option<Item> {
        self.0.pop_front_if(|(at, _)| *at <= now).map(|(_, item)| item)
    }

    fn bytes(&self) -> usize {
        let lengths = self.0.iter().map(|(_, item)| {
            if let Item::Bytes(bytes) = item {
                bytes.len()
            } else {
                0
            }
        });
        lengths.sum()
    }
}

/// What chance decides about a connection.
pub(super) struct Chance {
    pub(super) random: Random,
    pub(super) split: Split,
    pub(super) latency: Duration,
}

impl Chance {
    pub(super) fn arrival(&mut self, now: Instant) -> Instant {
        now + self.random.time(self.latency)
    }

    /// How many of `available` bytes, of which there is at least one, go at once.
    pub(super) fn piece(&mut self, available: usize) -> usize {
        match self.split {
            Split::Seeded => self.random.size(available),
            Split::Bytes => 1,
            Split::Whole => available,
        }
    }
}

/// One made-up connection.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// From the peer.
    up: Way,
    /// To the peer. Its bytes are what fills the server's send buffer.
    down: Way,
    /// What the server may read now.
    unread: VecDeque<u8>,
    /// Whether the peer's end stands behind that.
    end_arrived: bool,
    /// Whether the peer's reset stands behind that.
    broken: bool,
    /// Whether the server has closed.
    closed: bool,
    /// Whether the server has sent its end.
    shut_down: bool,
    /// Whether the peer has said its last: its end, or a reset.
    done: bool,
    /// Whether what the peer sends stays with it.
    pub(super) held: bool,
    /// Whether the peer does not read, but for `allowance` bytes.
    stalled: bool,
    allowance: usize,
    pub(super) received: Vec<u8>,
    pub(super) seen: Option<Seen>,
}

/// The peer's side.
impl Line {
    pub(super) fn peer_sends(&mut self, bytes: &[u8], chance: &mut Chance, now: Instant) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.done {
            let (piece, after) = rest.split_at(chance.piece(rest.len()));
            self.up.push(chance.arrival(now), Item::Bytes(piece.to_vec()));
            rest = after;
        }
    }

    pub(super) fn peer_finishes(&mut self, chance: &mut Chance, now: Instant) {
        if !self.done {
            self.done = true;
            self.up.push(chance.arrival(now), Item::End);
        }
    }

    /// The reset overtakes nothing, but the peer hears no more.
    pub(super) fn peer_resets(&mut self, chance: &mut Chance, now: Instant) {
        self.done = true;
        self.down.0.clear();
        self.seen.get_or_insert(Seen::Reset);
        self.up.push(chance.arrival(now), Item::Reset);
    }

    pub(super) fn stall(&mut self, stalled: bool) {
        self.stalled = stalled;
        self.allowance = 0;
    }

    /// Lets a peer that is stalled read so many bytes more.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowance = self.allowance.saturating_add(bytes);
    }

    /// What the peer sent that the server has not read.
    pub(super) fn unread(&self) -> usize {
        self.up.bytes() + self.unread.len()
    }
}

/// The way between.
impl Line {
    /// The next moment at which something arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        let up = self.up.next().filter(|_| !self.held);
        let down = self.down.next().filter(|_| self.peer_reads());
        [up, down].into_iter().flatten().min()
    }

    /// Lets arrive what is due.
    pub(super) fn deliver(&mut self, chance: &mut Chance, now: Instant) {
        while !self.held
            && let Some(item) = self.up.arrived(now)
        {
            match item {
                // What comes to a closed socket is answered with a reset (RFC 9293, section 3.10.7.1).
                Item::Bytes(_) if self.closed => self.send_reset(chance, now),
                Item::Bytes(bytes) => self.unread.extend(bytes),
                Item::End => self.end_arrived = true,
                Item::Reset => self.broken = true,
            }
        }
        while self.peer_reads()
            && let Some(item) = self.down.arrived(now)
        {
            match item {
                Item::Bytes(bytes) => self.peer_reads_bytes(bytes, now),
                Item::End => self.seen = Some(Seen::End),
                Item::Reset => self.seen = Some(Seen::Reset),
            }
        }
    }

    fn peer_reads(&self) -> bool {
        let reset = matches!(self.down.0.front(), Some((_, Item::Reset)));
        !self.stalled || self.allowance > 0 || reset
    }

    fn peer_reads_bytes(&mut self, mut bytes: Vec<u8>, now: Instant) {
        if self.stalled && bytes.len() > self.allowance {
            self.down
                .0
                .push_front((now, Item::Bytes(bytes.split_off(self.allowance))));
        }
        if self.stalled {
            self.allowance -= bytes.len();
        }
        self.received.append(&mut bytes);
    }

    fn send_reset(&mut self, chance: &mut Chance, now: Instant) {
        self.down.0.clear();
        if self.seen.is_none() {
            self.down.push(chance.arrival(now), Item::Reset);
        }
        self.done = true;
    }
}

/// The server's side.
impl Line {
    pub(super) fn is_readable(&self) -> bool {
        !self.unread.is_empty() || self.end_arrived || self.broken
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn has_space(&self, send_buffer: usize) -> bool {
        self.broken || self.down.bytes() < send_buffer
    }

    /// Reads into `buffer`, which is not empty. The peer's end is [`Outcome::Done`] with nothing.
    pub(super) fn read(&mut self, buffer: &mut [u8], chance: &mut Chance) -> Outcome {
        let available = self.unread.len().min(buffer.len());
        if available > 0 {
            let count = chance.piece(available);
            for (place, byte) in buffer.iter_mut().zip(self.unread.drain(..count)) {
                *place = byte;
            }
            Outcome::Done(count)
        } else if self.broken {
            Outcome::Broken
        } else if self.end_arrived {
            Outcome::Done(0)
        } else {
            Outcome::WouldBlock
        }
    }

    /// How many of `wanted` bytes, of which there is at least one, the socket takes now.
    pub(super) fn space(&self, wanted: usize, send_buffer: usize, chance: &mut Chance) -> Outcome {
        let free = send_buffer.saturating_sub(self.down.bytes()).min(wanted);
        if self.broken {
            Outcome::Broken
        } else if free == 0 {
            Outcome::WouldBlock
        } else {
            Outcome::Done(chance.piece(free))
        }
    }

    /// Sends what there is space for.
    pub(super) fn write(&mut self, bytes: Vec<u8>, chance: &mut Chance, now: Instant) {
        self.down.push(chance.arrival(now), Item::Bytes(bytes));
    }

    pub(super) fn shut_down(&mut self, chance: &mut Chance, now: Instant) {
        if !self.shut_down && !self.broken {
            self.shut_down = true;
            self.down.push(chance.arrival(now), Item::End);
        }
    }

    /// Closes with the end of the stream, or with a reset. One that left something unread also resets, as the kernel
    /// does (RFC 2525, section 2.17).
    pub(super) fn close(&mut self, in_order: bool, chance: &mut Chance, now: Instant) {
        self.closed = true;
        if self.broken {
        } else if in_order && self.unread.is_empty() {
            self.shut_down(chance, now);
        } else {
            self.send_reset(chance, now);
        }
        self.unread.clear();
    }
}

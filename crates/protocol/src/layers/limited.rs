//! How much one connection may ask for.

use std::time::{Duration, Instant};

use super::Layer;
use crate::output::Output;
use crate::stream::StreamProtocol;

/// The bounds of a [`Limited`] connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many messages may come at once before the pace is felt.
    pub burst: u32,
    /// One more message is let in after each of these.
    pub every: Duration,
    /// How many bytes may arrive in all; more ends the connection. `None` for any number.
    pub bytes: Option<u64>,
    /// How long the connection may live. `None` for ever.
    pub lifetime: Option<Duration>,
}

impl Pace {
    /// No bounds.
    pub const UNBOUNDED: Self = Self {
        burst: u32::MAX,
        every: Duration::ZERO,
        bytes: None,
        lifetime: None,
    };
}

/// A protocol with a pace: messages beyond it wait in the peer's own buffers, until it is their turn.
#[derive(Debug)]
pub struct Limited<P> {
    inner: P,
    pace: Pace,
    /// Messages that may come now. At most `burst`.
    tokens: u32,
    /// When the next token comes. `None` while there are `burst` of them.
    next_token: Option<Instant>,
    /// Bytes that may still arrive.
    bytes_left: Option<u64>,
    /// When the connection's life is over; known once it is open.
    end: Option<Instant>,
}

impl<P> Limited<P> {
    /// Puts bounds around `inner`. A burst of 0 counts as 1.
    pub fn new(pace: Pace, inner: P) -> Self {
        let tokens = pace.burst.max(1);
        Self {
            inner,
            pace,
            tokens,
            next_token: None,
            bytes_left: pace.bytes,
            end: None,
        }
    }

    /// Adds the tokens that came since the last call.
    fn refill(&mut self, now: Instant) {
        let burst = self.pace.burst.max(1);
        let Some(next) = self.next_token.filter(|next| *next <= now) else {
            return;
        };
        let every = self.pace.every.max(Duration::from_nanos(1));
        let further = now.duration_since(next).as_nanos() / every.as_nanos();
        let arrived = u32::try_from(further).unwrap_or(u32::MAX).saturating_add(1);
        if arrived >= burst - self.tokens {
            self.tokens = burst;
            self.next_token = None;
        } else {
            self.tokens += arrived;
            self.next_token = Some(next + every * arrived);
        }
    }

    fn take_token(&mut self, now: Instant) {
        self.tokens = self.tokens.saturating_sub(1);
        // A pace too slow for the clock gives no further token.
        self.next_token = self.next_token.or_else(|| now.checked_add(self.pace.every));
    }

    /// How many of `arrived` bytes may be looked at.
    fn allowed(&self, arrived: usize) -> usize {
        self.bytes_left.map_or(arrived, |left| {
            usize::try_from(left).unwrap_or(usize::MAX).min(arrived)
        })
    }
}

impl<P: StreamProtocol> Layer for Limited<P> {
    type Inner = P;

    fn inner(&self) -> &P {
        &self.inner
    }

    fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }

    fn opened(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.end = self.pace.lifetime.and_then(|lifetime| now.checked_add(lifetime));
        self.inner.opened(out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        self.refill(now);
        // A message that lies beyond the bound is never seen, not even in part.
        let arrived = *input;
        let (allowed, beyond) = arrived.split_at(self.allowed(arrived.len()));
        let mut rest = allowed;
        if !rest.is_empty() {
            self.inner.received(&mut rest, out, now);
        }
        let taken = allowed.len() - rest.len();
        *input = &arrived[taken..];
        if taken > 0 {
            self.take_token(now);
            self.bytes_left = self.bytes_left.map(|left| left.saturating_sub(taken as u64));
        } else if !beyond.is_empty() {
            out.abort("the peer sent more than it may");
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let token = self.next_token.filter(|_| self.tokens == 0);
        [token, self.end, self.inner.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.refill(now);
        if self.end.is_some_and(|end| end <= now) {
            out.abort("the connection has lived its time");
        } else if self.inner.deadline().is_some_and(|deadline| deadline <= now) {
            self.inner.deadline_reached(out, now);
        }
    }

    fn wants_input(&self) -> bool {
        self.tokens > 0 && self.inner.wants_input()
    }
}

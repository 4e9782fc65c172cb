//! What a server did.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use landline_protocol::Ended;

/// What became of a server's connections, for whoever stopped it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Connections that came in; of a datagram server, datagrams.
    pub accepted: u64,
    /// Connections that were turned away by a limit or by the service.
    pub refused: u64,
    /// Connections that came to their end.
    pub finished: u64,
    /// Connections that the peer, the network, a timeout or a protocol broke off.
    pub broken: u64,
    /// Connections that were broken off because the server stopped and they did not come to their end in time.
    pub stopped: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accepted,
            refused,
            finished,
            broken,
            stopped,
        } = self;
        write!(
            formatter,
            "{accepted} accepted, {refused} refused, {finished} finished, {broken} broken off, {stopped} cut short by the stop"
        )
    }
}

/// A report under way, filled from several threads. Each counter stands alone, so no order among them matters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    finished: AtomicU64,
    broken: AtomicU64,
    stopped: AtomicU64,
}

impl Counters {
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn accepted_many(&self, count: usize) {
        self.accepted.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, why: Ended) {
        let counter = match why {
            Ended::Finished => &self.finished,
            Ended::Stopped => &self.stopped,
            _ => &self.broken,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn report(&self) -> Report {
        Report {
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            finished: self.finished.load(Ordering::Relaxed),
            broken: self.broken.load(Ordering::Relaxed),
            stopped: self.stopped.load(Ordering::Relaxed),
        }
    }
}

//! When to wake which connection.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use landline_protocol::ConnId;

/// Fewer entries than this are never worth a look.
const PRUNE_MIN: usize = 1024;

/// A heap that is lazy on purpose: a deadline that moves later, as an idle timeout does with every byte, costs nothing
/// until the old one is reached. The connection is looked at then and entered again.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, ConnId)>>,
}

impl Timers {
    /// Sees to it that `id` is looked at by `deadline`. `scheduled` is what this connection has in the heap.
    pub(crate) fn schedule(
        &mut self,
        id: ConnId,
        deadline: Option<Instant>,
        scheduled: &mut Option<Instant>,
    ) {
        let Some(deadline) = deadline else {
            return;
        };
        if scheduled.is_none_or(|at| deadline < at) {
            self.heap.push(Reverse((deadline, id)));
            *scheduled = Some(deadline);
        }
    }

    /// The next moment at which somebody is to be looked at.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The next one that is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(Instant, ConnId)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Forgets entries that nobody waits for any more, once they are the greater part. Connections that come and go
    /// would otherwise leave one each for as long as their idle timeout lasts.
    pub(crate) fn prune(&mut self, live: usize, mut is_current: impl FnMut(Instant, ConnId) -> bool) {
        if self.heap.len() > 2 * live + PRUNE_MIN {
            self.heap.retain(|Reverse((at, id))| is_current(*at, *id));
        }
    }
}

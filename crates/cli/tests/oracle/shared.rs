//! What those who act at the same time share: an order of moments, how far each room is known to be, and when the hub
//! dies.

use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Shared by all tasks of a seed.
pub(crate) struct Shared {
    moments: AtomicU64,
    /// By room: the last event of which somebody has been told.
    known: Vec<AtomicU64>,
    /// How many acknowledgements until the hub dies.
    left: AtomicUsize,
    /// The hub, where it is to die; 0: it is not.
    hub: AtomicU64,
}

/// A moment in the order of all of them, and by the clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Larger than those of all moments that were before.
    pub(crate) number: u64,
    /// By the clock that the hub has too.
    pub(crate) time: u64,
}

impl Shared {
    pub(crate) fn new(rooms: usize) -> Self {
        Self {
            moments: AtomicU64::new(1),
            known: (0..rooms).map(|_| AtomicU64::new(0)).collect(),
            left: AtomicUsize::new(0),
            hub: AtomicU64::new(0),
        }
    }

    pub(crate) fn moment(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Moment {
            number: self.moments.fetch_add(1, Ordering::SeqCst),
            time: u64::try_from(since.as_millis()).expect("before the year 584,000,000"),
        }
    }

    /// Somebody was told of an event.
    pub(crate) fn knows(&self, room: usize, sequence: u64) {
        self.known[room].fetch_max(sequence, Ordering::SeqCst);
    }

    /// How many events a room has at least.
    pub(crate) fn known(&self, room: usize) -> u64 {
        self.known[room].load(Ordering::SeqCst)
    }

    /// From now on, the hub dies when as many acknowledgements have been seen.
    pub(crate) fn dies_after(&self, hub: Pid, acknowledgements: usize) {
        self.left.store(acknowledgements.max(1), Ordering::SeqCst);
        self.hub.store(
            u64::from(hub.as_raw_nonzero().get().unsigned_abs()),
            Ordering::SeqCst,
        );
    }

    /// It is not to die any more: it is dead.
    pub(crate) fn is_dead(&self) {
        self.hub.store(0, Ordering::SeqCst);
    }

    /// Somebody has seen an acknowledgement. Who sees the last one kills the hub, before anything else is done.
    pub(crate) fn acknowledged(&self, room: usize, sequence: u64) {
        self.knows(room, sequence);
        let hub = self.hub.load(Ordering::SeqCst);
        if hub == 0 {
            return;
        }
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let hub = i32::try_from(hub)
                .ok()
                .and_then(Pid::from_raw)
                .expect("a process");
            kill_process(hub, Signal::KILL).expect("it was alive");
        }
    }
}

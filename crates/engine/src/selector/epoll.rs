//! `epoll`: the kernel keeps the list, and a wait costs as much as there is news.
#![allow(
    unsafe_code,
    reason = "the library's event could hold a pointer; ours hold numbers"
)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::{Interest, Ready, Selector, interrupted_is_nothing, timespec};

/// How many events one wait may bring.
const EVENTS_A_WAIT: usize = 256;

/// `epoll(7)`. With `EDGE` a change is told once, else a state as long as it lasts.
pub struct Epoll<const EDGE: bool> {
    epoll: OwnedFd,
    /// Kept for its memory; what is in it matters only within one wait.
    events: Vec<Event>,
}

// SAFETY: an event is numbers; the pointer that its union could hold is never used.
unsafe impl<const EDGE: bool> Send for Epoll<EDGE> {}

impl<const EDGE: bool> Epoll<EDGE> {
    /// An empty one.
    ///
    /// # Errors
    /// The system's: no descriptor left.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self {
            epoll,
            events: Vec::with_capacity(EVENTS_A_WAIT),
        })
    }
}

impl<const EDGE: bool> Selector for Epoll<EDGE> {
    const EDGE: bool = EDGE;

    fn add(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let flags = flags(interest, EDGE);
        Ok(epoll::add(
            &self.epoll,
            descriptor,
            EventData::new_u64(token),
            flags,
        )?)
    }

    fn modify(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let flags = flags(interest, EDGE);
        Ok(epoll::modify(
            &self.epoll,
            descriptor,
            EventData::new_u64(token),
            flags,
        )?)
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        let timeout = timespec(timeout);
        interrupted_is_nothing(epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            timeout.as_ref(),
        ))?;
        ready.extend(self.events.iter().map(seen));
        Ok(())
    }
}

fn flags(interest: Interest, edge: bool) -> EventFlags {
    // Where nothing is wanted nothing is told by edge either: each change of a watch tells the state once more.
    if edge && interest != Interest::NONE {
        return EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    }
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::IN, interest.readable);
    flags.set(EventFlags::OUT, interest.writable);
    flags
}

fn seen(event: &Event) -> Ready {
    let flags = event.flags;
    let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    let peer_finished = flags.contains(EventFlags::RDHUP);
    Ready {
        token: event.data.u64(),
        readable: broken || peer_finished || flags.contains(EventFlags::IN),
        writable: broken || flags.contains(EventFlags::OUT),
        peer_finished,
        broken,
    }
}

//! `poll`: the caller keeps the list, and each wait shows the kernel all of it.
#![allow(
    unsafe_code,
    reason = "descriptors are remembered by number, as the system call wants them"
)]

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};

use super::{Interest, Ready, Selector, interrupted_is_nothing, not_watched, timespec};

/// `poll(2)`.
#[derive(Debug, Default)]
pub struct Poll {
    /// What the system call sees.
    watched: Vec<PollFd<'static>>,
    /// The token of each, in the same order.
    tokens: Vec<u64>,
    /// Where each descriptor stands in the two.
    places: BTreeMap<RawFd, usize>,
}

impl Poll {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn place(&self, descriptor: RawFd) -> io::Result<usize> {
        self.places
            .get(&descriptor)
            .copied()
            .ok_or_else(|| not_watched(descriptor))
    }
}

impl Selector for Poll {
    fn add(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        if self.places.contains_key(&number) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.places.insert(number, self.watched.len());
        self.watched.push(entry(number, interest));
        self.tokens.push(token);
        Ok(())
    }

    fn modify(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let place = self.place(descriptor.as_raw_fd())?;
        self.watched[place] = entry(descriptor.as_raw_fd(), interest);
        self.tokens[place] = token;
        Ok(())
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        let place = self.place(number)?;
        self.places.remove(&number);
        self.watched.swap_remove(place);
        self.tokens.swap_remove(place);
        if let Some(moved) = self.watched.get(place) {
            use std::os::fd::AsFd as _;
            self.places.insert(moved.as_fd().as_raw_fd(), place);
        }
        Ok(())
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let timeout = timespec(timeout);
        let mut left = interrupted_is_nothing(rustix::event::poll(&mut self.watched, timeout.as_ref()))?;
        for (entry, token) in self.watched.iter().zip(&self.tokens) {
            if left == 0 {
                break;
            }
            let flags = entry.revents();
            if flags.is_empty() {
                continue;
            }
            left -= 1;
            let broken = flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
            ready.push(Ready {
                token: *token,
                readable: broken || flags.contains(PollFlags::IN),
                writable: broken || flags.contains(PollFlags::OUT),
                peer_finished: false,
                broken,
            });
        }
        Ok(())
    }
}

fn entry(descriptor: RawFd, interest: Interest) -> PollFd<'static> {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, interest.readable);
    flags.set(PollFlags::OUT, interest.writable);
    // SAFETY: the descriptor is only asked about, never read, written or closed through this. Whoever added it removes
    // it before it is closed; a stale one is told as NVAL, which is no harm to memory.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    PollFd::from_borrowed_fd(descriptor, flags)
}

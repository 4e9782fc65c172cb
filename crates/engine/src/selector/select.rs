//! `select`: sets of bits, shown to the kernel whole and changed by it at each wait.
#![allow(unsafe_code, reason = "the system call takes descriptors as bits")]

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

use rustix::event::{FdSetElement, FdSetIter, fd_set_insert, fd_set_num_elements, fd_set_remove};

use super::{Interest, Ready, Selector, interrupted_is_nothing, not_watched, timespec};

/// `select(2)`. Its sets grow with the highest descriptor: Linux takes any number, not only the 1,024 of `FD_SETSIZE`.
#[derive(Default)]
pub struct Select {
    /// Each watched descriptor's token.
    tokens: BTreeMap<RawFd, u64>,
    readable: Vec<FdSetElement>,
    writable: Vec<FdSetElement>,
    /// Copies that the system call changes.
    ready_readable: Vec<FdSetElement>,
    ready_writable: Vec<FdSetElement>,
}

impl Select {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn set(&mut self, descriptor: RawFd, interest: Interest) {
        for (set, wanted) in [
            (&mut self.readable, interest.readable),
            (&mut self.writable, interest.writable),
        ] {
            let elements = fd_set_num_elements(1, descriptor + 1);
            if set.len() < elements {
                set.resize(elements, FdSetElement::default());
            }
            if wanted {
                fd_set_insert(set, descriptor);
            } else {
                fd_set_remove(set, descriptor);
            }
        }
    }
}

impl Selector for Select {
    fn add(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        if self.tokens.contains_key(&number) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.tokens.insert(number, token);
        self.set(number, interest);
        Ok(())
    }

    fn modify(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        *self.tokens.get_mut(&number).ok_or_else(|| not_watched(number))? = token;
        self.set(number, interest);
        Ok(())
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        self.tokens.remove(&number).ok_or_else(|| not_watched(number))?;
        self.set(number, Interest::NONE);
        Ok(())
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let bound = self.tokens.last_key_value().map_or(0, |(highest, _)| highest + 1);
        let elements = fd_set_num_elements(self.tokens.len(), bound);
        self.ready_readable.clone_from(&self.readable);
        self.ready_writable.clone_from(&self.writable);
        // A set has room for every descriptor below `bound`, also where none was ever watched.
        self.ready_readable.resize(elements, FdSetElement::default());
        self.ready_writable.resize(elements, FdSetElement::default());
        let timeout = timespec(timeout);
        // SAFETY: both sets hold at least `bound` bits, and whoever added a descriptor removes it before it is closed;
        // a closed one is answered with EBADF, which is no harm to memory.
        let count = interrupted_is_nothing(unsafe {
            rustix::event::select(
                bound,
                Some(&mut self.ready_readable),
                Some(&mut self.ready_writable),
                None,
                timeout.as_ref(),
            )
        })?;
        if count > 0 {
            self.collect(ready);
        }
        Ok(())
    }
}

impl Select {
    /// Walks the bits that the kernel left, as everybody who uses `select` must: two sorted lists into one.
    fn collect(&self, ready: &mut Vec<Ready>) {
        let mut readable = FdSetIter::new(&self.ready_readable).peekable();
        let mut writable = FdSetIter::new(&self.ready_writable).peekable();
        while let Some(descriptor) = earlier(readable.peek(), writable.peek()) {
            let is_readable = readable.next_if_eq(&descriptor).is_some();
            let is_writable = writable.next_if_eq(&descriptor).is_some();
            if let Some(token) = self.tokens.get(&descriptor) {
                ready.push(Ready {
                    token: *token,
                    readable: is_readable,
                    writable: is_writable,
                    peer_finished: false,
                    broken: false,
                });
            }
        }
    }
}

fn earlier(one: Option<&RawFd>, other: Option<&RawFd>) -> Option<RawFd> {
    one.into_iter().chain(other).min().copied()
}

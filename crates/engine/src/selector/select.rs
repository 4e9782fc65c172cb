//! `select`: sets of bits, shown to the kernel whole and changed by it at each wait.
#![allow(unsafe_code, reason = "the system call takes descriptors as bits")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{
    FdSetElement, FdSetIter, PollFd, PollFlags, fd_set_insert, fd_set_num_elements, fd_set_remove,
};

use super::{Interest, Ready, Selector, interrupted_is_nothing, not_watched, timespec};

/// How often those are looked at of whom something stands unread that nobody wants: 1 s.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// `select(2)`. Its sets grow with the highest descriptor: Linux takes any number, not only the 1,024 of `FD_SETSIZE`.
///
/// It has no set for a broken connection: that is told as something to read, as bytes are. So a descriptor that is
/// watched for nothing stays in the set for reading, and `poll(2)` is asked about it alone once it is ready: is it
/// broken? Where it is not, bytes stand there unread, which would be told without end, so it leaves the set and is
/// looked at once a second: a connection that breaks behind unread bytes is noticed that much later.
#[derive(Default)]
pub struct Select {
    watches: BTreeMap<RawFd, Watch>,
    /// Of those that are watched for nothing, the ones that left the set for reading.
    unread: BTreeSet<RawFd>,
    /// When they come back into it, if there are any.
    look_again: Option<Instant>,
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

    /// Writing tells a broken connection by itself.
    fn set(&mut self, descriptor: RawFd, interest: Interest) {
        self.unread.remove(&descriptor);
        put(
            &mut self.readable,
            descriptor,
            interest.readable || interest == Interest::NONE,
        );
        put(&mut self.writable, descriptor, interest.writable);
    }
}

impl Selector for Select {
    fn add(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        if self.watches.contains_key(&number) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.watches.insert(number, Watch { token, interest });
        self.set(number, interest);
        Ok(())
    }

    fn modify(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        *self.watches.get_mut(&number).ok_or_else(|| not_watched(number))? = Watch { token, interest };
        self.set(number, interest);
        Ok(())
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let number = descriptor.as_raw_fd();
        self.watches.remove(&number).ok_or_else(|| not_watched(number))?;
        self.unread.remove(&number);
        put(&mut self.readable, number, false);
        put(&mut self.writable, number, false);
        Ok(())
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let timeout = self.look_at_unread(timeout);
        let bound = self
            .watches
            .last_key_value()
            .map_or(0, |(highest, _)| highest + 1);
        let elements = fd_set_num_elements(self.watches.len(), bound);
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
    /// Puts those with bytes unread into the set again when their time has come, and says how long to wait at most.
    fn look_at_unread(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        if self.unread.is_empty() {
            self.look_again = None;
            return timeout;
        }
        let now = Instant::now();
        let at = *self.look_again.get_or_insert(now + LOOK_AGAIN);
        if at > now {
            let until = at - now;
            return Some(timeout.map_or(until, |timeout| timeout.min(until)));
        }
        self.look_again = None;
        for descriptor in std::mem::take(&mut self.unread) {
            put(&mut self.readable, descriptor, true);
        }
        timeout
    }

    /// Walks the bits that the kernel left, as everybody who uses `select` must: two sorted lists into one.
    fn collect(&mut self, ready: &mut Vec<Ready>) {
        let mut readable = FdSetIter::new(&self.ready_readable).peekable();
        let mut writable = FdSetIter::new(&self.ready_writable).peekable();
        while let Some(descriptor) = earlier(readable.peek(), writable.peek()) {
            let is_readable = readable.next_if_eq(&descriptor).is_some();
            let is_writable = writable.next_if_eq(&descriptor).is_some();
            let Some(watch) = self.watches.get(&descriptor) else {
                continue;
            };
            let broken = watch.is_for_nothing() && is_broken(descriptor);
            if watch.is_for_nothing() && !broken {
                put(&mut self.readable, descriptor, false);
                self.unread.insert(descriptor);
                continue;
            }
            ready.push(Ready {
                token: watch.token,
                readable: is_readable,
                writable: is_writable || broken,
                peer_finished: false,
                broken,
            });
        }
    }
}

struct Watch {
    token: u64,
    interest: Interest,
}

impl Watch {
    fn is_for_nothing(&self) -> bool {
        self.interest == Interest::NONE
    }
}

fn put(set: &mut Vec<FdSetElement>, descriptor: RawFd, wanted: bool) {
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

/// Whether the connection is broken, or both directions are shut. Reading cannot tell while there are bytes before it.
fn is_broken(descriptor: RawFd) -> bool {
    // SAFETY: the descriptor is only asked about; a closed one is answered with NVAL, which is no harm to memory.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let mut watched = [PollFd::from_borrowed_fd(descriptor, PollFlags::empty())];
    let asked = rustix::event::poll(&mut watched, timespec(Some(Duration::ZERO)).as_ref());
    asked.is_ok()
        && watched[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

fn earlier(one: Option<&RawFd>, other: Option<&RawFd>) -> Option<RawFd> {
    one.into_iter().chain(other).min().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn bytes_that_nobody_wants_are_told_to_nobody_and_hide_no_end() {
        let (ours, mut theirs) = UnixStream::pair().expect("two sockets");
        let mut select = Select::new();
        select.add(ours.as_fd(), 7, Interest::NONE).expect("it is new");
        let mut ready = Vec::new();
        theirs.write_all(b"unread").expect("there is room");
        select
            .wait(&mut ready, None)
            .expect("it waits until they are seen");
        assert_eq!(ready, []);
        // The set is empty, so the kernel has nothing to tell again and again.
        assert_eq!(
            select.look_at_unread(None).map(|until| until <= LOOK_AGAIN),
            Some(true)
        );
        drop(theirs);
        select.wait(&mut ready, AT_ONCE).expect("it can wait");
        assert_eq!(ready, [], "it is not looked at yet");
        select.look_again = Some(Instant::now());
        select.wait(&mut ready, AT_ONCE).expect("it can wait");
        let broken = Ready {
            token: 7,
            readable: true,
            writable: true,
            peer_finished: false,
            broken: true,
        };
        assert_eq!(ready, [broken]);
    }

    #[test]
    fn whoever_is_watched_again_or_no_longer_is_not_looked_at() {
        let (ours, mut theirs) = UnixStream::pair().expect("two sockets");
        let mut select = Select::new();
        select.add(ours.as_fd(), 7, Interest::NONE).expect("it is new");
        let mut ready = Vec::new();
        theirs.write_all(b"unread").expect("there is room");
        select
            .wait(&mut ready, None)
            .expect("it waits until they are seen");
        assert!(!select.unread.is_empty());
        select
            .modify(ours.as_fd(), 7, Interest::READ)
            .expect("it is watched");
        assert_eq!(select.look_at_unread(None), None);
        select.wait(&mut ready, None).expect("it can wait");
        assert_eq!(ready.len(), 1);
        select
            .modify(ours.as_fd(), 7, Interest::NONE)
            .expect("it is watched");
        select.wait(&mut ready, AT_ONCE).expect("it can wait");
        select.remove(ours.as_fd()).expect("it is watched");
        assert_eq!(select.look_at_unread(None), None);
    }
}

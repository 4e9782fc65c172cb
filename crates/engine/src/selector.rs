//! Waiting for many sockets at once: `select`, `poll` and `epoll` behind one trait.
//!
//! A descriptor that is added must be removed before it is closed. They differ in what a wait costs (with all watched
//! descriptors: `select`, `poll`; with the ready ones: `epoll`) and in what they call news (`epoll` by edge tells a
//! change once; the others tell a state as long as it lasts).

mod epoll;
mod poll;
mod select;

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

pub use epoll::Epoll;
pub use poll::Poll;
use rustix::event::Timespec;
pub use select::Select;

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Bytes, a connection or an end to read.
    pub readable: bool,
    /// Room to write.
    pub writable: bool,
}

impl Interest {
    /// Only reading.
    pub const READ: Self = Self {
        readable: true,
        writable: false,
    };
    /// Neither: it is still told when the connection is broken.
    pub const NONE: Self = Self {
        readable: false,
        writable: false,
    };
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The number given with the descriptor.
    pub token: u64,
    /// Reading will not block: bytes, a connection, an end or an error.
    pub readable: bool,
    /// Writing will not block.
    pub writable: bool,
    /// The peer's end is there to be read, behind the bytes before it. Only `epoll` tells.
    pub peer_finished: bool,
    /// The connection is broken, or both directions are shut. `select` tells only where nothing is watched.
    pub broken: bool,
}

/// A way to wait for many descriptors.
pub trait Selector {
    /// Whether a state is told once, when it begins, and both directions are always watched: the caller reads and
    /// writes until it would block.
    const EDGE: bool = false;

    /// Watches one more descriptor.
    ///
    /// # Errors
    /// The system's, among them no memory and too many watches.
    fn add(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()>;

    /// Changes what a watched descriptor is watched for.
    ///
    /// # Errors
    /// `NotFound` where it is not watched.
    fn modify(&mut self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()>;

    /// Watches a descriptor no longer.
    ///
    /// # Errors
    /// `NotFound` where it is not watched.
    fn remove(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()>;

    /// Waits until something is ready or `timeout` is over, and puts what is ready into `ready`, which is emptied
    /// first. It may be nothing earlier than that: who waits for longer waits again.
    ///
    /// # Errors
    /// The system's; none that waiting again would mend.
    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()>;
}

/// A timeout as the system wants it, rounded up to milliseconds: waking early would only mean waiting again.
pub(crate) fn timespec(timeout: Option<Duration>) -> Option<Timespec> {
    let millis = timeout?.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128);
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    Some(Timespec {
        tv_sec: millis / 1000,
        tv_nsec: millis % 1000 * 1_000_000,
    })
}

pub(crate) fn interrupted_is_nothing<T: Default>(result: rustix::io::Result<T>) -> io::Result<T> {
    match result {
        Err(rustix::io::Errno::INTR) => Ok(T::default()),
        result => Ok(result?),
    }
}

fn not_watched(descriptor: RawFd) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("descriptor {descriptor} is not watched"),
    )
}

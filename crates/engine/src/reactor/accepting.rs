//! Letting connections in.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Instant;

use landline_protocol::{AcceptBackoff, CommandOf, Ended, Service};

use super::{LISTENER, Reactor};
use crate::link::Link;
use crate::selector::{Interest, Selector};
use crate::socket::{self, Accepted, Spare};
use crate::worker::Worker;

/// How many are let in before those who are in have their turn.
const ACCEPTS_A_TURN: usize = 64;

/// A listener, and what to do when there is no descriptor for whoever knocks.
#[derive(Debug)]
pub(super) struct Accepting {
    listener: TcpListener,
    backoff: AcceptBackoff,
    spare: Spare,
    /// Whether the last turn let in as many as a turn may.
    more: bool,
}

impl Accepting {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            backoff: AcceptBackoff::default(),
            spare: Spare::new(),
            more: false,
        }
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.backoff.deadline()
    }

    /// Whether the next turn need not wait for any news.
    pub(super) fn has_more(&self) -> bool {
        self.more && self.backoff.deadline().is_none()
    }

    /// The next who knocks. `None` also while descriptors are short.
    fn next(&mut self, now: Instant) -> Option<(OwnedFd, SocketAddr)> {
        if self.backoff.deadline().is_some() {
            return None;
        }
        match socket::accept(&self.listener) {
            Accepted::Stream(socket, remote) => {
                self.backoff.succeeded();
                Some((socket, remote))
            }
            Accepted::Nobody => None,
            Accepted::Exhausted(error) => {
                self.spare.turn_one_away(&self.listener);
                if self.backoff.failed(now) {
                    tracing::warn!(%error, "connections are turned away; raise the limit of open files (ulimit -n)");
                }
                None
            }
        }
    }
}

impl<S, W, L> Reactor<S, W, L>
where
    S: Service,
    W: Worker<S::Work, CommandOf<S>>,
    L: Selector,
{
    pub(super) fn accept(&mut self, now: Instant) {
        for _ in 0..ACCEPTS_A_TURN {
            let next = self.accepting.as_mut().and_then(|accepting| accepting.next(now));
            let Some((socket, remote)) = next else {
                return self.rest(false);
            };
            self.enter(socket, remote, now);
        }
        self.rest(true);
    }

    fn enter(&mut self, socket: OwnedFd, remote: SocketAddr, now: Instant) {
        let id = self.links.next_id();
        let Some((socket, conn)) = self.shared.admit(socket, remote, id, now) else {
            return;
        };
        let mut link = Link::new(socket, remote, conn);
        link.watched = Interest::READ;
        if let Err(error) = self.selector.add(link.descriptor(), id.0, link.watched) {
            tracing::warn!(%error, "a connection cannot be watched and is closed");
            link.conn.close(Ended::Stopped);
        }
        self.links.insert(link);
        self.after(id, now);
    }

    /// While descriptors are short the listener is not watched: it would be ready all the time.
    fn rest(&mut self, more: bool) {
        if let Some(accepting) = &mut self.accepting {
            accepting.more = more;
            if accepting.deadline().is_some() {
                let _ = self
                    .selector
                    .modify(accepting.listener.as_fd(), LISTENER, Interest::NONE);
            }
        }
    }

    /// Once a rest is over, or when a turn had more than it could let in.
    pub(super) fn resume_accepting(&mut self, now: Instant) {
        let Some(accepting) = &mut self.accepting else {
            return;
        };
        if accepting.deadline().is_some_and(|until| until <= now) {
            accepting.backoff.tick(now);
            let _ = self
                .selector
                .modify(accepting.listener.as_fd(), LISTENER, Interest::READ);
            accepting.more = true;
        }
        if accepting.has_more() {
            self.accept(now);
        }
    }
}

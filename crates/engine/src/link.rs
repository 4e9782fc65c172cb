//! A socket and the connection that lives on it.

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Instant;

use landline_protocol::{Conn, Ended, Pending, StreamProtocol};

use crate::mailbox::Message;
use crate::selector::Interest;
use crate::socket::{self, Outcome};

/// How many times one turn reads from, or writes to, the same socket where only the socket could stop it.
const CALLS_A_TURN: usize = 16;

/// Moves bytes between a socket and a [`Conn`]. Who calls decides when.
pub(crate) struct Link<P: StreamProtocol> {
    pub(crate) socket: OwnedFd,
    pub(crate) conn: Conn<P>,
    pub(crate) remote: SocketAddr,
    /// What the selector watches the socket for.
    pub(crate) watched: Interest,
    /// Whether the last write would have blocked, and no readiness was told since.
    blocked: bool,
    /// Told by edge: whether there may be something to read that no further edge will tell.
    pub(crate) readable: bool,
    /// Told by edge: whether the peer's end stands behind the bytes, so that reading goes on to it.
    pub(crate) end_waits: bool,
    /// Whether the connection is broken: what was read before it is handled, but nothing is waited for.
    pub(crate) broken: bool,
    /// Told by state: whether there is something to read that is not wanted, so that it need not be told again.
    pub(crate) unwanted: bool,
    /// The entry among the timers that is this connection's own.
    pub(crate) scheduled: Option<Instant>,
    /// Whether it has its place among those that go on in the next turn: nobody has two.
    pub(crate) is_busy: bool,
}

impl<P: StreamProtocol> Link<P> {
    pub(crate) fn new(socket: OwnedFd, remote: SocketAddr, conn: Conn<P>) -> Self {
        Self {
            socket,
            conn,
            remote,
            watched: Interest::NONE,
            blocked: false,
            readable: false,
            end_waits: false,
            broken: false,
            unwanted: false,
            scheduled: None,
            is_busy: false,
        }
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads once, if the connection has room.
    pub(crate) fn read(&mut self, buffer: &mut [u8], now: Instant) {
        let room = self.conn.room().min(buffer.len());
        if room == 0 {
            return;
        }
        match socket::receive(&self.socket, &mut buffer[..room]) {
            Outcome::Done(0) => {
                self.readable = false;
                self.conn.end_of_input(now);
            }
            Outcome::Done(count) => {
                // Less than was asked for: the socket is empty, but for the peer's end.
                self.readable &= count == room || self.end_waits;
                self.conn.feed(&buffer[..count], now);
            }
            Outcome::WouldBlock => self.readable = false,
            Outcome::Broken => self.conn.close(Ended::Reset),
        }
    }

    /// The socket can be written to again.
    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Sends what is pending, until the socket has enough or this turn has had its share.
    pub(crate) fn flush(&mut self, now: Instant) {
        for _ in 0..CALLS_A_TURN {
            if self.blocked {
                return;
            }
            let (outcome, wanted) = match self.conn.pending() {
                Pending::Nothing => return,
                Pending::Bytes(bytes) => (socket::send(&self.socket, bytes), bytes.len()),
                Pending::File(slice) => (socket::send_file(&self.socket, slice), 1),
                Pending::Shutdown => {
                    socket::shut_down(&self.socket);
                    self.conn.shut_down(now);
                    return;
                }
            };
            match outcome {
                Outcome::Done(count) => {
                    self.conn.wrote(count, now);
                    // A short write says that the socket is full.
                    self.blocked = count < wanted;
                }
                Outcome::WouldBlock => self.blocked = true,
                Outcome::Broken => self.conn.close(Ended::Reset),
            }
        }
    }

    /// Does what a message says. One who reads is not cut off because many spoke at once: what waits is sent first.
    pub(crate) fn deliver(&mut self, message: Message<P::Command>, now: Instant) {
        if self.conn.is_crowded() {
            self.flush(now);
        }
        message.deliver(&mut self.conn, now);
    }

    /// What the socket should be watched for now.
    pub(crate) fn interest(&self) -> Interest {
        Interest {
            readable: self.conn.room() > 0,
            writable: !matches!(self.conn.pending(), Pending::Nothing),
        }
    }

    /// The same for a selector that keeps it. Reading stays watched until something comes that is not wanted: mostly the
    /// peer waits for us, and by the time it speaks again it is welcome.
    pub(crate) fn lasting_interest(&mut self) -> Interest {
        let mut interest = self.interest();
        self.unwanted &= !interest.readable;
        interest.readable |= !self.unwanted;
        interest
    }

    /// Whether the next turn need not wait for any news.
    pub(crate) fn has_work(&self, edge: bool) -> bool {
        self.conn.has_work()
            || edge && self.readable && self.conn.room() > 0
            || !self.blocked && !matches!(self.conn.pending(), Pending::Nothing)
    }

    /// Closes the socket as the end of the connection asks for.
    pub(crate) fn close(self, why: Ended) {
        if why != Ended::Finished {
            socket::reset(&self.socket);
        }
    }
}

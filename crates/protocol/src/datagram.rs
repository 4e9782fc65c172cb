//! Protocols over datagrams.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

/// The most bytes that a UDP datagram carries over IPv4: 65,535 less 20 of IP and 8 of UDP (RFC 768, RFC 791).
pub const DATAGRAM_MAX: usize = 65_507;

/// One of the sockets of a datagram protocol. The one that it was started on is `SocketId(0)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// Between whom a datagram travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The socket of ours.
    pub socket: SocketId,
    /// The peer.
    pub peer: SocketAddr,
    /// The address of ours that the peer used, where the socket is bound to every address: an answer leaves from it.
    pub local: Option<IpAddr>,
}

/// A datagram, or several of one length to one peer, that are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where they go.
    pub path: Path,
    /// The length of each in bytes; the last may be shorter. `None`: the buffer is one datagram, also an empty one.
    pub segment: Option<usize>,
}

/// What a datagram protocol wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatagramEvent<W> {
    /// A fresh port on the address of `beside`. The answer is [`DatagramProtocol::bound`] with the same `request`.
    Bind {
        /// The protocol's own number for this.
        request: u64,
        /// A path whose local address the new socket shall have.
        beside: Path,
    },
    /// A socket that is no longer needed.
    Unbind(SocketId),
    /// Slow work. Its result comes back as a command.
    Work(W),
}

/// One side of a conversation in datagrams: a state machine without I/O, clock or threads.
///
/// After each call the engine takes what [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event)
/// have, until they have nothing. A datagram that cannot be sent is lost, as datagrams are.
pub trait DatagramProtocol {
    /// Slow work; [`std::convert::Infallible`] where there is none.
    type Work;
    /// What comes back from it.
    type Command;

    /// A datagram arrived, possibly an empty one.
    fn received(&mut self, path: Path, payload: &[u8], now: Instant);

    /// The next datagram to send, appended to `buffer`, which is empty; or up to `segments` of them behind each other.
    fn poll_transmit(&mut self, segments: usize, buffer: &mut Vec<u8>, now: Instant) -> Option<Transmit>;

    /// The next thing to do.
    fn poll_event(&mut self) -> Option<DatagramEvent<Self::Work>> {
        None
    }

    /// The socket that was asked for, or `None` where there is no free port or descriptor.
    fn bound(&mut self, _request: u64, _socket: Option<SocketId>, _now: Instant) {}

    /// Slow work is done.
    fn commanded(&mut self, command: Self::Command, now: Instant);

    /// When [`deadline_reached`](Self::deadline_reached) wants to be called; `None` for never.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline lies at or before `now`. It is asked for again afterwards.
    fn deadline_reached(&mut self, _now: Instant) {}

    /// The server stops: begin nothing new.
    fn drain(&mut self, _now: Instant) {}

    /// Whether nothing is under way.
    fn is_drained(&self) -> bool {
        true
    }
}

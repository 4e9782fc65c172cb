//! What the connections of one address share.

use std::net::SocketAddr;
use std::time::Instant;

use crate::stream::StreamProtocol;

/// A connection's name within its engine. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The peer's own address.
    pub remote: SocketAddr,
    /// The address of ours that it came to.
    pub local: SocketAddr,
}

/// How busy we are, without the one that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Open connections.
    pub connections: usize,
    /// Of these, those from the same IP address.
    pub from_this_address: usize,
}

/// The answer to somebody who wants in.
#[derive(Debug)]
pub enum Admission<P> {
    /// Comes in, and speaks this.
    Accept(P),
    /// Is told these bytes, at most what a socket takes at once, and closed.
    Refuse(Vec<u8>),
    /// Is closed without a word.
    Drop,
}

/// The events of a service's connections.
pub type EventOf<S> = <<S as Service>::Connection as StreamProtocol>::Event;
/// The commands of a service's connections.
pub type CommandOf<S> = <<S as Service>::Connection as StreamProtocol>::Command;

/// Something that a service wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<C, W> {
    /// Tell a connection something. If it has ended, nothing happens.
    Command(ConnId, C),
    /// Answer what a connection asked.
    Answer(ConnId, C),
    /// Let a connection send what is queued for it, and end it.
    Close(ConnId),
    /// Have slow work done elsewhere. Its result comes back to the connection as an answer.
    Work(ConnId, W),
}

/// What a service wants done, in order.
#[derive(Debug)]
pub struct Effects<C, W>(Vec<Effect<C, W>>);

impl<C, W> Default for Effects<C, W> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C, W> Effects<C, W> {
    /// Tells a connection something.
    pub fn command(&mut self, to: ConnId, command: C) {
        self.0.push(Effect::Command(to, command));
    }

    /// Answers what a connection asked.
    pub fn answer(&mut self, to: ConnId, command: C) {
        self.0.push(Effect::Answer(to, command));
    }

    /// Lets a connection send what is queued for it, and ends it.
    pub fn close(&mut self, connection: ConnId) {
        self.0.push(Effect::Close(connection));
    }

    /// Has slow work done for a connection.
    pub fn work(&mut self, for_connection: ConnId, work: W) {
        self.0.push(Effect::Work(for_connection, work));
    }

    /// Takes everything out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect<C, W>> + '_ {
        self.0.drain(..)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What stands behind a listening address: lets connections in, and owns what they share.
///
/// An engine calls it from one thread at a time. It knows connections by their ids only, and acts on them through
/// effects, so that they may live on other threads.
pub trait Service {
    /// What each connection speaks.
    type Connection: StreamProtocol;
    /// Slow work; [`std::convert::Infallible`] where there is none.
    type Work;

    /// Somebody wants in. Limits on the number of connections have been checked already.
    fn admit(&mut self, id: ConnId, peer: &Peer, load: &Load, now: Instant) -> Admission<Self::Connection>;

    /// A connection says or asks something. What was asked must be answered, now or through work.
    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        effects: &mut Effects<CommandOf<Self>, Self::Work>,
        now: Instant,
    );

    /// A connection that was admitted has ended.
    fn left(&mut self, _id: ConnId, _effects: &mut Effects<CommandOf<Self>, Self::Work>, _now: Instant) {}

    /// Whether connections share nothing, so that each may have a process of its own.
    fn is_isolated(&self) -> bool {
        false
    }
}

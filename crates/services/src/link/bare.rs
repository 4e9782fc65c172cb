//! Peers that a test speaks for.

use std::collections::BTreeMap;
use std::time::Instant;

use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Load, Output, Peer, Service, StreamProtocol,
};

use super::Link;

/// A program that sends and reads, and understands nothing: each command is a send, each read an event.
#[derive(Debug, Default)]
pub(crate) struct Bare;

impl StreamProtocol for Bare {
    type Event = Vec<u8>;
    type Command = Vec<u8>;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        out.emit(std::mem::take(input).to_vec());
    }

    fn commanded(&mut self, command: Vec<u8>, out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        out.write(&command);
    }
}

/// A server that does nothing by itself: a test speaks for it with [`Link::server_command`].
#[derive(Debug, Default)]
pub(crate) struct BareServer {
    /// The reads of each connection, in order.
    pub(crate) reads: BTreeMap<ConnId, Vec<Vec<u8>>>,
}

impl Service for BareServer {
    type Connection = Bare;
    type Work = std::convert::Infallible;

    fn admit(&mut self, _id: ConnId, _peer: &Peer, _load: &Load, _now: Instant) -> Admission<Bare> {
        Admission::Accept(Bare)
    }

    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        _effects: &mut Effects<CommandOf<Self>, Self::Work>,
        _now: Instant,
    ) {
        self.reads.entry(from).or_default().push(event);
    }
}

impl BareServer {
    /// All bytes that a connection has sent since the last call.
    pub(crate) fn take(&mut self, number: usize) -> Vec<u8> {
        self.reads
            .remove(&ConnId(number as u64))
            .unwrap_or_default()
            .concat()
    }
}

impl<S: Service> Link<S, Bare> {
    /// Sends, and waits until all is quiet.
    pub(crate) fn say(&mut self, number: usize, bytes: &[u8]) {
        self.command(number, bytes.to_vec());
        self.run();
    }

    /// All bytes that a client has read since the last call.
    pub(crate) fn heard(&mut self, number: usize) -> Vec<u8> {
        self.shown(number).concat()
    }
}

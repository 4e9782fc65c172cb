//! Protocols around protocols. Each can stand around any other.

mod authenticated;
mod framed;
mod limited;
#[cfg(test)]
mod tests;

use std::time::Instant;

pub use authenticated::{Authenticated, GATE_DEADLINE, GateKey};
pub use framed::Framed;
pub use limited::{Limited, Pace};

use crate::output::Output;
use crate::stream::StreamProtocol;

type EventOf<L> = <<L as Layer>::Inner as StreamProtocol>::Event;

/// A protocol around another one, which says only where it differs from that: every layer is a [`StreamProtocol`]
/// with the events and commands of what is inside, and what is left out here is the inner protocol's.
pub trait Layer {
    /// The protocol inside.
    type Inner: StreamProtocol;

    /// The protocol inside.
    fn inner(&self) -> &Self::Inner;

    /// The protocol inside, to be told something.
    fn inner_mut(&mut self) -> &mut Self::Inner;

    /// Lets the protocol inside `act`. Every call that it gets with an output comes through here, unless one of the
    /// methods below makes it: so a layer that changes what is written hands on an output of its own, and one that
    /// shuts the inner protocol off does nothing.
    fn reach(
        &mut self,
        out: &mut dyn Output<EventOf<Self>>,
        act: impl FnOnce(&mut Self::Inner, &mut dyn Output<EventOf<Self>>),
    ) {
        act(self.inner_mut(), out);
    }

    /// As [`StreamProtocol::opened`].
    fn opened(&mut self, out: &mut dyn Output<EventOf<Self>>, now: Instant) {
        self.reach(out, |inner, out| inner.opened(out, now));
    }

    /// As [`StreamProtocol::received`].
    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<EventOf<Self>>, now: Instant) {
        self.reach(out, |inner, out| inner.received(input, out, now));
    }

    /// As [`StreamProtocol::peer_finished`].
    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<EventOf<Self>>, now: Instant) {
        self.reach(out, |inner, out| inner.peer_finished(rest, out, now));
    }

    /// As [`StreamProtocol::deadline`].
    fn deadline(&self) -> Option<Instant> {
        self.inner().deadline()
    }

    /// As [`StreamProtocol::deadline_reached`].
    fn deadline_reached(&mut self, out: &mut dyn Output<EventOf<Self>>, now: Instant) {
        self.reach(out, |inner, out| inner.deadline_reached(out, now));
    }

    /// As [`StreamProtocol::drain`].
    fn drain(&mut self, out: &mut dyn Output<EventOf<Self>>, now: Instant) {
        self.reach(out, |inner, out| inner.drain(out, now));
    }

    /// As [`StreamProtocol::established`].
    fn established(&self) -> bool {
        self.inner().established()
    }

    /// As [`StreamProtocol::wants_input`].
    fn wants_input(&self) -> bool {
        self.inner().wants_input()
    }

    /// As [`StreamProtocol::input_max`].
    fn input_max(&self) -> usize {
        self.inner().input_max()
    }
}

impl<L: Layer> StreamProtocol for L {
    type Event = EventOf<L>;
    type Command = <L::Inner as StreamProtocol>::Command;

    fn opened(&mut self, out: &mut dyn Output<Self::Event>, now: Instant) {
        Layer::opened(self, out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Self::Event>, now: Instant) {
        Layer::received(self, input, out, now);
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<Self::Event>, now: Instant) {
        Layer::peer_finished(self, rest, out, now);
    }

    fn commanded(&mut self, command: Self::Command, out: &mut dyn Output<Self::Event>, now: Instant) {
        self.reach(out, |inner, out| inner.commanded(command, out, now));
    }

    fn writable(&mut self, out: &mut dyn Output<Self::Event>, now: Instant) {
        self.reach(out, |inner, out| inner.writable(out, now));
    }

    fn deadline(&self) -> Option<Instant> {
        Layer::deadline(self)
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<Self::Event>, now: Instant) {
        Layer::deadline_reached(self, out, now);
    }

    fn drain(&mut self, out: &mut dyn Output<Self::Event>, now: Instant) {
        Layer::drain(self, out, now);
    }

    fn established(&self) -> bool {
        Layer::established(self)
    }

    fn wants_input(&self) -> bool {
        Layer::wants_input(self)
    }

    fn input_max(&self) -> usize {
        Layer::input_max(self)
    }
}

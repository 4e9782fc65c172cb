//! Whether a connection came as far as to its protocol.

use landline_sockets::engine::protocol::{Output, StreamProtocol};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

/// A protocol that notes that it was reached. One behind a gate is only once the gate is passed.
pub(super) struct Reached<P> {
    inner: P,
    is_reached: Rc<Cell<bool>>,
}

impl<P> Reached<P> {
    /// The protocol, and what says whether it was reached.
    pub(super) fn new(inner: P) -> (Self, Rc<Cell<bool>>) {
        let is_reached = Rc::default();
        let noted = Rc::clone(&is_reached);
        (Self { inner, is_reached }, noted)
    }
}

impl<P: StreamProtocol> StreamProtocol for Reached<P> {
    type Event = P::Event;
    type Command = P::Command;

    fn opened(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.is_reached.set(true);
        self.inner.opened(out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.received(input, out, now);
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.peer_finished(rest, out, now);
    }

    fn commanded(&mut self, command: P::Command, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.commanded(command, out, now);
    }

    fn writable(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.writable(out, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.deadline_reached(out, now);
    }

    fn drain(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.drain(out, now);
    }

    fn established(&self) -> bool {
        self.inner.established()
    }

    fn wants_input(&self) -> bool {
        self.inner.wants_input()
    }

    fn input_max(&self) -> usize {
        self.inner.input_max()
    }
}

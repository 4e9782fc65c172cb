//! Whether a connection came as far as to its protocol.

use landline_sockets::engine::protocol::{Layer, Output, StreamProtocol};
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

impl<P: StreamProtocol> Layer for Reached<P> {
    type Inner = P;

    fn inner(&self) -> &P {
        &self.inner
    }

    fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }

    fn opened(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.is_reached.set(true);
        self.inner.opened(out, now);
    }
}

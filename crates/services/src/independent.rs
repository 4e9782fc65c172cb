//! Services whose connections share nothing.

use std::convert::Infallible;
use std::time::Instant;

use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Load, Peer, Service, StreamProtocol,
};

/// Lets everybody in, each with a protocol of its own, and never hears of them again.
#[derive(Clone, Debug)]
pub struct Independent<F>(F);

impl<F, P> Independent<F>
where
    F: FnMut() -> P,
    P: StreamProtocol<Event = Infallible>,
{
    /// Makes each connection's protocol with `make`.
    pub fn new(make: F) -> Self {
        Self(make)
    }
}

impl<F, P> Service for Independent<F>
where
    F: FnMut() -> P,
    P: StreamProtocol<Event = Infallible>,
{
    type Connection = P;
    type Work = Infallible;

    fn admit(&mut self, _id: ConnId, _peer: &Peer, _load: &Load, _now: Instant) -> Admission<P> {
        Admission::Accept((self.0)())
    }

    fn event(
        &mut self,
        _from: ConnId,
        event: EventOf<Self>,
        _effects: &mut Effects<CommandOf<Self>, Infallible>,
        _now: Instant,
    ) {
        match event {}
    }

    fn is_isolated(&self) -> bool {
        true
    }
}

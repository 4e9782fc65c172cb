//! The service of connections that share nothing.

use std::time::Instant;

use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Load, Peer, Service, StreamProtocol,
};

/// Lets everybody in, each with a protocol of its own. Whatever a protocol asks for is slow work, and its result is the
/// answer: the short way to a [`Worker`](crate::Worker) such as [`Blocking`](crate::Blocking).
#[derive(Clone, Debug)]
pub struct EachAlone<F>(F);

impl<F, P> EachAlone<F>
where
    F: FnMut() -> P,
    P: StreamProtocol,
{
    /// Makes each connection's protocol with `make`.
    pub fn new(make: F) -> Self {
        Self(make)
    }
}

impl<F, P> Service for EachAlone<F>
where
    F: FnMut() -> P,
    P: StreamProtocol,
{
    type Connection = P;
    type Work = P::Event;

    fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<P> {
        Admission::Accept((self.0)())
    }

    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        effects: &mut Effects<CommandOf<Self>, P::Event>,
        _: Instant,
    ) {
        effects.work(from, event);
    }

    fn is_isolated(&self) -> bool {
        true
    }
}

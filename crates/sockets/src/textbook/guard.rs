//! What stands before every TCP service of the textbook: no web browsers, and the gate where there is one.

use std::time::Instant;

use landline_engine::protocol::{
    Admission, Authenticated, CommandOf, ConnId, Effects, EventOf, GateKey, Load, Peer, Service,
};
use landline_services::not_http::NotHttp;

/// A service behind its guards.
pub(super) struct Guarded<S> {
    pub(super) inner: S,
    /// Who is let in; everybody where there is none.
    pub(super) gate: Option<GateKey>,
    /// Whether bytes that look like HTTP are just bytes.
    pub(super) any_bytes: bool,
}

impl<S: Service> Service for Guarded<S> {
    type Connection = NotHttp<Authenticated<S::Connection>>;
    type Work = S::Work;

    fn admit(&mut self, id: ConnId, peer: &Peer, load: &Load, now: Instant) -> Admission<Self::Connection> {
        // Without randomness there is no gate, and without the gate nobody comes in. Asked before the service counts them
        // in: of whoever it counts in it is told when they leave.
        let gate = match self.gate.clone() {
            None => None,
            Some(key) => match crate::random::challenge() {
                Ok(challenge) => Some((key, challenge)),
                Err(_) => return Admission::Drop,
            },
        };
        let protocol = match self.inner.admit(id, peer, load, now) {
            Admission::Accept(protocol) => protocol,
            Admission::Refuse(words) => return Admission::Refuse(words),
            Admission::Drop => return Admission::Drop,
        };
        let protocol = match gate {
            None => Authenticated::open(protocol),
            Some((key, challenge)) => Authenticated::server(key, challenge, protocol),
        };
        Admission::Accept(if self.any_bytes {
            NotHttp::any(protocol)
        } else {
            NotHttp::new(protocol)
        })
    }

    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        effects: &mut Effects<CommandOf<Self>, S::Work>,
        now: Instant,
    ) {
        self.inner.event(from, event, effects, now);
    }

    fn left(&mut self, id: ConnId, effects: &mut Effects<CommandOf<Self>, S::Work>, now: Instant) {
        self.inner.left(id, effects, now);
    }

    fn is_isolated(&self) -> bool {
        self.inner.is_isolated()
    }
}

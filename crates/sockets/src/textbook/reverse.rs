//! exec-reverse as a service: it sends every client the same commands, and shows what they answer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use landline_engine::protocol::{Admission, CommandOf, ConnId, Effects, Load, Peer, Service};
use landline_services::exec::{AtEnd, ReverseEvent, ReverseServer};
use landline_wire::Encoding;

use super::{Row, Screen};

pub(super) struct Reverse {
    pub(super) commands: Vec<String>,
    pub(super) encoding: Encoding,
    pub(super) screen: Arc<dyn Screen>,
    pub(super) clients: BTreeMap<ConnId, SocketAddr>,
}

impl Service for Reverse {
    type Connection = ReverseServer;
    type Work = Infallible;

    fn admit(&mut self, id: ConnId, peer: &Peer, _load: &Load, _now: Instant) -> Admission<ReverseServer> {
        self.clients.insert(id, peer.remote);
        Admission::Accept(ReverseServer::new(
            self.commands.iter().cloned(),
            AtEnd::Quit,
            self.encoding,
        ))
    }

    fn event(
        &mut self,
        from: ConnId,
        event: ReverseEvent,
        _effects: &mut Effects<CommandOf<Self>, Infallible>,
        _now: Instant,
    ) {
        let Some(peer) = self.clients.get(&from) else {
            return;
        };
        match event {
            ReverseEvent::Answered { output, .. } => self.screen.said(Row::ExecReverse, *peer, &output),
            ReverseEvent::Refused(unmappable) => {
                self.screen.note(Row::ExecReverse, *peer, &unmappable.to_string());
            }
        }
    }

    fn left(&mut self, id: ConnId, _effects: &mut Effects<CommandOf<Self>, Infallible>, _now: Instant) {
        self.clients.remove(&id);
    }
}

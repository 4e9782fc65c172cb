//! A server that shows what it is sent, never answers, and lives through resets.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::mem;
use std::net::SocketAddr;
use std::time::Instant;

use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Load, Output, Peer, Service, StreamProtocol,
};

use crate::news::News;

/// The server's side of one connection: each read is an event.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinkServer;

impl StreamProtocol for SinkServer {
    type Event = Vec<u8>;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        out.emit(mem::take(input).to_vec());
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Vec<u8>>, _now: Instant) {
        match command {}
    }
}

/// The server. What happens is shown to `F`.
#[derive(Debug)]
pub struct Sink<F> {
    peers: BTreeMap<ConnId, SocketAddr>,
    show: F,
}

impl<F: FnMut(SocketAddr, News<'_>)> Sink<F> {
    /// Nobody is there.
    pub fn new(show: F) -> Self {
        Self {
            peers: BTreeMap::new(),
            show,
        }
    }
}

impl<F: FnMut(SocketAddr, News<'_>)> Service for Sink<F> {
    type Connection = SinkServer;
    type Work = Infallible;

    fn admit(&mut self, id: ConnId, peer: &Peer, _load: &Load, _now: Instant) -> Admission<SinkServer> {
        self.peers.insert(id, peer.remote);
        (self.show)(peer.remote, News::Came);
        Admission::Accept(SinkServer)
    }

    fn event(
        &mut self,
        from: ConnId,
        event: EventOf<Self>,
        _effects: &mut Effects<CommandOf<Self>, Infallible>,
        _now: Instant,
    ) {
        if let Some(peer) = self.peers.get(&from) {
            (self.show)(*peer, News::Said(&event));
        }
    }

    fn left(&mut self, id: ConnId, _effects: &mut Effects<CommandOf<Self>, Infallible>, _now: Instant) {
        if let Some(peer) = self.peers.remove(&id) {
            (self.show)(peer, News::Left);
        }
    }
}

/// A client that sends and expects nothing: all it was given, then its end; or whatever is commanded.
#[derive(Clone, Debug)]
pub struct Telling {
    texts: Vec<Vec<u8>>,
    ends: bool,
}

impl Telling {
    /// Sends `texts`, one send each, and ends. The network may put several into one read.
    #[must_use]
    pub fn new(texts: Vec<Vec<u8>>) -> Self {
        Self { texts, ends: true }
    }

    /// Sends what is commanded.
    #[must_use]
    pub fn interactive() -> Self {
        Self {
            texts: Vec::new(),
            ends: false,
        }
    }
}

impl StreamProtocol for Telling {
    type Event = Infallible;
    type Command = Vec<u8>;

    fn opened(&mut self, out: &mut dyn Output<Infallible>, _now: Instant) {
        for text in mem::take(&mut self.texts) {
            out.write(&text);
        }
        if self.ends {
            out.finish();
        }
    }

    fn received(&mut self, input: &mut &[u8], _out: &mut dyn Output<Infallible>, _now: Instant) {
        *input = &[];
    }

    fn commanded(&mut self, text: Vec<u8>, out: &mut dyn Output<Infallible>, _now: Instant) {
        out.write(&text);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Link, pieces_of, whole};

    #[test]
    fn each_read_is_shown_and_none_answered_through_resets() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&seen);
        let sink = Sink::new(move |_, news: News<'_>| {
            log.borrow_mut().push(match news {
                News::Came => "came".to_owned(),
                News::Said(text) => String::from_utf8_lossy(text).into_owned(),
                News::Left => "left".to_owned(),
            });
        });
        let mut link = Link::new(sink).with_pieces(pieces_of(4), whole());
        let first = link.connect(Telling::interactive());
        link.command(first, b"some".to_vec());
        link.run();
        link.reset(first);
        link.run();
        let second = link.connect(Telling::new(vec![b"thi".to_vec(), b"ngs".to_vec()]));
        assert_eq!(
            *seen.borrow(),
            ["came", "some", "left", "came", "thin", "gs", "left"]
        );
        assert_eq!(link.client_ended(second), Some(Ended::Finished));
        assert_eq!(link.server_ended(second), Some(Ended::Finished));
    }
}

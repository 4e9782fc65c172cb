//! Takes everything and says nothing (RFC 863).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Instant;

use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;
use crate::sink::Telling;

/// The server's side of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl StreamProtocol for Discard {
    type Event = Infallible;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], _out: &mut dyn Output<Infallible>, _now: Instant) {
        *input = &[];
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
#[must_use]
pub fn service() -> Independent<fn() -> Discard> {
    Independent::new(Discard::default)
}

/// A client that sends `texts` and ends.
#[must_use]
pub fn client(texts: Vec<Vec<u8>>) -> Telling {
    Telling::new(texts)
}

/// The server over datagrams.
#[must_use]
pub fn datagrams() -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    Answering::new(|_: &[u8], _: &mut Vec<u8>, _| false)
}

/// The client over datagrams: sends whatever is commanded.
#[must_use]
pub fn datagram_client(server: SocketAddr) -> AskingDatagrams {
    AskingDatagrams::telling(server)
}

#[cfg(test)]
mod tests {
    use landline_protocol::{DatagramProtocol, Ended};

    use super::*;
    use crate::link::{Bare, Link, exchange, origin, transmitted};

    #[test]
    fn nothing_is_answered_and_the_connection_stays() {
        let mut link = Link::new(service());
        let client = link.connect(Bare);
        link.say(client, &[1; 200_000]);
        assert_eq!(link.heard(client), b"");
        assert_eq!(link.server_ended(client), None);
        let mut server = datagrams();
        assert!(exchange(&mut server, "127.0.0.1:40000", b"x", origin()).is_empty());
    }

    #[test]
    fn our_clients_send_all_and_wait_for_nothing() {
        let mut link = Link::new(service());
        let client = link.connect(client(vec![b"a".to_vec()]));
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
        let mut client = datagram_client("127.0.0.1:9".parse().unwrap());
        client.commanded(b"a".to_vec(), origin());
        client.commanded(b"b".to_vec(), origin());
        assert_eq!(transmitted(&mut client, origin()).len(), 2);
        assert_eq!(client.deadline(), None);
        assert!(client.is_drained());
    }
}

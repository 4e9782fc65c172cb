//! The same bytes back (RFC 862).

use std::convert::Infallible;
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking::{Asking, Whole};
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;

/// The server's side of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl StreamProtocol for Echo {
    type Event = Infallible;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Infallible>, _now: Instant) {
        out.write(mem::take(input));
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
#[must_use]
pub fn service() -> Independent<fn() -> Echo> {
    Independent::new(Echo::default)
}

/// A client that sends each text once the one before it is back, and shows what comes back.
#[must_use]
pub fn client(texts: Vec<Vec<u8>>) -> Asking {
    Asking::new(Whole::SameLength, texts)
}

/// The server over datagrams.
#[must_use]
pub fn datagrams() -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    Answering::new(|request: &[u8], answer: &mut Vec<u8>, _| {
        answer.extend_from_slice(request);
        true
    })
}

/// The client over datagrams: commanded a text, it shows what comes back.
#[must_use]
pub fn datagram_client(server: SocketAddr, patience: Duration) -> AskingDatagrams {
    AskingDatagrams::new(server, patience)
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Bare, Link, exchange, origin, seeded};

    #[test]
    fn every_byte_comes_back_in_order_and_then_the_end() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for seed in 0..4 {
            let mut link = Link::new(service()).with_pieces(seeded(seed), seeded(seed + 10));
            let client = link.connect(Asking::new(Whole::SameLength, [text.clone()]));
            assert!(link.shown(client).concat() == text);
            assert_eq!(link.client_ended(client), Some(Ended::Finished));
        }
    }

    #[test]
    fn what_was_sent_before_the_end_comes_back_after_it() {
        let mut link = Link::new(service());
        let client = link.connect(Bare);
        link.command(client, vec![7; 30_000]);
        link.half_close(client);
        link.run();
        assert_eq!(link.heard(client), vec![7; 30_000]);
        assert_eq!(link.server_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn every_datagram_comes_back() {
        let mut server = datagrams();
        for payload in [&b""[..], b"a", &[9; 65_507]] {
            assert_eq!(
                exchange(&mut server, "127.0.0.1:40000", payload, origin()),
                [payload]
            );
        }
    }
}

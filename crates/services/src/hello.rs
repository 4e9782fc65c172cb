//! The first program of every socket course: whatever the client says, the server says `hi` and closes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking::{Asking, Whole};
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;

/// What the server says.
pub const ANSWER: &[u8] = b"hi";

/// The server's side of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hello;

impl StreamProtocol for Hello {
    type Event = Infallible;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Infallible>, _now: Instant) {
        *input = &[];
        out.write(ANSWER);
        out.finish();
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
#[must_use]
pub fn service() -> Independent<fn() -> Hello> {
    Independent::new(Hello::default)
}

/// A client that says `text` and shows what comes back.
#[must_use]
pub fn client(text: Vec<u8>) -> Asking {
    Asking::new(Whole::Quiet, [text])
}

/// The server over datagrams: `hi` to any datagram, also to an empty one.
#[must_use]
pub fn datagrams() -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    Answering::new(|_: &[u8], answer: &mut Vec<u8>, _| {
        answer.extend_from_slice(ANSWER);
        true
    })
}

/// The client over datagrams: commanded a text, it shows the answer.
#[must_use]
pub fn datagram_client(server: SocketAddr, patience: Duration) -> AskingDatagrams {
    AskingDatagrams::new(server, patience)
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Bare, Link, exchange, origin, pieces_of};

    #[test]
    fn anything_in_one_read_is_answered_with_hi_and_a_closed_connection() {
        let mut link = Link::new(service());
        let client = link.connect(Bare);
        assert_eq!(link.heard(client), b"", "the client speaks first");
        link.say(client, b"\0anything");
        assert_eq!(link.heard(client), b"hi");
        assert_eq!(link.server_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn what_follows_the_first_read_is_not_answered() {
        let mut link = Link::new(service()).with_pieces(pieces_of(1), pieces_of(1));
        let client = link.connect(Bare);
        link.say(client, b"hello");
        assert_eq!(link.heard(client), b"hi");
    }

    #[test]
    fn a_client_that_only_ends_gets_no_answer() {
        let mut link = Link::new(service());
        let client = link.connect(Bare);
        link.half_close(client);
        link.run();
        assert_eq!(link.heard(client), b"");
        assert_eq!(link.server_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn our_client_shows_the_answer_however_it_is_cut() {
        for length in 1..=2 {
            let mut link = Link::new(service()).with_pieces(pieces_of(length), pieces_of(length));
            let client = link.connect(client(b"hello".to_vec()));
            assert_eq!(link.shown(client).concat(), b"hi");
            assert_eq!(link.client_ended(client), Some(Ended::Finished));
        }
    }

    #[test]
    fn any_datagram_is_answered() {
        let mut server = datagrams();
        for payload in [&b""[..], b"hello", &[0; 65_507]] {
            assert_eq!(
                exchange(&mut server, "127.0.0.1:40000", payload, origin()),
                [b"hi"]
            );
        }
    }
}

//! The time of day as a line of text (RFC 867): `Saturday, November 21, 2026 08:30:00-CST` and a newline.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Zoned;
use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;
use crate::listening::Listening;
use crate::strftime::strftime;

/// The RFC's own popular format.
pub const FORMAT: &[u8] = b"%A, %B %d, %Y %H:%M:%S-%Z\r\n";

/// The server's side of one connection: says the time and closes, whatever it is sent.
#[derive(Clone, Debug)]
pub struct Daytime<C> {
    clock: C,
}

impl<C: Fn() -> Zoned> StreamProtocol for Daytime<C> {
    type Event = Infallible;
    type Command = Infallible;

    fn opened(&mut self, out: &mut dyn Output<Infallible>, _now: Instant) {
        let mut text = Vec::new();
        strftime(FORMAT, &(self.clock)(), &mut text);
        out.write(&text);
        out.finish();
    }

    fn received(&mut self, input: &mut &[u8], _out: &mut dyn Output<Infallible>, _now: Instant) {
        *input = &[];
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

/// The server.
pub fn service<C: Fn() -> Zoned + Clone>(clock: C) -> Independent<impl FnMut() -> Daytime<C>> {
    Independent::new(move || Daytime { clock: clock.clone() })
}

/// A client that shows the time.
#[must_use]
pub fn client() -> Listening {
    Listening::to_the_end()
}

/// The server over datagrams.
pub fn datagrams<C: Fn() -> Zoned>(clock: C) -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    Answering::new(move |_: &[u8], answer: &mut Vec<u8>, _| {
        strftime(FORMAT, &clock(), answer);
        true
    })
}

/// The client over datagrams: commanded anything, it shows the answer.
#[must_use]
pub fn datagram_client(server: SocketAddr, patience: Duration) -> AskingDatagrams {
    AskingDatagrams::new(server, patience)
}

#[cfg(test)]
mod tests {
    use landline_protocol::Ended;

    use super::*;
    use crate::link::{Link, exchange, origin, pieces_of};

    const TEXT: &[u8] = b"Saturday, November 21, 2026 08:30:00-UTC\r\n";

    fn morning() -> Zoned {
        "2026-11-21T08:30:00Z[UTC]".parse().unwrap()
    }

    #[test]
    fn whoever_connects_is_told_the_time_unasked() {
        let mut link = Link::new(service(morning)).with_pieces(pieces_of(1), pieces_of(1));
        let client = link.connect(client());
        assert_eq!(link.shown(client).concat(), TEXT);
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
        assert_eq!(
            exchange(&mut datagrams(morning), "127.0.0.1:40000", b"", origin()),
            [TEXT]
        );
    }
}

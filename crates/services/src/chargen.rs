//! Characters without end (RFC 864): lines of 72 printable characters, each line beginning one character further.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use landline_protocol::{Output, StreamProtocol};

use crate::answering::Answering;
use crate::asking_datagrams::AskingDatagrams;
use crate::independent::Independent;
use crate::listening::Listening;

/// The characters of a line, without its CR and LF.
pub const LINE: usize = 72;

/// The most characters of a datagram (RFC 864: between 0 and 512).
pub const DATAGRAM_CHARACTERS_MAX: usize = 512;

/// The printable characters of ASCII, space included.
const CHARACTERS: u8 = 95;

/// The lines that are written at once, so that not every one costs a call: after one period of them the pattern
/// begins anew, 95 x 74 = 7,030 bytes.
const PERIOD: usize = CHARACTERS as usize * (LINE + 2);

/// The server's side of one connection. Its output is never ahead of the peer by more than one period of the pattern
/// beyond what counts as full.
#[derive(Clone, Debug)]
pub struct Chargen {
    /// One period of the pattern, shared by all connections.
    period: Arc<[u8]>,
}

impl Chargen {
    fn fill(&self, out: &mut dyn Output<Infallible>) {
        while !out.is_full() {
            out.write(&self.period);
        }
    }
}

impl StreamProtocol for Chargen {
    type Event = Infallible;
    type Command = Infallible;

    fn opened(&mut self, out: &mut dyn Output<Infallible>, _now: Instant) {
        self.fill(out);
    }

    fn received(&mut self, input: &mut &[u8], _out: &mut dyn Output<Infallible>, _now: Instant) {
        *input = &[];
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }

    fn writable(&mut self, out: &mut dyn Output<Infallible>, _now: Instant) {
        self.fill(out);
    }
}

/// The server.
#[must_use]
pub fn service() -> Independent<impl FnMut() -> Chargen> {
    let period: Arc<[u8]> = pattern(PERIOD).into();
    Independent::new(move || Chargen {
        period: Arc::clone(&period),
    })
}

/// A client that shows the first `bytes` and ends.
#[must_use]
pub fn client(bytes: usize) -> Listening {
    Listening::exactly(bytes)
}

/// The server over datagrams: to each the pattern from its beginning, of a random length that `seed` decides.
#[must_use]
pub fn datagrams(seed: u64) -> Answering<impl FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> {
    let pattern = pattern(DATAGRAM_CHARACTERS_MAX);
    let mut state = seed | 1;
    Answering::new(move |_: &[u8], answer: &mut Vec<u8>, _| {
        // xorshift64 (Marsaglia, 2003): nobody gains by knowing the next length.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let length = usize::try_from((state >> 32) % (pattern.len() as u64 + 1)).unwrap_or(0);
        answer.extend_from_slice(&pattern[..length]);
        true
    })
}

/// The client over datagrams: commanded anything, it shows the answer.
#[must_use]
pub fn datagram_client(server: SocketAddr, patience: Duration) -> AskingDatagrams {
    AskingDatagrams::new(server, patience)
}

/// The first `length` bytes of the pattern.
fn pattern(length: usize) -> Vec<u8> {
    let characters = (b' '..b' ' + CHARACTERS).cycle();
    let line = |first: usize| characters.clone().skip(first).take(LINE).chain(*b"\r\n");
    (0..usize::from(CHARACTERS))
        .cycle()
        .flat_map(line)
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use landline_protocol::{Ended, Pending};

    use super::*;
    use crate::link::{Bare, Link, exchange, origin, seeded};

    #[test]
    fn the_lines_are_those_of_the_rfc() {
        let mut link = Link::new(service()).with_pieces(seeded(1), seeded(2));
        let client = link.connect(client(3 * PERIOD));
        let text = link.shown(client).concat();
        assert_eq!(text.len(), 3 * PERIOD);
        let first = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n";
        let second = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n";
        assert!(text.starts_with(format!("{first}{second}").as_bytes()));
        assert!(
            text[PERIOD..].starts_with(first.as_bytes()),
            "the 96th line is the first one"
        );
        for line in text.chunks(LINE + 2) {
            assert!(line[..LINE].iter().all(|byte| (b' '..=b'~').contains(byte)));
        }
        assert_eq!(link.client_ended(client), Some(Ended::Finished));
    }

    #[test]
    fn nothing_is_generated_for_who_does_not_read() {
        let mut link = Link::new(service());
        let client = link.connect_stalled(Bare);
        let Pending::Bytes(bytes) = link.server(client).pending() else {
            panic!("nothing to send")
        };
        assert!(bytes.len() <= 64 * 1024 + PERIOD, "{} bytes", bytes.len());
    }

    #[test]
    fn a_datagram_has_at_most_512_characters_and_not_always_as_many() {
        let mut server = datagrams(7);
        let lengths: Vec<usize> = (0..2000)
            .map(|_| {
                let answers = exchange(&mut server, "127.0.0.1:40000", b"", origin());
                assert!(pattern(DATAGRAM_CHARACTERS_MAX).starts_with(&answers[0]));
                answers[0].len()
            })
            .collect();
        assert!(*lengths.iter().max().unwrap() > 500);
        assert!(*lengths.iter().min().unwrap() < 12);
    }
}

//! A layer that does not talk to web browsers.
//!
//! A page from anywhere can make a browser post to a port of this machine, also to one that listens on loopback only.
//! A protocol that takes any text for a command would obey the page. So a connection that begins as HTTP or TLS does
//! is closed without a word.

use std::time::Instant;

use landline_protocol::{Layer, Output, StreamProtocol};

use crate::http::{self, TELLING, Verdict};

/// Ends a connection silently that begins as HTTP or TLS does.
///
/// A beginning that may still become one is not held back, since that would be a delay for everybody who types `G`:
/// the protocol inside is given it, and the connection ends with the byte that tells.
#[derive(Clone, Debug)]
pub struct NotHttp<P> {
    inner: P,
    /// The first bytes that arrived, and how many they are; `None` once they have told that it is neither.
    beginning: Option<([u8; TELLING], usize)>,
    /// Bytes at the front of the input that were looked at already and are still there.
    looked_at: usize,
}

impl<P> NotHttp<P> {
    /// Puts the layer around `inner`.
    pub fn new(inner: P) -> Self {
        Self {
            inner,
            beginning: Some(([0; TELLING], 0)),
            looked_at: 0,
        }
    }

    /// Around an inner protocol for which bytes that look like HTTP are bytes like any others.
    pub fn any(inner: P) -> Self {
        Self {
            inner,
            beginning: None,
            looked_at: 0,
        }
    }

    /// Looks at the bytes of `input` that are new. Says whether the connection is to be ended.
    fn is_foreign(&mut self, input: &[u8]) -> bool {
        let Some((bytes, length)) = &mut self.beginning else {
            return false;
        };
        let new = input.get(self.looked_at..).unwrap_or_default();
        let count = new.len().min(TELLING - *length);
        bytes[*length..*length + count].copy_from_slice(&new[..count]);
        *length += count;
        let verdict = http::judge(&bytes[..*length]);
        if verdict == Verdict::Welcome || *length == TELLING {
            self.beginning = None;
        }
        verdict == Verdict::Foreign
    }
}

impl<P: StreamProtocol> Layer for NotHttp<P> {
    type Inner = P;

    fn inner(&self) -> &P {
        &self.inner
    }

    fn inner_mut(&mut self) -> &mut P {
        &mut self.inner
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        if self.is_foreign(input) {
            *input = &[];
            return out.finish();
        }
        self.inner.received(input, out, now);
        self.looked_at = input.len();
    }
}

#[cfg(test)]
mod tests {
    use landline_protocol::{Ended, Framed};
    use landline_wire::framing::Lines;

    use super::*;
    use crate::echo::Echo;
    use crate::independent::Independent;
    use crate::link::{Bare, Link, cut_at, pieces_of, whole};

    const FOREIGN: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 8\r\n\r\nrm -rf x",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:8888/ HTTP/1.1\r\n\r\n",
        b"PROPFIND /dav HTTP/1.1\r\n\r\n",
        b"PROPPATCH http://x HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x16\x03\x03\x00\xf4\x01\x00\x00\xf0",
    ];

    fn echo() -> Independent<impl FnMut() -> NotHttp<Echo>> {
        Independent::new(|| NotHttp::new(Echo))
    }

    #[test]
    fn a_browser_gets_a_closed_connection_and_no_answer() {
        for request in FOREIGN {
            let mut link = Link::new(echo());
            let client = link.connect(Bare);
            link.say(client, request);
            assert_eq!(link.heard(client), b"", "{request:?}");
            link.half_close(client);
            link.run();
            assert_eq!(link.server_ended(client), Some(Ended::Finished), "{request:?}");
        }
    }

    #[test]
    fn at_every_split_it_ends_with_the_byte_that_tells() {
        for request in FOREIGN {
            for first in 1..request.len() {
                let mut link = Link::new(echo()).with_pieces(cut_at(first), whole());
                let client = link.connect(Bare);
                link.say(client, request);
                let heard = link.heard(client);
                assert!(
                    heard.len() <= TELLING && heard.len() <= first,
                    "{request:?} cut at {first}"
                );
            }
        }
    }

    #[test]
    fn everything_else_passes_byte_by_byte_and_whole() {
        let texts: [&[u8]; 12] = [
            b"G",
            b"GET",
            b"GET ",
            b"GET it",
            b"get / HTTP/1.1",
            b"GETTING /",
            b"PRI",
            b"POST htt",
            b"ls /",
            b"\x16\x00\x00\x00{\"cmd\"",
            b"\x16\x03\x01",
            b"say: GET / HTTP/1.1",
        ];
        for text in texts {
            for length in [1, text.len()] {
                let mut link = Link::new(echo()).with_pieces(pieces_of(length), whole());
                let client = link.connect(Bare);
                link.say(client, text);
                link.say(client, b" GET / HTTP/1.1".repeat(2).as_slice());
                let expected = [text, b" GET / HTTP/1.1 GET / HTTP/1.1"].concat();
                assert_eq!(link.heard(client), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn input_that_a_framing_leaves_is_looked_at_once() {
        let mut link = Link::new(Independent::new(|| {
            NotHttp::new(Framed::new(Lines::default(), Echo))
        }))
        .with_pieces(pieces_of(1), whole());
        let client = link.connect(Bare);
        link.say(client, b"GGET /\nGET /\n");
        assert_eq!(link.heard(client), b"GGET /\nGET /\n");
        let client = link.connect(Bare);
        link.say(client, b"POST / HTTP/1.1\r\n");
        assert_eq!(link.heard(client), b"");
    }
}

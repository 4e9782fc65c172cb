//! A layer that does not talk to web browsers.
//!
//! A page from anywhere can make a browser post to a port of this machine, also to one that listens on loopback only.
//! A protocol that takes any text for a command would obey the page. So a connection that begins as HTTP or TLS does
//! is closed without a word.

use std::time::Instant;

use landline_protocol::{Output, StreamProtocol};

/// The methods of HTTP that a page or a tool may begin with (IANA's registry of methods, the common ones).
const METHODS: [&[u8]; 18] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"OPTIONS",
    b"PUT",
    b"DELETE",
    b"PATCH",
    b"TRACE",
    b"CONNECT",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
];

/// With what the target of a request begins, behind the method and a space (RFC 9112, section 3.2).
const TARGETS: [&[u8]; 3] = [b"/", b"*", b"http"];

/// With what a client of HTTP/2 begins (RFC 9113, section 3.4).
const HTTP_2: &[u8] = b"PRI * HTTP/2";

/// How many bytes tell: the longest method, a space and the longest target.
const TELLING: usize = 16;

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
        match judge(&bytes[..*length]) {
            Verdict::Foreign => true,
            Verdict::Open => false,
            Verdict::Welcome => {
                self.beginning = None;
                false
            }
        }
    }
}

impl<P: StreamProtocol> StreamProtocol for NotHttp<P> {
    type Event = P::Event;
    type Command = P::Command;

    fn opened(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.opened(out, now);
    }

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        if self.is_foreign(input) {
            *input = &[];
            return out.finish();
        }
        self.inner.received(input, out, now);
        self.looked_at = input.len();
    }

    fn peer_finished(&mut self, rest: &mut &[u8], out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.peer_finished(rest, out, now);
    }

    fn commanded(&mut self, command: P::Command, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.commanded(command, out, now);
    }

    fn writable(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.writable(out, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.deadline_reached(out, now);
    }

    fn drain(&mut self, out: &mut dyn Output<P::Event>, now: Instant) {
        self.inner.drain(out, now);
    }

    fn established(&self) -> bool {
        self.inner.established()
    }

    fn wants_input(&self) -> bool {
        self.inner.wants_input()
    }

    fn input_max(&self) -> usize {
        self.inner.input_max()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// HTTP or TLS.
    Foreign,
    /// Not known yet.
    Open,
    /// Neither.
    Welcome,
}

fn judge(bytes: &[u8]) -> Verdict {
    let requests = METHODS.iter().map(|method| judge_request(bytes, method));
    let others = [judge_start(bytes, HTTP_2), judge_client_hello(bytes)];
    requests
        .chain(others)
        .fold(Verdict::Welcome, |worst, verdict| match (worst, verdict) {
            (Verdict::Foreign, _) | (_, Verdict::Foreign) => Verdict::Foreign,
            (Verdict::Open, _) | (_, Verdict::Open) => Verdict::Open,
            (Verdict::Welcome, Verdict::Welcome) => Verdict::Welcome,
        })
}

/// Whether `bytes` begin with `start`.
fn judge_start(bytes: &[u8], start: &[u8]) -> Verdict {
    if bytes.starts_with(start) {
        Verdict::Foreign
    } else if start.starts_with(bytes) {
        Verdict::Open
    } else {
        Verdict::Welcome
    }
}

/// Whether `bytes` begin a request with this method.
fn judge_request(bytes: &[u8], method: &[u8]) -> Verdict {
    match bytes.strip_prefix(method) {
        None => match judge_start(bytes, method) {
            Verdict::Open => Verdict::Open,
            Verdict::Foreign | Verdict::Welcome => Verdict::Welcome,
        },
        Some([]) => Verdict::Open,
        Some([b' ', target @ ..]) => {
            let verdicts = TARGETS.map(|start| judge_start(target, start));
            [Verdict::Foreign, Verdict::Open]
                .into_iter()
                .find(|verdict| verdicts.contains(verdict))
                .unwrap_or(Verdict::Welcome)
        }
        Some(_) => Verdict::Welcome,
    }
}

/// Whether `bytes` begin a TLS record (RFC 8446, section 5.1) of type handshake, 22, and any version 3.x, in which
/// there is a ClientHello, 1 (section 4).
fn judge_client_hello(bytes: &[u8]) -> Verdict {
    let expected = |(index, byte): (usize, &u8)| match index {
        0 => *byte == 22,
        1 => *byte == 3,
        2 => *byte <= 4,
        5 => *byte == 1,
        _ => true,
    };
    match bytes.iter().enumerate().take(6).all(expected) {
        false => Verdict::Welcome,
        true if bytes.len() >= 6 => Verdict::Foreign,
        true => Verdict::Open,
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

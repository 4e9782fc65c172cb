//! Chat in datagrams, with an address book of names.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use landline_protocol::datagram::DATAGRAM_MAX;
use landline_protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};

use crate::outgoing::Outgoing;
use crate::replies::Replies;

/// The most that is kept to be shown. An engine takes each at once, so that more is a flood, and the newest is lost.
const SHOWN_MAX: usize = 1024;

/// Something to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A datagram arrived.
    Said {
        /// From whom.
        from: SocketAddr,
        /// What, in the encoding of the wire.
        text: Vec<u8>,
    },
    /// A line began with `@` and a name that is not in the address book.
    Unknown(Vec<u8>),
    /// A line without a name, and nobody has written yet.
    Nobody,
    /// A line that no datagram carries; so many bytes it has.
    TooLong(usize),
}

impl fmt::Display for Shown {
    /// What was said as `[host:port] text`, with replacement characters for what is not UTF-8.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said { from, text } => write!(f, "[{from}] {}", String::from_utf8_lossy(text)),
            Self::Unknown(name) => write!(f, "nobody is called {}", String::from_utf8_lossy(name)),
            Self::Nobody => write!(f, "nobody has written yet: begin with @NAME"),
            Self::TooLong(length) => write!(f, "{length} bytes are too many: {DATAGRAM_MAX} is the most"),
        }
    }
}

/// Either side of the chat: its work is what to show, its command a line that was typed. `@name text` goes to that
/// name, any other line to who wrote last.
#[derive(Debug, Default)]
pub struct Chat {
    names: BTreeMap<Vec<u8>, SocketAddr>,
    last: Option<Path>,
    /// Who answers by itself; nobody where a person does.
    replies: Option<Replies>,
    shown: VecDeque<Shown>,
    outgoing: Outgoing,
    drained: bool,
}

impl Chat {
    /// With an address book. Names are in the encoding of the wire.
    pub fn new(names: impl IntoIterator<Item = (Vec<u8>, SocketAddr)>) -> Self {
        Self {
            names: names.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Answers every datagram by itself.
    #[must_use]
    pub fn headless(self, replies: Replies) -> Self {
        Self {
            replies: Some(replies),
            ..self
        }
    }

    /// Lines without a name go to `partner` until somebody else writes.
    #[must_use]
    pub fn with_partner(self, partner: SocketAddr) -> Self {
        Self {
            last: Some(Path {
                socket: SocketId(0),
                peer: partner,
                local: None,
            }),
            ..self
        }
    }

    fn show(&mut self, shown: Shown) {
        if self.shown.len() < SHOWN_MAX {
            self.shown.push_back(shown);
        }
    }

    fn send(&mut self, path: Path, text: &[u8]) {
        if text.len() > DATAGRAM_MAX {
            self.show(Shown::TooLong(text.len()));
        } else {
            self.outgoing.push(path, text);
        }
    }
}

impl DatagramProtocol for Chat {
    type Work = Shown;
    type Command = Vec<u8>;

    fn received(&mut self, path: Path, payload: &[u8], _now: Instant) {
        if self.drained {
            return;
        }
        self.last = Some(path);
        self.show(Shown::Said {
            from: path.peer,
            text: payload.to_vec(),
        });
        if let Some(replies) = &mut self.replies {
            let reply = replies.answer(payload);
            self.send(path, &reply);
        }
    }

    fn poll_transmit(&mut self, segments: usize, buffer: &mut Vec<u8>, _now: Instant) -> Option<Transmit> {
        self.outgoing.pop(segments, buffer)
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<Shown>> {
        self.shown.pop_front().map(DatagramEvent::Work)
    }

    fn commanded(&mut self, line: Vec<u8>, _now: Instant) {
        let (path, text) = match line.strip_prefix(b"@") {
            None => (self.last, line.as_slice()),
            Some(line) => {
                let (name, text) = split_at_space(line);
                let Some(peer) = self.names.get(name) else {
                    return self.show(Shown::Unknown(name.to_vec()));
                };
                (
                    Some(Path {
                        socket: SocketId(0),
                        peer: *peer,
                        local: None,
                    }),
                    text,
                )
            }
        };
        match path {
            Some(path) => self.send(path, text),
            None => self.show(Shown::Nobody),
        }
    }

    fn drain(&mut self, _now: Instant) {
        self.drained = true;
    }

    fn is_drained(&self) -> bool {
        self.outgoing.is_empty() && self.shown.is_empty()
    }
}

/// What comes before the first space, and what after it.
fn split_at_space(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{exchange, origin, path, transmitted, works};

    const ANN: &str = "10.0.0.1:8081";
    const BOB: &str = "10.0.0.2:8081";

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_goes_to_who_wrote_last_or_to_the_name_it_begins_with() {
        let now = origin();
        let mut chat = Chat::new([("小明".as_bytes().to_vec(), address(BOB))]);
        chat.received(path(ANN), b"hello", now);
        chat.commanded(b"hello, Ann".to_vec(), now);
        chat.commanded("@小明 hello, @Bob".as_bytes().to_vec(), now);
        chat.commanded(b"still Ann".to_vec(), now);
        assert_eq!(
            transmitted(&mut chat, now),
            [(ANN, "hello, Ann"), (BOB, "hello, @Bob"), (ANN, "still Ann")]
                .map(|(to, text)| (address(to), text.as_bytes().to_vec()))
        );
        let shown: Vec<String> = works(&mut chat).iter().map(Shown::to_string).collect();
        assert_eq!(shown, ["[10.0.0.1:8081] hello"]);
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        let now = origin();
        let mut chat = Chat::new([]);
        chat.commanded(b"hello".to_vec(), now);
        chat.commanded(b"@nobody hello".to_vec(), now);
        chat.received(path(ANN), b"", now);
        chat.commanded(vec![b'x'; DATAGRAM_MAX + 1], now);
        assert_eq!(transmitted(&mut chat, now), []);
        let said = Shown::Said {
            from: address(ANN),
            text: Vec::new(),
        };
        let unknown = Shown::Unknown(b"nobody".to_vec());
        assert_eq!(
            works(&mut chat),
            [Shown::Nobody, unknown, said, Shown::TooLong(DATAGRAM_MAX + 1)]
        );
    }

    #[test]
    fn headless_it_answers_by_itself() {
        let mut chat = Chat::new([]).headless(Replies::Echo);
        assert_eq!(exchange(&mut chat, ANN, b"hello", origin()), [b"hello"]);
        assert_eq!(
            exchange(&mut chat, ANN, b"", origin()),
            [b""],
            "an empty one is a message"
        );
        let mut chat = Chat::new([]).headless(Replies::Text(b"away".to_vec()));
        assert_eq!(exchange(&mut chat, BOB, b"hello", origin()), [b"away"]);
    }

    #[test]
    fn a_partner_is_written_to_first() {
        let mut chat = Chat::new([]).with_partner(address(BOB));
        chat.commanded(b"hello".to_vec(), origin());
        assert_eq!(
            transmitted(&mut chat, origin()),
            [(address(BOB), b"hello".to_vec())]
        );
    }
}

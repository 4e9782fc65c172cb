//! The client of services that answer each datagram.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use landline_protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};

use crate::outgoing::Outgoing;

/// The most answers that are kept for the person; further ones are lost.
const ANSWERS_MAX: usize = 1024;

/// What came of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server's answer.
    Answer(Vec<u8>),
    /// No answer came in time: it, or the request, is lost.
    Silent,
}

/// Sends each command as a datagram, one at a time, and waits for one answer from that very address. A lost one is not
/// sent again: whether the server acted on it is not known here.
#[derive(Debug)]
pub struct AskingDatagrams {
    path: Path,
    patience: Duration,
    /// Whether an answer is expected at all.
    hears: bool,
    requests: VecDeque<Vec<u8>>,
    /// When we stop waiting for the answer of the one under way.
    until: Option<Instant>,
    outcomes: VecDeque<Outcome>,
    outgoing: Outgoing,
    drained: bool,
}

impl AskingDatagrams {
    /// Asks `server`, and waits for each answer for `patience`.
    #[must_use]
    pub fn new(server: SocketAddr, patience: Duration) -> Self {
        Self {
            path: Path {
                socket: SocketId(0),
                peer: server,
                local: None,
            },
            patience,
            hears: true,
            requests: VecDeque::new(),
            until: None,
            outcomes: VecDeque::new(),
            outgoing: Outgoing::default(),
            drained: false,
        }
    }

    /// Tells `server`, which never answers.
    #[must_use]
    pub fn telling(server: SocketAddr) -> Self {
        Self {
            hears: false,
            ..Self::new(server, Duration::ZERO)
        }
    }

    fn proceed(&mut self, now: Instant) {
        while self.until.is_none()
            && let Some(request) = self.requests.pop_front()
        {
            self.outgoing.push(self.path, &request);
            if self.hears {
                self.until = Some(now + self.patience);
            }
        }
    }

    fn conclude(&mut self, outcome: Outcome, now: Instant) {
        self.until = None;
        if self.outcomes.len() < ANSWERS_MAX {
            self.outcomes.push_back(outcome);
        }
        self.proceed(now);
    }
}

impl DatagramProtocol for AskingDatagrams {
    /// What is to be shown.
    type Work = Outcome;
    /// What is to be sent.
    type Command = Vec<u8>;

    fn received(&mut self, path: Path, payload: &[u8], now: Instant) {
        // Anybody can send to our port; only who was asked is heard, and only while something is asked.
        if path.peer == self.path.peer && self.until.is_some() {
            self.conclude(Outcome::Answer(payload.to_vec()), now);
        }
    }

    fn poll_transmit(&mut self, segments: usize, buffer: &mut Vec<u8>, _now: Instant) -> Option<Transmit> {
        self.outgoing.pop(segments, buffer)
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<Outcome>> {
        self.outcomes.pop_front().map(DatagramEvent::Work)
    }

    fn commanded(&mut self, command: Vec<u8>, now: Instant) {
        if !self.drained {
            self.requests.push_back(command);
            self.proceed(now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.until
    }

    fn deadline_reached(&mut self, now: Instant) {
        self.conclude(Outcome::Silent, now);
    }

    fn drain(&mut self, _now: Instant) {
        self.drained = true;
    }

    /// Once drained: whether every request has had its outcome.
    fn is_drained(&self) -> bool {
        self.until.is_none()
            && self.requests.is_empty()
            && self.outgoing.is_empty()
            && self.outcomes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{origin, path, transmitted, works};

    const SERVER: &str = "127.0.0.1:9000";

    fn client() -> AskingDatagrams {
        AskingDatagrams::new(SERVER.parse().unwrap(), Duration::from_secs(10))
    }

    #[test]
    fn each_request_waits_for_the_answer_to_the_one_before() {
        let now = origin();
        let mut client = client();
        client.commanded(Vec::new(), now);
        client.commanded(b"two".to_vec(), now);
        client.drain(now);
        assert_eq!(
            transmitted(&mut client, now),
            [(SERVER.parse().unwrap(), Vec::new())],
            "empty ones travel"
        );
        client.received(path(SERVER), b"first", now);
        assert_eq!(
            transmitted(&mut client, now),
            [(SERVER.parse().unwrap(), b"two".to_vec())]
        );
        assert!(!client.is_drained());
        client.received(path(SERVER), b"second", now);
        let answers = [b"first".to_vec(), b"second".to_vec()].map(Outcome::Answer);
        assert_eq!(works(&mut client), answers);
        assert!(client.is_drained());
    }

    #[test]
    fn a_stranger_cannot_answer() {
        let now = origin();
        let mut client = client();
        client.commanded(b"one".to_vec(), now);
        client.received(path("127.0.0.1:9001"), b"forged", now);
        assert_eq!(works(&mut client), []);
    }

    #[test]
    fn silence_has_an_end() {
        let now = origin();
        let mut client = client();
        client.commanded(b"one".to_vec(), now);
        let until = client.deadline().unwrap();
        assert_eq!(until, now + Duration::from_secs(10));
        client.deadline_reached(until);
        assert_eq!(works(&mut client), [Outcome::Silent]);
        assert_eq!(client.deadline(), None);
    }
}

//! Datagram servers that answer each datagram by itself.

use std::convert::Infallible;
use std::time::Instant;

use landline_protocol::datagram::DATAGRAM_MAX;
use landline_protocol::{DatagramProtocol, Path, Transmit};

use crate::outgoing::Outgoing;

/// Answers what `F` says to each datagram. `F` appends its answer to the buffer, which may hold other ones, and says
/// whether there is one.
#[derive(Debug)]
pub struct Answering<F> {
    answer: F,
    outgoing: Outgoing,
    /// After a drain, nobody is answered.
    drained: bool,
}

impl<F: FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> Answering<F> {
    /// Answers with `answer`.
    pub fn new(answer: F) -> Self {
        Self {
            answer,
            outgoing: Outgoing::default(),
            drained: false,
        }
    }
}

impl<F: FnMut(&[u8], &mut Vec<u8>, Instant) -> bool> DatagramProtocol for Answering<F> {
    type Work = Infallible;
    type Command = Infallible;

    fn received(&mut self, path: Path, payload: &[u8], now: Instant) {
        if self.drained {
            return;
        }
        let answer = &mut self.answer;
        self.outgoing.push_with(path, |bytes| {
            let start = bytes.len();
            let answers = answer(payload, bytes, now);
            bytes.truncate(start + DATAGRAM_MAX);
            answers
        });
    }

    fn poll_transmit(&mut self, segments: usize, buffer: &mut Vec<u8>, _now: Instant) -> Option<Transmit> {
        self.outgoing.pop(segments, buffer)
    }

    fn commanded(&mut self, command: Infallible, _now: Instant) {
        match command {}
    }

    fn drain(&mut self, _now: Instant) {
        self.drained = true;
    }

    fn is_drained(&self) -> bool {
        self.outgoing.is_empty()
    }
}

//! Datagrams that wait to be sent.

use std::collections::VecDeque;

use landline_protocol::{Path, Transmit};

/// The most datagrams that wait. An engine takes each at once, so that more are a flood: the newest is lost, as
/// datagrams are.
const WAITING_MAX: usize = 1024;

/// A queue of datagrams, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// The payloads of `queue` one after the other, behind `sent` bytes that are gone.
    bytes: Vec<u8>,
    sent: usize,
    queue: VecDeque<(Path, usize)>,
}

impl Outgoing {
    /// Queues what `write` appends, if it says so.
    pub(crate) fn push_with(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        if self.queue.len() >= WAITING_MAX {
            return;
        }
        let start = self.bytes.len();
        if write(&mut self.bytes) {
            self.queue.push_back((path, self.bytes.len() - start));
        } else {
            self.bytes.truncate(start);
        }
    }

    pub(crate) fn push(&mut self, path: Path, payload: &[u8]) {
        self.push_with(path, |bytes| {
            bytes.extend_from_slice(payload);
            true
        });
    }

    /// The next one, with those behind it that have the same length and receiver.
    pub(crate) fn pop(&mut self, segments: usize, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (path, length) = self.queue.pop_front()?;
        let mut count = 1;
        while count < segments && length > 0 && self.queue.front() == Some(&(path, length)) {
            self.queue.pop_front();
            count += 1;
        }
        buffer.extend_from_slice(&self.bytes[self.sent..self.sent + count * length]);
        self.sent += count * length;
        if self.queue.is_empty() {
            self.bytes.clear();
            self.sent = 0;
        }
        Some(Transmit {
            path,
            segment: (count > 1).then_some(length),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::path;

    #[test]
    fn neighbours_of_one_length_and_receiver_leave_together() {
        let mut outgoing = Outgoing::default();
        for (peer, payload) in [
            ("10.0.0.1:1", "ab"),
            ("10.0.0.1:1", "cd"),
            ("10.0.0.2:1", "ef"),
            ("10.0.0.2:1", ""),
        ] {
            outgoing.push(path(peer), payload.as_bytes());
        }
        let mut sent = Vec::new();
        let mut buffer = Vec::new();
        while let Some(transmit) = outgoing.pop(8, &mut buffer) {
            sent.push((
                transmit.path.peer.to_string(),
                transmit.segment,
                std::mem::take(&mut buffer),
            ));
        }
        assert_eq!(
            sent,
            [
                ("10.0.0.1:1".to_owned(), Some(2), b"abcd".to_vec()),
                ("10.0.0.2:1".to_owned(), None, b"ef".to_vec()),
                ("10.0.0.2:1".to_owned(), None, Vec::new()),
            ]
        );
    }

    #[test]
    fn a_flood_does_not_grow_the_queue() {
        let mut outgoing = Outgoing::default();
        for _ in 0..2 * WAITING_MAX {
            outgoing.push(path("10.0.0.1:1"), b"x");
        }
        assert_eq!(outgoing.bytes.len(), WAITING_MAX);
    }
}

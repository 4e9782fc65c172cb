//! The hash chain of a room.
//!
//! ```text
//! content hash = H("... event content", salt || body)
//! head 0       = H("... room",  room || created || creator || kind || name || peer)
//! head n       = H("... event", head n-1 || room || n || time || sender || client id || target || kind || content hash)
//! ```
//!
//! H is BLAKE3's key derivation with the context string as written below. Integers are 8 bytes big endian, ids 16
//! bytes, hashes 32; texts are preceded by their length; a missing target is 0, a missing peer 16 zero bytes.

use crate::event::{Event, EventKind, Genesis, Salt};
use crate::hash::Hash;
use std::collections::BTreeSet;

/// The most erased events of which a walk has not yet seen the deletion: it remembers each.
pub const ERASED_MAX: usize = 1_000_000;

const CONTENT: &str = "Landline 2026-11 event content";
const ROOM: &str = "Landline 2026-11 room";
const EVENT: &str = "Landline 2026-11 event";

/// H(salt, body).
#[must_use]
pub fn content_hash(salt: &Salt, body: &str) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(CONTENT);
    hasher.update(salt.as_bytes()).update(body.as_bytes());
    hasher.finalize().into()
}

/// The head of a room without events.
#[must_use]
pub fn genesis_hash(genesis: &Genesis) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(ROOM);
    hasher.update(genesis.room.as_bytes());
    hasher.update(&genesis.created.0.to_be_bytes());
    hasher.update(genesis.creator.as_bytes());
    text(&mut hasher, genesis.kind.name());
    text(&mut hasher, &genesis.name);
    hasher.update(genesis.peer.as_ref().map_or(&[0; 16], |peer| peer.as_bytes()));
    hasher.finalize().into()
}

/// The head after `event`, from the head before it. Uses every member of the event but `content` and `hash`.
#[must_use]
pub fn event_hash(previous: &Hash, event: &Event) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(EVENT);
    hasher.update(previous.as_bytes());
    hasher.update(event.room.as_bytes());
    hasher.update(&event.sequence.to_be_bytes());
    hasher.update(&event.time.0.to_be_bytes());
    hasher.update(event.sender.as_bytes());
    hasher.update(event.client_id.as_bytes());
    hasher.update(&event.target.unwrap_or(0).to_be_bytes());
    text(&mut hasher, event.kind.as_str());
    hasher.update(event.content_hash.as_bytes());
    hasher.finalize().into()
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// Walks a room's log from its beginning and finds the first event that is not what was acknowledged. At the end,
/// [`finish`](Self::finish) says whether every text that is gone was deleted.
#[derive(Clone, Debug)]
pub struct Walk {
    sequence: u64,
    head: Hash,
    time: u64,
    /// The events without content whose deletion has not come yet; at most [`ERASED_MAX`]. Each stands behind the
    /// message whose deletion erases it: itself, or for an edit the message that it edits.
    erased: BTreeSet<(u64, u64)>,
}

/// Why an event is not the next one of its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The log leaves a number out or repeats one.
    #[error("event {expected} is missing: event {found} stands in its place")]
    Gap {
        /// The number that comes next.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// The content does not belong to its hash.
    #[error("the text of event {0} was changed")]
    Content(u64),
    /// The event does not belong to the chain.
    #[error("event {0} was changed, or one before it was")]
    Chain(u64),
    /// The event claims to be older than the one before it.
    #[error("event {0} is older than the one before it")]
    Time(u64),
    /// The content is gone, and no later event of kind `delete` has it, or the message that it edits, for its target.
    #[error("the text of event {0} is gone, but nobody deleted it")]
    Erased(u64),
    /// More than [`ERASED_MAX`] texts are gone before their deletions; the last of them.
    #[error(
        "event {0} is one of more than {ERASED_MAX} whose text is gone, but which nobody has deleted so far"
    )]
    ErasedTooMany(u64),
}

impl Walk {
    /// From a room's beginning.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self {
            sequence: 0,
            head: genesis_hash(genesis),
            time: genesis.created.0,
            erased: BTreeSet::new(),
        }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// The first [`Broken`] rule. The walk then stands where it stood.
    pub fn next(&mut self, event: &Event) -> Result<(), Broken> {
        let sequence = self.sequence.saturating_add(1);
        if event.sequence != sequence {
            return Err(Broken::Gap {
                expected: sequence,
                found: event.sequence,
            });
        }
        if event
            .content
            .as_ref()
            .is_some_and(|content| content_hash(&content.salt, &content.body) != event.content_hash)
        {
            return Err(Broken::Content(sequence));
        }
        if event.time.0 < self.time {
            return Err(Broken::Time(sequence));
        }
        let head = event_hash(&self.head, event);
        if head != event.hash {
            return Err(Broken::Chain(sequence));
        }
        if event.content.is_none() && self.erased.len() >= ERASED_MAX {
            return Err(Broken::ErasedTooMany(sequence));
        }
        if event.kind == EventKind::DELETE
            && let Some(target) = event.target
        {
            self.forget(target);
        }
        if event.content.is_none() {
            self.erased.insert((erased_with(event), sequence));
        }
        self.sequence = sequence;
        self.head = head;
        self.time = event.time.0;
        Ok(())
    }

    /// Whether every text that is gone was deleted by one of the events taken. Without this, whoever can write to the
    /// disk could take texts away and the chain would still verify.
    ///
    /// # Errors
    /// [`Broken::Erased`] with the first event of which this is not so.
    pub fn finish(&self) -> Result<(), Broken> {
        let first = self.erased.iter().map(|(_, sequence)| *sequence).min();
        first.map_or(Ok(()), |sequence| Err(Broken::Erased(sequence)))
    }

    /// The message `target` was deleted: so were its edits.
    fn forget(&mut self, target: u64) {
        while let Some(erased) = self
            .erased
            .range((target, 0)..=(target, u64::MAX))
            .next()
            .copied()
        {
            self.erased.remove(&erased);
        }
    }

    /// The number of the last event taken; 0 before the first.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The head after the last event taken.
    #[must_use]
    pub const fn head(&self) -> Hash {
        self.head
    }
}

/// The message with which an event is erased.
fn erased_with(event: &Event) -> u64 {
    match event.target {
        Some(message) if event.kind == EventKind::EDIT => message,
        _ => event.sequence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Content, RoomKind};
    use crate::id::{AccountId, ClientId, RoomId};
    use crate::time::Timestamp;

    fn genesis() -> Genesis {
        Genesis {
            room: RoomId::from_bytes([1; 16]),
            created: Timestamp(5),
            creator: AccountId::from_bytes([2; 16]),
            kind: RoomKind::Public,
            name: "general".to_owned(),
            peer: None,
        }
    }

    fn log(count: u64) -> Vec<Event> {
        (1..=count).fold(Vec::new(), |log, _| with(log, EventKind::MESSAGE, None))
    }

    /// The log with one more event.
    fn with(mut log: Vec<Event>, kind: EventKind, target: Option<u64>) -> Vec<Event> {
        let head = log
            .last()
            .map_or_else(|| genesis_hash(&genesis()), |last| last.hash);
        let sequence = log.len() as u64 + 1;
        let salt = Salt::from_bytes([u8::try_from(sequence).unwrap(); 16]);
        let body = format!("text {sequence}");
        let mut event = Event {
            room: genesis().room,
            sequence,
            time: Timestamp(5 + sequence),
            sender: genesis().creator,
            client_id: ClientId::from_time_and_random(sequence, [0; 10]),
            kind,
            target,
            content_hash: content_hash(&salt, &body),
            content: Some(Content { salt, body }),
            hash: Hash::ZERO,
        };
        event.hash = event_hash(&head, &event);
        log.push(event);
        log
    }

    fn first_broken(log: &[Event]) -> Option<Broken> {
        let mut walk = Walk::new(&genesis());
        let broken = log.iter().find_map(|event| walk.next(event).err());
        broken.or_else(|| walk.finish().err())
    }

    #[test]
    fn a_log_as_it_was_written_is_intact() {
        assert_eq!(first_broken(&log(5)), None);
    }

    #[test]
    fn a_text_that_is_gone_was_deleted_by_a_later_event_or_else_taken_away() {
        let erased = |mut log: Vec<Event>| {
            log[2].content = None;
            first_broken(&log)
        };
        assert_eq!(erased(log(5)), Some(Broken::Erased(3)));
        assert_eq!(erased(with(log(5), EventKind::DELETE, Some(3))), None);
        assert_eq!(
            erased(with(log(5), EventKind::DELETE, Some(4))),
            Some(Broken::Erased(3))
        );
        assert_eq!(
            erased(with(log(5), EventKind::DELETE, None)),
            Some(Broken::Erased(3))
        );
        assert_eq!(
            erased(with(log(5), EventKind::MESSAGE, Some(3))),
            Some(Broken::Erased(3))
        );
        // Nothing deletes itself, or what is yet to be said.
        assert_eq!(
            erased(with(log(2), EventKind::DELETE, Some(3))),
            Some(Broken::Erased(3))
        );
    }

    #[test]
    fn every_change_is_noticed_where_it_was_made() {
        type Change = fn(&mut Vec<Event>);
        let changes: [(Change, Broken); 8] = [
            (
                |log| log[2].content.as_mut().unwrap().body.push('x'),
                Broken::Content(3),
            ),
            (
                |log| log[2].content.as_mut().unwrap().salt = Salt::from_bytes([0; 16]),
                Broken::Content(3),
            ),
            (
                |log| log[2].sender = AccountId::from_bytes([9; 16]),
                Broken::Chain(3),
            ),
            (|log| log[2].target = Some(1), Broken::Chain(3)),
            (|log| log[2].time.0 += 1, Broken::Chain(3)),
            (|log| log[2].time.0 = 0, Broken::Time(3)),
            (
                |log| log[2].client_id = ClientId::from_bytes([0; 16]),
                Broken::Chain(3),
            ),
            (
                |log| drop(log.remove(2)),
                Broken::Gap {
                    expected: 3,
                    found: 4,
                },
            ),
        ];
        for (change, expected) in changes {
            let mut log = log(5);
            change(&mut log);
            assert_eq!(first_broken(&log), Some(expected));
        }
    }
}

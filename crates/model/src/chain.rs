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

use crate::event::{Event, Genesis, Salt};
use crate::hash::Hash;

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

/// Walks a room's log from its beginning and finds the first event that is not what was acknowledged.
#[derive(Clone, Debug)]
pub struct Walk {
    sequence: u64,
    head: Hash,
    time: u64,
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
}

impl Walk {
    /// From a room's beginning.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self {
            sequence: 0,
            head: genesis_hash(genesis),
            time: genesis.created.0,
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
        *self = Self {
            sequence,
            head,
            time: event.time.0,
        };
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Content, EventKind, RoomKind};
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
        let mut head = genesis_hash(&genesis());
        (1..=count)
            .map(|sequence| {
                let salt = Salt::from_bytes([u8::try_from(sequence).unwrap(); 16]);
                let body = format!("text {sequence}");
                let mut event = Event {
                    room: genesis().room,
                    sequence,
                    time: Timestamp(5 + sequence),
                    sender: genesis().creator,
                    client_id: ClientId::from_time_and_random(sequence, [0; 10]),
                    kind: EventKind::MESSAGE,
                    target: None,
                    content_hash: content_hash(&salt, &body),
                    content: Some(Content { salt, body }),
                    hash: Hash::ZERO,
                };
                event.hash = event_hash(&head, &event);
                head = event.hash;
                event
            })
            .collect()
    }

    fn first_broken(log: &[Event]) -> Option<Broken> {
        let mut walk = Walk::new(&genesis());
        log.iter().find_map(|event| walk.next(event).err())
    }

    #[test]
    fn a_log_as_it_was_written_is_intact_even_with_contents_erased() {
        let mut log = log(5);
        assert_eq!(first_broken(&log), None);
        log[2].content = None;
        assert_eq!(first_broken(&log), None);
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

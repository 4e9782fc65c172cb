//! Fan-out: a ring of encoded events for each followed room, and a cursor into it for each follower.
//!
//! An event is encoded once, whoever follows. A ring is bounded; a cursor that falls off its end reads the store until
//! it is back. The ring of a room exists while somebody follows the room.
//!
//! Rings are made and filled on the store's thread alone, after a commit, so a ring begins exactly where the log was
//! when it was made: there is no gap between what is replayed and what is live (contract C4).

use crate::outbox::Outbox;
use bytes::Bytes;
use landline_model::id::RoomId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The most events that a ring keeps.
const RING_EVENTS: usize = 1024;

/// The most bytes that a ring keeps (but always the last event).
const RING_BYTES: usize = 1024 * 1024;

/// The most bytes that all rings keep together. Beyond it every ring gives up its older half; who needed that reads
/// the store.
const RINGS_BYTES: usize = 256 * 1024 * 1024;

/// The rings of all followed rooms. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Feeds {
    rooms: Arc<Mutex<HashMap<RoomId, Weak<Feed>>>>,
    /// What all rings hold, in bytes; what changes a ring changes it, under the ring's lock.
    bytes: Arc<AtomicUsize>,
}

/// The ring of one room and who follows it.
pub(crate) struct Feed {
    feeds: Feeds,
    room: RoomId,
    state: Mutex<State>,
}

struct State {
    /// The number of the last event that was delivered; the ring ends with it.
    delivered: u64,
    ring: VecDeque<Bytes>,
    bytes: usize,
    followers: Vec<Weak<Outbox>>,
}

/// A follower's place in a room.
pub(crate) struct Cursor {
    feed: Arc<Feed>,
    /// The number of the next event to send.
    next: u64,
}

/// What stands at a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// Nothing yet.
    Nothing,
    /// These events, encoded; the cursor stands behind them now.
    Events(Vec<Bytes>),
    /// The ring has forgotten them: read the store after `since`, up to and with `delivered`.
    InStore { since: u64, delivered: u64 },
}

impl Feeds {
    /// Follows a room from behind `since` on (none: from now on). Call it on the store's thread, with the room's head
    /// as it is there.
    pub(crate) fn follow(
        &self,
        room: RoomId,
        head: u64,
        since: Option<u64>,
        follower: &Arc<Outbox>,
    ) -> Cursor {
        let feed = {
            let mut rooms = lock(&self.rooms);
            rooms.get(&room).and_then(Weak::upgrade).unwrap_or_else(|| {
                let state = State {
                    delivered: head,
                    ring: VecDeque::new(),
                    bytes: 0,
                    followers: Vec::new(),
                };
                let feed = Arc::new(Feed {
                    feeds: self.clone(),
                    room,
                    state: Mutex::new(state),
                });
                rooms.insert(room, Arc::downgrade(&feed));
                feed
            })
        };
        let mut state = lock(&feed.state);
        let next = since.unwrap_or(state.delivered).saturating_add(1);
        // A follower that is gone is taken off when somebody else comes: the list stays in proportion.
        state.followers.retain(|other| other.strong_count() > 0);
        if !state
            .followers
            .iter()
            .any(|other| std::ptr::eq(other.as_ptr(), Arc::as_ptr(follower)))
        {
            state.followers.push(Arc::downgrade(follower));
        }
        drop(state);
        Cursor { feed, next }
    }

    /// Puts a committed event, encoded by `encode`, to its room's followers. Call it on the store's thread.
    pub(crate) fn deliver(&self, room: RoomId, sequence: u64, encode: impl FnOnce() -> Bytes) {
        let Some(feed) = lock(&self.rooms).get(&room).and_then(Weak::upgrade) else {
            return;
        };
        let mut state = lock(&feed.state);
        let event = encode();
        state.bytes += event.len();
        self.bytes.fetch_add(event.len(), Ordering::Relaxed);
        state.ring.push_back(event);
        state.delivered = sequence;
        while state.ring.len() > RING_EVENTS || (state.bytes > RING_BYTES && state.ring.len() > 1) {
            self.forget_oldest(&mut state);
        }
        for follower in state.followers.iter().filter_map(Weak::upgrade) {
            follower.wake();
        }
        drop(state);
        self.keep_within(RINGS_BYTES);
    }

    /// Halves all rings where they hold more than `limit` bytes together. That is seldom: half of the limit has to be
    /// delivered before it is done again.
    fn keep_within(&self, limit: usize) {
        if self.bytes.load(Ordering::Relaxed) > limit {
            // The map is left before the feeds are: the last one to leave a feed takes it out of the map.
            let feeds: Vec<Arc<Feed>> = lock(&self.rooms).values().filter_map(Weak::upgrade).collect();
            for feed in feeds {
                let mut state = lock(&feed.state);
                let half = state.bytes / 2;
                while state.bytes > half {
                    self.forget_oldest(&mut state);
                }
            }
        }
    }

    fn forget_oldest(&self, state: &mut State) {
        if let Some(oldest) = state.ring.pop_front() {
            state.bytes -= oldest.len();
            self.bytes.fetch_sub(oldest.len(), Ordering::Relaxed);
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.feeds.bytes.fetch_sub(state.bytes, Ordering::Relaxed);
        let mut rooms = lock(&self.feeds.rooms);
        // Somebody may have made a new one since this one's last follower went.
        if rooms.get(&self.room).is_some_and(|feed| feed.strong_count() == 0) {
            rooms.remove(&self.room);
        }
    }
}

impl Cursor {
    /// The room.
    pub(crate) fn room(&self) -> RoomId {
        self.feed.room
    }

    /// Takes what stands ahead, at least one event and at most about `budget` bytes.
    pub(crate) fn ahead(&mut self, budget: usize) -> Ahead {
        let state = lock(&self.feed.state);
        if self.next > state.delivered {
            return Ahead::Nothing;
        }
        let first = state.delivered - state.ring.len() as u64 + 1;
        let Some(skip) = self
            .next
            .checked_sub(first)
            .and_then(|skip| usize::try_from(skip).ok())
        else {
            return Ahead::InStore {
                since: self.next - 1,
                delivered: state.delivered,
            };
        };
        let mut taken = 0;
        let events: Vec<Bytes> = state
            .ring
            .iter()
            .skip(skip)
            .take_while(|event| {
                let room = taken < budget;
                taken += event.len();
                room
            })
            .cloned()
            .collect();
        self.next += events.len() as u64;
        Ahead::Events(events)
    }

    /// Moves the cursor behind an event that came from the store.
    pub(crate) fn passed(&mut self, sequence: u64) {
        self.next = self.next.max(sequence.saturating_add(1));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks guard is whole after every line, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId::from_bytes([1; 16]);

    fn event(sequence: u64) -> Bytes {
        Bytes::from(sequence.to_string())
    }

    fn deliver(feeds: &Feeds, sequences: impl Iterator<Item = u64>) {
        sequences.for_each(|sequence| feeds.deliver(ROOM, sequence, || event(sequence)));
    }

    #[test]
    fn a_follower_gets_what_comes_from_now_on() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 7, None, &outbox);
        assert_eq!(cursor.ahead(1000), Ahead::Nothing);
        deliver(&feeds, 8..=9);
        assert_eq!(cursor.ahead(1000), Ahead::Events(vec![event(8), event(9)]));
        assert_eq!(cursor.ahead(1000), Ahead::Nothing);
    }

    #[test]
    fn a_follower_with_a_past_is_sent_to_the_store_and_then_to_the_ring() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 7, Some(5), &outbox);
        deliver(&feeds, 8..=8);
        assert_eq!(
            cursor.ahead(1000),
            Ahead::InStore {
                since: 5,
                delivered: 8
            }
        );
        cursor.passed(6);
        cursor.passed(7);
        assert_eq!(cursor.ahead(1000), Ahead::Events(vec![event(8)]));
    }

    #[test]
    fn a_slow_follower_falls_off_the_ring_and_the_ring_stays_bounded() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 0, None, &outbox);
        let count = RING_EVENTS as u64 + 10;
        deliver(&feeds, 1..=count);
        assert_eq!(
            cursor.ahead(1000),
            Ahead::InStore {
                since: 0,
                delivered: count
            }
        );
        assert_eq!(lock(&cursor.feed.state).ring.len(), RING_EVENTS);
    }

    #[test]
    fn all_rings_together_are_bounded_and_a_follower_loses_nothing_by_it() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let event = Bytes::from(vec![0; RING_BYTES / 4]);
        // Each ring is full with four events; that many are as much as all may hold.
        let rooms = u64::try_from(RINGS_BYTES / RING_BYTES).unwrap();
        let mut cursors: Vec<Cursor> = (0..rooms)
            .map(|number| {
                let room = RoomId::from_bytes(u128::from(number).to_be_bytes());
                let cursor = feeds.follow(room, 0, None, &outbox);
                (1..=4).for_each(|sequence| feeds.deliver(room, sequence, || event.clone()));
                cursor
            })
            .collect();
        assert_eq!(feeds.bytes.load(Ordering::Relaxed), RINGS_BYTES);
        assert!(matches!(cursors[1].ahead(1), Ahead::Events(_)));
        let mut other = feeds.follow(ROOM, 0, None, &outbox);
        feeds.deliver(ROOM, 1, || event.clone());
        assert!(feeds.bytes.load(Ordering::Relaxed) <= RINGS_BYTES / 2 + RING_BYTES);
        assert_eq!(
            cursors[0].ahead(usize::MAX),
            Ahead::InStore {
                since: 0,
                delivered: 4
            }
        );
        cursors[0].passed(2);
        assert_eq!(
            cursors[0].ahead(usize::MAX),
            Ahead::Events(vec![event.clone(), event])
        );
        // An only event that is given up is in the store.
        assert_eq!(
            other.ahead(1),
            Ahead::InStore {
                since: 0,
                delivered: 1
            }
        );
        drop((cursors, other));
        assert_eq!(feeds.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_budget_bounds_what_is_taken_but_never_to_nothing() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 0, None, &outbox);
        deliver(&feeds, 1..=5);
        assert_eq!(cursor.ahead(1), Ahead::Events(vec![event(1)]));
        assert_eq!(cursor.ahead(2), Ahead::Events(vec![event(2), event(3)]));
    }

    #[test]
    fn the_ring_goes_with_its_last_follower_and_a_number_from_the_future_waits() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 3, Some(u64::MAX), &outbox);
        deliver(&feeds, 4..=4);
        assert_eq!(cursor.ahead(10), Ahead::Nothing);
        drop(cursor);
        assert!(lock(&feeds.rooms).is_empty());
    }

    #[tokio::test]
    async fn delivery_wakes_the_follower() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let _cursor = feeds.follow(ROOM, 0, None, &outbox);
        deliver(&feeds, 1..=1);
        outbox.woken().await;
    }
}

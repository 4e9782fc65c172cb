//! Fan-out: a ring of encoded events for each followed room, and a cursor into it for each follower.
//!
//! An event is encoded once, whoever follows. A ring is bounded; a cursor that falls off its end reads the store until
//! it is back. The ring of a room exists while somebody follows the room.
//!
//! Rings are made and filled on the store's thread alone, after a commit, so a ring begins exactly where the log was
//! when it was made: there is no gap between what is replayed and what is live (contract C4).

use crate::outbox::{About, News, Outbox};
use bytes::Bytes;
use landline_model::id::{AccountId, RoomId};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The most events that a ring keeps.
const RING_EVENTS: usize = 1024;

/// The most bytes that a ring keeps (but always the last event).
const RING_BYTES: usize = 1024 * 1024;

/// How many followers a ring has at least before those who are gone are taken off its list.
const FOLLOWERS_KEPT: usize = 64;

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
    followers: Vec<Follower>,
    /// With so many followers it is time to take those off the list who are gone: the list stays in proportion.
    prune_at: usize,
}

/// Who follows a room.
struct Follower {
    outbox: Weak<Outbox>,
    seat: Arc<Seat>,
}

/// What a follower's place in the list and its cursor share.
struct Seat {
    account: AccountId,
    /// Nothing more goes this way: the account may not read the room any more, or the cursor is gone.
    cut: AtomicBool,
}

/// A follower's place in a room.
pub(crate) struct Cursor {
    feed: Arc<Feed>,
    seat: Arc<Seat>,
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
    /// The account may not read the room any more.
    Cut,
}

impl Feeds {
    /// Follows a room as `account` from behind `since` on (none: from now on). Call it on the store's thread, with the
    /// room's head as it is there, and only for who may read it there.
    pub(crate) fn follow(
        &self,
        room: RoomId,
        head: u64,
        since: Option<u64>,
        account: AccountId,
        follower: &Arc<Outbox>,
    ) -> Cursor {
        let feed = self.feed(room, head);
        let mut state = lock(&feed.state);
        let next = since.unwrap_or(state.delivered).saturating_add(1);
        if state.followers.len() >= state.prune_at {
            state.followers.retain(Follower::is_there);
            state.prune_at = FOLLOWERS_KEPT.max(state.followers.len() * 2);
        }
        let seat = Arc::new(Seat {
            account,
            cut: AtomicBool::new(false),
        });
        state.followers.push(Follower {
            outbox: Arc::downgrade(follower),
            seat: Arc::clone(&seat),
        });
        drop(state);
        // What is followed again is not closed, whatever was to be said a moment ago.
        follower.unsay(&About::Closed(room));
        Cursor { feed, seat, next }
    }

    fn feed(&self, room: RoomId, head: u64) -> Arc<Feed> {
        let mut rooms = lock(&self.rooms);
        rooms.get(&room).and_then(Weak::upgrade).unwrap_or_else(|| {
            let state = State {
                delivered: head,
                ring: VecDeque::new(),
                bytes: 0,
                followers: Vec::new(),
                prune_at: FOLLOWERS_KEPT,
            };
            let feed = Arc::new(Feed {
                feeds: self.clone(),
                room,
                state: Mutex::new(state),
            });
            rooms.insert(room, Arc::downgrade(&feed));
            feed
        })
    }

    /// Cuts an account's cursors in a room off: they give nothing more, not even what stands in the ring, and their
    /// connections hear `closed`. Call it on the store's thread, before the event that was the reason is put in.
    pub(crate) fn cut(&self, room: RoomId, account: &AccountId, closed: impl FnOnce() -> Bytes) {
        let Some(feed) = self.followed(&room) else { return };
        let mut state = lock(&feed.state);
        let mut cut = Vec::new();
        state.followers.retain(|follower| {
            let stays = follower.seat.account != *account;
            if !stays && !follower.seat.cut.swap(true, Ordering::Relaxed) {
                cut.extend(follower.outbox.upgrade());
            }
            stays
        });
        drop(state);
        if cut.is_empty() {
            return;
        }
        let closed = closed();
        for follower in cut {
            follower.signal(About::Closed(room), News::Said(closed.clone()));
        }
    }

    /// Empties a room's ring: what stands in it was erased. Who is behind reads the store, where it is erased too.
    pub(crate) fn forget(&self, room: &RoomId) {
        if let Some(feed) = self.followed(room) {
            let mut state = lock(&feed.state);
            while !state.ring.is_empty() {
                self.forget_oldest(&mut state);
            }
        }
    }

    /// Tells a room's followers something that is not stored, but for those of the account `except`.
    pub(crate) fn signal(&self, room: &RoomId, except: &AccountId, about: About, said: &Bytes) {
        let Some(feed) = self.followed(room) else { return };
        let followers: Vec<Arc<Outbox>> = lock(&feed.state)
            .followers
            .iter()
            .filter(|follower| follower.seat.account != *except && !follower.seat.is_cut())
            .filter_map(|follower| follower.outbox.upgrade())
            .collect();
        for follower in followers {
            follower.signal(about, News::Said(said.clone()));
        }
    }

    fn followed(&self, room: &RoomId) -> Option<Arc<Feed>> {
        lock(&self.rooms).get(room).and_then(Weak::upgrade)
    }

    /// Puts a committed event, encoded by `encode`, to its room's followers. Call it on the store's thread.
    pub(crate) fn deliver(&self, room: RoomId, sequence: u64, encode: impl FnOnce() -> Bytes) {
        let Some(feed) = self.followed(&room) else { return };
        let mut state = lock(&feed.state);
        let event = encode();
        state.bytes += event.len();
        self.bytes.fetch_add(event.len(), Ordering::Relaxed);
        state.ring.push_back(event);
        state.delivered = sequence;
        while state.ring.len() > RING_EVENTS || (state.bytes > RING_BYTES && state.ring.len() > 1) {
            self.forget_oldest(&mut state);
        }
        for follower in &state.followers {
            if let Some(follower) = follower.outbox.upgrade() {
                follower.wake();
            }
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

impl Follower {
    fn is_there(&self) -> bool {
        self.outbox.strong_count() > 0 && !self.seat.is_cut()
    }
}

impl Seat {
    fn is_cut(&self) -> bool {
        // What it guards stands behind the lock of the feed, under which it is written as well.
        self.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.seat.cut.store(true, Ordering::Relaxed);
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
        if self.seat.is_cut() {
            return Ahead::Cut;
        }
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

    /// Whether the account may not read the room any more.
    pub(crate) fn is_cut(&self) -> bool {
        let _state = lock(&self.feed.state);
        self.seat.is_cut()
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
    const ALICE: AccountId = AccountId::from_bytes([2; 16]);
    const BOB: AccountId = AccountId::from_bytes([3; 16]);

    fn event(sequence: u64) -> Bytes {
        Bytes::from(sequence.to_string())
    }

    fn deliver(feeds: &Feeds, sequences: impl Iterator<Item = u64>) {
        sequences.for_each(|sequence| feeds.deliver(ROOM, sequence, || event(sequence)));
    }

    #[test]
    fn a_follower_gets_what_comes_from_now_on() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 7, None, ALICE, &outbox);
        assert_eq!(cursor.ahead(1000), Ahead::Nothing);
        deliver(&feeds, 8..=9);
        assert_eq!(cursor.ahead(1000), Ahead::Events(vec![event(8), event(9)]));
        assert_eq!(cursor.ahead(1000), Ahead::Nothing);
    }

    #[test]
    fn a_follower_with_a_past_is_sent_to_the_store_and_then_to_the_ring() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 7, Some(5), ALICE, &outbox);
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
        let mut cursor = feeds.follow(ROOM, 0, None, ALICE, &outbox);
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
                let cursor = feeds.follow(room, 0, None, ALICE, &outbox);
                (1..=4).for_each(|sequence| feeds.deliver(room, sequence, || event.clone()));
                cursor
            })
            .collect();
        assert_eq!(feeds.bytes.load(Ordering::Relaxed), RINGS_BYTES);
        assert!(matches!(cursors[1].ahead(1), Ahead::Events(_)));
        let mut other = feeds.follow(ROOM, 0, None, ALICE, &outbox);
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
        let mut cursor = feeds.follow(ROOM, 0, None, ALICE, &outbox);
        deliver(&feeds, 1..=5);
        assert_eq!(cursor.ahead(1), Ahead::Events(vec![event(1)]));
        assert_eq!(cursor.ahead(2), Ahead::Events(vec![event(2), event(3)]));
    }

    #[test]
    fn the_ring_goes_with_its_last_follower_and_a_number_from_the_future_waits() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 3, Some(u64::MAX), ALICE, &outbox);
        deliver(&feeds, 4..=4);
        assert_eq!(cursor.ahead(10), Ahead::Nothing);
        drop(cursor);
        assert!(lock(&feeds.rooms).is_empty());
    }

    #[tokio::test]
    async fn delivery_wakes_the_follower() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let _cursor = feeds.follow(ROOM, 0, None, ALICE, &outbox);
        deliver(&feeds, 1..=1);
        outbox.woken().await;
    }

    fn closed() -> Bytes {
        Bytes::from_static(b"closed")
    }

    #[test]
    fn who_is_cut_gets_nothing_more_and_hears_why_and_the_others_go_on() {
        let (feeds, alice, bob) = (Feeds::default(), Arc::default(), Arc::default());
        let mut stays = feeds.follow(ROOM, 3, None, ALICE, &alice);
        // One that has read nothing, one that fell off the ring, and one that is up to date.
        let mut cut = [None, Some(0), Some(3)].map(|since| feeds.follow(ROOM, 3, since, BOB, &bob));
        deliver(&feeds, 4..=4);
        assert_eq!(cut[2].ahead(1000), Ahead::Events(vec![event(4)]));
        feeds.cut(ROOM, &BOB, closed);
        deliver(&feeds, 5..=5);
        assert!(
            cut.iter_mut()
                .all(|cursor| cursor.is_cut() && cursor.ahead(1000) == Ahead::Cut)
        );
        assert_eq!(stays.ahead(1000), Ahead::Events(vec![event(4), event(5)]));
        let said = bob.take().signals.unwrap().waiting;
        assert_eq!(
            said.into_iter().collect::<Vec<_>>(),
            [(About::Closed(ROOM), News::Said(closed()))]
        );
        assert!(alice.take().signals.is_none());
    }

    #[test]
    fn who_may_come_back_is_not_told_that_it_is_closed() {
        let (feeds, bob) = (Feeds::default(), Arc::default());
        let old = feeds.follow(ROOM, 0, None, BOB, &bob);
        feeds.cut(ROOM, &BOB, closed);
        let mut back = feeds.follow(ROOM, 0, None, BOB, &bob);
        assert!(bob.take().signals.unwrap().waiting.is_empty());
        drop(old);
        deliver(&feeds, 1..=1);
        assert_eq!(back.ahead(1000), Ahead::Events(vec![event(1)]));
        // Nobody is there to be cut, and so nobody is told.
        feeds.cut(ROOM, &ALICE, || unreachable!("nobody was cut"));
    }

    #[test]
    fn a_ring_that_forgets_sends_who_is_behind_to_the_store_and_goes_on() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let mut cursor = feeds.follow(ROOM, 0, None, ALICE, &outbox);
        deliver(&feeds, 1..=3);
        feeds.forget(&ROOM);
        deliver(&feeds, 4..=4);
        assert_eq!(
            cursor.ahead(1000),
            Ahead::InStore {
                since: 0,
                delivered: 4
            }
        );
        cursor.passed(3);
        assert_eq!(cursor.ahead(1000), Ahead::Events(vec![event(4)]));
        assert_eq!(feeds.bytes.load(Ordering::Relaxed), event(4).len());
    }

    #[test]
    fn a_signal_reaches_the_followers_but_those_of_whom_it_speaks() {
        let (feeds, alice, bob) = (Feeds::default(), Arc::default(), Arc::default());
        let _alice = feeds.follow(ROOM, 0, None, ALICE, &alice);
        let followed = feeds.follow(ROOM, 0, None, BOB, &bob);
        let about = About::Typing(ROOM, ALICE);
        feeds.signal(&ROOM, &ALICE, about, &closed());
        assert!(alice.take().signals.is_none());
        assert!(bob.take().signals.unwrap().waiting.contains_key(&about));
        drop(followed);
        feeds.signal(&ROOM, &ALICE, about, &closed());
        assert!(bob.take().signals.is_none(), "it follows no more");
    }

    #[test]
    fn the_list_of_followers_stays_in_proportion() {
        let (feeds, outbox) = (Feeds::default(), Arc::default());
        let cursor = feeds.follow(ROOM, 0, None, ALICE, &outbox);
        for _ in 0..FOLLOWERS_KEPT * 10 {
            feeds.follow(ROOM, 0, None, ALICE, &outbox);
        }
        assert!(lock(&cursor.feed.state).followers.len() <= FOLLOWERS_KEPT);
    }
}

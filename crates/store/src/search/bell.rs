//! What tells the indexer that there is work, and others how far it is.

use crate::lock;
use landline_model::id::RoomId;
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many events are still looked at when the end comes: what was taken back a moment ago does not stay in the index
/// for as long as the hub is stopped.
const FINISHED_MAX: u64 = 10_000;

/// Rung for each event that is committed; the indexer wakes. Clones are one bell.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// There is work, or the end.
    rung: Condvar,
    /// A pass is over, or there will be no other.
    over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Rooms that have events which nobody has looked at.
    rooms: HashSet<RoomId>,
    /// Look at all rooms: the beginning.
    all: bool,
    /// The index cannot be read, and is to be made anew.
    damaged: bool,
    /// The indexer is to end.
    stopping: bool,
    /// The indexer sleeps.
    asleep: bool,
    /// How many wait for the index.
    waiting: usize,
    /// How many events were announced.
    announced: u64,
    /// How many of them had been announced when the pass that is under way began.
    begun: u64,
    /// How many had been announced when the last pass began that came to its end.
    indexed: u64,
    /// How many events the pass that is under way has before it.
    left: u64,
    /// The last pass ended early, because a disk failed, and no other has begun.
    failing: bool,
}

/// What the indexer is to do.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) all: bool,
    pub(super) damaged: bool,
    pub(super) rooms: HashSet<RoomId>,
}

impl Bell {
    /// Announces an event of this room that is committed. It does not block, and costs next to nothing while the
    /// indexer is at work.
    pub fn ring(&self, room: RoomId) {
        let mut state = lock(&self.0.state);
        state.rooms.insert(room);
        state.announced += 1;
        self.wake(&state);
    }

    /// How many events wait to be indexed.
    pub(super) fn behind(&self) -> u64 {
        lock(&self.0.state).behind()
    }

    /// Waits, but for no longer than `patience`, until everything is indexed that has been announced, where that is at
    /// most `most` events. Says how many wait still.
    pub(super) fn wait(&self, most: u64, patience: Duration) -> u64 {
        let deadline = Instant::now().checked_add(patience);
        let mut state = lock(&self.0.state);
        state.waiting += 1;
        self.0.rung.notify_one();
        let wanted = state.announced;
        while state.indexed < wanted && state.behind() <= most && !state.failing && !state.stopping {
            let left = deadline.map_or(patience, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                break;
            }
            state = self
                .0
                .over
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.waiting -= 1;
        state.behind()
    }

    /// How many events were announced so far.
    pub(super) fn announced(&self) -> u64 {
        lock(&self.0.state).announced
    }

    /// Lets others have the processor for so long; no longer than until somebody waits for the index or it is to end, and
    /// not at all where nothing was announced beyond the first `announced` events.
    pub(super) fn rest(&self, announced: u64, time: Duration) {
        let deadline = Instant::now().checked_add(time);
        let mut state = lock(&self.0.state);
        while state.waiting == 0 && !state.stopping && state.announced != announced {
            let left = deadline.map_or(time, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return;
            }
            state = self
                .0
                .rung
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Announces that everything has to be looked at.
    pub(super) fn ring_for_all(&self) {
        let mut state = lock(&self.0.state);
        state.all = true;
        state.announced += 1;
        self.wake(&state);
    }

    /// Announces that the index has to be made anew.
    pub(super) fn ring_for_damage(&self) {
        let mut state = lock(&self.0.state);
        state.damaged = true;
        state.announced += 1;
        self.wake(&state);
    }

    /// The index is made anew: whatever was wrong with the old one is of no matter any more.
    pub(super) fn forget_damage(&self) {
        lock(&self.0.state).damaged = false;
    }

    /// The indexer is to end.
    pub(super) fn stop(&self) {
        lock(&self.0.state).stopping = true;
        self.0.rung.notify_all();
        self.0.over.notify_all();
    }

    /// Whether the indexer is to end, with so many events before it.
    pub(super) fn is_over(&self, left: u64) -> bool {
        left > FINISHED_MAX && lock(&self.0.state).stopping
    }

    /// Sleeps until there is work. None: the indexer is to end.
    pub(super) fn work(&self) -> Option<Work> {
        let mut state = lock(&self.0.state);
        while !state.stopping && !state.all && !state.damaged && state.rooms.is_empty() {
            state.asleep = true;
            state = self.0.rung.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
        if state.stopping && !state.is_little() {
            return None;
        }
        state.begun = state.announced;
        state.failing = false;
        Some(Work {
            all: std::mem::take(&mut state.all),
            damaged: std::mem::take(&mut state.damaged),
            rooms: std::mem::take(&mut state.rooms),
        })
    }

    /// The pass has so many events before it.
    pub(super) fn left(&self, left: u64) {
        lock(&self.0.state).left = left;
    }

    /// The pass is over, and everything in it done.
    pub(super) fn finished(&self) {
        let mut state = lock(&self.0.state);
        state.indexed = state.begun;
        state.left = 0;
        drop(state);
        self.0.over.notify_all();
    }

    /// The pass ended early; its work is done with that of the next one, once there is more.
    pub(super) fn failed(&self) {
        lock(&self.0.state).failing = true;
        self.0.over.notify_all();
    }

    /// A system call only where somebody sleeps.
    fn wake(&self, state: &State) {
        if state.asleep {
            self.0.rung.notify_one();
        }
    }
}

impl State {
    /// Whether there is work, but so little that it is done even at the end.
    fn is_little(&self) -> bool {
        !self.all && !self.damaged && !self.rooms.is_empty() && self.announced - self.begun <= FINISHED_MAX
    }

    fn behind(&self) -> u64 {
        if self.indexed == self.announced {
            return 0;
        }
        // Before the pass has counted what it has to do, it is at least as much as was announced.
        let waiting = self.announced - self.begun;
        let begun = if self.begun > self.indexed {
            self.left.max(1)
        } else {
            0
        };
        waiting + begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    const ROOM: RoomId = RoomId::from_bytes([1; 16]);

    /// Nobody waits so long: a rest that should end early and does not makes the test stand still.
    const LONG: Duration = Duration::from_secs(3600);

    fn rung(times: u64) -> Bell {
        let bell = Bell::default();
        (0..times).for_each(|_| bell.ring(ROOM));
        bell
    }

    #[test]
    fn there_is_no_rest_where_nothing_came_since() {
        let bell = rung(3);
        bell.rest(3, LONG);
    }

    #[test]
    fn a_rest_lasts_its_time_where_something_came_since() {
        let bell = rung(3);
        let (began, time) = (Instant::now(), Duration::from_millis(20));
        bell.rest(2, time);
        assert!(began.elapsed() >= time);
    }

    #[test]
    fn a_rest_ends_when_somebody_waits_for_the_index() {
        let bell = rung(3);
        let waiting = {
            let bell = bell.clone();
            std::thread::spawn(move || bell.wait(u64::MAX, LONG))
        };
        // Whoever comes first: the other one sees it.
        bell.rest(2, LONG);
        assert!(bell.work().is_some());
        bell.finished();
        assert_eq!(waiting.join().unwrap(), 0);
    }

    #[test]
    fn a_rest_ends_with_the_end() {
        let bell = rung(3);
        let (rested, resting) = channel();
        let indexer = {
            let bell = bell.clone();
            std::thread::spawn(move || {
                bell.rest(2, LONG);
                rested.send(()).unwrap();
            })
        };
        bell.stop();
        resting.recv().unwrap();
        indexer.join().unwrap();
        bell.rest(2, LONG);
    }

    #[test]
    fn a_pass_is_over_at_the_end_only_with_much_before_it() {
        let bell = Bell::default();
        assert!(!bell.is_over(FINISHED_MAX + 1), "nobody wants it to end");
        bell.stop();
        assert!(bell.is_over(FINISHED_MAX + 1));
        assert!(!bell.is_over(FINISHED_MAX), "so much is finished");
    }

    #[test]
    fn at_the_end_little_work_is_done_and_much_is_left() {
        for (events, is_done) in [
            (0, false),
            (1, true),
            (FINISHED_MAX, true),
            (FINISHED_MAX + 1, false),
        ] {
            let bell = rung(events);
            bell.stop();
            assert_eq!(bell.work().is_some(), is_done, "{events} events");
            assert!(bell.work().is_none(), "{events} events are not done twice");
        }
    }

    #[test]
    fn at_the_end_nobody_looks_at_all_rooms_or_makes_the_index_anew() {
        for ring in [Bell::ring_for_all, Bell::ring_for_damage] {
            let bell = rung(1);
            ring(&bell);
            bell.stop();
            assert!(bell.work().is_none());
        }
    }

    #[test]
    fn what_is_behind_is_what_waits_and_what_is_left_of_the_pass() {
        let bell = rung(5);
        assert_eq!(bell.behind(), 5);
        assert!(bell.work().is_some());
        assert_eq!(
            bell.behind(),
            1,
            "a pass that has not counted yet has something before it"
        );
        bell.left(40);
        bell.ring(ROOM);
        assert_eq!(bell.behind(), 41);
        bell.finished();
        assert_eq!(bell.behind(), 1);
    }

    #[test]
    fn nobody_waits_for_an_index_that_is_far_behind_or_failed_or_ends() {
        let far = rung(3);
        assert_eq!(far.wait(2, LONG), 3);
        let failed = rung(3);
        assert!(failed.work().is_some());
        failed.failed();
        assert_ne!(failed.wait(u64::MAX, LONG), 0);
        let ended = rung(3);
        ended.stop();
        assert_eq!(ended.wait(u64::MAX, LONG), 3);
    }
}

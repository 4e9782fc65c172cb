//! What the rest of the hub has for a connection to send: replies, which wait for nobody, and signals, of which the
//! newer one about the same thing takes the place of the older.

use bytes::Bytes;
use landline_model::id::{AccountId, RoomId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit};

/// The most things of which signals wait for one connection. One that would speak of another thing is dropped, and the
/// connection hears that it missed something. That a room is not followed any more is never dropped: who missed it would
/// wait for ever for what is said there. Of those there are no more than rooms that a connection follows.
pub(crate) const SIGNALS_MAX: usize = 256;

/// One connection's outbox.
///
/// The order that contract C6 asks for comes from its use: the store's thread first puts a sender's acknowledgement
/// here and only then the event into the room's ring; a connection first takes events from its rings, then empties
/// this, and sends what was here before what was there. Signals come last.
#[derive(Default)]
pub(crate) struct Outbox {
    queued: Mutex<Queued>,
    judge: AtomicBool,
    wake: Arc<Wake>,
}

/// What wakes a connection.
#[derive(Default)]
struct Wake {
    notify: Notify,
    /// Whether it stands among those that [`wake_group`] wakes.
    waits: AtomicBool,
}

thread_local! {
    /// On the store's thread: whom to wake when the group of commits in hand is settled. None on all other threads.
    static GROUP: RefCell<Option<Vec<Arc<Wake>>>> = const { RefCell::new(None) };
}

/// Wakes whoever got something since this was called last. Call it on the store's thread, and only there, whenever a
/// group is settled.
///
/// A connection that was woken by the first of many acknowledgements would send that one alone, and its client would
/// answer with a single message: groups would fall apart, and each of them costs a sync.
pub(crate) fn wake_group() {
    GROUP.with_borrow_mut(|group| {
        for wake in group.get_or_insert_default().drain(..) {
            wake.waits.store(false, Ordering::Relaxed);
            wake.notify.notify_one();
        }
    });
}

impl Wake {
    fn wake(self: &Arc<Self>) {
        GROUP.with_borrow_mut(|group| match group {
            None => self.notify.notify_one(),
            Some(group) => {
                if !self.waits.swap(true, Ordering::Relaxed) {
                    group.push(Arc::clone(self));
                }
            }
        });
    }
}

/// What was put into an outbox since it was emptied.
#[derive(Default)]
pub(crate) struct Queued {
    /// Encoded, oldest first.
    pub(crate) replies: Vec<Bytes>,
    /// None while there are none, as is usual: an idle connection is small.
    pub(crate) signals: Option<Box<Signals>>,
}

/// Signals that wait.
#[derive(Default)]
pub(crate) struct Signals {
    /// At most [`SIGNALS_MAX`], and those that say that a room is not followed any more.
    pub(crate) waiting: BTreeMap<About, News>,
    /// Whether there were more.
    pub(crate) missed: bool,
}

/// What a signal speaks of, in the order in which they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// How one stands to a room.
    Standing(RoomId),
    /// That a room is not followed any more.
    Closed(RoomId),
    /// How one stands to somebody.
    Contact(AccountId),
    /// How far one has read a room.
    Read(RoomId),
    /// Who writes something in a room.
    Typing(RoomId, AccountId),
    /// Who is there.
    Presence(AccountId),
}

/// What a signal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// This, encoded. Those for many connections share it.
    Said(Bytes),
    /// What is so when it is sent: the connection looks.
    Look,
}

impl Outbox {
    /// Puts a reply, encoded, gives its place among the requests in flight back, and wakes the connection. In this
    /// order: a connection that finds all places free has all replies, and it is woken after both.
    pub(crate) fn put(&self, reply: Bytes, place: OwnedSemaphorePermit) {
        self.lock().replies.push(reply);
        drop(place);
        self.wake.wake();
    }

    /// As [`put`](Self::put), many at once: the connection is woken when all are there.
    pub(crate) fn put_all(&self, replies: impl IntoIterator<Item = (Bytes, OwnedSemaphorePermit)>) {
        let (replies, places): (Vec<_>, Vec<_>) = replies.into_iter().unzip();
        self.lock().replies.extend(replies);
        drop(places);
        self.wake.wake();
    }

    /// Puts a signal, in the place of one about the same thing, and wakes the connection.
    pub(crate) fn signal(&self, about: About, news: News) {
        let mut queued = self.lock();
        let signals = queued.signals.get_or_insert_default();
        let is_due = matches!(about, About::Closed(_)) || signals.waiting.contains_key(&about);
        if is_due || signals.waiting.len() < SIGNALS_MAX {
            signals.waiting.insert(about, news);
        } else {
            signals.missed = true;
        }
        drop(queued);
        self.wake.wake();
    }

    /// Takes a signal back that was not sent yet.
    pub(crate) fn unsay(&self, about: &About) {
        if let Some(signals) = &mut self.lock().signals {
            signals.waiting.remove(about);
        }
    }

    /// Says that there were more signals than this connection is to hear one by one.
    pub(crate) fn miss(&self) {
        self.lock().signals.get_or_insert_default().missed = true;
        self.wake.wake();
    }

    /// Has the connection ask again, before it sends another event, whether it may follow what it follows.
    pub(crate) fn judge_again(&self) {
        self.judge.store(true, Ordering::Release);
        self.wake.wake();
    }

    /// Whether it was told to ask again since this was asked last.
    pub(crate) fn is_to_judge(&self) -> bool {
        // Read before it is written: it is asked at every turn, and the answer is nearly always no.
        self.judge.load(Ordering::Relaxed) && self.judge.swap(false, Ordering::Acquire)
    }

    /// Takes all that is there.
    pub(crate) fn take(&self) -> Queued {
        std::mem::take(&mut *self.lock())
    }

    /// Says that there is something to look at.
    pub(crate) fn wake(&self) {
        self.wake.wake();
    }

    /// Waits until there is something to look at. A word said meanwhile is not lost.
    pub(crate) async fn woken(&self) {
        self.wake.notify.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Queued> {
        // It is whole after every line that holds the lock, so a panic elsewhere leaves it usable.
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: usize) -> AccountId {
        AccountId::from_bytes((number as u128).to_be_bytes())
    }

    fn said(text: &'static str) -> News {
        News::Said(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn the_newer_signal_about_a_thing_takes_the_place_of_the_older() {
        let outbox = Outbox::default();
        let about = About::Presence(account(1));
        outbox.signal(about, said("came"));
        outbox.signal(About::Contact(account(1)), said("asks"));
        outbox.signal(about, said("went"));
        let signals = outbox.take().signals.unwrap();
        assert_eq!(
            signals.waiting.into_iter().collect::<Vec<_>>(),
            [(About::Contact(account(1)), said("asks")), (about, said("went"))]
        );
        assert!(!signals.missed);
        assert!(outbox.take().signals.is_none());
    }

    #[test]
    fn signals_are_bounded_and_what_is_dropped_is_said_once() {
        let outbox = Outbox::default();
        for number in 0..SIGNALS_MAX * 3 {
            outbox.signal(About::Presence(account(number)), News::Look);
        }
        // What waits already is still renewed.
        outbox.signal(About::Presence(account(7)), said("news"));
        let closed = About::Closed(RoomId::from_bytes([1; 16]));
        outbox.signal(closed, said("closed"));
        let mut signals = outbox.take().signals.unwrap();
        assert_eq!(signals.waiting.remove(&closed), Some(said("closed")));
        assert_eq!(signals.waiting.len(), SIGNALS_MAX);
        assert_eq!(signals.waiting[&About::Presence(account(7))], said("news"));
        assert!(signals.missed);
        outbox.signal(About::Presence(account(1)), News::Look);
        assert!(!outbox.take().signals.unwrap().missed);
    }

    #[test]
    fn a_signal_that_is_taken_back_is_not_said() {
        let outbox = Outbox::default();
        let about = About::Closed(RoomId::from_bytes([1; 16]));
        outbox.unsay(&about);
        outbox.signal(about, said("closed"));
        outbox.unsay(&about);
        assert!(outbox.take().signals.unwrap().waiting.is_empty());
    }

    #[tokio::test]
    async fn a_signal_wakes_the_connection() {
        let outbox = Outbox::default();
        outbox.signal(About::Presence(account(1)), News::Look);
        outbox.woken().await;
        outbox.judge_again();
        outbox.woken().await;
        assert!(outbox.is_to_judge());
        assert!(!outbox.is_to_judge());
    }

    #[test]
    fn on_the_stores_thread_a_connection_is_woken_once_the_group_is_settled() {
        let outbox = Outbox::default();
        let is_woken = |outbox: &Outbox| {
            let mut woken = std::pin::pin!(outbox.woken());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            woken.as_mut().poll(&mut context).is_ready()
        };
        outbox.wake();
        assert!(is_woken(&outbox), "elsewhere at once");
        std::thread::scope(|scope| {
            let on_the_stores_thread = || {
                wake_group();
                for _ in 0..2 {
                    outbox.wake();
                    outbox.miss();
                    assert!(!is_woken(&outbox));
                    wake_group();
                    assert!(is_woken(&outbox));
                }
                wake_group();
                assert!(!is_woken(&outbox));
            };
            scope.spawn(on_the_stores_thread).join().unwrap();
        });
    }
}

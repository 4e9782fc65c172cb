//! What others hand to a connection for sending: acknowledgements from the store's thread, and the word that there are
//! new events.

use bytes::Bytes;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit};

/// One connection's outbox.
///
/// The order that contract C6 asks for comes from its use: the store's thread first puts a sender's acknowledgement
/// here and only then the event into the room's ring; a connection first takes events from its rings, then empties
/// this, and sends what was here before what was there.
#[derive(Default)]
pub(crate) struct Outbox {
    replies: Mutex<Vec<Bytes>>,
    wake: Notify,
}

impl Outbox {
    /// Puts a reply, encoded, gives its place among the requests in flight back, and wakes the connection. In this
    /// order: a connection that finds all places free has all replies, and it is woken after both.
    pub(crate) fn put(&self, reply: Bytes, place: OwnedSemaphorePermit) {
        self.replies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reply);
        drop(place);
        self.wake.notify_one();
    }

    /// Takes all replies, oldest first.
    pub(crate) fn take(&self) -> Vec<Bytes> {
        std::mem::take(&mut *self.replies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says that there is something to look at.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until there is something to look at. A word said meanwhile is not lost.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}

//! Blocks that have arrived and are not durable yet: whoever goes on with their upload on another connection waits for
//! them, because the one on which they came may be gone.

use landline_model::id::UploadId;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Those of all uploads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Underway(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How many, where there are any.
    blocks: Mutex<BTreeMap<UploadId, usize>>,
    settled: Notify,
}

/// A block that is under way until this is dropped.
#[derive(Debug)]
pub(crate) struct Block {
    shared: Arc<Shared>,
    upload: UploadId,
}

impl Underway {
    /// A block has arrived.
    pub(crate) fn enter(&self, upload: UploadId) -> Block {
        *self.0.lock().entry(upload).or_default() += 1;
        Block {
            shared: Arc::clone(&self.0),
            upload,
        }
    }

    /// Returns when no block of an upload is under way.
    pub(crate) async fn settled(&self, upload: UploadId) {
        loop {
            let mut settled = pin!(self.0.settled.notified());
            // Before it is looked at: a word said meanwhile is not lost.
            settled.as_mut().enable();
            if !self.0.lock().contains_key(&upload) {
                return;
            }
            settled.await;
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut blocks = self.shared.lock();
        if let Some(count) = blocks.get_mut(&self.upload) {
            *count -= 1;
            if *count == 0 {
                blocks.remove(&self.upload);
                self.shared.settled.notify_waiters();
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<UploadId, usize>> {
        // It is whole after every line that holds the lock, so a panic elsewhere leaves it usable.
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_upload_is_settled_when_its_last_block_is() {
        let underway = Underway::default();
        let (one, other) = (UploadId::from_bytes([1; 16]), UploadId::from_bytes([2; 16]));
        let blocks = [underway.enter(one), underway.enter(one), underway.enter(other)];
        let [first, second, third] = blocks;
        let mut settled = pin!(underway.settled(one));
        let mut turn = async |word: &str| {
            tokio::select! {
                biased;
                () = &mut settled => assert_eq!(word, "settled"),
                () = std::future::ready(()) => assert_eq!(word, "waits"),
            }
        };
        turn("waits").await;
        drop(first);
        turn("waits").await;
        drop(second);
        turn("settled").await;
        drop(third);
        underway.settled(other).await;
    }
}

//! Small files on a native connection: those that come one behind the other are published together.
//!
//! One group is published while the next one is read. When that is full, nothing more is read until its turn comes; so
//! a connection holds two groups at most. A request of another kind waits for the files before it, since it may rest on
//! them.

use super::{Connection, arguments};
use crate::answer::{encode_answer, encode_refusal};
use crate::authorise::Identity;
use crate::files;
use bytes::Bytes;
use landline_model::protocol::RequestHeader;
use landline_model::protocol::files::PutFile;
use landline_store::files::{FILES_TOGETHER, SmallFile};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most bytes of one group, about: the file that reaches it is the last one.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// The small files of one connection.
pub(super) struct SmallFiles {
    gathered: Vec<Gathered>,
    bytes: usize,
    /// Taken while a group is published.
    publishing: Arc<Semaphore>,
}

/// A file, the request that brought it, and its place among those in flight.
struct Gathered {
    id: u64,
    file: SmallFile<Bytes>,
    permit: OwnedSemaphorePermit,
}

impl Default for SmallFiles {
    fn default() -> Self {
        Self {
            gathered: Vec::new(),
            bytes: 0,
            publishing: Arc::new(Semaphore::new(1)),
        }
    }
}

impl SmallFiles {
    /// Whether no further file may be read.
    pub(super) fn is_full(&self) -> bool {
        self.gathered.len() >= FILES_TOGETHER || self.bytes >= GROUP_BYTES
    }
}

impl Connection {
    /// Takes a small file; the answer comes later, through the outbox.
    pub(super) fn gather(&mut self, who: &Identity, header: &RequestHeader<'_>, body: Bytes) -> Bytes {
        let id = header.id;
        let bytes = body.len();
        let file = arguments::<PutFile>(header)
            .and_then(|call| files::small_file(&self.services, who, &call, body))
            .and_then(|file| Ok((file, self.permit()?)));
        match file {
            Ok((file, permit)) => {
                self.small.bytes += bytes;
                self.small.gathered.push(Gathered { id, file, permit });
                Bytes::new()
            }
            Err(refusal) => encode_refusal(id, refusal),
        }
    }

    /// Begins to publish what was gathered, unless the group before it is under way: then it goes on growing.
    pub(super) fn publish_gathered(&mut self) {
        if !self.small.gathered.is_empty()
            && let Ok(turn) = Arc::clone(&self.small.publishing).try_acquire_owned()
        {
            self.publish(turn);
        }
    }

    /// Returns when all that was gathered is published.
    pub(super) async fn small_files_settled(&mut self) {
        // The semaphore is never closed.
        let Ok(turn) = Arc::clone(&self.small.publishing).acquire_owned().await else {
            return;
        };
        if !self.small.gathered.is_empty() {
            self.publish(turn);
            let _ = self.small.publishing.acquire().await;
        }
    }

    fn publish(&mut self, turn: OwnedSemaphorePermit) {
        let gathered = std::mem::take(&mut self.small.gathered);
        self.small.bytes = 0;
        let (services, outbox) = (Arc::clone(&self.services), Arc::clone(&self.outbox));
        let who = self.session.identity(|account| self.services.role(account));
        tokio::spawn(async move {
            let (mut asked, mut given) = (Vec::new(), Vec::new());
            for Gathered { id, file, permit } in gathered {
                asked.push((id, permit));
                given.push(file);
            }
            let answers = files::put_files(services, who, given).await;
            // Whoever is woken by the last answer finds the turn free.
            drop(turn);
            let answered = asked.into_iter().zip(answers);
            outbox.put_all(
                answered.map(|((id, permit), answer)| (encode_answer(id, answer.map(Into::into)), permit)),
            );
        });
    }
}

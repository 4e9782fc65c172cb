//! Searching what was said.
//!
//! The index is a database of its own, `search.db`, which a thread of its own makes from the log: messages are
//! acknowledged and delivered first, and found a little later. Nothing is lost with it; one that is damaged, or does
//! not fit the log, is made anew.

mod bell;
mod grams;
mod index;
mod indexer;
mod merge;
mod query;
mod schema;
mod source;
#[cfg(test)]
mod tests;

pub use bell::Bell;
pub use query::{Hit, LOOKED_AT_MAX, Page, Query};

use crate::database::Readers;
use crate::error::StoreError;
use crate::{read, write};
use index::Index;
use indexer::Indexer;
use landline_model::id::RoomId;
use schema::SCHEMA;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// How many messages' numbers, one after the other, share a note of the times in which they were said.
const SPAN: i64 = 1024;

/// Who searches waits for the indexer where it is no more events behind than this, so that what one has just said is
/// found.
const WAITED_FOR: u64 = 256;

/// But no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// The index of messages.
pub struct Search {
    bell: Bell,
    /// `None` while the index is made anew.
    readers: Arc<RwLock<Option<Readers>>>,
    /// `None` only while it is dropped.
    thread: Option<JoinHandle<()>>,
}

impl Search {
    /// Opens `search.db` in `directory`, beside the `chat.db` that it is made from, which must be there; makes it
    /// where there is none. `bell` is what [`Bell::ring`] is called on for each event that is committed.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn open(directory: &Path, bell: Bell) -> Result<Self, StoreError> {
        let index = Index::open_or_make(directory)?;
        let readers = Arc::new(RwLock::new(Some(Readers::courteous(directory, &SCHEMA)?)));
        let indexer = Indexer::new(directory.to_owned(), bell.clone(), index, Arc::clone(&readers));
        bell.ring_for_all();
        let thread = std::thread::Builder::new()
            .name("indexer".to_owned())
            .spawn(move || indexer.serve())
            .map_err(|error| StoreError::Io(error.to_string()))?;
        Ok(Self {
            bell,
            readers,
            thread: Some(thread),
        })
    }

    /// Waits while the indexer is a little behind, so that a search that follows finds what was said right before.
    pub fn wait_for_the_last(&self) {
        self.bell.wait(WAITED_FOR, PATIENCE);
    }

    /// Searches in the rooms for which `readable` says so. Blocks for the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn query(
        &self,
        query: &Query,
        readable: &mut dyn FnMut(&RoomId) -> bool,
    ) -> Result<Page, StoreError> {
        let behind = self.bell.behind();
        let readers = read(&self.readers);
        let found = readers
            .as_ref()
            .map(|readers| readers.read(|connection| query::run(connection, query, readable)));
        match found {
            Some(Ok(page)) => Ok(Page { behind, ..page }),
            // With the readers in hand: the index cannot have been made anew since.
            Some(Err(StoreError::Corrupt(problem))) => {
                tracing::warn!(problem, "the index of messages cannot be read and is made anew");
                self.bell.ring_for_damage();
                Ok(self.nothing_yet())
            }
            Some(Err(error)) => Err(error),
            None => Ok(self.nothing_yet()),
        }
    }

    /// Waits until everything that was announced is indexed; false: the disk failed, or it took longer than
    /// `patience`. For tests and benchmarks: others get [`Page::behind`].
    #[must_use]
    pub fn wait_until_indexed(&self, patience: Duration) -> bool {
        self.bell.wait(u64::MAX, patience) == 0
    }

    /// What is found while the index is made anew.
    fn nothing_yet(&self) -> Page {
        Page {
            hits: Vec::new(),
            next: None,
            behind: self.bell.behind().max(1),
        }
    }
}

/// The expression, in FTS5's language, by which the table `grams` of `search.db` is asked for a text; none for an empty
/// text. For whoever looks into the database with another program.
#[must_use]
pub fn expression(text: &str) -> Option<String> {
    grams::expression(&grams::fold(text), None, None)
}

impl std::fmt::Debug for Search {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Search(..)")
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        // The connection that closes last moves the write-ahead log into the database, and one that only reads cannot.
        drop(write(&self.readers).take());
        self.bell.stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the indexer panicked");
        }
    }
}

//! The thread that follows the log.

use super::bell::{Bell, Work};
use super::index::Index;
use super::merge::Merge;
use super::schema::SCHEMA;
use super::source::{Room, Source};
use crate::database::Readers;
use crate::error::StoreError;
use crate::write;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

/// The most events of one commit, and about the most bytes of text.
const BATCH_EVENTS: usize = 1024;
const BATCH_BYTES: usize = 1024 * 1024;

/// How far this thread steps back behind others (`nice(2)`): a message that is delivered late costs more than one that
/// is found late.
const NICE: i32 = 10;

/// While messages come, this thread rests after each batch for so many times as long as the batch took: it takes a fifth
/// of a processor at most.
const REST: u32 = 4;

/// But for no less than this, so that batches are worth their commit.
const REST_MIN: Duration = Duration::from_millis(50);

/// Follows the log from one thread.
pub(super) struct Indexer {
    directory: PathBuf,
    bell: Bell,
    /// `None` while it is made anew, and where that failed.
    index: Option<Index>,
    /// Opened for the first pass: the log may be made after the index.
    source: Option<Source>,
    /// Those who search. Taken away from them while the index is made anew.
    readers: Arc<RwLock<Option<Readers>>>,
    /// Something was left undone: the next pass looks at all rooms.
    all: bool,
}

impl Indexer {
    pub(super) fn new(
        directory: PathBuf,
        bell: Bell,
        index: Index,
        readers: Arc<RwLock<Option<Readers>>>,
    ) -> Self {
        Self {
            directory,
            bell,
            index: Some(index),
            source: None,
            readers,
            all: true,
        }
    }

    /// Indexes until it is told to stop.
    pub(super) fn serve(mut self) {
        // Where the system does not let it, it works beside the others.
        let _ = rustix::process::setpriority_process(None, NICE);
        while let Some(work) = self.bell.work() {
            let passed = match self.pass(&work) {
                Err(error @ StoreError::Corrupt(_)) => {
                    tracing::warn!(%error, "the index of messages is damaged and is made anew");
                    self.make_anew().and_then(|()| self.look_at(self.every_room()?))
                }
                passed => passed,
            };
            match passed {
                Ok(()) => {
                    self.all = false;
                    self.bell.finished();
                }
                Err(StoreError::Stopped) => break,
                Err(error) => {
                    tracing::error!(%error, "messages are not indexed; the next one tries it again");
                    self.all = true;
                    self.bell.failed();
                }
            }
        }
    }

    fn pass(&mut self, work: &Work) -> Result<(), StoreError> {
        if self.source.is_none() {
            self.source = Some(Source::open(&self.directory)?);
        }
        if work.damaged || self.index.is_none() {
            self.make_anew()?;
        }
        if work.all || work.damaged || self.all {
            if !self.is_of_this_log()? {
                tracing::warn!(
                    "the index of messages is of another log, or of a later state of it, and is made anew"
                );
                self.make_anew()?;
            }
            return self.look_at(self.every_room()?);
        }
        let source = source(self.source.as_ref())?;
        let rooms = work.rooms.iter().filter_map(|id| source.room(id).transpose());
        let rooms = rooms.collect::<Result<_, _>>()?;
        self.look_at(rooms)
    }

    fn every_room(&self) -> Result<Vec<Room>, StoreError> {
        source(self.source.as_ref())?.rooms()
    }

    /// Whether the log has what was indexed. It has not where it was restored from an older copy.
    fn is_of_this_log(&self) -> Result<bool, StoreError> {
        let source = source(self.source.as_ref())?;
        for (room, known) in index(self.index.as_ref())?.rooms() {
            if source.room(&known.id)?.is_none_or(|found| found.key != room)
                || source.hash(room, known.sequence)? != Some(known.hash)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Indexes what is new in these rooms.
    fn look_at(&mut self, rooms: Vec<Room>) -> Result<(), StoreError> {
        let source = source(self.source.as_ref())?;
        let index = self.index.as_mut().ok_or(StoreError::Stopped)?;
        let unread: Vec<(Room, u64)> = rooms
            .into_iter()
            .map(|room| (room, index.sequence(room.key)))
            .filter(|(room, since)| room.head > *since)
            .collect();
        let mut left: u64 = unread.iter().map(|(room, since)| room.head - since).sum();
        self.bell.left(left);
        let mut merge = Merge::new(source, unread)?;
        loop {
            let (announced, began) = (self.bell.announced(), Instant::now());
            let batch = merge.batch(source, BATCH_EVENTS, BATCH_BYTES)?;
            if batch.is_empty() {
                return Ok(());
            }
            index.take(&batch)?;
            left = left.saturating_sub(batch.len() as u64);
            self.bell.left(left);
            self.bell.rest(announced, rest_after(began.elapsed()));
            if self.bell.is_over(left) {
                return Err(StoreError::Stopped);
            }
        }
    }

    fn make_anew(&mut self) -> Result<(), StoreError> {
        // Waits for those who search. Their connections have to be gone before the file is.
        let mut readers = write(&self.readers);
        *readers = None;
        self.bell.forget_damage();
        self.index = None;
        self.index = Some(Index::make(&self.directory)?);
        *readers = Some(Readers::courteous(&self.directory, &SCHEMA)?);
        Ok(())
    }
}

/// How long to rest after a batch that took so long.
fn rest_after(batch: Duration) -> Duration {
    batch.saturating_mul(REST).max(REST_MIN)
}

fn source(source: Option<&Source>) -> Result<&Source, StoreError> {
    source.ok_or(StoreError::Stopped)
}

fn index(index: Option<&Index>) -> Result<&Index, StoreError> {
    index.ok_or(StoreError::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_long_batch_four_fifths_of_the_time_are_rest() {
        for batch in [
            Duration::from_millis(13),
            Duration::from_secs(1),
            Duration::from_secs(60),
        ] {
            let rest = rest_after(batch);
            assert_eq!(batch * 5, batch + rest, "{batch:?}");
        }
    }

    #[test]
    fn after_a_short_batch_there_is_a_rest_that_makes_the_next_one_longer() {
        assert_eq!(rest_after(Duration::ZERO), REST_MIN);
        assert_eq!(rest_after(REST_MIN / REST), REST_MIN);
        assert_eq!(rest_after(Duration::MAX), Duration::MAX);
    }
}

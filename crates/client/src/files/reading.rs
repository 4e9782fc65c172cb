//! Reading a source in blocks: hashed on the way, each only where it has to be.

use super::values::{REMEMBERED_FROM, Values};
use super::{FilesError, Source};
use bytes::Bytes;
use landline_model::blocks::{BlockHash, FileHash, hash_block};
use landline_model::hash::Hash;
use tokio::sync::mpsc;

/// So often it is looked whether the source is still what it was, in blocks.
const LOOKED_AFTER: u64 = 64;

/// A source, and what is remembered of it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) source: Source,
    values: Option<Values>,
}

impl Reading {
    /// Looks for what is remembered of a source by its name.
    pub(super) fn new(source: Source, name: &str) -> Self {
        let values = (source.size() >= REMEMBERED_FROM)
            .then(|| Values::open(name, source.stamp()))
            .flatten();
        Self { source, values }
    }

    /// Compares the next blocks with the chaining values that the hub has of them, and says whether they are the same.
    /// What is remembered is not read.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn proves(&self, hash: &mut FileHash, theirs: &[[u8; 32]]) -> Result<bool, FilesError> {
        let first = hash.blocks();
        let known = self.values.as_ref();
        let known = known.map_or_else(Vec::new, |values| values.load(first, theirs.len() as u64));
        let mut known = known.into_iter();
        for theirs in theirs {
            let number = hash.blocks();
            let block = match known.next() {
                Some(block) => block,
                None => self.hash(number, &self.source.read_block(number)?),
            };
            if block.chaining_value != *theirs {
                return Ok(false);
            }
            hash.push(&block);
        }
        self.source.check_unchanged()?;
        Ok(true)
    }

    /// Reads the blocks behind those that `hash` has into `blocks`, and says the hash of the whole file. Waits while
    /// nobody takes the blocks.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`] where the file is not what it was when it was opened; [`FilesError::Stopped`]
    /// where nobody wants the blocks any more.
    pub(super) fn read(&self, mut hash: FileHash, blocks: &mpsc::Sender<Bytes>) -> Result<Hash, FilesError> {
        for number in hash.blocks()..self.source.blocks() {
            let block = self.source.read_block(number)?;
            hash.push(&self.hash(number, &block));
            if number % LOOKED_AFTER == 0 {
                self.source.check_unchanged()?;
            }
            blocks.blocking_send(block).map_err(|_| FilesError::Stopped)?;
        }
        self.source.check_unchanged()?;
        Ok(hash.finish())
    }

    /// Nobody goes on with it.
    pub(super) fn forget(&self) {
        if let Some(values) = &self.values {
            values.forget();
        }
    }

    fn hash(&self, number: u64, block: &[u8]) -> BlockHash {
        let hash = hash_block(number, block);
        if let Some(values) = &self.values {
            values.remember(number, &hash);
        }
        hash
    }
}

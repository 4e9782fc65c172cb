//! The block journal of one upload: `partial/ID.blocks`, beside its data.
//!
//! ```text
//!    0  mark      magic 8, version 4, zeros 4, boot id 16, synced 8, touched 8, digest 32      (80 bytes)
//!  512  mark      the same; the one that says more and whose digest is right counts
//! 1024  root      the first block's hash were it the whole file
//! 1056  values    the chaining value of every block, 32 bytes each
//! ```
//! Numbers are little-endian; the digest is BLAKE3 over root, values up to `synced` blocks, and the fields before it.
//!
//! A block is written to the data, then its value here. Then the data is synced, then the mark is written, then this file
//! is synced, and then the block is acknowledged. As long as the machine runs, what was written is there, whatever became of
//! the hub: every whole value counts. Once the machine has started anew, only what a mark vouches for counts. The marks
//! are in two sectors and take turns, so that one that was torn leaves the one before it.

use landline_model::blocks::{BlockHash, FileHash};
use landline_model::hash::Hash;
use landline_model::time::Timestamp;
use rustix::io::Errno;
use std::os::fd::{AsFd as _, OwnedFd};

use super::write::{read_full, write_all};

const MAGIC: [u8; 8] = *b"LLblocks";
const VERSION: u32 = 1;

const MARK_BYTES: usize = 80;
const DIGEST_AT: usize = MARK_BYTES - 32;
/// Where the two marks are.
const MARKS: [u64; 2] = [0, 512];
const ROOT_AT: u64 = 1024;
const VALUE_BYTES: usize = 32;
const VALUES_AT: u64 = ROOT_AT + VALUE_BYTES as u64;

/// How much of a journal is read at once.
const READ_BYTES: usize = 64 * 1024;

/// Names the time between two starts of the machine.
pub type BootId = [u8; 16];

/// The block journal of one upload, open.
#[derive(Debug)]
pub(super) struct Records {
    file: OwnedFd,
    boot: BootId,
}

/// What the blocks that count come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Their number, and what they hash to.
    pub(super) hash: FileHash,
    digest: blake3::Hasher,
}

/// What vouches for the first blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many blocks were synced.
    pub(super) synced: u64,
    /// When that was.
    pub(super) touched: Timestamp,
    boot: BootId,
    digest: [u8; 32],
    /// Which of the two it is.
    slot: usize,
}

impl Counted {
    pub(super) fn push(&mut self, block: &BlockHash) {
        if self.hash.blocks() == 0 {
            let root = block
                .root
                .as_ref()
                .map_or([0; VALUE_BYTES], |root| *root.as_bytes());
            self.digest.update(&root);
        }
        self.digest.update(&block.chaining_value);
        self.hash.push(block);
    }

    /// What a mark that vouches for all of them holds.
    fn mark(&self, boot: BootId, touched: Timestamp) -> [u8; MARK_BYTES] {
        let mut mark = [0; MARK_BYTES];
        let fields: [&[u8]; 6] = [
            &MAGIC,
            &VERSION.to_le_bytes(),
            &[0; 4],
            &boot,
            &self.hash.blocks().to_le_bytes(),
            &touched.0.to_le_bytes(),
        ];
        let fields = fields.concat();
        let mut digest = self.digest.clone();
        digest.update(&fields);
        mark[..DIGEST_AT].copy_from_slice(&fields);
        mark[DIGEST_AT..].copy_from_slice(digest.finalize().as_bytes());
        mark
    }
}

impl Records {
    pub(super) fn new(file: OwnedFd, boot: BootId) -> Self {
        Self { file, boot }
    }

    /// Reads what counts, of at most `limit` blocks. What does not count any more is cut off, and the journal goes on
    /// under this start of the machine.
    pub(super) fn load(&self, limit: u64) -> Result<(Counted, Option<Mark>), Errno> {
        let mut marks = self.marks()?;
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.synced));
        if marks.iter().any(|mark| mark.boot == self.boot) {
            // The newer of the two, whatever it says: it was written since the machine started.
            return Ok((self.count(limit)?, marks.first().copied()));
        }
        for mark in marks {
            let counted = self.count(mark.synced.min(limit))?;
            if counted.hash.blocks() == mark.synced
                && counted.mark(mark.boot, mark.touched)[DIGEST_AT..] == mark.digest
            {
                return self.adopt(counted, Some(mark));
            }
        }
        self.adopt(Counted::default(), None)
    }

    /// Begins this start of the machine with what counts: nothing behind it may ever count.
    fn adopt(&self, counted: Counted, mark: Option<Mark>) -> Result<(Counted, Option<Mark>), Errno> {
        self.truncate(counted.hash.blocks())?;
        let touched = mark.map_or(Timestamp(0), |mark| mark.touched);
        // The mark that counts stays as it is.
        let slot = mark.map_or(0, |mark| 1 - mark.slot);
        let mark = self.write_mark(&counted, touched, slot)?;
        Ok((counted, Some(mark)))
    }

    /// Cuts off what is behind so many blocks.
    pub(super) fn truncate(&self, blocks: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(&self.file, VALUES_AT + blocks * VALUE_BYTES as u64)
    }

    /// Writes the values of blocks that come behind `counted`, and counts them.
    pub(super) fn append(&self, counted: &mut Counted, blocks: &[BlockHash]) -> Result<(), Errno> {
        let first = counted.hash.blocks();
        if first == 0 {
            let root = blocks.first().and_then(|block| block.root);
            let root = root.as_ref().map_or([0; VALUE_BYTES], |root| *root.as_bytes());
            write_all(self.file.as_fd(), &root, ROOT_AT)?;
        }
        let values: Vec<[u8; VALUE_BYTES]> = blocks.iter().map(|block| block.chaining_value).collect();
        let at = VALUES_AT + first * VALUE_BYTES as u64;
        write_all(self.file.as_fd(), values.as_flattened(), at)?;
        for block in blocks {
            counted.push(block);
        }
        Ok(())
    }

    /// Writes the mark that vouches for `counted`, in place of the one in `slot`.
    pub(super) fn write_mark(
        &self,
        counted: &Counted,
        touched: Timestamp,
        slot: usize,
    ) -> Result<Mark, Errno> {
        let bytes = counted.mark(self.boot, touched);
        write_all(self.file.as_fd(), &bytes, MARKS[slot % MARKS.len()])?;
        Mark::parse(&bytes, slot).ok_or(Errno::IO)
    }

    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fdatasync(&self.file)
    }

    /// When the last block was synced, by what the marks say.
    pub(super) fn touched(&self) -> Result<Option<Timestamp>, Errno> {
        Ok(self.marks()?.into_iter().map(|mark| mark.touched).max())
    }

    /// The chaining values of the blocks from number `first` on, before number `end`, at most `limit`.
    pub(super) fn values(&self, first: u64, end: u64, limit: u64) -> Result<Vec<[u8; 32]>, Errno> {
        let count = usize::try_from(end.saturating_sub(first).min(limit)).map_err(|_| Errno::INVAL)?;
        let mut values = vec![[0; VALUE_BYTES]; count];
        let at = VALUES_AT.saturating_add(first.saturating_mul(VALUE_BYTES as u64));
        let read = read_full(self.file.as_fd(), values.as_flattened_mut(), at)?;
        values.truncate(read / VALUE_BYTES);
        Ok(values)
    }

    fn marks(&self) -> Result<Vec<Mark>, Errno> {
        let mut marks = Vec::with_capacity(MARKS.len());
        for (slot, at) in MARKS.into_iter().enumerate() {
            let mut bytes = [0; MARK_BYTES];
            let read = read_full(self.file.as_fd(), &mut bytes, at)?;
            if read == MARK_BYTES {
                marks.extend(Mark::parse(&bytes, slot));
            }
        }
        Ok(marks)
    }

    /// Counts the whole values, at most `limit`.
    fn count(&self, limit: u64) -> Result<Counted, Errno> {
        let mut counted = Counted::default();
        let mut root = [0; VALUE_BYTES];
        if read_full(self.file.as_fd(), &mut root, ROOT_AT)? < VALUE_BYTES {
            return Ok(counted);
        }
        let mut root = Some(Hash::from_bytes(root));
        loop {
            let first = counted.hash.blocks();
            let values = self.values(first, limit, (READ_BYTES / VALUE_BYTES) as u64)?;
            if values.is_empty() {
                return Ok(counted);
            }
            for chaining_value in values {
                counted.push(&BlockHash {
                    chaining_value,
                    root: root.take(),
                });
            }
        }
    }
}

impl Mark {
    /// The place of the mark that follows this one.
    pub(super) const fn next_slot(&self) -> usize {
        1 - self.slot
    }

    fn parse(bytes: &[u8; MARK_BYTES], slot: usize) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let (boot, rest) = rest.split_first_chunk::<16>()?;
        let (synced, rest) = rest.split_first_chunk::<8>()?;
        let (touched, digest) = rest.split_first_chunk::<8>()?;
        (*magic == MAGIC && *version == VERSION.to_le_bytes()).then_some(Self {
            synced: u64::from_le_bytes(*synced),
            touched: Timestamp(u64::from_le_bytes(*touched)),
            boot: *boot,
            digest: digest.try_into().ok()?,
            slot: slot % MARKS.len(),
        })
    }
}

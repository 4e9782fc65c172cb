//! Blocks of an upload.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::open_uploads::{OpenUpload, Turn};
use super::place::Place;
use super::step::Step;
use crate::lock;
use landline_model::blocks::{BLOCK_BYTES, BlockHash, hash_block};
use landline_model::id::{AccountId, UploadId};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

/// The most blocks that are appended at once.
pub const BATCH_MAX: usize = 16;

/// Blocks that are written and not yet known to be durable.
#[derive(Debug)]
#[must_use]
pub struct Appended {
    upload: Arc<OpenUpload>,
    /// The number of blocks up to their end.
    blocks: u64,
}

impl Files {
    /// Writes the next block. Returns how many bytes are synced and journaled.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn write_block(
        &self,
        owner: AccountId,
        upload: UploadId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<u64, FilesError> {
        self.write_blocks(owner, upload, offset, &[bytes])
    }

    /// Writes the next blocks, at most [`BATCH_MAX`], with one sync for all of them. Returns how many bytes are synced and
    /// journaled.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn write_blocks(
        &self,
        owner: AccountId,
        upload: UploadId,
        offset: u64,
        blocks: &[&[u8]],
    ) -> Result<u64, FilesError> {
        self.make_durable(&self.append(owner, upload, None, offset, blocks)?)
    }

    /// Writes the next blocks, at most [`BATCH_MAX`], which are durable only after [`make_durable`](Self::make_durable);
    /// meanwhile further ones may be appended. All blocks but the file's last have [`BLOCK_BYTES`] bytes. With a turn,
    /// nobody else may have opened the upload since.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's upload; [`FilesError::Mismatch`] for an offset that is not
    /// the next one or a length that does not fit; [`FilesError::Busy`] while another one writes it;
    /// [`FilesError::Conflict`] while it is being published or when it is another's turn; [`FilesError::Quota`] where it
    /// would pass the space's limit; [`FilesError::StorageFull`]. Then nothing is appended.
    pub fn append<B: AsRef<[u8]>>(
        &self,
        owner: AccountId,
        upload: UploadId,
        turn: Option<Turn>,
        offset: u64,
        blocks: &[B],
    ) -> Result<Appended, FilesError> {
        let _claim = self.claims.claim(upload).ok_or_else(|| busy(upload))?;
        let upload = self.hold_open(owner, upload)?;
        let mut counted = {
            let mut progress = lock(&upload.progress);
            // One that was let go in between is whose block comes first.
            let whose = progress.turn.or(turn);
            if progress.closed || turn.is_some_and(|turn| Some(turn) != whose) {
                return Err(taken(&upload.place));
            }
            progress.turn = whose;
            progress.counted.clone()
        };
        let first = counted.hash.blocks();
        check(&upload, upload.end_of(first), offset, blocks)?;
        let what = upload.shown();
        let length = blocks
            .iter()
            .map(|block| block.as_ref().len() as u64)
            .sum::<u64>();
        let reserved = self
            .usage
            .reserve(upload.id, upload.place.space, offset.saturating_add(length))?;
        let mut position = offset;
        for block in blocks {
            write_all(upload.data.as_fd(), block.as_ref(), position).at(&what)?;
            position += block.as_ref().len() as u64;
        }
        self.after(Step::BlocksWritten)?;
        let hashes: Vec<BlockHash> = (first..)
            .zip(blocks)
            .map(|(number, block)| hash_block(number, block.as_ref()))
            .collect();
        upload.records.append(&mut counted, &hashes).at(&what)?;
        reserved.keep();
        let blocks = counted.hash.blocks();
        // The claim keeps everybody else away who would change it.
        lock(&upload.progress).counted = counted;
        self.after(Step::BlocksRecorded)?;
        Ok(Appended { upload, blocks })
    }

    /// Makes durable what was appended: the data is synced before the journal vouches for it, and the journal before this
    /// returns. Says how many bytes are synced and journaled: what others have appended meanwhile may be among them.
    ///
    /// # Errors
    /// [`FilesError::Conflict`] where the upload was finished or given up meanwhile; those of the disk.
    pub fn make_durable(&self, appended: &Appended) -> Result<u64, FilesError> {
        self.sync_blocks(&appended.upload, appended.blocks)
    }
}

pub(super) fn busy(upload: UploadId) -> FilesError {
    FilesError::Busy(format!("somebody else is writing the upload {upload}"))
}

pub(super) fn taken(place: &Place) -> FilesError {
    FilesError::Conflict(format!("somebody else goes on with the upload of {place}"))
}

/// Whether these blocks are the next ones.
fn check<B: AsRef<[u8]>>(
    upload: &OpenUpload,
    next: u64,
    offset: u64,
    blocks: &[B],
) -> Result<(), FilesError> {
    if offset != next {
        return Err(FilesError::Mismatch(format!(
            "the next block begins at {next}, not at {offset}"
        )));
    }
    if blocks.len() > BATCH_MAX {
        return Err(FilesError::TooLarge(format!(
            "more than {BATCH_MAX} blocks at once"
        )));
    }
    let mut end = offset;
    for block in blocks {
        let length = block.as_ref().len() as u64;
        let rest = upload.size.saturating_sub(end);
        let expected = rest.min(BLOCK_BYTES as u64);
        if length != expected || length == 0 {
            let message = format!("the block at {end} has {expected} bytes, not {length}");
            return Err(FilesError::Mismatch(message));
        }
        end = end
            .checked_add(length)
            .ok_or_else(|| FilesError::TooLarge("past any file's end".to_owned()))?;
    }
    Ok(())
}

pub(super) fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8], mut offset: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(file, bytes, offset) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills the buffer from the file, as far as that goes; says how far.
pub(super) fn read_full(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..)
        && !rest.is_empty()
    {
        match rustix::io::pread(file, rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

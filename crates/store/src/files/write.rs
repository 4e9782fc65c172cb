//! Blocks of an upload.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::step::Step;
use super::upload::Upload;
use landline_model::blocks::{BLOCK_BYTES, BlockHash, hash_block};
use landline_model::id::{AccountId, UploadId};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, BorrowedFd};

/// The most blocks that are written with one sync.
pub const BATCH_MAX: usize = 16;

impl Files {
    /// Writes the next block. Returns how many bytes are synced and journaled.
    ///
    /// # Errors
    /// As [`write_blocks`](Self::write_blocks).
    pub fn write_block(
        &self,
        owner: AccountId,
        upload: UploadId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<u64, FilesError> {
        self.write_blocks(owner, upload, offset, &[bytes])
    }

    /// Writes the next blocks, at most [`BATCH_MAX`], with one sync and one commit for all of them. Returns how many
    /// bytes are synced and journaled. All blocks but the file's last have [`BLOCK_BYTES`] bytes.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's upload; [`FilesError::Mismatch`] for an offset that is not
    /// the journaled one or a length that does not fit; [`FilesError::Busy`] while another one writes it;
    /// [`FilesError::Conflict`] while it is being published; [`FilesError::StorageFull`]. Then nothing is journaled.
    pub fn write_blocks(
        &self,
        owner: AccountId,
        upload: UploadId,
        offset: u64,
        blocks: &[&[u8]],
    ) -> Result<u64, FilesError> {
        let _claim = self.claims.claim(upload).ok_or_else(|| busy(upload))?;
        let upload = self.upload(owner, upload)?;
        let end = accepted(&upload, offset, blocks)?;
        let what = format_args!("the partial file of {}", upload.place).to_string();
        let file = self.tree.partial.open_to_write(&upload.file_name()).at(&what)?;
        let mut position = offset;
        for block in blocks {
            write_all(file.as_fd(), block, position).at(&what)?;
            position += block.len() as u64;
        }
        self.after(Step::BlocksWritten)?;
        let first = offset / BLOCK_BYTES as u64;
        let hashes: Vec<BlockHash> = (first..)
            .zip(blocks)
            .map(|(number, block)| hash_block(number, block))
            .collect();
        rustix::fs::fdatasync(&file).at(&what)?;
        if first <= 1 && end > BLOCK_BYTES as u64 {
            // Without its name the file would be lost, and with it more than one block.
            self.tree.partial.sync().at("the directory of partial files")?;
        }
        self.after(Step::BlocksSynced)?;
        let now = self.now();
        let queued = self
            .journal
            .queue(move |connection| upload.add_blocks(connection, first, &hashes, end, now))?;
        self.after(Step::BlocksQueued)?;
        queued.wait()?;
        self.after(Step::BlocksJournaled)?;
        Ok(end)
    }
}

pub(super) fn busy(upload: UploadId) -> FilesError {
    FilesError::Busy(format!("somebody else is writing the upload {upload}"))
}

/// Where these blocks end, if they are the next ones.
fn accepted(upload: &Upload, offset: u64, blocks: &[&[u8]]) -> Result<u64, FilesError> {
    if upload.publishing.is_some() {
        return Err(FilesError::Conflict(format!(
            "the upload of {} is being finished",
            upload.place
        )));
    }
    if offset != upload.journaled {
        let journaled = upload.journaled;
        return Err(FilesError::Mismatch(format!(
            "the next block begins at {journaled}, not at {offset}"
        )));
    }
    if blocks.len() > BATCH_MAX {
        return Err(FilesError::TooLarge(format!(
            "more than {BATCH_MAX} blocks at once"
        )));
    }
    let mut end = offset;
    for block in blocks {
        let length = block.len() as u64;
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
    Ok(end)
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

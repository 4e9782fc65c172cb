//! Blocks that are on their way to the hub.

use super::FilesError;
use crate::{Connection, Pending};
use bytes::Bytes;
use landline_model::id::UploadId;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{PutBlock, PutJournaled};
use std::collections::VecDeque;

/// How many blocks of 1 MiB may be on their way before the oldest is acknowledged.
///
/// An acknowledgement comes after the block is synced, so the window must cover what the network carries meanwhile:
/// 10 Gbit/s is 1.25 GB/s, and at 6 ms for a sync and the way there and back that is 7.5 MB.
pub const WINDOW_BLOCKS: usize = 8;

/// The blocks of one upload that are sent and not yet acknowledged, oldest first.
pub(super) struct Window<'a> {
    connection: &'a Connection,
    path: &'a RemotePath,
    upload: UploadId,
    /// Each with the offset behind it.
    blocks: VecDeque<(Pending<PutBlock>, u64)>,
    /// The offset behind what is sent.
    sent: u64,
    /// The offset behind what is acknowledged.
    journaled: u64,
}

impl<'a> Window<'a> {
    /// A window that begins at an offset.
    pub(super) fn new(
        connection: &'a Connection,
        path: &'a RemotePath,
        upload: UploadId,
        offset: u64,
    ) -> Self {
        Self {
            connection,
            path,
            upload,
            blocks: VecDeque::with_capacity(WINDOW_BLOCKS),
            sent: offset,
            journaled: offset,
        }
    }

    /// Sends the next block; where the window is full, the oldest is waited for first.
    pub(super) async fn send(&mut self, block: Bytes) -> Result<(), FilesError> {
        if self.blocks.len() >= WINDOW_BLOCKS {
            self.acknowledged().await?;
        }
        let bytes = block.len() as u64;
        let request = PutBlock {
            upload: self.upload,
            offset: self.sent,
        };
        let pending = self.connection.start(&request, block).await?;
        self.sent += bytes;
        self.blocks.push_back((pending, self.sent));
        Ok(())
    }

    /// Waits for the oldest block; false when nothing is on its way.
    pub(super) async fn acknowledged(&mut self) -> Result<bool, FilesError> {
        let Some((pending, end)) = self.blocks.pop_front() else {
            return Ok(false);
        };
        let PutJournaled { offset } = pending.finished().await?.reply;
        // One sync can journal several blocks, but never less than the block in question nor more than was sent.
        if offset < end || offset > self.sent {
            let what = "it journaled another number of bytes than it was sent";
            return Err(FilesError::Protocol {
                path: self.path.clone(),
                what,
            });
        }
        self.journaled = self.journaled.max(offset);
        Ok(true)
    }

    /// The offset behind what is acknowledged.
    pub(super) const fn journaled(&self) -> u64 {
        self.journaled
    }

    /// The offset behind what is sent: at the end, the file's size.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }
}

//! The uploads that somebody is at, held open between their blocks: so that a block costs no look into the journal.
//!
//! Blocks are appended by one at a time, see [`super::claims`]; what was appended is synced by one at a time, while the next
//! blocks are appended. Lock order: `progress` may be taken under `syncing`, never the other way round.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::place::Place;
use super::records::{Counted, Mark, Records};
use super::status::Status;
use super::step::Step;
use super::upload::Upload;
use crate::lock;
use landline_model::blocks::BLOCK_BYTES;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::time::Timestamp;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The most uploads that are held open beyond those that somebody is writing this moment; each takes two descriptors.
const HELD_OPEN_MAX: usize = 64;

/// Whose turn it is to write an upload: that of whoever opened it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn(u64);

/// The uploads that are open.
#[derive(Debug, Default)]
pub(super) struct OpenUploads {
    held: Mutex<Held>,
    turns: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    uploads: BTreeMap<UploadId, Arc<OpenUpload>>,
    /// Counts up with every use.
    uses: u64,
}

/// An upload that is held open.
#[derive(Debug)]
pub(super) struct OpenUpload {
    pub(super) id: UploadId,
    pub(super) owner: AccountId,
    pub(super) place: Place,
    /// How many bytes it will have.
    pub(super) size: u64,
    pub(super) data: OwnedFd,
    pub(super) records: Records,
    pub(super) progress: Mutex<Progress>,
    syncing: Mutex<Syncing>,
    /// By [`Held::uses`].
    used: AtomicU64,
}

/// What was appended, and may not be synced yet.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) counted: Counted,
    pub(super) turn: Option<Turn>,
    /// Whether it may take the place of a file.
    pub(super) overwrite: bool,
    /// True once it is finished or given up.
    pub(super) closed: bool,
}

/// What is synced.
#[derive(Debug)]
struct Syncing {
    /// How many blocks.
    blocks: u64,
    /// The mark that says so, none before the first block.
    mark: Option<Mark>,
    /// When a block came last, or the upload was opened.
    touched: Timestamp,
    /// Whether the names of the two files are.
    named: bool,
}

impl OpenUploads {
    /// A turn that nobody had.
    pub(super) fn next_turn(&self) -> Turn {
        Turn(self.turns.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn find(&self, id: UploadId) -> Option<Arc<OpenUpload>> {
        let mut held = lock(&self.held);
        held.uses += 1;
        let upload = held.uploads.get(&id)?;
        upload.used.store(held.uses, Ordering::Relaxed);
        Some(Arc::clone(upload))
    }

    fn hold(&self, upload: OpenUpload) -> Arc<OpenUpload> {
        let upload = Arc::new(upload);
        let mut held = lock(&self.held);
        held.uses += 1;
        upload.used.store(held.uses, Ordering::Relaxed);
        held.uploads.insert(upload.id, Arc::clone(&upload));
        while held.uploads.len() > HELD_OPEN_MAX && held.let_one_go() {}
        upload
    }

    /// Nobody goes on with this one: what is being appended or synced is waited for.
    pub(super) fn close(&self, id: UploadId) {
        let Some(upload) = lock(&self.held).uploads.remove(&id) else {
            return;
        };
        let _syncing = lock(&upload.syncing);
        lock(&upload.progress).closed = true;
    }

    fn forget(&self, id: UploadId) {
        lock(&self.held).uploads.remove(&id);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.held).uploads.len()
    }
}

impl Held {
    /// Closes the one that was not used for longest, of those that nobody is at and that lose nothing by it.
    fn let_one_go(&mut self) -> bool {
        let idle = self.uploads.iter().filter(|(_, upload)| {
            // Under the lock of the map nobody can become the second one.
            Arc::strong_count(upload) == 1 && upload.is_synced()
        });
        let oldest = idle.min_by_key(|(_, upload)| upload.used.load(Ordering::Relaxed));
        match oldest.map(|(id, _)| *id) {
            Some(id) => self.uploads.remove(&id).is_some(),
            None => false,
        }
    }
}

impl OpenUpload {
    /// Where so many blocks end, in bytes.
    pub(super) fn end_of(&self, blocks: u64) -> u64 {
        blocks.saturating_mul(BLOCK_BYTES as u64).min(self.size)
    }

    /// How many blocks are synced and journaled.
    pub(super) fn journaled_blocks(&self) -> u64 {
        lock(&self.syncing).blocks
    }

    /// When a block came last, or the upload was opened.
    pub(super) fn touched(&self) -> Timestamp {
        lock(&self.syncing).touched
    }

    /// What all that was appended hashes to.
    pub(super) fn hash(&self) -> Hash {
        lock(&self.progress).counted.hash.finish()
    }

    pub(super) fn shown(&self) -> String {
        format!("the partial file of {}", self.place)
    }

    fn is_synced(&self) -> bool {
        let synced = lock(&self.syncing).blocks;
        lock(&self.progress).counted.hash.blocks() == synced
    }
}

impl Files {
    /// An upload of this account's, held open. Whoever calls has claimed it.
    pub(super) fn hold_open(&self, owner: AccountId, id: UploadId) -> Result<Arc<OpenUpload>, FilesError> {
        let upload = match self.open_uploads.find(id) {
            Some(upload) => upload,
            None => self.reopen(&self.upload(owner, id)?)?,
        };
        if upload.owner == owner {
            Ok(upload)
        } else {
            Err(super::upload::no_upload(id))
        }
    }

    /// Opens what the journal knows of, and counts its blocks.
    fn reopen(&self, upload: &Upload) -> Result<Arc<OpenUpload>, FilesError> {
        if upload.publishing.is_some() {
            return Err(FilesError::Conflict(format!(
                "the upload of {} is being finished",
                upload.place
            )));
        }
        let what = format!("the partial file of {}", upload.place);
        let partial = &self.tree.partial;
        let data = partial.open_to_write(&upload.file_name()).at(&what)?;
        let name = upload.records_name();
        let records = match partial.open_to_write(&name) {
            Err(Errno::NOENT) => partial.create_file(&name),
            other => other,
        };
        let records = Records::new(records.at(&what)?, self.options.boot);
        let there = Status::from(&rustix::fs::fstat(&data).at(&what)?);
        let whole = if there.size >= upload.size {
            upload.size.div_ceil(BLOCK_BYTES as u64)
        } else {
            there.size / BLOCK_BYTES as u64
        };
        let (counted, mark) = records.load(whole).at(&what)?;
        self.after(Step::RecordsOpened)?;
        let touched = mark.map_or(Timestamp(0), |mark| mark.touched).max(upload.touched);
        let (synced, is_new) = mark.map_or((0, true), |mark| {
            (mark.synced.min(counted.hash.blocks()), mark.synced == 0)
        });
        let upload = OpenUpload {
            id: upload.id,
            owner: upload.owner,
            place: upload.place.clone(),
            size: upload.size,
            data,
            records,
            progress: Mutex::new(Progress {
                counted,
                turn: None,
                overwrite: upload.overwrite,
                closed: false,
            }),
            syncing: Mutex::new(Syncing {
                blocks: synced,
                mark,
                touched,
                named: !is_new,
            }),
            used: AtomicU64::new(0),
        };
        Ok(self.open_uploads.hold(upload))
    }

    /// Syncs what was appended before this was called, and says how many bytes are synced and journaled.
    pub(super) fn sync_upload(&self, upload: &OpenUpload) -> Result<u64, FilesError> {
        self.sync_blocks(upload, u64::MAX)
    }

    /// As [`sync_upload`](Self::sync_upload), unless so many blocks are synced anyway.
    pub(super) fn sync_blocks(&self, upload: &OpenUpload, wanted: u64) -> Result<u64, FilesError> {
        let what = upload.shown();
        let mut syncing = lock(&upload.syncing);
        if syncing.blocks >= wanted {
            return Ok(upload.end_of(syncing.blocks));
        }
        let counted = {
            let progress = lock(&upload.progress);
            if progress.closed {
                return Err(super::write::taken(&upload.place));
            }
            progress.counted.clone()
        };
        let blocks = counted.hash.blocks();
        if blocks == syncing.blocks {
            return Ok(upload.end_of(blocks));
        }
        if let Err(error) = rustix::fs::fdatasync(&upload.data) {
            self.roll_back(upload, syncing.blocks);
            return Err(error).at(&what);
        }
        if !syncing.named && blocks > 1 {
            // Without their names the files would be lost, and with them more than one block.
            self.tree.partial.sync().at("the directory of partial files")?;
            syncing.named = true;
        }
        self.after(Step::BlocksSynced)?;
        let now = self.now();
        let slot = syncing.mark.map_or(0, |mark| mark.next_slot());
        let mark = upload.records.write_mark(&counted, now, slot).at(&what)?;
        self.after(Step::BlocksMarked)?;
        if let Err(error) = upload.records.sync() {
            self.roll_back(upload, syncing.blocks);
            return Err(error).at(&what);
        }
        self.after(Step::BlocksJournaled)?;
        syncing.mark = Some(mark);
        syncing.blocks = blocks;
        syncing.touched = now;
        Ok(upload.end_of(blocks))
    }

    /// After a sync that failed nobody knows what is on the disk, and the next sync would not say: what was not synced
    /// before does not count any more.
    fn roll_back(&self, upload: &OpenUpload, synced: u64) {
        lock(&upload.progress).closed = true;
        self.open_uploads.forget(upload.id);
        if let Err(error) = upload.records.truncate(synced) {
            tracing::error!(upload = %upload.id, %error, "the journal of an upload could not be put back");
        }
    }
}

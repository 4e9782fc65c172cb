//! One upload of a drop box in the store's journal.

use super::BLOCKS_TOGETHER;
use super::name::numbered;
use crate::doors::share::reply::Failure;
use crate::doors::share::visit::Watch;
use crate::files;
use crate::services::Services;
use landline_model::blocks::BLOCK_BYTES;
use landline_model::error::Refusal;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::path::Component;
use landline_model::protocol::files::{Attributes, Entry};
use landline_store::files::{FILE_SIZE_MAX, Files, FilesError, Share, UploadRequest};
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How many names are tried for a file.
const NAMES_MAX: u32 = 1000;

/// A file that is being put.
pub(super) struct Upload {
    services: Arc<Services>,
    share: Share,
    name: Component,
    /// What was announced.
    size: Option<u64>,
    /// Whole blocks that wait to be written.
    gathered: Vec<Vec<u8>>,
    /// What is being written, and what comes after it.
    writing: Option<JoinHandle<Result<Written, FilesError>>>,
    written: Option<Written>,
    /// In the journal, once there is something to write.
    id: Option<UploadId>,
    end: CancellationToken,
}

/// How far it is: everything before `offset` is in the journal and in the hash.
#[derive(Default)]
struct Written {
    offset: u64,
    hasher: Box<blake3::Hasher>,
}

impl Upload {
    pub(super) fn new(watch: &Watch, name: Component, size: Option<u64>) -> Self {
        Self {
            services: Arc::clone(watch.services()),
            share: watch.share().clone(),
            name,
            size,
            gathered: Vec::new(),
            writing: None,
            written: Some(Written::default()),
            id: None,
            end: watch.end(),
        }
    }

    /// Cancelled when the share is revoked.
    pub(super) fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// Takes the next block; waits where too many wait to be written.
    pub(super) async fn add(&mut self, block: Vec<u8>) -> Result<(), Failure> {
        self.gathered.push(block);
        if self.gathered.len() >= BLOCKS_TOGETHER {
            self.write().await?;
        }
        Ok(())
    }

    /// Everything has arrived: writes what is left of it, and publishes it.
    pub(super) async fn finish(mut self) -> Result<Entry, Failure> {
        let last = self.gathered.iter().map(|block| block.len() as u64).sum::<u64>();
        let before = self.settled().await?.offset;
        let size = before + last;
        if let (Some(id), None) = (self.id, self.size) {
            let owner = self.share.owner;
            files::blocking(&self.services, move |files| {
                files.set_upload_size(owner, id, size)
            })
            .await?;
        }
        self.size = Some(size);
        self.write().await?;
        let id = self.open().await?;
        let hash = Hash::from(self.settled().await?.hasher.finalize());
        let (share, name) = (self.share.clone(), self.name.clone());
        let entry = files::blocking(&self.services, move |files| {
            publish(files, &share, &name, id, size, &hash)
        })
        .await?;
        self.id = None;
        Ok(entry)
    }

    /// Begins to write what is gathered, as soon as what was before it is written.
    async fn write(&mut self) -> Result<(), Failure> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let id = self.open().await?;
        self.settled().await?;
        let mut written = self.written.take().unwrap_or_default();
        let (files, owner) = (self.services.files.clone(), self.share.owner);
        let blocks = std::mem::take(&mut self.gathered);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let blocks: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
            written.offset = files.write_blocks(owner, id, written.offset, &blocks)?;
            for block in blocks {
                written.hasher.update(block);
            }
            Ok(written)
        }));
        Ok(())
    }

    /// Waits until what is being written is.
    async fn settled(&mut self) -> Result<&Written, Failure> {
        if let Some(writing) = self.writing.take() {
            let written = writing.await.map_err(|_| crate::services::went_wrong())?;
            self.written = Some(written.map_err(|error| refused(&error))?);
        }
        Ok(self.written.get_or_insert_default())
    }

    /// The upload in the journal, begun where it was not yet.
    async fn open(&mut self) -> Result<UploadId, Failure> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let (share, name, size) = (self.share.clone(), self.name.clone(), self.size);
        let id = files::blocking(&self.services, move |files| begin(files, &share, &name, size)).await?;
        self.id = Some(id);
        Ok(id)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(id) = self.id else {
            return;
        };
        let (files, owner) = (self.services.files.clone(), self.share.owner);
        // It waits for the block that is being written.
        tokio::task::spawn_blocking(move || abort(&files, owner, id));
    }
}

/// Begins an upload under the first name that is free. How large it is need not be known.
fn begin(files: &Files, share: &Share, name: &Component, size: Option<u64>) -> Result<UploadId, FilesError> {
    files.read_shared(share, &[])?;
    let request = UploadRequest {
        size: size.unwrap_or(FILE_SIZE_MAX / BLOCK_BYTES as u64 * BLOCK_BYTES as u64),
        overwrite: false,
        attributes: Attributes::default(),
        source: None,
        resume: None,
    };
    under_a_free_name(share, name, |place| {
        Ok(files.open_upload(share.owner, place, &request)?.upload)
    })
}

/// Publishes an upload under the first name that is free.
fn publish(
    files: &Files,
    share: &Share,
    name: &Component,
    upload: UploadId,
    size: u64,
    hash: &Hash,
) -> Result<Entry, FilesError> {
    // Where another directory has taken its place, this is none of its owner's drop boxes.
    files.read_shared(share, &[])?;
    // The name that was free when it began.
    match files.finish(share.owner, upload, size, hash) {
        Err(FilesError::Exists(_) | FilesError::WrongKind(_)) => {}
        other => return other,
    }
    under_a_free_name(share, name, |place| {
        if files.stat(place).is_ok() {
            return Err(FilesError::Exists(format!("{place} is already there")));
        }
        files.set_upload_place(share.owner, upload, place)?;
        files.finish(share.owner, upload, size, hash)
    })
}

fn abort(files: &Files, owner: AccountId, upload: UploadId) {
    match files.abort(owner, upload) {
        Ok(()) | Err(FilesError::NotFound(_)) => {}
        Err(error) => tracing::warn!(%upload, %error, "a file that did not arrive whole is swept out later"),
    }
}

/// Does something under the name, or under the first of its kind at which nothing stands.
fn under_a_free_name<T>(
    share: &Share,
    name: &Component,
    mut act: impl FnMut(&landline_store::files::Place) -> Result<T, FilesError>,
) -> Result<T, FilesError> {
    let mut outcome = act(&share.below(std::slice::from_ref(name)));
    for number in 2..=NAMES_MAX {
        // A file stands there, or a directory, or something else.
        if !matches!(outcome, Err(FilesError::Exists(_) | FilesError::WrongKind(_))) {
            break;
        }
        let Some(name) = numbered(name, number) else {
            break;
        };
        outcome = act(&share.below(&[name]));
    }
    outcome
}

fn refused(error: &FilesError) -> Refusal {
    crate::refusals::from_files(error)
}

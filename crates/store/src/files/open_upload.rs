//! Beginning an upload, and going on with one.

use super::Files;
use super::error::FilesError;
use super::failure::{Named as _, exists, is_directory, no_file};
use super::open_uploads::Turn;
use super::place::Place;
use super::status::Status;
use super::step::Step;
use super::upload::{Upload, no_upload};
use crate::lock;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::protocol::PAGE_BYTES_MAX;
use landline_model::protocol::files::{Attributes, EntryKind, Resume};

/// The most uploads that an account has open at a time.
pub const UPLOADS_MAX: u64 = 256;

/// The largest file, in bytes: what the system's calls can address.
pub const FILE_SIZE_MAX: u64 = i64::MAX.unsigned_abs();

/// The most chaining values that an opened upload tells: as many as a page holds.
pub const CHAINING_VALUES_MAX: u64 = (PAGE_BYTES_MAX / 32) as u64;

/// What an upload is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadRequest {
    /// How many bytes it will have.
    pub size: u64,
    /// Whether it may take the place of a file.
    pub overwrite: bool,
    /// What it is to keep beside its content.
    pub attributes: Attributes,
    /// What the sender calls this version of its source, hashed.
    pub source: Option<Hash>,
    /// The upload to go on with: the asker's own, for the same place and size. [`Resume::Source`] begins one where none
    /// of the same source is there.
    pub resume: Option<Resume>,
}

/// An upload that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedUpload {
    /// Its id.
    pub upload: UploadId,
    /// Whose turn it is from now on to write it.
    pub turn: Turn,
    /// How many bytes are journaled: where to go on.
    pub offset: u64,
    /// The chaining values of its first blocks, at most [`CHAINING_VALUES_MAX`].
    pub chaining_values: Vec<[u8; 32]>,
}

impl Files {
    /// Begins an upload or goes on with one. Nothing appears at `place`, and no space is taken, before there is
    /// content.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] for a directory or an upload that is not there, [`FilesError::Exists`] and
    /// [`FilesError::WrongKind`] for what stands in the way, [`FilesError::TooLarge`] over [`FILE_SIZE_MAX`],
    /// [`FilesError::Busy`] over [`UPLOADS_MAX`], [`FilesError::Mismatch`] where the upload to go on with is another.
    pub fn open_upload(
        &self,
        owner: AccountId,
        place: &Place,
        request: &UploadRequest,
    ) -> Result<OpenedUpload, FilesError> {
        if request.size > FILE_SIZE_MAX {
            return Err(FilesError::TooLarge(format!(
                "{place} would be larger than a file can be"
            )));
        }
        let (parent, name) = self.tree.parent_made(place, &lock(&self.names))?;
        let there = parent.status_of(name.as_bytes()).at(place)?;
        may_appear(place, there.as_ref(), request.overwrite)?;
        match request.resume {
            Some(Resume::Upload(upload)) => self.resume(owner, place, request, upload),
            Some(Resume::Source(true)) => self.resume_source(owner, place, request),
            Some(Resume::Source(false)) | None => self.begin(owner, place, request),
        }
    }

    /// The upload that such a request goes on with.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn resumable(
        &self,
        owner: AccountId,
        place: &Place,
        request: &UploadRequest,
    ) -> Result<Option<UploadId>, FilesError> {
        match (request.resume, &request.source) {
            (Some(Resume::Upload(upload)), _) => Ok(Some(upload)),
            (Some(Resume::Source(true)), Some(source)) => self
                .journal
                .read(|connection| Upload::of_source(connection, owner, place, request.size, source)),
            _ => Ok(None),
        }
    }

    /// The chaining values of an upload's blocks from number `first` on, at most [`CHAINING_VALUES_MAX`].
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's upload; [`FilesError::Conflict`] while it is being published.
    pub fn chaining_values(
        &self,
        owner: AccountId,
        upload: UploadId,
        first: u64,
    ) -> Result<Vec<[u8; 32]>, FilesError> {
        let _claim = self.claims.wait(upload);
        let open = self.hold_open(owner, upload)?;
        let values = open
            .records
            .values(first, open.journaled_blocks(), CHAINING_VALUES_MAX);
        values.at(open.shown())
    }

    /// Where an upload is to appear, and whether it may take the place of a file there.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's.
    pub fn upload_target(&self, owner: AccountId, upload: UploadId) -> Result<(Place, bool), FilesError> {
        match self.open_uploads.find(upload) {
            Some(open) if open.owner == owner => {
                let overwrite = lock(&open.progress).overwrite;
                Ok((open.place.clone(), overwrite))
            }
            Some(_) => Err(no_upload(upload)),
            None => self
                .upload(owner, upload)
                .map(|upload| (upload.place, upload.overwrite)),
        }
    }

    /// An upload of this account's.
    pub(super) fn upload(&self, owner: AccountId, id: UploadId) -> Result<Upload, FilesError> {
        let upload = self.journal.read(|connection| Upload::find(connection, id))?;
        upload
            .filter(|upload| upload.owner == owner)
            .ok_or_else(|| no_upload(id))
    }

    fn begin(
        &self,
        owner: AccountId,
        place: &Place,
        request: &UploadRequest,
    ) -> Result<OpenedUpload, FilesError> {
        let id = UploadId::from_bytes(self.fresh());
        let name = id.to_string().into_bytes();
        let file = self.tree.partial.create_file(&name).at("a partial file")?;
        self.after(Step::PartialMade)?;
        let inode = Status::from(&rustix::fs::fstat(&file).at("a partial file")?).inode;
        let upload = Upload {
            id,
            owner,
            place: place.clone(),
            size: request.size,
            overwrite: request.overwrite,
            inode,
            attributes: request.attributes,
            source: request.source,
            touched: self.now(),
            publishing: None,
        };
        let journaled = self.journal.write(move |connection| {
            if Upload::count(connection, owner)? >= UPLOADS_MAX {
                return Err(FilesError::Busy(format!(
                    "{UPLOADS_MAX} uploads are open already"
                )));
            }
            upload.insert(connection)
        });
        if let Err(error) = journaled {
            // If this fails too, the next start finds a stray and removes it.
            let _ = self.tree.partial.unlink(&name);
            return Err(error);
        }
        self.after(Step::UploadJournaled)?;
        Ok(OpenedUpload {
            upload: id,
            turn: self.open_uploads.next_turn(),
            offset: 0,
            chaining_values: Vec::new(),
        })
    }

    fn resume_source(
        &self,
        owner: AccountId,
        place: &Place,
        request: &UploadRequest,
    ) -> Result<OpenedUpload, FilesError> {
        let found = self.resumable(owner, place, request)?;
        match found.map(|upload| self.resume(owner, place, request, upload)) {
            // It ended while it was looked for.
            None | Some(Err(FilesError::NotFound(_))) => self.begin(owner, place, request),
            Some(resumed) => resumed,
        }
    }

    fn resume(
        &self,
        owner: AccountId,
        place: &Place,
        request: &UploadRequest,
        id: UploadId,
    ) -> Result<OpenedUpload, FilesError> {
        // The connection that was lost may still be writing its last block.
        let _claim = self.claims.wait(id);
        let _motion = self.usage.in_motion();
        let mut upload = self.upload(owner, id)?;
        if upload.publishing.is_some() && self.settle(&upload)? {
            return Err(FilesError::NotFound(format!("the upload {id} is finished")));
        }
        if upload.place != *place || upload.size != request.size {
            let message = format!(
                "the upload {id} is for {} with {} bytes",
                upload.place, upload.size
            );
            return Err(FilesError::Mismatch(message));
        }
        upload.overwrite = request.overwrite;
        upload.attributes = request.attributes;
        let now = self.now();
        self.journal
            .write(move |connection| upload.set_wishes(connection, now))?;
        let open = self.hold_open(owner, id)?;
        // What was written and not acknowledged counts as well, once it is synced.
        let offset = self.sync_upload(&open)?;
        let turn = self.open_uploads.next_turn();
        {
            let mut progress = lock(&open.progress);
            progress.turn = Some(turn);
            progress.overwrite = request.overwrite;
        }
        let values = open
            .records
            .values(0, open.journaled_blocks(), CHAINING_VALUES_MAX);
        Ok(OpenedUpload {
            upload: id,
            turn,
            offset,
            chaining_values: values.at(open.shown())?,
        })
    }
}

/// Whether a file may appear where this stands.
pub(super) fn may_appear(place: &Place, there: Option<&Status>, overwrite: bool) -> Result<(), FilesError> {
    match there.map(|there| there.kind) {
        None => Ok(()),
        Some(EntryKind::File) if overwrite => Ok(()),
        Some(EntryKind::File) => Err(exists(place)),
        Some(EntryKind::Directory) => Err(is_directory(place)),
        Some(_) => Err(no_file(place)),
    }
}

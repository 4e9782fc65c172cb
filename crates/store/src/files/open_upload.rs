//! Beginning an upload, and going on with one.

use super::Files;
use super::error::FilesError;
use super::failure::{Named as _, exists, is_directory, no_file};
use super::place::Place;
use super::status::Status;
use super::step::Step;
use super::upload::Upload;
use crate::lock;
use landline_model::id::{AccountId, UploadId};
use landline_model::protocol::PAGE_BYTES_MAX;
use landline_model::protocol::files::{Attributes, EntryKind};

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
    /// The upload to go on with: the asker's own, for the same place and size.
    pub resume: Option<UploadId>,
}

/// An upload that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedUpload {
    /// Its id.
    pub upload: UploadId,
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
            Some(upload) => self.resume(owner, place, request, upload),
            None => self.begin(owner, place, request),
        }
    }

    /// Where an upload is to appear.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's.
    pub fn upload_place(&self, owner: AccountId, upload: UploadId) -> Result<Place, FilesError> {
        self.upload(owner, upload).map(|upload| upload.place)
    }

    /// An upload of this account's.
    pub(super) fn upload(&self, owner: AccountId, id: UploadId) -> Result<Upload, FilesError> {
        let upload = self.journal.read(|connection| Upload::find(connection, id))?;
        upload
            .filter(|upload| upload.owner == owner)
            .ok_or_else(|| FilesError::NotFound(format!("there is no upload {id}")))
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
            journaled: 0,
            attributes: request.attributes,
            publishing: None,
        };
        let now = self.now();
        let journaled = self.journal.write(move |connection| {
            if Upload::count(connection, owner)? >= UPLOADS_MAX {
                return Err(FilesError::Busy(format!(
                    "{UPLOADS_MAX} uploads are open already"
                )));
            }
            upload.insert(connection, now)
        });
        if let Err(error) = journaled {
            // If this fails too, the next start finds a stray and removes it.
            let _ = self.tree.partial.unlink(&name);
            return Err(error);
        }
        self.after(Step::UploadJournaled)?;
        Ok(OpenedUpload {
            upload: id,
            offset: 0,
            chaining_values: Vec::new(),
        })
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
        let (changed, now) = (upload.clone(), self.now());
        self.journal
            .write(move |connection| changed.set_wishes(connection, now))?;
        let blocks = self
            .journal
            .read(|connection| upload.blocks(connection, CHAINING_VALUES_MAX))?;
        let chaining_values = blocks.iter().map(|block| block.chaining_value).collect();
        Ok(OpenedUpload {
            upload: id,
            offset: upload.journaled,
            chaining_values,
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

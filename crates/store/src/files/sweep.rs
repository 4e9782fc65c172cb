//! Giving uploads up, and what is done when time has passed.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::known;
use super::step::Step;
use super::trash::Trashed;
use super::upload::Upload;
use landline_model::id::{AccountId, UploadId};
use landline_model::time::Timestamp;
use rustix::io::Errno;

/// What a sweep has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Uploads that nobody went on with.
    pub uploads: usize,
    /// Things in the trash whose time was over.
    pub trash: usize,
}

impl Files {
    /// Gives an upload up. Waits while a block of it is written.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's upload and for one that is finished.
    pub fn abort(&self, owner: AccountId, upload: UploadId) -> Result<(), FilesError> {
        let _claim = self.claims.wait(upload);
        let upload = self.upload(owner, upload)?;
        if self.settle(&upload)? {
            return Err(FilesError::NotFound(format!(
                "the upload {} is finished",
                upload.id
            )));
        }
        self.discard(&upload)
    }

    /// Deletes the uploads that nobody went on with, and what lay long enough in the trash.
    ///
    /// # Errors
    /// Those of the disk and of the journal. What was not deleted is at the next time.
    pub fn sweep(&self, now: Timestamp) -> Result<Swept, FilesError> {
        let mut swept = Swept::default();
        let expiry = u64::try_from(self.options.upload_expiry.as_millis()).unwrap_or(u64::MAX);
        let since = Timestamp(now.0.saturating_sub(expiry));
        for id in self
            .journal
            .read(|connection| Upload::untouched_since(connection, since))?
        {
            // Somebody is at it: it is not given up.
            let Some(_claim) = self.claims.claim(id) else {
                continue;
            };
            let upload = self.journal.read(|connection| Upload::find(connection, id))?;
            if let Some(upload) = upload
                && !self.settle(&upload)?
            {
                self.discard(&upload)?;
                swept.uploads += 1;
            }
        }
        for (id, owner) in self
            .journal
            .read(|connection| Trashed::expired(connection, now))?
        {
            self.purge(id, owner)?;
            swept.trash += 1;
        }
        Ok(swept)
    }

    /// Deletes an upload that is not being published. Whoever calls has claimed it.
    pub(super) fn discard(&self, upload: &Upload) -> Result<(), FilesError> {
        match self.tree.partial.unlink(&upload.file_name()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).at("a partial file"),
        }
        self.after(Step::PartialRemoved)?;
        let upload = upload.clone();
        self.journal.write(move |connection| {
            known::forget(connection, &[upload.inode])?;
            upload.delete(connection)
        })?;
        self.after(Step::UploadForgotten)
    }
}

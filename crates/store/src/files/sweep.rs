//! Giving uploads up, and what is done when time has passed.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::known;
use super::records::Records;
use super::step::Step;
use super::trash::Trashed;
use super::upload::Upload;
use landline_model::id::{AccountId, UploadId};
use landline_model::time::Timestamp;
use rustix::io::Errno;

/// How many things in the trash are looked up at a time.
const TOGETHER_MAX: usize = 256;

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
        let _motion = self.usage.in_motion();
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
            let _motion = self.usage.in_motion();
            let upload = self.journal.read(|connection| Upload::find(connection, id))?;
            if let Some(upload) = upload
                && !self.was_touched(&upload, since)?
                && !self.settle(&upload)?
            {
                self.discard(&upload)?;
                swept.uploads += 1;
            }
        }
        self.sweep_shares(now)?;
        loop {
            let expired = self
                .journal
                .read(|connection| Trashed::expired(connection, now, TOGETHER_MAX))?;
            let mut purged = 0;
            for (id, owner) in &expired {
                purged += usize::from(self.purge(*id, *owner)?.is_some());
            }
            swept.trash += purged;
            // Where somebody is at all of them, they are left for the next time.
            if expired.len() < TOGETHER_MAX || purged == 0 {
                return Ok(swept);
            }
        }
    }

    /// Whether a block of an upload came since. If so, the journal learns of it: it is not looked at again so soon.
    fn was_touched(&self, upload: &Upload, since: Timestamp) -> Result<bool, FilesError> {
        let touched = match self.open_uploads.find(upload.id) {
            Some(open) => Some(open.touched()),
            None => self.touched_on_disk(upload)?,
        };
        let Some(touched) = touched.filter(|touched| *touched >= since) else {
            return Ok(false);
        };
        let id = upload.id;
        self.journal
            .write(move |connection| Upload::set_touched(connection, id, touched))?;
        Ok(true)
    }

    fn touched_on_disk(&self, upload: &Upload) -> Result<Option<Timestamp>, FilesError> {
        match self.tree.partial.open_to_read(&upload.records_name()) {
            Ok(file) => Records::new(file, self.options.boot)
                .touched()
                .at("a block journal"),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error).at("a block journal"),
        }
    }

    /// Deletes an upload that is not being published. Whoever calls has claimed it.
    pub(super) fn discard(&self, upload: &Upload) -> Result<(), FilesError> {
        self.open_uploads.close(upload.id);
        self.remove_records(upload)?;
        match self.tree.partial.unlink(&upload.file_name()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).at("a partial file"),
        }
        self.after(Step::PartialRemoved)?;
        let (upload, id) = (upload.clone(), upload.id);
        self.journal.write(move |connection| {
            known::forget(connection, &[upload.inode])?;
            upload.delete(connection)
        })?;
        self.usage.release(id);
        self.after(Step::UploadForgotten)
    }
}

//! Uploads of which less is known in the beginning: how large they are, and under which name there will be room.

use super::Files;
use super::error::FilesError;
use super::place::Place;
use super::write::busy;
use crate::integer;
use landline_model::id::{AccountId, UploadId};
use rusqlite::params;

impl Files {
    /// Says how large an upload is after all, before its last block.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's; [`FilesError::Mismatch`] for less than has arrived;
    /// [`FilesError::Busy`] while somebody writes it; [`FilesError::Conflict`] while it is being published.
    pub fn set_upload_size(&self, owner: AccountId, upload: UploadId, size: u64) -> Result<(), FilesError> {
        let _claim = self.claims.claim(upload).ok_or_else(|| busy(upload))?;
        let open = self.hold_open(owner, upload)?;
        let journaled = self.sync_upload(&open)?;
        if size < journaled || size > super::FILE_SIZE_MAX {
            return Err(FilesError::Mismatch(format!(
                "an upload of which {journaled} bytes are there cannot have {size}"
            )));
        }
        self.journal.write(move |connection| {
            let changed = connection
                .prepare_cached("UPDATE uploads SET size = ?2 WHERE id = ?1 AND hash IS NULL")?
                .execute(params![upload.as_bytes(), integer(size)])?;
            still_open(changed)
        })?;
        // It is opened anew, as what it is by now.
        self.open_uploads.close(upload);
        Ok(())
    }

    /// Gives an upload another place to appear at.
    ///
    /// # Errors
    /// As [`set_upload_size`](Self::set_upload_size).
    pub fn set_upload_place(
        &self,
        owner: AccountId,
        upload: UploadId,
        place: &Place,
    ) -> Result<(), FilesError> {
        let _claim = self.claims.claim(upload).ok_or_else(|| busy(upload))?;
        let open = self.hold_open(owner, upload)?;
        self.sync_upload(&open)?;
        let place = place.clone();
        self.journal.write(move |connection| {
            let changed = connection
                .prepare_cached("UPDATE uploads SET space = ?2, path = ?3 WHERE id = ?1 AND hash IS NULL")?
                .execute(params![
                    upload.as_bytes(),
                    place.space.to_bytes(),
                    place.path_bytes()
                ])?;
            still_open(changed)
        })?;
        // It is opened anew, as what it is by now.
        self.open_uploads.close(upload);
        Ok(())
    }
}

fn still_open(changed: usize) -> Result<(), FilesError> {
    if changed == 1 {
        return Ok(());
    }
    Err(FilesError::Conflict("the upload is being finished".to_owned()))
}

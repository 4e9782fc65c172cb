//! What a start does about what the last one left: a crash at any instant, or a data directory that was put back.

use super::Files;
use super::crossing::Crossing;
use super::error::FilesError;
use super::failure::{Named as _, unless_full};
use super::measure;
use super::replacement::Replacement;
use super::restore::Restoration;
use super::status::Status;
use super::trash::{TrashName as _, Trashed};
use super::upload::Upload;
use super::usage::{Changes, Sign};
use landline_model::id::{AccountId, TrashId, UploadId};
use rustix::io::Errno;
use std::collections::BTreeSet;

impl Files {
    /// Finishes or undoes what was under way, and deletes what nobody knows of. What the journal has no space for stays
    /// as it is until the next start: a hub whose disk is full still has to let people read and make room.
    pub(super) fn recover(&self) -> Result<(), FilesError> {
        for upload in self.journal.read(Upload::all)? {
            unless_full(self.recover_upload(&upload))?;
        }
        unless_full(self.settle_batches())?;
        for replacement in self.journal.read(Replacement::all)? {
            unless_full(self.settle_replacement(&replacement))?;
        }
        for crossing in self.journal.read(Crossing::all)? {
            unless_full(self.settle_crossing(&crossing))?;
        }
        for restoration in self.journal.read(Restoration::all)? {
            unless_full(self.settle_restoration(&restoration))?;
        }
        for trashed in self.journal.read(Trashed::all_moving)? {
            unless_full(self.settle_removal(&trashed))?;
        }
        self.delete_strays()?;
        unless_full(self.reconcile_trash())?;
        unless_full(self.sweep(self.now()).map(drop))
    }

    fn recover_upload(&self, upload: &Upload) -> Result<(), FilesError> {
        if upload.publishing.is_some() && self.settle(upload)? {
            return Ok(());
        }
        self.check_partial(upload)
    }

    /// An open upload needs its partial file; how much of it counts is found out when somebody goes on with it.
    fn check_partial(&self, upload: &Upload) -> Result<(), FilesError> {
        let there = self
            .tree
            .partial
            .status_of(&upload.file_name())
            .at("a partial file")?;
        match there.filter(Status::is_file) {
            Some(there) if there.inode == upload.inode => Ok(()),
            // Put back from a copy: whatever it holds, the hash of the whole is compared before it is published.
            Some(there) => {
                let upload = upload.clone();
                self.journal
                    .write(move |connection| upload.set_inode(connection, there.inode))
            }
            None => {
                tracing::warn!(upload = %upload.id, "an upload has lost its partial file; it is given up");
                let upload = upload.clone();
                self.journal.write(move |connection| upload.delete(connection))
            }
        }
    }

    /// Deletes what no upload calls its own.
    fn delete_strays(&self) -> Result<(), FilesError> {
        let uploads = self.journal.read(Upload::all)?;
        let known: BTreeSet<UploadId> = uploads.iter().map(|upload| upload.id).collect();
        for name in self.tree.partial.names().at("the directory of partial files")? {
            let id = Upload::id_of(&name);
            if id.is_none_or(|id| !known.contains(&id)) {
                self.delete_for_good(name)?;
            }
        }
        Ok(())
    }

    /// Gives rows to what lies in the trash without one, and forgets rows of what does not.
    fn reconcile_trash(&self) -> Result<(), FilesError> {
        let mut owners: BTreeSet<AccountId> = self.journal.read(Trashed::owners)?;
        owners.extend(self.tree.trash_accounts().at("the trash")?);
        for owner in owners {
            let mut forgotten = self.journal.read(|connection| Trashed::of(connection, owner))?;
            let mut unknown = Vec::new();
            for id in self.trash_ids(owner)? {
                if !forgotten.remove(&id) {
                    unknown.push(self.trashed(id, owner, None, None));
                }
            }
            for id in forgotten {
                if let Some(trashed) = self
                    .journal
                    .read(|connection| Trashed::find(connection, owner, id))?
                {
                    self.forget_trashed(&trashed)?;
                }
            }
            for mut trashed in unknown {
                let trash = self.tree.trash(owner).at("the trash")?;
                let size = measure::of(&trash, &trashed.id.file_name()).at("the trash")?;
                trashed.size = Some(size);
                let changes = Changes::default().trash(owner, size, Sign::Plus);
                self.book(&changes, move |connection| trashed.insert(connection))?;
            }
        }
        Ok(())
    }

    fn trash_ids(&self, owner: AccountId) -> Result<Vec<TrashId>, FilesError> {
        match self.tree.trash(owner).and_then(|trash| trash.names()) {
            Ok(names) => Ok(names
                .iter()
                .filter_map(|name| TrashId::from_file_name(name))
                .collect()),
            Err(Errno::NOENT) => Ok(Vec::new()),
            Err(error) => Err(error).at("the trash"),
        }
    }
}

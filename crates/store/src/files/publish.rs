//! Finishing an upload: the one moment at which a file appears or changes.
//!
//! ```text
//! verify, fsync the file     the journal says "publishing", with the inode, the hash and a place in the trash
//! rename or exchange         fsync both directories
//! what was replaced goes to the trash, fsync      the journal forgets the upload and knows trash and hash
//! ```
//! What a crash leaves is told by what stands under the upload's name: the file itself, nothing, or another file.

use super::Files;
use super::attributes;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, no_file, unless_full};
use super::hashes;
use super::known::Known;
use super::open_upload::may_appear;
use super::owners;
use super::place::Place;
use super::status::Status;
use super::step::Step;
use super::trash::{TrashName as _, Trashed};
use super::upload::{Publishing, Upload};
use super::usage::{Changes, Sign};
use super::write::busy;
use crate::lock;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, TrashId, UploadId};
use landline_model::path::Component;
use landline_model::protocol::files::{Entry, EntryKind, MODE_MAX};
use rustix::io::Errno;
use std::os::fd::AsFd as _;

const PARTIALS: &str = "the directory of partial files";

/// How often a publication is tried again that lost a race for its name.
const ATTEMPTS_MAX: usize = 64;

impl Files {
    /// Compares size and hash, and publishes the upload under its name. The directory is resolved anew; what stands
    /// under the name then decides. A call again after an answer that was lost in a crash of this store finishes what
    /// it began.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for somebody else's upload or when its directory is gone;
    /// [`FilesError::Mismatch`] for another size or hash: with a wrong hash the upload is given up;
    /// [`FilesError::Exists`] and [`FilesError::WrongKind`] for what stands in the way; [`FilesError::Busy`] while
    /// somebody writes it.
    pub fn finish(
        &self,
        owner: AccountId,
        upload: UploadId,
        size: u64,
        hash: &Hash,
    ) -> Result<Entry, FilesError> {
        let _claim = self.claims.claim(upload).ok_or_else(|| busy(upload))?;
        let _motion = self.usage.in_motion();
        let mut upload = self.upload(owner, upload)?;
        if let Some(publishing) = upload.publishing {
            if self.settle(&upload)? {
                return self.published(&upload, &publishing.hash);
            }
            upload.publishing = None;
        }
        self.verify(&upload, size, hash)?;
        self.after(Step::Verified)?;
        let partial = self.sync_partial(&upload)?;
        self.after(Step::PartialSynced)?;
        self.publish(&upload, hash, partial)
    }

    /// Publishes an upload whose partial file is synced and right.
    pub(super) fn publish(&self, upload: &Upload, hash: &Hash, partial: Status) -> Result<Entry, FilesError> {
        // Before anything is journaled: the usual mistakes.
        let (parent, name) = self.tree.parent_made(&upload.place, &lock(&self.names))?;
        let there = parent.status_of(name.as_bytes()).at(&upload.place)?;
        may_appear(&upload.place, there.as_ref(), upload.overwrite)?;
        let mut publishing = Publishing {
            hash: *hash,
            trash: TrashId::from_bytes(self.fresh()),
            heir: self.heir_of(there.as_ref(), upload.owner)?,
        };
        self.announce(upload, publishing, partial)?;
        self.after(Step::PublishingJournaled)?;
        let parent = match self.appear_over(upload, &mut publishing, partial, there) {
            Ok(parent) => parent,
            // What stands under the upload's name says whether nothing has happened, as it should be.
            Err(error) => {
                let upload = Upload {
                    publishing: Some(publishing),
                    ..upload.clone()
                };
                return if self.settle(&upload)? {
                    self.published(&upload, hash)
                } else {
                    Err(error)
                };
            }
        };
        self.after(Step::Published)?;
        self.complete(upload, &publishing, Some(parent))?;
        self.published(upload, hash)
    }

    /// Finds out whether an upload that was being published is. Finishes it if so; if not, it is open again.
    pub(super) fn settle(&self, upload: &Upload) -> Result<bool, FilesError> {
        let Some(publishing) = upload.publishing else {
            return Ok(false);
        };
        let there = self.tree.partial.status_of(&upload.file_name()).at(PARTIALS)?;
        if there.is_some_and(|there| there.inode == upload.inode) {
            self.set_publishing(upload, None)?;
            return Ok(false);
        }
        // The directory may be gone by now, and the file with it: that was somebody's decision, after this one.
        let parent = self.tree.parent(&upload.place).ok().map(|(parent, _)| parent);
        self.complete(upload, &publishing, parent)?;
        Ok(true)
    }

    fn verify(&self, upload: &Upload, size: u64, hash: &Hash) -> Result<(), FilesError> {
        let place = &upload.place;
        let open = self.hold_open(upload.owner, upload.id)?;
        let arrived = self.sync_upload(&open)?;
        if size != upload.size || size != arrived {
            let announced = upload.size;
            let message =
                format!("{place} was to have {announced} bytes, {arrived} arrived, and now it has {size}");
            return Err(FilesError::Mismatch(message));
        }
        let arrived = open.hash();
        // Nobody appends to it while it is published; if that fails, it is opened again.
        self.open_uploads.close(upload.id);
        if arrived != *hash {
            self.discard(upload)?;
            return Err(FilesError::Mismatch(format!(
                "what arrived of {place} hashes to {arrived}, not to {hash}"
            )));
        }
        Ok(())
    }

    /// Syncs the partial file, and says what it looks like: that stays, whatever it is called.
    fn sync_partial(&self, upload: &Upload) -> Result<Status, FilesError> {
        let file = self
            .tree
            .partial
            .open_to_write(&upload.file_name())
            .at(PARTIALS)?;
        attributes::apply(file.as_fd(), &upload.attributes).at(PARTIALS)?;
        let status = Status::from(&rustix::fs::fstat(&file).at(PARTIALS)?);
        if status.inode != upload.inode || status.size != upload.size {
            return Err(FilesError::Internal(format!(
                "the partial file of {} was changed",
                upload.id
            )));
        }
        rustix::fs::fsync(&file).at(PARTIALS)?;
        Ok(status)
    }

    fn heir_of(&self, replaced: Option<&Status>, actor: AccountId) -> Result<AccountId, FilesError> {
        replaced.map_or(Ok(actor), |replaced| self.heir(replaced, actor))
    }

    /// The journal learns, in one commit, that the upload is being published and whose the file is: nobody ever finds
    /// it under its name without an owner.
    fn announce(&self, upload: &Upload, publishing: Publishing, partial: Status) -> Result<(), FilesError> {
        let (upload, now) = (upload.clone(), self.now());
        self.journal.write(move |connection| {
            owners::remember(connection, &partial, upload.owner, now, upload.attributes.mode)?;
            upload.set_publishing(connection, Some(&publishing))
        })
    }

    fn set_publishing(&self, upload: &Upload, publishing: Option<Publishing>) -> Result<(), FilesError> {
        let upload = upload.clone();
        self.journal
            .write(move |connection| upload.set_publishing(connection, publishing.as_ref()))
    }

    /// Lets the file appear under its name, and returns the directory in which it did. On an error it has not. Where
    /// something else than `expected` stands there by now, the journal is told first whose trash that will go to.
    fn appear_over(
        &self,
        upload: &Upload,
        publishing: &mut Publishing,
        partial: Status,
        mut expected: Option<Status>,
    ) -> Result<Directory, FilesError> {
        for _ in 0..ATTEMPTS_MAX {
            let there = match self.appear(upload, expected.as_ref())? {
                Appeared::In(parent) => return Ok(parent),
                Appeared::Not(there) => there,
            };
            let heir = self.heir(&there, upload.owner)?;
            if heir != publishing.heir {
                publishing.heir = heir;
                self.announce(upload, *publishing, partial)?;
            }
            expected = Some(there);
        }
        Err(changing(&upload.place))
    }

    fn appear(&self, upload: &Upload, expected: Option<&Status>) -> Result<Appeared, FilesError> {
        let place = &upload.place;
        let names = lock(&self.names);
        for _ in 0..ATTEMPTS_MAX {
            let (parent, name) = self.tree.parent_made(place, &names)?;
            let there = parent.status_of(name.as_bytes()).at(place)?;
            may_appear(place, there.as_ref(), upload.overwrite)?;
            if let Some(there) = there
                && expected.is_none_or(|expected| expected.inode != there.inode)
            {
                return Ok(Appeared::Not(there));
            }
            let appeared = match there {
                None => self
                    .tree
                    .partial
                    .rename(&upload.file_name(), &parent, name.as_bytes()),
                Some(_) => self.take_the_place(upload, &parent, name)?,
            };
            match appeared {
                Ok(()) => return Ok(Appeared::In(parent)),
                // Somebody works in the same directory by other means than Landline.
                Err(Errno::EXIST | Errno::NOENT) => {}
                Err(error) => return Err(error).at(place),
            }
        }
        Err(changing(place))
    }

    pub(super) fn take_the_place(
        &self,
        upload: &Upload,
        parent: &Directory,
        name: &Component,
    ) -> Result<Result<(), Errno>, FilesError> {
        let (partial, file) = (&self.tree.partial, upload.file_name());
        if let Err(error) = partial.exchange(&file, parent, name.as_bytes()) {
            return Ok(Err(error));
        }
        // Between the look and the exchange something else may have been put there by other means than Landline's.
        let replaced = partial.status_of(&file).at(PARTIALS)?;
        if replaced.is_some_and(|replaced| !replaced.is_file()) {
            partial
                .exchange(&file, parent, name.as_bytes())
                .at(&upload.place)?;
            return Err(no_file(&upload.place));
        }
        Ok(Ok(()))
    }

    /// Everything after the file has appeared. It may be done again.
    fn complete(
        &self,
        upload: &Upload,
        publishing: &Publishing,
        parent: Option<Directory>,
    ) -> Result<(), FilesError> {
        if let Some(parent) = &parent {
            parent.sync().at(&upload.place)?;
        }
        self.remove_records(upload)?;
        self.tree.partial.sync().at(PARTIALS)?;
        self.after(Step::PublicationSynced)?;
        unless_full(self.write_off(upload, publishing, parent))
    }

    /// What was replaced goes to the trash, and the journal learns that the upload is over.
    fn write_off(
        &self,
        upload: &Upload,
        publishing: &Publishing,
        parent: Option<Directory>,
    ) -> Result<(), FilesError> {
        let replaced = self.bury_replaced(upload, publishing)?;
        let Publishing { trash, heir, .. } = *publishing;
        let space = upload.place.space;
        let mut changes = Changes::default()
            .files(space, upload.size, Sign::Plus)
            .released(upload.id);
        let trashed = replaced.map(|replaced| {
            changes = std::mem::take(&mut changes).trashed(space, heir, replaced.size);
            let trashed = Trashed {
                size: Some(replaced.size),
                replaced: true,
                ..self.trashed(trash, heir, Some(upload.owner), Some(upload.place.clone()))
            };
            (trashed, replaced)
        });
        let status = parent
            .zip(upload.place.components.last())
            .and_then(|(parent, name)| parent.status_of(name.as_bytes()).ok().flatten())
            .filter(|status| status.inode == upload.inode && status.size == upload.size);
        let (upload, hash) = (upload.clone(), publishing.hash);
        self.book(&changes, move |connection| {
            upload.delete(connection)?;
            if let Some((mut trashed, replaced)) = trashed {
                trashed.hash = hashes::find_content(connection, &replaced)?;
                trashed.insert(connection)?;
            }
            status.map_or(Ok(()), |status| hashes::remember(connection, &status, &hash))
        })?;
        self.after(Step::PublicationJournaled)
    }

    /// Removes the block journal, which a small file has none of.
    pub(super) fn remove_records(&self, upload: &Upload) -> Result<(), FilesError> {
        match self.tree.partial.unlink(&upload.records_name()) {
            Ok(()) => self.after(Step::RecordsRemoved),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error).at(PARTIALS),
        }
    }

    /// Moves the file that was replaced to the trash. Says what it looks like, if there is one.
    fn bury_replaced(&self, upload: &Upload, publishing: &Publishing) -> Result<Option<Status>, FilesError> {
        const TRASH: &str = "the trash";
        let Publishing { trash: id, heir, .. } = *publishing;
        let name = upload.file_name();
        if self.tree.partial.status_of(&name).at(PARTIALS)?.is_none() {
            // Nothing was replaced, or it was moved before a crash.
            return match self.tree.trash(heir) {
                Ok(trash) => trash.status_of(&id.file_name()).at(TRASH),
                Err(Errno::NOENT) => Ok(None),
                Err(error) => Err(error).at(TRASH),
            };
        }
        let trash = self.trash_made(heir)?;
        self.tree
            .partial
            .rename_again(&name, &trash, &id.file_name())
            .at(TRASH)?;
        self.after(Step::ReplacedBuried)?;
        trash.sync().at(TRASH)?;
        self.tree.partial.sync().at(PARTIALS)?;
        self.after(Step::ReplacedSynced)?;
        trash.status_of(&id.file_name()).at(TRASH)
    }

    pub(super) fn published(&self, upload: &Upload, hash: &Hash) -> Result<Entry, FilesError> {
        let name = upload.place.components.last().cloned();
        let status = match self.tree.parent(&upload.place) {
            Ok((parent, name)) => parent.status_of(name.as_bytes()).at(&upload.place)?,
            // Gone again: it was there all the same.
            Err(_) => None,
        };
        let own = status.filter(|status| status.inode == upload.inode);
        Ok(match own {
            Some(status) => status.entry(
                name,
                Known {
                    hash: Some(*hash),
                    mode: upload.attributes.mode.map(|mode| mode & MODE_MAX),
                },
            ),
            None => Entry {
                name,
                kind: EntryKind::File,
                size: upload.size,
                modified: self.now(),
                modified_nanos: 0,
                mode: None,
                hash: Some(*hash),
            },
        })
    }
}

/// What became of an attempt to let a file appear.
enum Appeared {
    /// It has, in this directory.
    In(Directory),
    /// It has not: this stands there, and nobody has said yet whose it is.
    Not(Status),
}

fn changing(place: &Place) -> FilesError {
    FilesError::Conflict(format!("{place} changes all the time"))
}

//! Removing a file or a directory: it goes to the trash.

use super::Files;
use super::error::FilesError;
use super::failure::{Named as _, not_found, unless_full};
use super::hashes;
use super::place::Place;
use super::rename::changed;
use super::step::Step;
use super::trash::{TrashName as _, Trashed};
use crate::lock;
use landline_model::id::{AccountId, TrashId};

impl Files {
    /// Moves a file to its owner's trash, or with `recursive` a directory and everything in it to `actor`'s, in one
    /// step. A file that nobody published goes to `actor`'s trash too. An empty directory is removed for good.
    ///
    /// # Errors
    /// [`FilesError::NotFound`]; [`FilesError::WrongKind`] for a directory that is not empty, without `recursive`, and
    /// for a space itself; [`FilesError::Conflict`] where another file has taken the place meanwhile.
    pub fn remove(&self, actor: AccountId, place: &Place, recursive: bool) -> Result<(), FilesError> {
        let (parent, name) = self.tree.parent(place)?;
        let status = parent
            .status_of(name.as_bytes())
            .at(place)?
            .ok_or_else(|| not_found(place))?;
        if status.is_directory() && !recursive {
            let _names = lock(&self.names);
            self.access.require_none_within(place)?;
            // The file system refuses one that is not empty, whoever puts something into it at this moment.
            parent.unlink_directory(name.as_bytes()).at(place)?;
            self.after(Step::Removed)?;
            parent.sync().at(place)?;
            return self.after(Step::RemovalSynced);
        }
        let _motion = self.usage.in_motion();
        let heir = self.heir(&status, actor)?;
        let trash = self.trash_made(heir)?;
        let id = TrashId::from_bytes(self.fresh());
        let trashed = Trashed {
            moving: true,
            hash: self
                .journal
                .read(|connection| hashes::find_content(connection, &status))?,
            ..self.trashed(id, heir, Some(actor), Some(place.clone()))
        };
        let row = trashed.clone();
        self.journal.write(move |connection| row.insert(connection))?;
        self.after(Step::RemovalJournaled)?;
        let removed = {
            let _names = lock(&self.names);
            self.tree.parent(place).and_then(|(parent, name)| {
                let there = parent.status_of(name.as_bytes()).at(place)?;
                self.access.require_none_within(place)?;
                // Another file may be another's.
                if there.is_some_and(|there| there.inode != status.inode) {
                    return Err(changed(place));
                }
                parent
                    .rename(name.as_bytes(), &trash, &id.file_name())
                    .at(place)?;
                Ok(parent)
            })
        };
        match removed {
            Ok(parent) => {
                self.after(Step::Removed)?;
                trash.sync().at("the trash")?;
                parent.sync().at(place)?;
                self.after(Step::RemovalSynced)?;
                // Only now is it known what is below a directory: nothing is put there any more.
                unless_full(self.settle_removal(&trashed))?;
                self.after(Step::RemovalCounted)
            }
            Err(error) => {
                // Where this fails too, the next start finds a row without a file.
                self.journal
                    .write(move |connection| Trashed::delete(connection, id))?;
                Err(error)
            }
        }
    }
}

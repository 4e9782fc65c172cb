//! Removing a file or a directory: it goes to the trash.

use super::Files;
use super::error::FilesError;
use super::failure::{Named as _, not_found};
use super::place::Place;
use super::rename::changed;
use super::step::Step;
use super::trash::{TrashId, Trashed};
use crate::lock;
use landline_model::id::AccountId;

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
            // The file system refuses one that is not empty, whoever puts something into it at this moment.
            parent.unlink_directory(name.as_bytes()).at(place)?;
            self.after(Step::Removed)?;
            parent.sync().at(place)?;
            return self.after(Step::RemovalSynced);
        }
        let heir = self.heir(&status, actor)?;
        let trash = self.trash_made(heir)?;
        let trashed = self.trashed(
            TrashId::from_bytes(self.fresh()),
            heir,
            Some(actor),
            Some(place.clone()),
        );
        let id = trashed.id;
        self.journal.write(move |connection| trashed.insert(connection))?;
        self.after(Step::RemovalJournaled)?;
        let removed = {
            let _names = lock(&self.names);
            self.tree.parent(place).and_then(|(parent, name)| {
                let there = parent.status_of(name.as_bytes()).at(place)?;
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
                self.after(Step::RemovalSynced)
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

//! Taking something out of the trash again.
//!
//! ```text
//! the journal says what goes where, by its inode, and where that goes which stands there
//! one rename; or an exchange, and then what stood there goes to the trash        fsync the directories
//! the journal forgets it
//! ```
//! What a crash leaves is told by what lies under the thing's name in the trash: itself, what it replaced, or nothing.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, exists, space_itself, unless_full};
use super::hashes;
use super::measure;
use super::place::Place;
use super::rename::{changed, may_replace};
use super::status::Status;
use super::step::Step;
use super::trash::{TrashName as _, Trashed};
use super::trash_list::not_in_trash;
use super::upload::place;
use super::usage::{Changes, Reserved, optional_number};
use crate::{integer, lock};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, TrashId, UploadId};
use rusqlite::{Connection, Row, params};

const TRASH: &str = "the trash";

/// One that is not finished, in the journal.
#[derive(Clone, Debug)]
pub(super) struct Restoration {
    /// What is restored.
    id: TrashId,
    /// Whose trash it lies in; who restores it.
    owner: AccountId,
    /// Its own.
    inode: u64,
    to: Place,
    /// What stands there.
    replaces: Option<Replaces>,
}

/// A file that something from the trash takes the place of.
#[derive(Clone, Copy, Debug)]
struct Replaces {
    inode: u64,
    size: u64,
    /// Where in the trash of `heir` it goes.
    trash: TrashId,
    heir: AccountId,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where it stands now.
    pub place: Place,
}

impl Restoration {
    /// All that are not finished.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, FilesError> {
        let mut statement = connection.prepare(
            "SELECT id, owner, inode, to_space, to_path, replaced, replaced_size, trash, heir FROM restorations",
        )?;
        let rows = statement.query_map([], Self::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let inode: Option<i64> = row.get(5)?;
        let size = optional_number(row.get(6)?)?;
        let (trash, heir): (Option<[u8; 16]>, Option<[u8; 16]>) = (row.get(7)?, row.get(8)?);
        let replaces = inode.zip(size).zip(trash.zip(heir));
        Ok(Self {
            id: TrashId::from_bytes(row.get(0)?),
            owner: AccountId::from_bytes(row.get(1)?),
            inode: row.get::<_, i64>(2)?.cast_unsigned(),
            to: place(row, 3)?,
            replaces: replaces.map(|((inode, size), (trash, heir))| Replaces {
                inode: inode.cast_unsigned(),
                size,
                trash: TrashId::from_bytes(trash),
                heir: AccountId::from_bytes(heir),
            }),
        })
    }

    fn insert(&self, connection: &Connection) -> Result<(), FilesError> {
        let replaces = self.replaces.as_ref();
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO restorations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.id.as_bytes(),
                self.owner.as_bytes(),
                self.inode.cast_signed(),
                self.to.space.to_bytes(),
                self.to.path_bytes(),
                replaces.map(|replaces| replaces.inode.cast_signed()),
                replaces.map(|replaces| integer(replaces.size)),
                replaces.map(|replaces| replaces.trash.as_bytes()),
                replaces.map(|replaces| replaces.heir.as_bytes()),
            ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> Result<(), FilesError> {
        connection
            .prepare_cached("DELETE FROM restorations WHERE id = ?1")?
            .execute([self.id.as_bytes()])?;
        Ok(())
    }
}

impl Files {
    /// Takes something out of its owner's trash: to where it was, or to another place, which is made with all that is
    /// missing above it. With `overwrite` a file may take the place of a file, which goes to its owner's trash.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for what lies in somebody else's trash; [`FilesError::Conflict`] where nobody knows
    /// where it was and no place is given, and where somebody was faster; [`FilesError::Exists`];
    /// [`FilesError::WrongKind`] where a directory would be replaced or would replace; [`FilesError::Quota`];
    /// [`FilesError::Busy`] while somebody else is at it.
    pub fn restore(
        &self,
        owner: AccountId,
        id: TrashId,
        to: Option<&Place>,
        overwrite: bool,
    ) -> Result<Restored, FilesError> {
        let reservation = UploadId::from_bytes(*id.as_bytes());
        let Some(_claim) = self.claims.claim(reservation) else {
            return Err(FilesError::Busy(format!("somebody is at {id} in the trash")));
        };
        let _motion = self.usage.in_motion();
        let row = self
            .journal
            .read(|connection| Trashed::find(connection, owner, id))?;
        let row = row.filter(|row| !row.moving).ok_or_else(|| not_in_trash(id))?;
        let to = to.or(row.origin.as_ref()).ok_or_else(|| {
            FilesError::Conflict(format!("nobody knows where {id} was: say where it is to go"))
        })?;
        let trash = self.tree.trash(owner).at(TRASH)?;
        let status = trash.status_of(&id.file_name()).at(TRASH)?;
        let status = status.ok_or_else(|| not_in_trash(id))?;
        let (parent, there) = self.where_to_restore(to)?;
        if let Some(there) = &there {
            if !overwrite {
                return Err(exists(to));
            }
            may_replace(to, &status, to, there, overwrite)?;
        }
        let size = row.size.unwrap_or(status.size);
        let _reserved = self.room_to_restore(reservation, owner, to, size)?;
        let restoration = Restoration {
            id,
            owner,
            inode: status.inode,
            to: to.clone(),
            replaces: self.replaces(there.as_ref(), owner)?,
        };
        self.carry_out(&restoration, &row, &status, (&trash, &parent))?;
        Ok(Restored { place: to.clone() })
    }

    /// The directory that a restored thing goes to, and what stands there.
    fn where_to_restore(&self, to: &Place) -> Result<(Directory, Option<Status>), FilesError> {
        let (name, above) = to.components.split_last().ok_or_else(space_itself)?;
        let names = lock(&self.names);
        let parent = self.directories_made(&Place::new(to.space, above), &names)?;
        let there = parent.status_of(name.as_bytes()).at(to)?;
        Ok((parent, there))
    }

    /// What is in the trash counts for its owner's home already.
    fn room_to_restore(
        &self,
        reservation: UploadId,
        owner: AccountId,
        to: &Place,
        size: u64,
    ) -> Result<Option<Reserved<'_>>, FilesError> {
        if to.space == super::SpaceId::Home(owner) {
            return Ok(None);
        }
        self.usage.reserve(reservation, to.space, size).map(Some)
    }

    fn replaces(&self, there: Option<&Status>, actor: AccountId) -> Result<Option<Replaces>, FilesError> {
        let Some(there) = there else {
            return Ok(None);
        };
        Ok(Some(Replaces {
            inode: there.inode,
            size: there.size,
            trash: TrashId::from_bytes(self.fresh()),
            heir: self.heir(there, actor)?,
        }))
    }

    fn carry_out(
        &self,
        restoration: &Restoration,
        row: &Trashed,
        before: &Status,
        (trash, parent): (&Directory, &Directory),
    ) -> Result<(), FilesError> {
        let journaled = restoration.clone();
        self.journal
            .write(move |connection| journaled.insert(connection))?;
        self.after(Step::RestorationJournaled)?;
        if let Err(error) = self.take_out(restoration, trash) {
            let undone = restoration.clone();
            self.journal.write(move |connection| undone.delete(connection))?;
            return Err(error);
        }
        self.after(Step::Restored)?;
        self.bury_what_stood_there(restoration, trash)?;
        parent.sync().at(&restoration.to)?;
        trash.sync().at(TRASH)?;
        self.after(Step::RestorationSynced)?;
        unless_full(self.restored(restoration, row))?;
        self.after(Step::RestorationForgotten)?;
        match row.hash.filter(|_| before.is_file()) {
            Some(hash) => unless_full(self.hash_comes_back(restoration, before, hash)),
            None => Ok(()),
        }
    }

    /// Where this fails, nothing has happened.
    fn take_out(&self, restoration: &Restoration, trash: &Directory) -> Result<(), FilesError> {
        let to = &restoration.to;
        let own = restoration.id.file_name();
        let _names = lock(&self.names);
        let (parent, name) = self.tree.parent(to)?;
        let there = parent.status_of(name.as_bytes()).at(to)?;
        match (&restoration.replaces, there) {
            (None, _) => trash.rename(&own, &parent, name.as_bytes()).at(to),
            (Some(replaces), Some(there)) if there.inode == replaces.inode => {
                trash.exchange(&own, &parent, name.as_bytes()).at(to)
            }
            _ => Err(changed(to)),
        }
    }

    fn bury_what_stood_there(&self, restoration: &Restoration, trash: &Directory) -> Result<(), FilesError> {
        let Some(replaces) = &restoration.replaces else {
            return Ok(());
        };
        let heirs = self.trash_made(replaces.heir)?;
        trash
            .rename_again(&restoration.id.file_name(), &heirs, &replaces.trash.file_name())
            .at(TRASH)?;
        self.after(Step::RestorationBuried)?;
        heirs.sync().at(TRASH)
    }

    /// It is done, and the journal learns so.
    fn restored(&self, restoration: &Restoration, row: &Trashed) -> Result<(), FilesError> {
        let (done, id) = (restoration.clone(), restoration.id);
        let size = match row.size {
            Some(size) => size,
            None => {
                let (parent, name) = self.tree.parent(&done.to)?;
                measure::of(&parent, name.as_bytes()).at(&done.to)?
            }
        };
        let space = done.to.space;
        let mut changes = Changes::default().released(UploadId::from_bytes(*id.as_bytes()));
        changes = changes.restored(done.owner, space, size);
        let mut buried = None;
        if let Some(replaces) = done.replaces {
            changes = changes.trashed(space, replaces.heir, replaces.size);
            let trash = self.tree.trash(replaces.heir).at(TRASH)?;
            let status = trash.status_of(&replaces.trash.file_name()).at(TRASH)?;
            let origin = Some(done.to.clone());
            buried = Some((
                Trashed {
                    size: Some(replaces.size),
                    replaced: true,
                    ..self.trashed(replaces.trash, replaces.heir, Some(done.owner), origin)
                },
                status,
            ));
        }
        self.book(&changes, move |connection| {
            done.delete(connection)?;
            Trashed::delete(connection, id)?;
            let Some((mut trashed, status)) = buried else {
                return Ok(());
            };
            if let Some(status) = status {
                trashed.hash = hashes::find_content(connection, &status)?;
            }
            trashed.insert(connection)
        })
    }

    /// The hash that was known when it went to the trash is known again, if its content is what it was.
    fn hash_comes_back(
        &self,
        restoration: &Restoration,
        before: &Status,
        hash: Hash,
    ) -> Result<(), FilesError> {
        let (parent, name) = self.tree.parent(&restoration.to)?;
        let after = parent.status_of(name.as_bytes()).at(&restoration.to)?;
        match after.filter(|after| after.has_content_of(before)) {
            Some(after) => self
                .journal
                .write(move |connection| hashes::remember(connection, &after, &hash)),
            None => Ok(()),
        }
    }

    /// Finishes or forgets what a crash interrupted.
    pub(super) fn settle_restoration(&self, restoration: &Restoration) -> Result<(), FilesError> {
        let trash = self.trash_made(restoration.owner)?;
        let there = trash.status_of(&restoration.id.file_name()).at(TRASH)?;
        if there.is_some_and(|there| there.inode == restoration.inode) {
            let undone = restoration.clone();
            return self.journal.write(move |connection| undone.delete(connection));
        }
        if there.is_some() {
            self.bury_what_stood_there(restoration, &trash)?;
        }
        let row = self
            .journal
            .read(|connection| Trashed::find(connection, restoration.owner, restoration.id))?;
        match row {
            Some(row) => {
                trash.sync().at(TRASH)?;
                self.restored(restoration, &row)
            }
            None => {
                let undone = restoration.clone();
                self.journal.write(move |connection| undone.delete(connection))
            }
        }
    }
}

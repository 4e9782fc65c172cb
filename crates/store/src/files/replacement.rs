//! A file that is moved to the place of another one.
//!
//! The two change places, so that the target is the old file or the new one at any instant; then the old one goes from
//! the source to the trash. The journal knows both inodes before: what a crash leaves is told by what stands where.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, unless_full};
use super::hashes;
use super::place::Place;
use super::rename::changed;
use super::status::Status;
use super::step::Step;
use super::trash::{TrashName as _, Trashed};
use super::upload::place;
use super::usage::{Changes, Reserved};
use crate::{integer, lock, number};
use landline_model::id::{AccountId, TrashId, UploadId};
use rusqlite::{Connection, Row, params};

/// One of them, in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    /// Where in the trash of `heir` the replaced file goes.
    pub(super) trash: TrashId,
    /// The replaced file's owner; the actor where that is not known.
    pub(super) heir: AccountId,
    pub(super) actor: AccountId,
    pub(super) from: Place,
    /// The inode of what is moved.
    pub(super) moved: u64,
    pub(super) to: Place,
    /// The inode of what is replaced.
    pub(super) replaced: u64,
    /// How many bytes each of them has.
    pub(super) moved_size: u64,
    pub(super) replaced_size: u64,
}

/// The two directories, and what stands there under the two names.
struct Ends {
    source: Directory,
    from: Option<Status>,
    target: Directory,
    to: Option<Status>,
}

impl Replacement {
    /// All that are not finished.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, FilesError> {
        let mut statement = connection.prepare(
            "SELECT trash, heir, actor, from_space, from_path, moved, to_space, to_path, replaced,
             moved_size, replaced_size FROM replacements",
        )?;
        let rows = statement.query_map([], Self::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            trash: TrashId::from_bytes(row.get(0)?),
            heir: AccountId::from_bytes(row.get(1)?),
            actor: AccountId::from_bytes(row.get(2)?),
            from: place(row, 3)?,
            moved: row.get::<_, i64>(5)?.cast_unsigned(),
            to: place(row, 6)?,
            replaced: row.get::<_, i64>(8)?.cast_unsigned(),
            moved_size: number(row.get(9)?)?,
            replaced_size: number(row.get(10)?)?,
        })
    }

    fn insert(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO replacements VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        statement.execute(params![
            self.trash.as_bytes(),
            self.heir.as_bytes(),
            self.actor.as_bytes(),
            self.from.space.to_bytes(),
            self.from.path_bytes(),
            self.moved.cast_signed(),
            self.to.space.to_bytes(),
            self.to.path_bytes(),
            self.replaced.cast_signed(),
            integer(self.moved_size),
            integer(self.replaced_size),
        ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached("DELETE FROM replacements WHERE trash = ?1")?;
        statement.execute([self.trash.as_bytes()])?;
        Ok(())
    }
}

impl Files {
    /// Does it. Both must still be the files with these inodes.
    pub(super) fn replace(&self, replacement: Replacement) -> Result<(), FilesError> {
        let _reserved = self.room_for(&replacement)?;
        let trash = self.trash_made(replacement.heir)?;
        let row = replacement.clone();
        self.journal.write(move |connection| row.insert(connection))?;
        self.after(Step::ReplacementJournaled)?;
        let exchanged = {
            let _names = lock(&self.names);
            self.exchange(&replacement, &trash)
        };
        match exchanged {
            Ok(before) => self.finish_replacement(&replacement, &before),
            Err(Undone::Refused(error)) => {
                let row = replacement;
                self.journal.write(move |connection| row.delete(connection))?;
                Err(error)
            }
            // The next start looks what has happened.
            Err(Undone::Stopped(error)) => Err(error),
        }
    }

    /// Finishes or forgets what a crash interrupted.
    pub(super) fn settle_replacement(&self, replacement: &Replacement) -> Result<(), FilesError> {
        let trash = self.trash_made(replacement.heir)?;
        if let Ok(ends) = self.ends(replacement)
            && ends.from.is_some_and(|from| from.inode == replacement.replaced)
            && ends.to.is_some_and(|to| to.inode == replacement.moved)
        {
            self.bury(replacement, &ends.source, &trash)?;
        }
        let buried = trash
            .status_of(&replacement.trash.file_name())
            .at("the trash")?
            .is_some();
        trash.sync().at("the trash")?;
        self.forget_replacement(replacement, buried)
    }

    /// Reserves space for what comes from another space.
    fn room_for(&self, replacement: &Replacement) -> Result<Option<Reserved<'_>>, FilesError> {
        let Replacement { from, to, .. } = replacement;
        if from.space == to.space {
            return Ok(None);
        }
        let id = UploadId::from_bytes(*replacement.trash.as_bytes());
        self.usage.reserve(id, to.space, replacement.moved_size).map(Some)
    }

    fn ends(&self, replacement: &Replacement) -> Result<Ends, FilesError> {
        let (source, name) = self.tree.parent(&replacement.from)?;
        let from = source.status_of(name.as_bytes()).at(&replacement.from)?;
        let (target, name) = self.tree.parent(&replacement.to)?;
        let to = target.status_of(name.as_bytes()).at(&replacement.to)?;
        Ok(Ends {
            source,
            from,
            target,
            to,
        })
    }

    fn exchange(&self, replacement: &Replacement, trash: &Directory) -> Result<Ends, Undone> {
        let Replacement { from, to, .. } = replacement;
        let ends = self.ends(replacement)?;
        let (Some(source_name), Some(target_name)) = (from.components.last(), to.components.last()) else {
            return Err(Undone::Refused(changed(to)));
        };
        if ends.from.is_none_or(|status| status.inode != replacement.moved) {
            return Err(Undone::Refused(changed(from)));
        }
        if ends.to.is_none_or(|status| status.inode != replacement.replaced) {
            return Err(Undone::Refused(changed(to)));
        }
        ends.source
            .exchange(source_name.as_bytes(), &ends.target, target_name.as_bytes())
            .at(to)?;
        self.after(Step::Exchanged).map_err(Undone::Stopped)?;
        self.bury(replacement, &ends.source, trash)
            .map_err(Undone::Stopped)?;
        self.after(Step::ExchangedBuried).map_err(Undone::Stopped)?;
        Ok(ends)
    }

    fn bury(
        &self,
        replacement: &Replacement,
        source: &Directory,
        trash: &Directory,
    ) -> Result<(), FilesError> {
        let Some(name) = replacement.from.components.last() else {
            return Ok(());
        };
        source
            .rename_again(name.as_bytes(), trash, &replacement.trash.file_name())
            .at(&replacement.to)
    }

    fn finish_replacement(&self, replacement: &Replacement, ends: &Ends) -> Result<(), FilesError> {
        ends.target.sync().at(&replacement.to)?;
        self.tree
            .trash(replacement.heir)
            .and_then(|trash| trash.sync())
            .at("the trash")?;
        ends.source.sync().at(&replacement.from)?;
        self.after(Step::ReplacementSynced)?;
        unless_full(self.forget_replacement(replacement, true))?;
        self.after(Step::ReplacementForgotten)?;
        match &ends.from {
            Some(moved) => self.hash_moves_along(moved, &ends.target, &replacement.to),
            None => Ok(()),
        }
    }

    fn forget_replacement(&self, replacement: &Replacement, buried: bool) -> Result<(), FilesError> {
        let (row, origin) = (replacement.clone(), replacement.to.clone());
        let (from, to) = (row.from.space, row.to.space);
        let trashed = buried.then(|| Trashed {
            size: Some(row.replaced_size),
            replaced: true,
            ..self.trashed(row.trash, row.heir, Some(row.actor), Some(origin))
        });
        let changes = if buried {
            Changes::default()
                .trashed(to, row.heir, row.replaced_size)
                .across(from, to, row.moved_size)
                .released(UploadId::from_bytes(*row.trash.as_bytes()))
        } else {
            Changes::default()
        };
        let status = self
            .tree
            .trash(row.heir)
            .and_then(|trash| trash.status_of(&row.trash.file_name()));
        let replaced = status.ok().flatten();
        let trashed = trashed.zip(replaced);
        self.book(&changes, move |connection| {
            row.delete(connection)?;
            let Some((mut trashed, replaced)) = trashed else {
                return Ok(());
            };
            trashed.hash = hashes::find_content(connection, &replaced)?;
            trashed.insert(connection)
        })
    }
}

/// Why the two have not changed places, or not to the end.
enum Undone {
    /// Nothing has happened.
    Refused(FilesError),
    /// Something has.
    Stopped(FilesError),
}

impl From<FilesError> for Undone {
    fn from(error: FilesError) -> Self {
        Self::Refused(error)
    }
}

//! Looking into the trash, and emptying it.

use super::Files;
use super::error::FilesError;
use super::failure::{Named as _, is_directory, no_file};
use super::place::Place;
use super::read::OpenFile;
use super::status::Status;
use super::trash::{TrashName as _, Trashed};
use crate::integer;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, TrashId};
use landline_model::protocol::files::EntryKind;
use landline_model::time::Timestamp;
use rusqlite::types::ToSql;
use rustix::io::Errno;

/// Something in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTrash {
    /// Its id.
    pub id: TrashId,
    /// Where it was; unknown for what was found in the trash and nobody remembered.
    pub origin: Option<Place>,
    /// Who removed or replaced it.
    pub actor: Option<AccountId>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes below it; unknown for what is older than the figures and not counted yet.
    pub size: Option<u64>,
    /// When its content was last changed.
    pub modified: Timestamp,
    /// When it came here.
    pub deleted: Timestamp,
    /// When it goes.
    pub expires: Timestamp,
    /// Whether something took its place.
    pub replaced: bool,
    /// A file's hash, where it is known.
    pub hash: Option<Hash>,
}

/// Which part of somebody's trash.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrashRequest<'a> {
    /// Begin behind this one: when it came there, and its id.
    pub after: Option<(Timestamp, TrashId)>,
    /// Only what was at this place.
    pub origin: Option<&'a Place>,
    /// Only what was replaced.
    pub replaced: bool,
    /// The most things.
    pub limit: usize,
}

/// A part of somebody's trash, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashPage {
    /// What is in it.
    pub things: Vec<InTrash>,
    /// Behind what the next part begins; none: this was the last.
    pub next: Option<(Timestamp, TrashId)>,
}

/// What emptying the trash has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// How many things are gone for good.
    pub things: u64,
    /// How many bytes that were.
    pub bytes: u64,
    /// Whether there are more to which the same applies.
    pub more: bool,
}

impl Files {
    /// Looks into an account's trash.
    ///
    /// # Errors
    /// Those of the disk and of the journal.
    pub fn trash(&self, owner: AccountId, request: &TrashRequest<'_>) -> Result<TrashPage, FilesError> {
        let rows = self.trash_rows(owner, request)?;
        let next = rows
            .last()
            .filter(|_| rows.len() >= request.limit)
            .map(|last| (last.deleted, last.id));
        let trash = match self.tree.trash(owner) {
            Ok(trash) => trash,
            Err(Errno::NOENT) => {
                return Ok(TrashPage {
                    things: Vec::new(),
                    next: None,
                });
            }
            Err(error) => return Err(error).at("the trash"),
        };
        let mut things = Vec::with_capacity(rows.len());
        for row in rows {
            // On its way here or gone again.
            if let Some(status) = trash.status_of(&row.id.file_name()).at("the trash")? {
                things.push(in_trash(row, &status));
            }
        }
        Ok(TrashPage { things, next })
    }

    /// One thing in an account's trash.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for what lies in somebody else's.
    pub fn trashed_thing(&self, owner: AccountId, id: TrashId) -> Result<InTrash, FilesError> {
        let row = self
            .journal
            .read(|connection| Trashed::find(connection, owner, id))?;
        let row = row.ok_or_else(|| not_in_trash(id))?;
        let status = self
            .tree
            .trash(owner)
            .and_then(|trash| trash.status_of(&id.file_name()));
        match status {
            Ok(Some(status)) => Ok(in_trash(row, &status)),
            Ok(None) | Err(Errno::NOENT) => Err(not_in_trash(id)),
            Err(error) => Err(error).at("the trash"),
        }
    }

    /// Opens a file in an account's trash.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for what lies in somebody else's; [`FilesError::WrongKind`] for a directory.
    pub fn read_trashed(&self, owner: AccountId, id: TrashId) -> Result<OpenFile, FilesError> {
        let thing = self.trashed_thing(owner, id)?;
        let name = format!("{id} in the trash");
        match thing.kind {
            EntryKind::File => {}
            EntryKind::Directory => return Err(is_directory(name)),
            _ => return Err(no_file(name)),
        }
        let trash = self.tree.trash(owner).at(&name)?;
        let file = trash.open_to_read(&id.file_name()).at(&name)?;
        let place = thing
            .origin
            .unwrap_or(Place::new(super::SpaceId::Home(owner), []));
        self.known_file(file, &place, thing.hash)
    }

    /// Deletes for good what an account's trash holds that came there at `until` or before, the oldest first, at most
    /// `limit` things.
    ///
    /// # Errors
    /// Those of the disk and of the journal. What was not deleted is still there.
    pub fn empty_trash(
        &self,
        owner: AccountId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Emptied, FilesError> {
        let ids = self.journal.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM trash WHERE owner = ?1 AND deleted <= ?2 ORDER BY deleted, id LIMIT ?3",
            )?;
            let rows = statement.query_map(
                rusqlite::params![owner.as_bytes(), integer(until.0), integer(limit as u64)],
                |row| row.get(0).map(TrashId::from_bytes),
            )?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        let mut emptied = Emptied::default();
        for id in &ids {
            if let Some(bytes) = self.purge(*id, owner)? {
                emptied.things += 1;
                emptied.bytes = emptied.bytes.saturating_add(bytes);
            }
        }
        // Where somebody is at all of them, asking again at once helps nobody.
        emptied.more = ids.len() >= limit && emptied.things > 0;
        Ok(emptied)
    }

    /// Deletes one thing in an account's trash for good.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], also for what lies in somebody else's; [`FilesError::Busy`] while somebody is at it.
    pub fn delete_trashed(&self, owner: AccountId, id: TrashId) -> Result<u64, FilesError> {
        self.trashed_thing(owner, id)?;
        let busy = || FilesError::Busy(format!("somebody is at {id} in the trash"));
        self.purge(id, owner)?.ok_or_else(busy)
    }

    fn trash_rows(&self, owner: AccountId, request: &TrashRequest<'_>) -> Result<Vec<Trashed>, FilesError> {
        let origin = request
            .origin
            .map(|origin| (origin.space.to_bytes(), origin.path_bytes()));
        let owner = *owner.as_bytes();
        let after = request.after.map(|(time, id)| (integer(time.0), *id.as_bytes()));
        let limit = integer(request.limit as u64);
        let mut query = format!("SELECT {} FROM trash WHERE owner = ?1", Trashed::columns());
        let mut values: Vec<&dyn ToSql> = vec![&owner, &limit];
        if let Some((space, path)) = &origin {
            values.extend([space as &dyn ToSql, path]);
            query.push_str(" AND space = ?3 AND path = ?4");
        }
        if request.replaced {
            query.push_str(" AND replaced = 1");
        }
        if let Some((time, id)) = &after {
            let first = values.len() + 1;
            values.extend([time as &dyn ToSql, id]);
            query.push_str(&format!(" AND (deleted, id) < (?{first}, ?{})", first + 1));
        }
        query.push_str(" ORDER BY deleted DESC, id DESC LIMIT ?2");
        self.journal.read(|connection| {
            let mut statement = connection.prepare_cached(&query)?;
            let rows = statement.query_map(&values[..], Trashed::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn not_in_trash(id: TrashId) -> FilesError {
    FilesError::NotFound(format!("there is no {id} in the trash"))
}

fn in_trash(row: Trashed, status: &Status) -> InTrash {
    InTrash {
        id: row.id,
        origin: row.origin,
        actor: row.actor,
        kind: status.kind,
        size: row.size.or_else(|| status.is_file().then_some(status.size)),
        modified: status.modified_time(),
        deleted: row.deleted,
        expires: row.expires,
        replaced: row.replaced,
        hash: row.hash,
    }
}

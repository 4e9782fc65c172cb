//! The trash: what was removed or replaced, until its time is over.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::Named as _;
use super::known;
use super::measure;
use super::place::Place;
use super::step::Step;
use super::usage::{Changes, Sign, optional_number};
use crate::{integer, lock, number};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, TrashId, UploadId};
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use rustix::io::Errno;
use std::collections::BTreeSet;

/// How things in the trash are called on the disk.
pub(super) trait TrashName: Sized {
    fn file_name(&self) -> Vec<u8>;
    fn from_file_name(name: &[u8]) -> Option<Self>;
}

impl TrashName for TrashId {
    fn file_name(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    fn from_file_name(name: &[u8]) -> Option<Self> {
        std::str::from_utf8(name).ok()?.parse().ok()
    }
}

/// What the journal knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trashed {
    pub(super) id: TrashId,
    /// Whose trash it lies in: the file's owner's.
    pub(super) owner: AccountId,
    /// Who removed or replaced it; unknown for what was found in the trash and nobody remembered.
    pub(super) actor: Option<AccountId>,
    /// Where it was; unknown for what was found in the trash and nobody remembered.
    pub(super) origin: Option<Place>,
    pub(super) deleted: Timestamp,
    pub(super) expires: Timestamp,
    /// Bytes below it; unknown for what is older than the figures.
    pub(super) size: Option<u64>,
    /// Whether it may still be where it was; the figures do not count it here yet.
    pub(super) moving: bool,
    /// Whether something took its place.
    pub(super) replaced: bool,
    /// A file's, where it was known.
    pub(super) hash: Option<Hash>,
}

const COLUMNS: &str = "id, owner, actor, space, path, deleted, expires, size, moving, replaced, hash";

impl Trashed {
    pub(super) fn insert(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO trash (id, owner, actor, space, path, deleted, expires, size, moving, replaced,
             hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        statement.execute(params![
            self.id.as_bytes(),
            self.owner.as_bytes(),
            self.actor.as_ref().map(AccountId::as_bytes),
            self.origin.as_ref().map(|origin| origin.space.to_bytes()),
            self.origin.as_ref().map(Place::path_bytes),
            integer(self.deleted.0),
            integer(self.expires.0),
            self.size.map(integer),
            self.moving,
            self.replaced,
            self.hash.as_ref().map(Hash::as_bytes),
        ])?;
        Ok(())
    }

    /// What an account has under this id.
    pub(super) fn find(
        connection: &Connection,
        owner: AccountId,
        id: TrashId,
    ) -> Result<Option<Self>, FilesError> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM trash WHERE id = ?1 AND owner = ?2"
        ))?;
        let row = statement.query_row(params![id.as_bytes(), owner.as_bytes()], Self::from_row);
        Ok(row.optional()?)
    }

    /// What may still be where it was.
    pub(super) fn all_moving(connection: &Connection) -> Result<Vec<Self>, FilesError> {
        let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM trash WHERE moving = 1"))?;
        let rows = statement.query_map([], Self::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is now known of its size.
    pub(super) fn set_size(connection: &Connection, id: TrashId, size: u64) -> Result<(), FilesError> {
        connection
            .prepare_cached("UPDATE trash SET size = ?2, moving = 0 WHERE id = ?1")?
            .execute(params![id.as_bytes(), integer(size)])?;
        Ok(())
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (space, path): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?);
        let actor: Option<[u8; 16]> = row.get(2)?;
        let hash: Option<[u8; 32]> = row.get(10)?;
        Ok(Self {
            id: TrashId::from_bytes(row.get(0)?),
            owner: AccountId::from_bytes(row.get(1)?),
            actor: actor.map(AccountId::from_bytes),
            origin: space
                .zip(path)
                .and_then(|(space, path)| Place::from_bytes(&space, &path)),
            deleted: Timestamp(number(row.get(5)?)?),
            expires: Timestamp(number(row.get(6)?)?),
            size: optional_number(row.get(7)?)?,
            moving: row.get(8)?,
            replaced: row.get(9)?,
            hash: hash.map(Hash::from_bytes),
        })
    }

    /// The columns that [`from_row`](Self::from_row) reads.
    pub(super) const fn columns() -> &'static str {
        COLUMNS
    }

    pub(super) fn delete(connection: &Connection, id: TrashId) -> Result<(), FilesError> {
        connection
            .prepare_cached("DELETE FROM trash WHERE id = ?1")?
            .execute([id.as_bytes()])?;
        Ok(())
    }

    /// What an account has, by id.
    pub(super) fn of(connection: &Connection, owner: AccountId) -> Result<BTreeSet<TrashId>, FilesError> {
        let mut statement = connection.prepare_cached("SELECT id FROM trash WHERE owner = ?1")?;
        let rows = statement.query_map([owner.as_bytes()], |row| row.get(0).map(TrashId::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The accounts that have something.
    pub(super) fn owners(connection: &Connection) -> Result<BTreeSet<AccountId>, FilesError> {
        let mut statement = connection.prepare("SELECT DISTINCT owner FROM trash")?;
        let rows = statement.query_map([], |row| row.get(0).map(AccountId::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What has expired, the oldest first, at most `limit`.
    pub(super) fn expired(
        connection: &Connection,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TrashId, AccountId)>, FilesError> {
        let mut statement = connection
            .prepare("SELECT id, owner FROM trash WHERE expires <= ?1 ORDER BY expires LIMIT ?2")?;
        let rows = statement.query_map(params![integer(now.0), integer(limit as u64)], |row| {
            Ok((
                TrashId::from_bytes(row.get(0)?),
                AccountId::from_bytes(row.get(1)?),
            ))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Files {
    /// An account's trash, made where it was missing.
    pub(super) fn trash_made(&self, account: AccountId) -> Result<Directory, FilesError> {
        self.tree.trash_made(account, &lock(&self.names)).at("the trash")
    }

    /// What the journal is to know of something that `actor` moves to `owner`'s trash now.
    pub(super) fn trashed(
        &self,
        id: TrashId,
        owner: AccountId,
        actor: Option<AccountId>,
        origin: Option<Place>,
    ) -> Trashed {
        let deleted = self.now();
        let retention = origin
            .as_ref()
            .and_then(|origin| self.usage.retention(origin.space));
        Trashed {
            id,
            owner,
            actor,
            origin,
            deleted,
            expires: deleted.plus(retention.unwrap_or(self.options.trash_retention)),
            size: None,
            moving: false,
            replaced: false,
            hash: None,
        }
    }

    /// Deletes what stands under `name` in the directory of partial files, whatever it is and however deep. What is
    /// left of it after a crash is a stray, and goes at the next start.
    pub(super) fn delete_for_good(&self, name: Vec<u8>) -> Result<(), FilesError> {
        let partial = &self.tree.partial;
        let mut inodes = Vec::new();
        // Directories are moved up and emptied one after another, so that neither depth nor open files add up.
        let mut names = vec![name];
        while let Some(name) = names.pop() {
            if let Some(directory) = remove_or_open(partial, &name, &mut inodes).at("what is deleted")? {
                self.empty(&directory, &mut names, &mut inodes)
                    .at("what is deleted")?;
                partial.unlink_directory(&name).at("what is deleted")?;
            }
        }
        if inodes.is_empty() {
            return Ok(());
        }
        self.journal
            .write(move |connection| known::forget(connection, &inodes))
    }

    /// Removes the files of a directory, and moves its directories up under fresh names.
    fn empty(
        &self,
        directory: &Directory,
        names: &mut Vec<Vec<u8>>,
        inodes: &mut Vec<u64>,
    ) -> Result<(), Errno> {
        // Reading while removing may pass names over, so it is read until nothing is left.
        loop {
            let found = directory.names()?;
            if found.is_empty() {
                return Ok(());
            }
            for name in found {
                if remove_or_open(directory, &name, inodes)?.is_some() {
                    let fresh = TrashId::from_bytes(self.fresh()).file_name();
                    directory.rename(&name, &self.tree.partial, &fresh)?;
                    names.push(fresh);
                }
            }
        }
    }

    /// Deletes something in the trash for good, and says how many bytes it had; none: it is gone, or somebody is at it.
    pub(super) fn purge(&self, id: TrashId, owner: AccountId) -> Result<Option<u64>, FilesError> {
        // The same digits as every other id.
        let Some(_claim) = self.claims.claim(UploadId::from_bytes(*id.as_bytes())) else {
            return Ok(None);
        };
        let _motion = self.usage.in_motion();
        let find = || {
            self.journal
                .read(|connection| Trashed::find(connection, owner, id))
        };
        let Some(mut trashed) = find()? else {
            return Ok(None);
        };
        if trashed.moving {
            self.settle_removal(&trashed)?;
            let Some(settled) = find()? else {
                return Ok(None);
            };
            trashed = settled;
        }
        let name = id.file_name();
        match self
            .tree
            .trash(owner)
            .and_then(|trash| trash.rename(&name, &self.tree.partial, &name))
        {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).at("what is in the trash"),
        }
        self.after(Step::TrashTaken)?;
        self.forget_trashed(&trashed)?;
        self.after(Step::TrashForgotten)?;
        self.delete_for_good(name)?;
        self.after(Step::TrashDeleted)?;
        Ok(Some(trashed.size.unwrap_or(0)))
    }

    /// The journal forgets something that does not lie in the trash any more.
    pub(super) fn forget_trashed(&self, trashed: &Trashed) -> Result<(), FilesError> {
        let id = trashed.id;
        // What is still moving was never counted here.
        let size = trashed.size.filter(|_| !trashed.moving).unwrap_or(0);
        let changes = Changes::default().trash(trashed.owner, size, Sign::Minus);
        self.book(&changes, move |connection| Trashed::delete(connection, id))
    }

    /// Moves the bytes of something that has gone to the trash from its space to the trash. Where it has not gone, the
    /// journal forgets it.
    pub(super) fn settle_removal(&self, trashed: &Trashed) -> Result<(), FilesError> {
        let (id, owner) = (trashed.id, trashed.owner);
        let size = self
            .tree
            .trash(owner)
            .and_then(|trash| measure::of(&trash, &id.file_name()));
        let size = match size {
            Ok(size) => size,
            Err(Errno::NOENT) => return self.forget_trashed(trashed),
            Err(error) => return Err(error).at("the trash"),
        };
        let changes = match &trashed.origin {
            Some(origin) => Changes::default().trashed(origin.space, owner, size),
            None => Changes::default().trash(owner, size, Sign::Plus),
        };
        self.book(&changes, move |connection| {
            Trashed::set_size(connection, id, size)
        })
    }
}

/// Removes what is no directory; opens what is one.
fn remove_or_open(
    parent: &Directory,
    name: &[u8],
    inodes: &mut Vec<u64>,
) -> Result<Option<Directory>, Errno> {
    let Some(status) = parent.status_of(name)? else {
        return Ok(None);
    };
    if status.is_directory() {
        return parent.child(name).map(Some);
    }
    parent.unlink(name)?;
    inodes.push(status.inode);
    Ok(None)
}

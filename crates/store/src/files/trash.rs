//! The trash: what was removed or replaced, until its time is over.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::Named as _;
use super::known;
use super::place::Place;
use super::step::Step;
use crate::{integer, lock};
use landline_model::id::{AccountId, UploadId};
use landline_model::time::Timestamp;
use rusqlite::{Connection, params};
use rustix::io::Errno;
use std::collections::BTreeSet;

/// One thing in the trash; its file is named by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TrashId([u8; 16]);

impl TrashId {
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(super) fn file_name(&self) -> Vec<u8> {
        // The same digits as every other id.
        UploadId::from_bytes(self.0).to_string().into_bytes()
    }

    pub(super) fn from_file_name(name: &[u8]) -> Option<Self> {
        let id: UploadId = std::str::from_utf8(name).ok()?.parse().ok()?;
        Some(Self(*id.as_bytes()))
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
}

impl Trashed {
    pub(super) fn insert(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO trash (id, owner, actor, space, path, deleted, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute(params![
            self.id.as_bytes(),
            self.owner.as_bytes(),
            self.actor.as_ref().map(AccountId::as_bytes),
            self.origin.as_ref().map(|origin| origin.space.to_bytes()),
            self.origin.as_ref().map(Place::path_bytes),
            integer(self.deleted.0),
            integer(self.expires.0),
        ])?;
        Ok(())
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
        let rows = statement.query_map([owner.as_bytes()], |row| row.get(0).map(TrashId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The accounts that have something.
    pub(super) fn owners(connection: &Connection) -> Result<BTreeSet<AccountId>, FilesError> {
        let mut statement = connection.prepare("SELECT DISTINCT owner FROM trash")?;
        let rows = statement.query_map([], |row| row.get(0).map(AccountId::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What has expired, the oldest first.
    pub(super) fn expired(
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Vec<(TrashId, AccountId)>, FilesError> {
        let mut statement =
            connection.prepare("SELECT id, owner FROM trash WHERE expires <= ?1 ORDER BY expires")?;
        let rows = statement.query_map([integer(now.0)], |row| {
            Ok((TrashId(row.get(0)?), AccountId::from_bytes(row.get(1)?)))
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
        Trashed {
            id,
            owner,
            actor,
            origin,
            deleted,
            expires: deleted.plus(self.options.trash_retention),
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
                    let fresh = TrashId(self.fresh()).file_name();
                    directory.rename(&name, &self.tree.partial, &fresh)?;
                    names.push(fresh);
                }
            }
        }
    }

    /// Deletes something in the trash for good.
    pub(super) fn purge(&self, id: TrashId, owner: AccountId) -> Result<(), FilesError> {
        let name = id.file_name();
        match self
            .tree
            .trash(owner)
            .and_then(|trash| trash.rename(&name, &self.tree.partial, &name))
        {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error).at("what has expired in the trash"),
        }
        self.after(Step::TrashTaken)?;
        self.journal
            .write(move |connection| Trashed::delete(connection, id))?;
        self.after(Step::TrashForgotten)?;
        self.delete_for_good(name)?;
        self.after(Step::TrashDeleted)
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

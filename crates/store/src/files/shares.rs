//! Shares: what somebody gets at by a link.
//!
//! A share is for what stood at its place when it was made: for that file as it was, or for that directory whatever is in
//! it. Where something else has taken the place since, the link leads nowhere.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, is_directory, no_file, not_found};
use super::known::{Key, Known};
use super::list::{ListRequest, Listing};
use super::place::Place;
use super::read::{OpenFile, open, opened};
use super::status::Status;
use super::step::Step;
use super::upload::place;
use crate::{integer, lock, number};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, ShareId};
use landline_model::link::Token;
use landline_model::path::Component;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::shares::ShareKind;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// The most shares that an account has.
pub const SHARES_MAX: u64 = 1000;

/// How long after it has begun a counted download may go on in pieces, in milliseconds: a day.
const GOES_ON_FOR: u64 = 24 * 60 * 60 * 1000;

/// What a share is to be.
#[derive(Clone, Debug)]
pub struct NewShare {
    /// The secret in its link; a hash of it is kept.
    pub token: Token,
    /// Whose it is: what is done by it is done with this account's rights.
    pub owner: AccountId,
    /// What is shared.
    pub place: Place,
    /// Whether it is a directory into which files are put.
    pub drop: bool,
    /// What its owner calls it.
    pub name: String,
    /// The PHC string of its password.
    pub password: Option<String>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// How many may begin.
    pub count: Option<u64>,
}

/// A share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its id.
    pub id: ShareId,
    /// Whose it is.
    pub owner: AccountId,
    /// What is shared.
    pub place: Place,
    /// What it was when it was shared.
    pub kind: ShareKind,
    /// What its owner calls it.
    pub name: String,
    /// The PHC string of its password.
    pub password: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// How many more may begin.
    pub left: Option<u64>,
    looks: Key,
}

/// What a share, or a name below it, leads to.
#[derive(Debug)]
pub enum Shared {
    /// A file.
    File(OpenFile),
    /// A directory.
    Directory,
}

const COLUMNS: &str =
    "id, owner, space, path, kind, inode, size, modified, name, password, created, expires, remaining";

impl Files {
    /// Makes a share of what stands at its place now.
    ///
    /// # Errors
    /// [`FilesError::NotFound`]; [`FilesError::WrongKind`] for what is neither a file nor a directory, and for a file
    /// into which files are to be put; [`FilesError::Busy`] over [`SHARES_MAX`].
    pub fn create_share(&self, new: NewShare) -> Result<Share, FilesError> {
        let status = self.to_share(&new.place)?;
        let kind = match (status.kind, new.drop) {
            (EntryKind::Directory, true) => ShareKind::Drop,
            (EntryKind::Directory, false) => ShareKind::Directory,
            (EntryKind::File, false) => ShareKind::File,
            (EntryKind::File, true) => {
                let message = format!("{} is a file, and files are put into directories", new.place);
                return Err(FilesError::WrongKind(message));
            }
            _ => return Err(no_file(&new.place)),
        };
        let share = Share {
            id: ShareId::from_bytes(self.fresh()),
            owner: new.owner,
            place: new.place,
            kind,
            name: new.name,
            password: new.password,
            created: self.now(),
            expires: new.expires,
            left: new.count,
            looks: looks(&status),
        };
        let (row, token) = (share.clone(), hash(&new.token));
        self.journal.write(move |connection| {
            if count(connection, row.owner)? >= SHARES_MAX {
                return Err(FilesError::Busy(format!(
                    "there are {SHARES_MAX} shares of this account already"
                )));
            }
            row.insert(connection, &token)
        })?;
        self.after(Step::ShareMade)?;
        Ok(share)
    }

    /// The share of a link; also one whose time is over, until it is swept out.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn share_of(&self, token: &Token) -> Result<Option<Share>, FilesError> {
        let token = hash(token);
        self.journal.read(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM shares WHERE token = ?1"))?;
            Ok(statement
                .query_row([token.as_bytes()], Share::from_row)
                .optional()?)
        })
    }

    /// The share of this id.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn share(&self, id: ShareId) -> Result<Option<Share>, FilesError> {
        self.journal.read(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM shares WHERE id = ?1"))?;
            Ok(statement.query_row([id.as_bytes()], Share::from_row).optional()?)
        })
    }

    /// The shares of an account, or all of them, behind `after` in the order of their ids.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn shares(
        &self,
        owner: Option<AccountId>,
        after: Option<ShareId>,
        limit: usize,
    ) -> Result<Vec<Share>, FilesError> {
        self.journal.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM shares WHERE (?1 IS NULL OR owner = ?1) AND id > ?2 ORDER BY id LIMIT ?3"
            ))?;
            let owner = owner.as_ref().map(AccountId::as_bytes);
            let after = after.as_ref().map_or(&[][..], |after| after.as_bytes());
            let rows = statement.query_map(params![owner, after, integer(limit as u64)], Share::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a share. Says whether it was there.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn revoke_share(&self, id: ShareId) -> Result<bool, FilesError> {
        let revoked = self.journal.write(move |connection| {
            let mut statement = connection.prepare_cached("DELETE FROM shares WHERE id = ?1")?;
            Ok(statement.execute([id.as_bytes()])? > 0)
        })?;
        self.after(Step::ShareRevoked)?;
        Ok(revoked)
    }

    /// Counts a download that begins, or a file that is put; says whether it may. However many ask at once, as many may
    /// as are left.
    ///
    /// Who has begun to fetch a file (`client`, `file`) may fetch its later parts (`goes_on`) for a day: that counts once.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn count_share(
        &self,
        share: ShareId,
        client: &[u8],
        file: &Hash,
        goes_on: bool,
    ) -> Result<bool, FilesError> {
        let (client, file, now) = (client.to_vec(), *file, self.now());
        let may = self.journal.write(move |connection| {
            let Some(left) = remaining(connection, share)? else {
                return Ok(false);
            };
            let Some(left) = left else {
                return Ok(true);
            };
            if goes_on && has_begun(connection, share, &client, &file, now)? {
                return Ok(true);
            }
            if left == 0 {
                return Ok(false);
            }
            begin(connection, share, &client, &file, now)?;
            Ok(true)
        })?;
        self.after(Step::ShareCounted)?;
        Ok(may)
    }

    /// Takes back what [`count_share`](Self::count_share) has counted, where nothing came of it.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn uncount_share(&self, share: ShareId) -> Result<(), FilesError> {
        self.journal.write(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE shares SET remaining = remaining + 1 WHERE id = ?1 AND remaining IS NOT NULL",
                )?
                .execute([share.as_bytes()])?;
            Ok(())
        })
    }

    /// What these names below a share lead to: beneath what was shared, through no link.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] also where something else has taken the place of what was shared.
    pub fn read_shared(&self, share: &Share, below: &[Component]) -> Result<Shared, FilesError> {
        let place = share.below(below);
        if share.kind == ShareKind::File {
            if !below.is_empty() {
                return Err(not_found(&place));
            }
            let (parent, name) = self.tree.parent(&place)?;
            let (file, status) = open(&parent, name, &place)?;
            if looks(&status) != share.looks {
                return Err(gone(share));
            }
            return self.shared_file(&place, file, status);
        }
        let top = self.shared_directory(share)?;
        let Some((name, above)) = below.split_last() else {
            return Ok(Shared::Directory);
        };
        let parent = top.beneath(above).at(&place)?;
        let status = parent.status_of(name.as_bytes()).at(&place)?;
        match status.ok_or_else(|| not_found(&place))?.kind {
            EntryKind::Directory => Ok(Shared::Directory),
            _ => {
                let (file, status) = open(&parent, name, &place)?;
                self.shared_file(&place, file, status)
            }
        }
    }

    /// Lists a directory below a share.
    ///
    /// # Errors
    /// As [`list`](Self::list) and [`read_shared`](Self::read_shared).
    pub fn list_shared(
        &self,
        share: &Share,
        below: &[Component],
        request: &ListRequest<'_>,
    ) -> Result<Listing, FilesError> {
        let place = share.below(below);
        let directory = self.shared_directory(share)?.beneath(below).at(&place)?;
        self.list_of(&place, &directory, request)
    }

    /// Deletes the shares whose time is over.
    pub(super) fn sweep_shares(&self, now: Timestamp) -> Result<(), FilesError> {
        let over = self.journal.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT 1 FROM shares WHERE expires <= ?1 LIMIT 1")?;
            Ok(statement.exists([integer(now.0)])?)
        })?;
        if !over {
            return Ok(());
        }
        self.journal.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM shares WHERE expires <= ?1")?
                .execute([integer(now.0)])?;
            Ok(())
        })
    }

    /// What stands at a place that is to be shared.
    fn to_share(&self, place: &Place) -> Result<Status, FilesError> {
        if place.components.is_empty() {
            // Nothing need ever have been written to it.
            let space = self.tree.space_made(place.space, &lock(&self.names)).at(place)?;
            return space.status().at(place);
        }
        let (parent, name) = self.tree.parent(place)?;
        let status = parent.status_of(name.as_bytes()).at(place)?;
        status.ok_or_else(|| not_found(place))
    }

    /// The directory that is shared, if it is still the one.
    fn shared_directory(&self, share: &Share) -> Result<Directory, FilesError> {
        if share.kind == ShareKind::File {
            return Err(no_file(&share.place));
        }
        let directory = self.tree.directory(&share.place)?;
        if looks(&directory.status().at(&share.place)?) == share.looks {
            Ok(directory)
        } else {
            Err(gone(share))
        }
    }

    fn shared_file(
        &self,
        place: &Place,
        file: std::os::fd::OwnedFd,
        status: Status,
    ) -> Result<Shared, FilesError> {
        if status.is_directory() {
            return Err(is_directory(place));
        }
        let known = self.journal.read(|connection| Known::of(connection, &status))?;
        Ok(Shared::File(opened(place, file, status, known)))
    }
}

impl Share {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    /// The place that these names below it lead to.
    #[must_use]
    pub fn below(&self, names: &[Component]) -> Place {
        Place::new(self.place.space, [&self.place.components[..], names].concat())
    }

    fn insert(&self, connection: &Connection, token: &Hash) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO shares (id, token, owner, space, path, kind, inode, size, modified, name, password,
             created, expires, remaining) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        let Key(inode, size, modified) = self.looks;
        statement.execute(params![
            self.id.as_bytes(),
            token.as_bytes(),
            self.owner.as_bytes(),
            self.place.space.to_bytes(),
            self.place.path_bytes(),
            kind_number(self.kind),
            inode,
            size,
            modified,
            self.name,
            self.password,
            integer(self.created.0),
            self.expires.map(|expires| integer(expires.0)),
            self.left.map(integer),
        ])?;
        Ok(())
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (expires, left): (Option<i64>, Option<i64>) = (row.get(11)?, row.get(12)?);
        Ok(Self {
            id: ShareId::from_bytes(row.get(0)?),
            owner: AccountId::from_bytes(row.get(1)?),
            place: place(row, 2)?,
            kind: kind_of(row.get(4)?),
            looks: Key(row.get(5)?, row.get(6)?, row.get(7)?),
            name: row.get(8)?,
            password: row.get(9)?,
            created: Timestamp(number(row.get(10)?)?),
            expires: expires.map(number).transpose()?.map(Timestamp),
            left: left.map(number).transpose()?,
        })
    }
}

/// What names what is shared: a file as it is, a directory whatever is in it.
fn looks(status: &Status) -> Key {
    let key = status.key();
    if status.is_file() { key } else { Key(key.0, 0, 0) }
}

fn gone(share: &Share) -> FilesError {
    FilesError::NotFound(format!("{} is not what was shared any more", share.place))
}

fn kind_number(kind: ShareKind) -> i64 {
    match kind {
        ShareKind::Directory => 1,
        ShareKind::Drop => 2,
        _ => 0,
    }
}

fn kind_of(number: i64) -> ShareKind {
    match number {
        0 => ShareKind::File,
        1 => ShareKind::Directory,
        2 => ShareKind::Drop,
        _ => ShareKind::Unknown,
    }
}

/// What is stored of a link's token.
fn hash(token: &Token) -> Hash {
    Hash::from_bytes(blake3::derive_key(
        "Landline 2026-11 share token",
        token.as_bytes(),
    ))
}

fn count(connection: &Connection, owner: AccountId) -> Result<u64, FilesError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM shares WHERE owner = ?1")?;
    Ok(statement.query_row([owner.as_bytes()], |row| row.get(0).and_then(number))?)
}

/// How many more may begin, where there is such a limit; none: there is no such share.
fn remaining(connection: &Connection, share: ShareId) -> Result<Option<Option<i64>>, FilesError> {
    let mut statement = connection.prepare_cached("SELECT remaining FROM shares WHERE id = ?1")?;
    Ok(statement
        .query_row([share.as_bytes()], |row| row.get(0))
        .optional()?)
}

fn has_begun(
    connection: &Connection,
    share: ShareId,
    client: &[u8],
    file: &Hash,
    now: Timestamp,
) -> Result<bool, FilesError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM share_fetches WHERE share = ?1 AND client = ?2 AND file = ?3 AND begun > ?4",
    )?;
    let since = integer(now.0.saturating_sub(GOES_ON_FOR));
    Ok(statement.exists(params![share.as_bytes(), client, file.as_bytes(), since])?)
}

fn begin(
    connection: &Connection,
    share: ShareId,
    client: &[u8],
    file: &Hash,
    now: Timestamp,
) -> Result<(), FilesError> {
    connection
        .prepare_cached("UPDATE shares SET remaining = remaining - 1 WHERE id = ?1")?
        .execute([share.as_bytes()])?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO share_fetches (share, client, file, begun) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![share.as_bytes(), client, file.as_bytes(), integer(now.0)])?;
    Ok(())
}

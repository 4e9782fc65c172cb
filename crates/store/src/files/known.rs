//! What the journal knows of files by what they look like, in tables of which each has these columns.

use super::error::FilesError;
use super::status::Status;
use super::{hashes, owners};
use crate::integer;
use landline_model::hash::Hash;
use rusqlite::Connection;

/// The columns `inode`, `size` and `modified`: a file, as long as nobody writes to it. A rename changes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) i64, pub(super) i64, pub(super) i64);

/// What the journal knows of a file that a listing shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) hash: Option<Hash>,
    /// The permission bits.
    pub(super) mode: Option<u32>,
}

impl Known {
    /// What is known of what looks like this.
    pub(super) fn of(connection: &Connection, status: &Status) -> Result<Self, FilesError> {
        if !status.is_file() {
            return Ok(Self::default());
        }
        Ok(Self {
            hash: hashes::find(connection, status)?,
            mode: owners::mode(connection, status)?,
        })
    }
}

/// Forgets all that belonged to files that are gone.
pub(super) fn forget(connection: &Connection, inodes: &[u64]) -> Result<(), FilesError> {
    for table in ["hashes", "owners"] {
        let mut statement = connection.prepare_cached(&format!("DELETE FROM {table} WHERE inode = ?1"))?;
        for inode in inodes {
            statement.execute([inode.cast_signed()])?;
        }
    }
    Ok(())
}

impl Status {
    /// What the journal knows this file by.
    pub(super) fn key(&self) -> Key {
        Key(self.inode.cast_signed(), integer(self.size), self.modified)
    }
}

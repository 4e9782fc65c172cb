//! What the journal knows of files by what they look like, in tables of which each has these columns.

use super::error::FilesError;
use super::status::Status;
use crate::integer;
use rusqlite::Connection;

/// The columns `inode`, `size` and `modified`: a file, as long as nobody writes to it. A rename changes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) i64, pub(super) i64, pub(super) i64);

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

//! Hashes of files that were read or verified once, so that nobody reads them again.

use super::error::FilesError;
use super::status::Status;
use crate::integer;
use landline_model::hash::Hash;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The hash of the file that looks like this; none where it has changed since, by whatever means.
pub(super) fn find(connection: &Connection, file: &Status) -> Result<Option<Hash>, FilesError> {
    let mut statement = connection.prepare_cached(
        "SELECT hash FROM hashes WHERE inode = ?1 AND size = ?2 AND modified = ?3 AND changed = ?4",
    )?;
    let key = params![
        file.inode.cast_signed(),
        integer(file.size),
        file.modified,
        file.changed
    ];
    Ok(statement
        .query_row(key, |row| row.get(0).map(Hash::from_bytes))
        .optional()?)
}

/// Remembers the hash of a file that looks like this.
pub(super) fn remember(connection: &Connection, file: &Status, hash: &Hash) -> Result<(), FilesError> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO hashes (inode, size, modified, changed, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute(params![
        file.inode.cast_signed(),
        integer(file.size),
        file.modified,
        file.changed,
        hash.as_bytes()
    ])?;
    Ok(())
}

/// Forgets what belonged to files that are gone.
pub(super) fn forget(connection: &Connection, inodes: &[u64]) -> Result<(), FilesError> {
    let mut statement = connection.prepare_cached("DELETE FROM hashes WHERE inode = ?1")?;
    for inode in inodes {
        statement.execute([inode.cast_signed()])?;
    }
    Ok(())
}

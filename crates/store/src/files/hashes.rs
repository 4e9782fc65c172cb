//! Hashes of files that were read or verified once, so that nobody reads them again.

use super::error::FilesError;
use super::known::Key;
use super::status::Status;
use landline_model::hash::Hash;
use rusqlite::{Connection, OptionalExtension as _};

/// The hash of the file that looks like this; none where it has changed since, by whatever means.
pub(super) fn find(connection: &Connection, file: &Status) -> Result<Option<Hash>, FilesError> {
    let Key(inode, size, modified) = file.key();
    let mut statement = connection.prepare_cached(
        "SELECT hash FROM hashes WHERE inode = ?1 AND size = ?2 AND modified = ?3 AND changed = ?4",
    )?;
    Ok(statement
        .query_row((inode, size, modified, file.changed), |row| {
            row.get(0).map(Hash::from_bytes)
        })
        .optional()?)
}

/// The hash of the file that has the content of this one: it may have been moved since, which changes its time of change.
pub(super) fn find_content(connection: &Connection, file: &Status) -> Result<Option<Hash>, FilesError> {
    if !file.is_file() {
        return Ok(None);
    }
    let Key(inode, size, modified) = file.key();
    let mut statement = connection
        .prepare_cached("SELECT hash FROM hashes WHERE inode = ?1 AND size = ?2 AND modified = ?3")?;
    let hash = statement.query_row((inode, size, modified), |row| row.get(0).map(Hash::from_bytes));
    Ok(hash.optional()?)
}

/// Remembers the hash of a file that looks like this.
pub(super) fn remember(connection: &Connection, file: &Status, hash: &Hash) -> Result<(), FilesError> {
    let Key(inode, size, modified) = file.key();
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO hashes (inode, size, modified, changed, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute((inode, size, modified, file.changed, hash.as_bytes()))?;
    Ok(())
}

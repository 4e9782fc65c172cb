//! Whose files are: whoever published them. A space may be everybody's, a file in it has one owner all the same: what
//! is removed or replaced goes to that one's trash, whoever does it.

use super::Files;
use super::error::FilesError;
use super::known::Key;
use super::read::OpenFile;
use super::status::Status;
use crate::{integer, number};
use landline_model::id::AccountId;
use landline_model::protocol::files::MODE_MAX;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

/// Who published the file that looks like this; none where it came or was changed by other means than Landline.
pub(super) fn find(connection: &Connection, file: &Status) -> Result<Option<AccountId>, FilesError> {
    let Key(inode, size, modified) = file.key();
    let mut statement = connection
        .prepare_cached("SELECT owner FROM owners WHERE inode = ?1 AND size = ?2 AND modified = ?3")?;
    Ok(statement
        .query_row((inode, size, modified), |row| {
            row.get(0).map(AccountId::from_bytes)
        })
        .optional()?)
}

/// The permissions with which the file that looks like this was published; none where nobody said, or it came or was
/// changed by other means than Landline.
pub(super) fn mode(connection: &Connection, file: &Status) -> Result<Option<u32>, FilesError> {
    let Key(inode, size, modified) = file.key();
    let mut statement = connection
        .prepare_cached("SELECT mode FROM owners WHERE inode = ?1 AND size = ?2 AND modified = ?3")?;
    let mode = statement.query_row((inode, size, modified), |row| row.get(0));
    Ok(mode.optional()?.flatten())
}

/// Remembers whose the file is that looks like this, and its permissions. A rename changes nothing of it.
pub(super) fn remember(
    connection: &Connection,
    file: &Status,
    owner: AccountId,
    published: Timestamp,
    mode: Option<u32>,
) -> Result<(), FilesError> {
    let Key(inode, size, modified) = file.key();
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO owners (inode, size, modified, owner, published, mode)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mode = mode.map(|mode| mode & MODE_MAX);
    statement.execute((
        inode,
        size,
        modified,
        owner.as_bytes(),
        integer(published.0),
        mode,
    ))?;
    Ok(())
}

impl Files {
    /// Who published a file, and when; none where it came or was changed by other means than Landline.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn publication(&self, file: &OpenFile) -> Result<Option<(AccountId, Timestamp)>, FilesError> {
        let Key(inode, size, modified) = file.status().key();
        self.journal.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT owner, published FROM owners WHERE inode = ?1 AND size = ?2 AND modified = ?3",
            )?;
            let publication = statement.query_row((inode, size, modified), |row| {
                let time = Timestamp(number(row.get(1)?)?);
                Ok((AccountId::from_bytes(row.get(0)?), time))
            });
            Ok(publication.optional()?)
        })
    }

    /// Whose trash something goes to that `actor` removes or replaces: the file's owner's, and `actor`'s where none is
    /// known, as for a directory.
    pub(super) fn heir(&self, file: &Status, actor: AccountId) -> Result<AccountId, FilesError> {
        if !file.is_file() {
            return Ok(actor);
        }
        let owner = self.journal.read(|connection| find(connection, file))?;
        Ok(owner.unwrap_or(actor))
    }
}

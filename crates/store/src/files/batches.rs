//! Small files that are about to appear under names where nothing stands: one row for all of a batch, so that a start
//! after a crash can bring the figures up to date.
//!
//! A file whose partial file still stands has not appeared; the figures know of the others only when the row is gone.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::place::SpaceId;
use super::usage::{Changes, Sign};
use crate::error::StoreError;
use landline_model::id::UploadId;
use rusqlite::{Connection, OptionalExtension as _, params};

/// One file of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appearing {
    /// What its partial file is called by.
    pub(super) id: UploadId,
    pub(super) size: u64,
    pub(super) space: SpaceId,
}

/// Writes a batch down.
pub(super) fn insert(
    connection: &Connection,
    batch: [u8; 16],
    files: &[Appearing],
) -> Result<(), FilesError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO batches (id, files) VALUES (?1, ?2)")?
        .execute(params![batch, encode(files)])?;
    Ok(())
}

/// Takes one file out of a batch: it goes another way.
pub(super) fn take_out(connection: &Connection, batch: [u8; 16], id: UploadId) -> Result<(), FilesError> {
    let row = connection
        .prepare_cached("SELECT files FROM batches WHERE id = ?1")?
        .query_row([batch], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    let mut files = decode(&row.unwrap_or_default())?;
    files.retain(|file| file.id != id);
    insert(connection, batch, &files)
}

/// Forgets a batch.
pub(super) fn delete(connection: &Connection, batch: [u8; 16]) -> Result<(), FilesError> {
    connection
        .prepare_cached("DELETE FROM batches WHERE id = ?1")?
        .execute([batch])?;
    Ok(())
}

impl Files {
    /// Counts what has appeared of the batches that a crash interrupted. The partial files of the others are strays.
    pub(super) fn settle_batches(&self) -> Result<(), FilesError> {
        let batches = self.journal.read(|connection| {
            let mut statement = connection.prepare("SELECT id, files FROM batches")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        for (batch, files) in batches {
            let mut changes = Changes::default();
            for file in decode(&files)? {
                let name = file.id.to_string().into_bytes();
                if self.tree.partial.status_of(&name).at("a partial file")?.is_none() {
                    changes = changes.files(file.space, file.size, Sign::Plus);
                }
            }
            self.book(&changes, move |connection| delete(connection, batch))?;
        }
        Ok(())
    }
}

/// Each file: 16 bytes of its id, 8 of its size, one of the length of its space, the space.
fn encode(files: &[Appearing]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in files {
        let space = file.space.to_bytes();
        bytes.extend_from_slice(file.id.as_bytes());
        bytes.extend_from_slice(&file.size.to_be_bytes());
        bytes.push(u8::try_from(space.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&space);
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Result<Vec<Appearing>, FilesError> {
    let mut files = Vec::new();
    while !bytes.is_empty() {
        let (file, rest) = decode_one(bytes)
            .ok_or_else(|| FilesError::Store(StoreError::Corrupt("a batch in the journal".to_owned())))?;
        files.push(file);
        bytes = rest;
    }
    Ok(files)
}

fn decode_one(bytes: &[u8]) -> Option<(Appearing, &[u8])> {
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first()?;
    let (space, rest) = rest.split_at_checked(usize::from(*length))?;
    let file = Appearing {
        id: UploadId::from_bytes(*id),
        size: u64::from_be_bytes(*size),
        space: SpaceId::from_bytes(space)?,
    };
    Some((file, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::id::{AccountId, RoomId};

    #[test]
    fn a_batch_comes_back_from_the_journal_and_a_cut_one_does_not() {
        let spaces = [
            SpaceId::Shared,
            SpaceId::Home(AccountId::from_bytes([1; 16])),
            SpaceId::Room(RoomId::from_bytes([2; 16])),
        ];
        let files: Vec<_> = spaces
            .into_iter()
            .zip(0_u8..)
            .map(|(space, number)| Appearing {
                id: UploadId::from_bytes([number; 16]),
                size: u64::from(number) << 40,
                space,
            })
            .collect();
        let bytes = encode(&files);
        assert_eq!(decode(&bytes), Ok(files));
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
    }
}

//! `search.db` as the indexer writes it.

use super::schema::SCHEMA;
use super::source::{Line, What};
use super::{SPAN, grams};
use crate::error::StoreError;
use crate::{database, integer, number};
use landline_model::id::{AccountId, RoomId};
use rusqlite::{Connection, OptionalExtension as _, Transaction};
use std::collections::HashMap;
use std::path::Path;

/// The connection that writes, and how far each room is indexed.
pub(super) struct Index {
    connection: Connection,
    rooms: HashMap<i64, Known>,
    /// Something was erased that may still stand in the log beside the database. At first, too: the last run may have been
    /// killed.
    erased: bool,
}

/// How far a room is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) id: RoomId,
    /// The last event that was looked at.
    pub(super) sequence: u64,
    /// Its hash.
    pub(super) hash: [u8; 32],
}

/// The next event of a room.
pub(super) struct Next {
    pub(super) room: i64,
    pub(super) id: RoomId,
    pub(super) line: Line,
}

impl Index {
    /// Opens the index that is there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] and [`StoreError::NewerVersion`] where it has to be made anew, and those of the disk.
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        let connection = database::open(directory, &SCHEMA)?;
        // What is lost with a power cut is indexed again: the log has it.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // What was deleted is overwritten.
        connection.pragma_update(None, "secure_delete", true)?;
        let unicode: Option<String> = connection
            .query_row("SELECT unicode FROM folded", [], |row| row.get(0))
            .optional()?;
        match unicode {
            None => drop(connection.execute("INSERT INTO folded VALUES (?1)", [grams::unicode()])?),
            Some(unicode) if unicode == grams::unicode() => {}
            Some(other) => {
                let problem = format!("letters were folded as in Unicode {other}");
                return Err(StoreError::Corrupt(problem));
            }
        }
        let rooms = known(&connection)?;
        Ok(Self {
            connection,
            rooms,
            erased: true,
        })
    }

    /// Opens the index, or makes it anew where it cannot be used.
    pub(super) fn open_or_make(directory: &Path) -> Result<Self, StoreError> {
        match Self::open(directory) {
            Err(error @ (StoreError::Corrupt(_) | StoreError::NewerVersion { .. })) => {
                tracing::warn!(%error, "the index of messages cannot be used and is made anew");
                Self::make(directory)
            }
            opened => opened,
        }
    }

    /// Makes it anew. Nobody may have the old one open.
    pub(super) fn make(directory: &Path) -> Result<Self, StoreError> {
        for suffix in ["", "-wal", "-shm"] {
            match std::fs::remove_file(directory.join(format!("{}{suffix}", SCHEMA.name))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Self::open(directory)
    }

    /// Every room that it knows.
    pub(super) fn rooms(&self) -> impl Iterator<Item = (i64, &Known)> {
        self.rooms.iter().map(|(room, known)| (*room, known))
    }

    /// The last event of a room that was looked at; 0: none.
    pub(super) fn sequence(&self, room: i64) -> u64 {
        self.rooms.get(&room).map_or(0, |known| known.sequence)
    }

    /// Indexes events, all or none of them.
    pub(super) fn take(&mut self, batch: &[Next]) -> Result<(), StoreError> {
        let mut changed: HashMap<i64, Known> = HashMap::new();
        let mut erased = self.erased;
        let transaction = self.connection.transaction()?;
        for Next { room, id, line } in batch {
            match &line.what {
                What::Says(text) => add(&transaction, *room, line, text)?,
                What::SaysNow(message, text) => replace(&transaction, *room, *message, text)?,
                What::Erases(message) => erased |= remove(&transaction, *room, *message)?,
                What::Nothing => {}
            }
            let known = Known {
                id: *id,
                sequence: line.sequence,
                hash: line.hash,
            };
            changed.insert(*room, known);
        }
        for (room, known) in &changed {
            let statement = "INSERT INTO rooms (room, id, sequence, hash) VALUES (?1, ?2, ?3, ?4)
                             ON CONFLICT (room) DO UPDATE SET sequence = ?3, hash = ?4";
            transaction.prepare_cached(statement)?.execute((
                room,
                known.id.as_bytes(),
                integer(known.sequence),
                known.hash,
            ))?;
        }
        transaction.commit()?;
        self.rooms.extend(changed);
        self.erased = erased;
        if erased {
            // The log beside the database still has what was there before; where somebody reads it, it goes next time.
            self.erased = self
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        }
        Ok(())
    }
}

fn known(connection: &Connection) -> Result<HashMap<i64, Known>, StoreError> {
    let mut statement = connection.prepare("SELECT room, id, sequence, hash FROM rooms")?;
    let rooms = statement.query_map([], |row| {
        let known = Known {
            id: RoomId::from_bytes(row.get(1)?),
            sequence: number(row.get(2)?)?,
            hash: row.get(3)?,
        };
        Ok((row.get(0)?, known))
    })?;
    Ok(rooms.collect::<Result<_, _>>()?)
}

fn add(transaction: &Transaction<'_>, room: i64, line: &Line, text: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO messages (room, sequence, time, sender, text) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((room, integer(line.sequence), line.time, line.sender, text))?;
    let message = transaction.last_insert_rowid();
    transaction
        .prepare_cached(
            "INSERT INTO spans (span, least, greatest) VALUES (?1, ?2, ?2)
             ON CONFLICT (span) DO UPDATE SET least = min(least, ?2), greatest = max(greatest, ?2)",
        )?
        .execute((message / SPAN, line.time))?;
    let words = grams::words(text, room, &AccountId::from_bytes(line.sender));
    insert_words(transaction, message, &words)
}

/// Nothing where the message is not there: it was deleted since.
fn replace(transaction: &Transaction<'_>, room: i64, sequence: u64, text: &str) -> Result<(), StoreError> {
    let Some(old) = find(transaction, room, sequence)? else {
        return Ok(());
    };
    if old.text == text {
        return Ok(());
    }
    delete_words(transaction, room, &old)?;
    transaction
        .prepare_cached("UPDATE messages SET text = ?2 WHERE message = ?1")?
        .execute((old.message, text))?;
    insert_words(transaction, old.message, &grams::words(text, room, &old.sender))
}

/// True where there was something to remove.
fn remove(transaction: &Transaction<'_>, room: i64, sequence: u64) -> Result<bool, StoreError> {
    let Some(old) = find(transaction, room, sequence)? else {
        return Ok(false);
    };
    delete_words(transaction, room, &old)?;
    transaction
        .prepare_cached("DELETE FROM messages WHERE message = ?1")?
        .execute([old.message])?;
    Ok(true)
}

/// A message as it is indexed.
struct Old {
    message: i64,
    sender: AccountId,
    text: String,
}

fn find(transaction: &Transaction<'_>, room: i64, sequence: u64) -> Result<Option<Old>, StoreError> {
    let statement = "SELECT message, sender, text FROM messages WHERE room = ?1 AND sequence = ?2";
    let mut statement = transaction.prepare_cached(statement)?;
    let old = statement.query_row((room, integer(sequence)), |row| {
        Ok(Old {
            message: row.get(0)?,
            sender: AccountId::from_bytes(row.get(1)?),
            text: row.get(2)?,
        })
    });
    Ok(old.optional()?)
}

fn insert_words(transaction: &Transaction<'_>, message: i64, words: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT INTO grams (rowid, words) VALUES (?1, ?2)")?
        .execute((message, words))?;
    Ok(())
}

/// The index keeps no text, so it has to be told what it indexed.
fn delete_words(transaction: &Transaction<'_>, room: i64, old: &Old) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT INTO grams (grams, rowid, words) VALUES ('delete', ?1, ?2)")?
        .execute((old.message, grams::words(&old.text, room, &old.sender)))?;
    Ok(())
}

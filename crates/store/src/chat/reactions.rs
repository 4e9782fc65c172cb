//! Who reacted how to a message.

use super::REACTIONS_PER_MESSAGE_MAX;
use crate::error::StoreError;
use crate::{integer, number};
use landline_model::id::AccountId;
use landline_model::protocol::chat::Reactions;
use rusqlite::Connection;

/// A message: its room's key, and its place there.
pub(super) type Message = (i64, u64);

/// Adds a reaction, or changes nothing.
///
/// # Errors
/// [`StoreError::NoChange`] where it is there, [`StoreError::TooMany`].
pub(super) fn add(
    transaction: &Connection,
    (room, message): Message,
    account: &AccountId,
    reaction: &str,
) -> Result<(), StoreError> {
    let message = integer(message);
    let counted = transaction
        .prepare_cached("SELECT 1 FROM reaction_counts WHERE room = ?1 AND message = ?2 AND reaction = ?3")?
        .exists((room, message, reaction))?;
    let kinds: u32 = transaction
        .prepare_cached("SELECT count(*) FROM reaction_counts WHERE room = ?1 AND message = ?2")?
        .query_row((room, message), |row| row.get(0))?;
    if !counted && kinds as usize >= REACTIONS_PER_MESSAGE_MAX {
        return Err(StoreError::TooMany {
            what: "different reactions to one message",
            max: REACTIONS_PER_MESSAGE_MAX,
        });
    }
    let added = transaction
        .prepare_cached(
            "INSERT INTO reactions (room, message, account, reaction) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute((room, message, account.as_bytes(), reaction))?;
    if added == 0 {
        return Err(StoreError::NoChange);
    }
    transaction
        .prepare_cached(
            "INSERT INTO reaction_counts (room, message, reaction, count) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (room, message, reaction) DO UPDATE SET count = count + 1",
        )?
        .execute((room, message, reaction))?;
    Ok(())
}

/// Takes a reaction back.
///
/// # Errors
/// [`StoreError::NoChange`] where it is not there.
pub(super) fn remove(
    transaction: &Connection,
    (room, message): Message,
    account: &AccountId,
    reaction: &str,
) -> Result<(), StoreError> {
    let message = integer(message);
    let removed = transaction
        .prepare_cached(
            "DELETE FROM reactions WHERE room = ?1 AND message = ?2 AND account = ?3 AND reaction = ?4",
        )?
        .execute((room, message, account.as_bytes(), reaction))?;
    if removed == 0 {
        return Err(StoreError::NoChange);
    }
    let others = transaction
        .prepare_cached(
            "UPDATE reaction_counts SET count = count - 1
             WHERE room = ?1 AND message = ?2 AND reaction = ?3 AND count > 1",
        )?
        .execute((room, message, reaction))?;
    if others == 0 {
        transaction
            .prepare_cached("DELETE FROM reaction_counts WHERE room = ?1 AND message = ?2 AND reaction = ?3")?
            .execute((room, message, reaction))?;
    }
    Ok(())
}

/// Forgets all reactions to a message: as many rows as there were reactions, once.
pub(super) fn forget(transaction: &Connection, (room, message): Message) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM reactions WHERE room = ?1 AND message = ?2",
        "DELETE FROM reaction_counts WHERE room = ?1 AND message = ?2",
    ] {
        transaction
            .prepare_cached(statement)?
            .execute((room, integer(message)))?;
    }
    Ok(())
}

/// All reactions to a message, as `reader` sees them: the most frequent first.
pub(super) fn all(
    connection: &Connection,
    (room, message): Message,
    reader: &AccountId,
) -> Result<Vec<Reactions>, StoreError> {
    let message = integer(message);
    let mut statement = connection.prepare_cached(
        "SELECT reaction, count,
                EXISTS (SELECT 1 FROM reactions AS mine
                        WHERE mine.room = ?1 AND mine.message = ?2 AND mine.account = ?3
                              AND mine.reaction = reaction_counts.reaction)
         FROM reaction_counts WHERE room = ?1 AND message = ?2 ORDER BY count DESC, reaction",
    )?;
    let rows = statement.query_map((room, message, reader.as_bytes()), |row| {
        Ok(Reactions {
            reaction: row.get(0)?,
            count: u32::try_from(number(row.get(1)?)?).unwrap_or(u32::MAX),
            mine: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

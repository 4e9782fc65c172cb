//! A message that others act on: finding, erasing, folding it.

use super::reactions;
use crate::error::StoreError;
use crate::{integer, number};
use landline_model::id::AccountId;
use landline_model::protocol::chat::Reactions;
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::HashMap;

/// What became of a message since it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// The last edit, and the text that it gave the message.
    pub edit: Option<(u64, String)>,
    /// Who reacted how: the most frequent first.
    pub reactions: Vec<Reactions>,
}

/// Who said it; none: there is no such message, or it was deleted.
pub(super) fn author(
    transaction: &Connection,
    room: i64,
    message: u64,
) -> Result<Option<AccountId>, StoreError> {
    let author = transaction
        .prepare_cached(
            "SELECT sender FROM events
             WHERE room = ?1 AND sequence = ?2 AND kind = 'message' AND body IS NOT NULL",
        )?
        .query_row((room, integer(message)), |row| {
            row.get(0).map(AccountId::from_bytes)
        });
    Ok(author.optional()?)
}

/// Takes the texts of a message and of all its edits away, and the reactions.
pub(super) fn erase(transaction: &Connection, room: i64, message: u64) -> Result<(), StoreError> {
    for statement in [
        "UPDATE events SET salt = NULL, body = NULL WHERE room = ?1 AND sequence = ?2",
        "UPDATE events INDEXED BY events_edits SET salt = NULL, body = NULL
         WHERE room = ?1 AND target = ?2 AND kind = 'edit'",
    ] {
        transaction
            .prepare_cached(statement)?
            .execute((room, integer(message)))?;
    }
    reactions::forget(transaction, (room, message))
}

/// What became of each of `messages`; those of which nothing became are left out.
pub(super) fn folds(
    connection: &Connection,
    room: i64,
    reader: &AccountId,
    messages: &[u64],
) -> Result<HashMap<u64, Fold>, StoreError> {
    // All of them as of one moment.
    let transaction = connection.unchecked_transaction()?;
    let mut folds = HashMap::new();
    for message in messages {
        if let Some(fold) = fold(&transaction, room, reader, *message)? {
            folds.insert(*message, fold);
        }
    }
    Ok(folds)
}

/// What became of one message; none: nothing.
pub(super) fn fold(
    connection: &Connection,
    room: i64,
    reader: &AccountId,
    message: u64,
) -> Result<Option<Fold>, StoreError> {
    let fold = Fold {
        edit: last_edit(connection, room, message)?,
        reactions: reactions::all(connection, (room, message), reader)?,
    };
    Ok((fold != Fold::default()).then_some(fold))
}

fn last_edit(connection: &Connection, room: i64, message: u64) -> Result<Option<(u64, String)>, StoreError> {
    let edit = connection
        .prepare_cached(
            // Left to itself SQLite walks the room from its end.
            "SELECT sequence, body FROM events INDEXED BY events_edits
             WHERE room = ?1 AND target = ?2 AND kind = 'edit' ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row((room, integer(message)), |row| {
            Ok((number(row.get(0)?)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    Ok(edit.and_then(|(sequence, text)| Some((sequence, text?))))
}

//! Events as rows.

use crate::error::StoreError;
use crate::{integer, number};
use landline_model::event::{Content, Event, EventKind, Salt};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};

/// A room in the database and outside.
pub(super) type Keys = (i64, RoomId);

pub(super) fn insert(transaction: &Connection, room: i64, event: &Event) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO events (room, sequence, time, sender, client_id, kind, target, salt, body, content_hash, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            room,
            integer(event.sequence),
            integer(event.time.0),
            event.sender.as_bytes(),
            event.client_id.as_bytes(),
            event.kind.as_str(),
            event.target.map(integer),
            event.content.as_ref().map(|content| content.salt.as_bytes()),
            event.content.as_ref().map(|content| &content.body),
            event.content_hash.as_bytes(),
            event.hash.as_bytes(),
        ))?;
    Ok(())
}

/// The first events behind `since`.
pub(super) fn first(
    connection: &Connection,
    keys: Keys,
    since: u64,
    limit: usize,
    byte_limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let statement = "SELECT sequence, time, sender, client_id, kind, target, salt, body, content_hash, hash
                     FROM events WHERE room = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    select(connection, statement, keys, since, limit, byte_limit)
}

/// The last events behind `since`, oldest first.
pub(super) fn last(
    connection: &Connection,
    keys: Keys,
    since: u64,
    limit: usize,
    byte_limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let statement = "SELECT sequence, time, sender, client_id, kind, target, salt, body, content_hash, hash
                     FROM events WHERE room = ?1 AND sequence > ?2 ORDER BY sequence DESC LIMIT ?3";
    let mut events = select(connection, statement, keys, since, limit, byte_limit)?;
    events.reverse();
    Ok(events)
}

/// A message with its text; none: it is deleted, or there is no such message.
pub(super) fn message(
    connection: &Connection,
    (key, room): Keys,
    sequence: u64,
) -> Result<Option<Event>, StoreError> {
    let statement = "SELECT sequence, time, sender, client_id, kind, target, salt, body, content_hash, hash
                     FROM events WHERE room = ?1 AND sequence = ?2 AND kind = 'message' AND body IS NOT NULL";
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query((key, integer(sequence)))?;
    let event = rows.next()?.map(|row| from_row(row, room));
    Ok(event.transpose()?)
}

fn select(
    connection: &Connection,
    statement: &str,
    (key, room): Keys,
    since: u64,
    limit: usize,
    byte_limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query((key, integer(since), limit))?;
    let mut events: Vec<Event> = Vec::new();
    let mut bytes = 0_usize;
    while let Some(row) = rows.next()? {
        let event = from_row(row, room)?;
        bytes = bytes.saturating_add(event.content.as_ref().map_or(0, |content| content.body.len()));
        if bytes > byte_limit && !events.is_empty() {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

fn from_row(row: &Row<'_>, room: RoomId) -> rusqlite::Result<Event> {
    let kind: String = row.get(4)?;
    let content = match (row.get::<_, Option<[u8; 16]>>(6)?, row.get(7)?) {
        (Some(salt), Some(body)) => Some(Content {
            salt: Salt::from_bytes(salt),
            body,
        }),
        (None, None) => None,
        _ => {
            return Err(rusqlite::Error::InvalidColumnType(
                7,
                "one of salt and body is missing".into(),
                Type::Null,
            ));
        }
    };
    Ok(Event {
        room,
        sequence: number(row.get(0)?)?,
        time: Timestamp(number(row.get(1)?)?),
        sender: AccountId::from_bytes(row.get(2)?),
        client_id: ClientId::from_bytes(row.get(3)?),
        kind: EventKind::try_from(kind)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error)))?,
        target: row.get::<_, Option<i64>>(5)?.map(number).transpose()?,
        content,
        content_hash: Hash::from_bytes(row.get(8)?),
        hash: Hash::from_bytes(row.get(9)?),
    })
}

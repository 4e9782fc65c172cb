//! Rooms as rows, and reading them all when the hub starts.

use super::members::{self, Known};
use super::room::{Head, People, Room, Rooms};
use super::seal::Committed;
use crate::error::StoreError;
use crate::number;
use landline_model::chain::genesis_hash;
use landline_model::event::{Genesis, RoomKind};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::RoomName;
use landline_model::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use std::collections::HashMap;
use std::sync::Arc;

/// What [`room`] reads.
pub(super) const ROOM_COLUMNS: &str =
    "room, id, created, creator, kind, original_name, peer, genesis_hash, name,
                                       head_sequence, head_hash, head_time, topic, slow_seconds";

/// All rooms.
///
/// # Errors
/// [`StoreError::Corrupt`] where a room's record and its log disagree: an event that is acknowledged upon a damaged
/// log could not be proved later.
pub(super) fn rooms(connection: &Connection) -> Result<Rooms, StoreError> {
    all(connection).map_err(|error| match error {
        StoreError::Corrupt(problem) => StoreError::Corrupt(format!(
            "{problem}; `landline audit --data DIR`, with the hub's data directory, walks every room without the hub \
             and says which of them are intact"
        )),
        error => error,
    })
}

fn all(connection: &Connection) -> Result<Rooms, StoreError> {
    let mut statement =
        connection.prepare(&format!("SELECT {ROOM_COLUMNS} FROM rooms WHERE importing = 0"))?;
    let mut rows = statement.query([])?;
    let mut people = people(connection)?;
    let mut rooms = Rooms::default();
    while let Some(row) = rows.next()? {
        let (mut room, genesis) = room(row)?;
        if genesis_hash(&room.genesis) != genesis {
            return Err(damaged(&room, "its beginning was changed"));
        }
        if last(connection, room.key)?.unwrap_or_else(|| beginning(&room, genesis)) != room.head {
            return Err(damaged(
                &room,
                "its last event is not the one that was acknowledged last",
            ));
        }
        let known = people.remove(&room.key).unwrap_or_default();
        for (_, known) in &known {
            room.people.add(*known);
        }
        let id = room.genesis.room;
        rooms.insert(Arc::new(Committed::alone(room)));
        for (account, known) in known {
            rooms.stand(id, account, known);
        }
    }
    Ok(rooms)
}

/// Whom each room knows.
fn people(connection: &Connection) -> Result<HashMap<i64, Vec<(AccountId, Known)>>, StoreError> {
    let mut people: HashMap<i64, Vec<_>> = HashMap::new();
    members::read_all(connection, |room, account, known| {
        people.entry(room).or_default().push((account, known));
    })?;
    Ok(people)
}

/// The head of a room without events.
pub(super) fn beginning(room: &Room, genesis: Hash) -> Head {
    Head {
        sequence: 0,
        hash: genesis,
        time: room.genesis.created,
    }
}

/// What a room's log says of its head.
pub(super) fn last(connection: &Connection, room: i64) -> Result<Option<Head>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, hash, time FROM events WHERE room = ?1 ORDER BY sequence DESC LIMIT 1",
    )?;
    let mut rows = statement.query([room])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let time = Timestamp(number(row.get(2)?)?);
    Ok(Some(Head {
        sequence: number(row.get(0)?)?,
        hash: Hash::from_bytes(row.get(1)?),
        time,
    }))
}

/// A room and the genesis hash that stands beside it.
pub(super) fn room(row: &Row<'_>) -> rusqlite::Result<(Room, Hash)> {
    let name = row
        .get::<_, Option<String>>(8)?
        .map(|name| name.parse::<RoomName>())
        .transpose();
    let name =
        name.map_err(|error| rusqlite::Error::FromSqlConversionFailure(8, Type::Text, Box::new(error)))?;
    let genesis = Genesis {
        room: RoomId::from_bytes(row.get(1)?),
        created: Timestamp(number(row.get(2)?)?),
        creator: AccountId::from_bytes(row.get(3)?),
        kind: kind(row.get(4)?)?,
        name: row.get(5)?,
        peer: row.get::<_, Option<[u8; 16]>>(6)?.map(AccountId::from_bytes),
    };
    let head = Head {
        sequence: number(row.get(9)?)?,
        hash: Hash::from_bytes(row.get(10)?),
        time: Timestamp(number(row.get(11)?)?),
    };
    let room = Room {
        key: row.get(0)?,
        genesis: Arc::new(genesis),
        name: name.map(Arc::new),
        head,
        topic: Arc::from(row.get::<_, String>(12)?),
        slow_seconds: row.get(13)?,
        people: People::default(),
    };
    Ok((room, Hash::from_bytes(row.get(7)?)))
}

fn kind(name: String) -> rusqlite::Result<RoomKind> {
    RoomKind::try_from(name)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error)))
}

fn damaged(room: &Room, how: &str) -> StoreError {
    StoreError::Corrupt(format!("room {}: {how}", room.genesis.room))
}

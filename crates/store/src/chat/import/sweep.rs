use super::{IMPORT_IDLE_MAX, Imports};
use crate::chat::state::State;
use crate::error::StoreError;
use crate::writer::Job;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use std::sync::atomic::Ordering;

/// How many events of a dropped import go at a time.
const CHUNK: i64 = 1_000;

/// What belongs to a room, in the order in which it can go.
const PARTS: [&str; 3] = [
    "DELETE FROM reactions WHERE room = ?1 AND message <= ?2",
    "DELETE FROM reaction_counts WHERE room = ?1 AND message <= ?2",
    "DELETE FROM events WHERE room = ?1 AND sequence <= ?2",
];

/// Drops imports that have rested for too long.
pub(in crate::chat) struct Sweeping;

impl Job<State> for Sweeping {
    fn apply(&mut self, transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
        let now = state.now();
        state.imports.drop_idle(now);
        let Some(room) = state.imports.dropped.last().copied() else {
            return Ok(());
        };
        state.shared().erased.store(true, Ordering::Release);
        // It is forgotten only when it is gone, so that a commit that fails leaves nothing behind.
        if !drop_some(transaction, room)? {
            state.imports.dropped.retain(|dropped| *dropped != room);
        }
        Ok(())
    }

    fn complete(self: Box<Self>, _result: Result<(), StoreError>, _state: &mut State) {}
}

impl Imports {
    fn drop_idle(&mut self, now: Timestamp) {
        let Self {
            committed,
            pending,
            dropped,
            ..
        } = self;
        committed.retain(|id, import| {
            let idle = now >= import.touched.plus(IMPORT_IDLE_MAX) && !pending.contains_key(id);
            if idle {
                dropped.push(import.room.key);
            }
            !idle
        });
    }
}

/// Takes some rows of a room away; false: there was none.
fn drop_some(transaction: &Connection, room: i64) -> Result<bool, StoreError> {
    let first: Option<i64> = transaction
        .prepare_cached("SELECT sequence FROM events WHERE room = ?1 ORDER BY sequence LIMIT 1")?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let Some(first) = first else {
        let rooms = transaction
            .prepare_cached("DELETE FROM rooms WHERE room = ?1 AND importing = 1")?
            .execute([room])?;
        return Ok(rooms > 0);
    };
    for part in PARTS {
        transaction
            .prepare_cached(part)?
            .execute((room, first.saturating_add(CHUNK)))?;
    }
    Ok(true)
}

/// Drops what the hub's last run has not finished.
pub(in crate::chat) fn drop_all(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let rooms: Vec<i64> = transaction
        .prepare("SELECT room FROM rooms WHERE importing = 1")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for room in rooms {
        for part in PARTS {
            transaction.execute(part, (room, i64::MAX))?;
        }
        transaction.execute("DELETE FROM rooms WHERE room = ?1", [room])?;
    }
    transaction.commit()?;
    Ok(())
}

//! Proving that nothing acknowledged was lost or changed.

use super::event;
use super::load::{self, ROOM_COLUMNS};
use super::room::{Head, Room};
use super::schema::SCHEMA;
use crate::database;
use crate::error::StoreError;
use landline_model::chain::{Broken, Walk, genesis_hash};
use landline_model::event::Genesis;
use landline_model::hash::Hash;
use landline_model::id::RoomId;
use rusqlite::Connection;
use std::path::Path;

/// How many events are in memory at a time.
const PAGE: usize = 256;

/// How many bytes of bodies are in memory at a time.
const PAGE_BYTES: usize = 1024 * 1024;

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Each room that has a record.
    pub rooms: Vec<RoomAudit>,
    /// How many rooms have events but no record: somebody removed it.
    pub strays: u64,
}

/// What an audit found in one room.
#[derive(Clone, Debug)]
pub struct RoomAudit {
    /// The room; `None` where not even its record can be read.
    pub genesis: Option<Genesis>,
    /// The number of its last event and the head after it, where all are what was acknowledged; else what is not.
    pub verdict: Result<(u64, Hash), AuditFault>,
}

/// The first thing in a room that is not what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFault {
    /// An event is not the next one.
    #[error("{0}")]
    Event(Broken),
    /// The room's record was changed.
    #[error("what the room began with was changed")]
    Genesis,
    /// The log ends elsewhere than the room's record says.
    #[error("event {recorded} was the last one by the room's record, but the log ends with event {found}")]
    End {
        /// By the record.
        recorded: u64,
        /// By the log.
        found: u64,
    },
    /// The last event is not the one that the room's record knows.
    #[error("the last event, {0}, or the room's record of it was changed")]
    Head(u64),
    /// Something does not have the shape in which it was written.
    #[error("what comes after event {after} cannot be read: {problem}")]
    Unreadable {
        /// The last event that could be read; 0 where not even the first.
        after: u64,
        /// Why.
        problem: String,
    },
}

impl Audit {
    /// Whether every room is what was acknowledged.
    #[must_use]
    pub fn intact(&self) -> bool {
        self.strays == 0 && self.rooms.iter().all(|room| room.verdict.is_ok())
    }
}

/// Walks every room of `chat.db` in `directory`, from its first event to its last. Reads only, and may run beside the
/// hub: each room is compared with itself as of one moment. Blocks for the disk.
///
/// # Errors
/// [`StoreError::NotFound`] where there is no database; [`StoreError::Corrupt`] where not even the list of rooms can
/// be read; those of the disk.
pub fn audit(directory: &Path) -> Result<Audit, StoreError> {
    let connection = database::open_read_only(directory, &SCHEMA)?;
    let keys: Vec<i64> = connection
        .prepare("SELECT room FROM rooms WHERE importing = 0 ORDER BY room")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let rooms = keys
        .iter()
        .map(|key| room_audit(&connection, *key))
        .collect::<Result<_, _>>()?;
    Ok(Audit {
        rooms,
        strays: strays(&connection)?,
    })
}

fn room_audit(connection: &Connection, key: i64) -> Result<RoomAudit, StoreError> {
    // One moment's record and log: the hub may go on writing.
    let transaction = connection.unchecked_transaction()?;
    let statement = format!("SELECT {ROOM_COLUMNS} FROM rooms WHERE room = ?1");
    let found = transaction
        .prepare_cached(&statement)?
        .query_row([key], load::room)
        .map_err(StoreError::from)
        .and_then(|(room, genesis)| {
            let last = load::last(&transaction, key)?.unwrap_or_else(|| load::beginning(&room, genesis));
            Ok((room, genesis, last))
        });
    drop(transaction);
    match found {
        Ok((room, genesis, last)) => {
            let verdict = verdict(connection, &room, genesis, last)?;
            Ok(RoomAudit {
                genesis: Some(Genesis::clone(&room.genesis)),
                verdict,
            })
        }
        Err(StoreError::Corrupt(problem)) => Ok(RoomAudit {
            genesis: None,
            verdict: Err(AuditFault::Unreadable { after: 0, problem }),
        }),
        Err(error) => Err(error),
    }
}

/// The outer error is that of the disk, the inner one that of the room.
fn verdict(
    connection: &Connection,
    room: &Room,
    genesis: Hash,
    last: Head,
) -> Result<Result<(u64, Hash), AuditFault>, StoreError> {
    if genesis_hash(&room.genesis) != genesis {
        return Ok(Err(AuditFault::Genesis));
    }
    let mut walk = Walk::new(&room.genesis);
    if let Err(fault) = walk_to(connection, room.key, room.genesis.room, last.sequence, &mut walk)? {
        return Ok(Err(fault));
    }
    let recorded = room.head.sequence;
    if last.sequence != recorded {
        return Ok(Err(AuditFault::End {
            recorded,
            found: last.sequence,
        }));
    }
    if last != room.head || walk.head() != room.head.hash {
        return Ok(Err(AuditFault::Head(recorded)));
    }
    let erasures = erasures(connection, room, &mut walk)?;
    Ok(erasures.map(|()| (recorded, room.head.hash)))
}

/// Whether every text that is gone was deleted. What was deleted while the room was walked has its deletion behind what
/// was the room's end then: the walk goes on until it has them.
fn erasures(
    connection: &Connection,
    room: &Room,
    walk: &mut Walk,
) -> Result<Result<(), AuditFault>, StoreError> {
    while let Err(broken) = walk.finish() {
        let end = load::last(connection, room.key)?.map_or(0, |last| last.sequence);
        if end <= walk.sequence() {
            return Ok(Err(AuditFault::Event(broken)));
        }
        if let Err(fault) = walk_to(connection, room.key, room.genesis.room, end, walk)? {
            return Ok(Err(fault));
        }
    }
    Ok(Ok(()))
}

fn walk_to(
    connection: &Connection,
    key: i64,
    room: RoomId,
    last: u64,
    walk: &mut Walk,
) -> Result<Result<(), AuditFault>, StoreError> {
    let mut page = PAGE;
    while walk.sequence() < last {
        // Page by page: a reader that stays keeps the hub from cutting its write-ahead log.
        let events = match event::first(connection, (key, room), walk.sequence(), page, PAGE_BYTES) {
            Ok(events) => events,
            // One by one, to say which of them it is.
            Err(StoreError::Corrupt(_)) if page > 1 => {
                page = 1;
                continue;
            }
            Err(StoreError::Corrupt(problem)) => {
                return Ok(Err(AuditFault::Unreadable {
                    after: walk.sequence(),
                    problem,
                }));
            }
            Err(error) => return Err(error),
        };
        if events.is_empty() {
            return Ok(Err(AuditFault::End {
                recorded: last,
                found: walk.sequence(),
            }));
        }
        for event in events.iter().take_while(|event| event.sequence <= last) {
            if let Err(broken) = walk.next(event) {
                return Ok(Err(AuditFault::Event(broken)));
            }
        }
    }
    Ok(Ok(()))
}

/// Counts the rooms of which there are events but no record, a step per room instead of one per event.
fn strays(connection: &Connection) -> Result<u64, StoreError> {
    let mut next = connection.prepare("SELECT min(room) FROM events WHERE room > ?1")?;
    let mut known = connection.prepare("SELECT 1 FROM rooms WHERE room = ?1")?;
    let mut room: Option<i64> = next.query_row([i64::MIN], |row| row.get(0))?;
    let mut strays = 0;
    while let Some(key) = room {
        strays += u64::from(!known.exists([key])?);
        room = next.query_row([key], |row| row.get(0))?;
    }
    Ok(strays)
}

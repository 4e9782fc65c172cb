//! `chat.db` as the indexer reads it: a few events at a time, so that its log is never held back for long.

use crate::chat::schema::SCHEMA;
use crate::error::StoreError;
use crate::{database, integer, number};
use landline_model::event::EventKind;
use landline_model::id::RoomId;
use rusqlite::{Connection, OptionalExtension as _, Row};
use std::path::Path;

/// The most bytes of texts that are read at once.
const BYTES_MAX: usize = 1024 * 1024;

/// The log, read only.
pub(super) struct Source(Connection);

/// A room of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Stands for it in the database.
    pub(super) key: i64,
    pub(super) id: RoomId,
    /// Its last event.
    pub(super) head: u64,
}

/// An event, as far as it matters here.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) sequence: u64,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) sender: [u8; 16],
    pub(super) what: What,
    pub(super) hash: [u8; 32],
}

/// What an event means for the index.
#[derive(Debug)]
pub(super) enum What {
    /// A message says this.
    Says(String),
    /// That message says this from now on.
    SaysNow(u64, String),
    /// That message is no more.
    Erases(u64),
    /// Nothing.
    Nothing,
}

impl Source {
    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        database::open_read_only(directory, &SCHEMA)
            .map(Self)
            .map_err(of_the_log)
    }

    /// All rooms that people can see.
    pub(super) fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        let rooms = || -> rusqlite::Result<_> {
            let mut statement = self.0.prepare_cached(ROOMS)?;
            statement.query_map([], room)?.collect()
        };
        rooms().map_err(sql_of_the_log)
    }

    /// One of them.
    pub(super) fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        let found = self
            .0
            .prepare_cached(ROOM)
            .and_then(|mut statement| statement.query_row([id.as_bytes()], room).optional());
        found.map_err(sql_of_the_log)
    }

    /// The hash of an event.
    pub(super) fn hash(&self, room: i64, sequence: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let statement = "SELECT hash FROM events WHERE room = ?1 AND sequence = ?2";
        let hash = self.0.prepare_cached(statement).and_then(|mut statement| {
            let key = (room, integer(sequence));
            statement.query_row(key, |row| row.get(0)).optional()
        });
        hash.map_err(sql_of_the_log)
    }

    /// The first events behind `since`, up to and with `until`.
    pub(super) fn lines(
        &self,
        room: i64,
        since: u64,
        until: u64,
        limit: usize,
    ) -> Result<Vec<Line>, StoreError> {
        self.read_lines(room, since, until, limit).map_err(sql_of_the_log)
    }

    fn read_lines(&self, room: i64, since: u64, until: u64, limit: usize) -> rusqlite::Result<Vec<Line>> {
        let mut statement = self.0.prepare_cached(
            "SELECT sequence, time, sender, kind, target, body, hash FROM events
             WHERE room = ?1 AND sequence > ?2 AND sequence <= ?3 ORDER BY sequence LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((room, integer(since), integer(until), limit))?;
        let (mut lines, mut bytes) = (Vec::new(), 0_usize);
        while let Some(row) = rows.next()? {
            let line = line(row)?;
            bytes = bytes.saturating_add(line.bytes());
            lines.push(line);
            if bytes > BYTES_MAX {
                break;
            }
        }
        Ok(lines)
    }
}

impl Line {
    /// The length of its text.
    pub(super) fn bytes(&self) -> usize {
        match &self.what {
            What::Says(text) | What::SaysNow(_, text) => text.len(),
            What::Erases(_) | What::Nothing => 0,
        }
    }
}

/// A log that is damaged is not mended by a new index: that is only for an index that is.
fn of_the_log(error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(problem) => StoreError::Io(format!("chat.db cannot be read: {problem}")),
        error => error,
    }
}

fn sql_of_the_log(error: rusqlite::Error) -> StoreError {
    of_the_log(error.into())
}

/// A room that is being brought here from another hub is not one yet.
const ROOMS: &str = "SELECT room, id, head_sequence FROM rooms WHERE importing = 0";
const ROOM: &str = "SELECT room, id, head_sequence FROM rooms WHERE importing = 0 AND id = ?1";

fn room(row: &Row<'_>) -> rusqlite::Result<Room> {
    Ok(Room {
        key: row.get(0)?,
        id: RoomId::from_bytes(row.get(1)?),
        head: number(row.get(2)?)?,
    })
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    let kind = row.get_ref(3)?.as_str()?;
    let target = row.get::<_, Option<i64>>(4)?.map(number).transpose()?;
    // A body that was erased since is not there to be indexed.
    let body = row.get_ref(5)?.as_str_or_null()?;
    let what = match (target, body) {
        (_, Some(body)) if kind == EventKind::MESSAGE.as_str() => What::Says(body.to_owned()),
        (Some(target), Some(body)) if kind == EventKind::EDIT.as_str() => {
            What::SaysNow(target, body.to_owned())
        }
        (Some(target), _) if kind == EventKind::DELETE.as_str() => What::Erases(target),
        _ => What::Nothing,
    };
    Ok(Line {
        sequence: number(row.get(0)?)?,
        time: row.get(1)?,
        sender: row.get(2)?,
        what,
        hash: row.get(6)?,
    })
}

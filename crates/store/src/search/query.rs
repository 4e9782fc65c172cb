//! Looking into the index.

use super::{SPAN, grams};
use crate::error::StoreError;
use crate::{integer, number};
use landline_model::id::{AccountId, RoomId};
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use std::collections::HashMap;

/// The most messages that are looked at for one page.
pub const LOOKED_AT_MAX: usize = 10_000;

/// And about the most bytes of their texts.
const LOOKED_AT_BYTES: usize = 8 * 1024 * 1024;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The text that a message has in it, whatever the case. Empty: every message.
    pub text: String,
    /// Only in this room.
    pub room: Option<RoomId>,
    /// Only by this account.
    pub from: Option<AccountId>,
    /// Only what was said then or later.
    pub since: Option<Timestamp>,
    /// Only what was said before then.
    pub before: Option<Timestamp>,
    /// [`Page::next`] of the page before.
    pub next: Option<u64>,
    /// How many at most.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Messages, those first that were indexed last. There may be fewer than the limit, or none, and more behind them
    /// all the same.
    pub hits: Vec<Hit>,
    /// Where the next page begins; none: there is nothing more.
    pub next: Option<u64>,
    /// How many events wait to be indexed.
    pub behind: u64,
}

/// A message that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The room.
    pub room: RoomId,
    /// The message's place in it.
    pub sequence: u64,
    /// Its place in the index: where [`Query::next`] is this, the search goes on behind it.
    pub place: u64,
}

/// A page of what the index has; `behind` is the caller's business.
pub(super) fn run(
    connection: &Connection,
    query: &Query,
    readable: &mut dyn FnMut(&RoomId) -> bool,
) -> Result<Page, StoreError> {
    let mut page = Page {
        hits: Vec::new(),
        next: None,
        behind: 0,
    };
    let room = match &query.room {
        None => None,
        Some(id) => match room(connection, id)? {
            None => return Ok(page),
            room => room,
        },
    };
    let Some((first, end)) = bounds(connection, query)? else {
        return Ok(page);
    };
    let folded = grams::fold(&query.text);
    let expression = grams::expression(&folded, room, query.from.as_ref());
    let mut statement = connection.prepare_cached(if expression.is_some() { WITH_WORDS } else { ALL })?;
    let (mut parameters, expression): (Vec<&dyn ToSql>, _) = (vec![&first, &end], expression);
    if let Some(expression) = &expression {
        parameters.push(expression);
    }
    let mut rows = statement.query(&*parameters)?;
    let mut sieve = Sieve {
        connection,
        query,
        folded: &folded,
        readable,
        rooms: HashMap::new(),
        bytes: 0,
    };
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        let message: i64 = row.get(0)?;
        page.hits.extend(sieve.hit(row)?);
        looked_at += 1;
        let tired = looked_at >= LOOKED_AT_MAX || sieve.bytes >= LOOKED_AT_BYTES;
        if tired || page.hits.len() >= query.limit.max(1) {
            page.next = Some(number(message)?);
            break;
        }
    }
    Ok(page)
}

/// The index gives what has the words, the newest first, one by one.
const WITH_WORDS: &str = "SELECT messages.message, room, sequence, time, sender, text
    FROM grams CROSS JOIN messages ON messages.message = grams.rowid
    WHERE grams MATCH ?3 AND grams.rowid >= ?1 AND grams.rowid < ?2 ORDER BY grams.rowid DESC";
const ALL: &str = "SELECT message, room, sequence, time, sender, text
    FROM messages WHERE message >= ?1 AND message < ?2 ORDER BY message DESC";

/// What the index cannot tell.
struct Sieve<'a> {
    connection: &'a Connection,
    query: &'a Query,
    folded: &'a str,
    readable: &'a mut dyn FnMut(&RoomId) -> bool,
    /// The rooms that were come upon; `None` for one that may not be read.
    rooms: HashMap<i64, Option<RoomId>>,
    /// How long the texts are that were looked at.
    bytes: usize,
}

impl Sieve<'_> {
    fn hit(&mut self, row: &Row<'_>) -> Result<Option<Hit>, StoreError> {
        let time = Timestamp(number(row.get(3)?)?);
        if self.query.since.is_some_and(|since| time < since)
            || self.query.before.is_some_and(|before| time >= before)
        {
            return Ok(None);
        }
        let Some(room) = self.readable(row.get(1)?)? else {
            return Ok(None);
        };
        let text = row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?;
        self.bytes += text.len();
        if !grams::contains(text, self.folded) {
            return Ok(None);
        }
        let sequence = number(row.get(2)?)?;
        let place = number(row.get(0)?)?;
        Ok(Some(Hit {
            room,
            sequence,
            place,
        }))
    }

    fn readable(&mut self, key: i64) -> Result<Option<RoomId>, StoreError> {
        if let Some(room) = self.rooms.get(&key) {
            return Ok(*room);
        }
        let statement = "SELECT id FROM rooms WHERE room = ?1";
        let id: Option<[u8; 16]> = self
            .connection
            .prepare_cached(statement)?
            .query_row([key], |row| row.get(0))
            .optional()?;
        let room = id.map(RoomId::from_bytes).filter(|room| (self.readable)(room));
        self.rooms.insert(key, room);
        Ok(room)
    }
}

fn room(connection: &Connection, id: &RoomId) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT room FROM rooms WHERE id = ?1")?;
    Ok(statement
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?)
}

/// The numbers of the messages to look at: from the first up to, and without, the second. None: there is none.
fn bounds(connection: &Connection, query: &Query) -> Result<Option<(i64, i64)>, StoreError> {
    let (mut first, mut end) = (0, query.next.map_or(i64::MAX, integer));
    if let Some(since) = query.since {
        let statement = "SELECT min(span) FROM spans WHERE greatest >= ?1";
        match span(connection, statement, since)? {
            Some(span) => first = span.saturating_mul(SPAN),
            None => return Ok(None),
        }
    }
    if let Some(before) = query.before {
        let statement = "SELECT max(span) FROM spans WHERE least < ?1";
        match span(connection, statement, before)? {
            Some(span) => end = end.min(span.saturating_add(1).saturating_mul(SPAN)),
            None => return Ok(None),
        }
    }
    Ok((first < end).then_some((first, end)))
}

fn span(connection: &Connection, statement: &str, time: Timestamp) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(statement)?;
    Ok(statement.query_row([integer(time.0)], |row| row.get(0))?)
}

mod finding;
mod following;

use super::{Bell, Hit, Page, Query, Search};
use crate::chat::schema::SCHEMA as LOG;
use crate::{database, integer, number};
use landline_model::id::{AccountId, RoomId};
use landline_model::time::Timestamp;
use rusqlite::Connection;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const ALICE: AccountId = AccountId::from_bytes([0xa1; 16]);
const BOB: AccountId = AccountId::from_bytes([0xb0; 16]);

/// Only a machine that stands still takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log as the store of messages writes it, without the chain, which the index does not look at.
struct Log {
    directory: TempDir,
    connection: Connection,
    bell: Bell,
    clock: u64,
    sender: AccountId,
}

impl Log {
    /// With rooms 1 and 2 in it.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let connection = database::open(directory.path(), &LOG).unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        let log = Self {
            directory,
            connection,
            bell: Bell::default(),
            clock: 1_000,
            sender: ALICE,
        };
        log.make_room(1);
        log.make_room(2);
        log
    }

    fn make_room(&self, room: u8) {
        self.connection
            .execute(
                "INSERT INTO rooms (room, id, created, creator, kind, original_name, genesis_hash,
                                    head_sequence, head_hash, head_time)
                 VALUES (?1, ?2, 0, ?3, 'public', '', x'00', 0, x'00', 0)",
                (room, id(room).as_bytes(), ALICE.as_bytes()),
            )
            .unwrap();
    }

    /// As a hub opens it: with a bell of its own.
    fn search(&mut self) -> Search {
        self.bell = Bell::default();
        Search::open(self.directory.path(), self.bell.clone()).unwrap()
    }

    /// Leaves an index of everything behind, closed.
    fn index_all(&mut self) {
        assert!(self.search().wait_until_indexed(PATIENCE));
    }

    fn index_file(&self) -> PathBuf {
        self.directory.path().join("search.db")
    }

    /// A message. Returns its number.
    fn say(&mut self, room: u8, text: &str) -> u64 {
        self.append(room, "message", None, Some(text))
    }

    fn edit(&mut self, room: u8, message: u64, text: &str) -> u64 {
        self.append(room, "edit", Some(message), Some(text))
    }

    fn delete(&mut self, room: u8, message: u64) {
        let erase = "UPDATE events SET salt = NULL, body = NULL
                     WHERE room = ?1 AND (sequence = ?2 OR kind = 'edit' AND target = ?2)";
        self.connection.execute(erase, (room, integer(message))).unwrap();
        self.append(room, "delete", Some(message), None);
    }

    fn append(&mut self, room: u8, kind: &str, target: Option<u64>, body: Option<&str>) -> u64 {
        self.clock += 1;
        let head = "UPDATE rooms SET head_sequence = head_sequence + 1, head_time = ?2 WHERE room = ?1
                    RETURNING head_sequence";
        let clock = integer(self.clock);
        let sequence: i64 = self
            .connection
            .query_row(head, (room, clock), |row| row.get(0))
            .unwrap();
        let mut hash = [room; 32];
        hash[..8].copy_from_slice(&self.clock.to_be_bytes());
        let mut client_id = [room; 16];
        client_id[..8].copy_from_slice(&self.clock.to_be_bytes());
        self.connection
            .execute(
                "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, zeroblob(16), ?8, x'00', ?9)",
                (
                    room,
                    sequence,
                    clock,
                    self.sender.as_bytes(),
                    client_id,
                    kind,
                    target.map(integer),
                    body,
                    hash,
                ),
            )
            .unwrap();
        self.bell.ring(id(room));
        number(sequence).unwrap()
    }
}

const fn id(room: u8) -> RoomId {
    RoomId::from_bytes([room; 16])
}

/// A query for a text wherever it may be.
fn text(text: &str) -> Query {
    Query {
        text: text.to_owned(),
        limit: 100,
        ..Query::default()
    }
}

/// What is found where everything may be read: room and number, the newest first.
fn found(search: &Search, query: &Query) -> Vec<(u8, u64)> {
    let page = page(search, query);
    assert_eq!(page.next, None);
    numbers(&page)
}

fn page(search: &Search, query: &Query) -> Page {
    assert!(search.wait_until_indexed(PATIENCE));
    let page = search.query(query, &mut |_| true).unwrap();
    assert_eq!(page.behind, 0);
    page
}

fn numbers(page: &Page) -> Vec<(u8, u64)> {
    let number = |hit: &Hit| (hit.room.as_bytes()[0], hit.sequence);
    page.hits.iter().map(number).collect()
}

fn time(milliseconds: u64) -> Timestamp {
    Timestamp(milliseconds)
}

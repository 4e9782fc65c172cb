//! `landline audit` on the real program: what was acknowledged and is not what it was is noticed (contract C5), by
//! whoever looks at the data directory, or by somebody who was told of it before.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by panicking"
)]

mod support;

use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Hub, Output, Person};

/// How many messages stand in the room, and which of them is tampered with.
const MESSAGES: usize = 6;
const VICTIM: i64 = 3;

/// A room in which something was said, and the hub stopped.
struct Room {
    hub: Hub,
    alice: Person,
}

#[test]
fn an_untouched_log_is_intact() {
    let mut room = Room::new();
    assert_intact(&room.look(), &["#lab"]);
    room.hub.start_again();
    assert_intact(&room.ask(), &["#lab"]);
    // Beside a running hub, which may be writing.
    assert_intact(&room.look(), &["#lab"]);
    room.alice.run(["room", "create", "empty"]).succeeds();
    assert_intact(&room.ask(), &["#empty", "#lab"]);
    let lines = room.alice.run(["audit", "--json"]).succeeds();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&line["intact"], &line["fault"]),
            (&true.into(), &serde_json::Value::Null)
        );
    }
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn one_flipped_bit_of_an_event_is_noticed_by_both_audits_and_the_event_is_named() {
    let mut room = Room::new();
    let untouched = fs::read(room.database()).unwrap();
    for column in [
        "body",
        "salt",
        "content_hash",
        "hash",
        "sender",
        "client_id",
        "kind",
        "time",
    ] {
        fs::write(room.database(), &untouched).unwrap();
        flip(&room.database(), column);
        room.is_noticed_by_both(column);
    }
}

#[test]
fn one_flipped_bit_of_the_file_is_noticed_by_both_audits_and_the_event_is_named() {
    let mut room = Room::new();
    let untouched = fs::read(room.database()).unwrap();
    for column in ["CAST(body AS BLOB)", "salt", "content_hash", "hash"] {
        let query = format!("SELECT {column} FROM events WHERE sequence = ?1");
        let bytes: Vec<u8> = Connection::open(room.database())
            .unwrap()
            .query_row(&query, [VICTIM], |row| row.get(0))
            .unwrap();
        let places: Vec<usize> = places(&untouched, &bytes);
        assert_eq!(
            places.len(),
            1,
            "an orderly stop leaves everything in one file, once: {column}"
        );
        for byte in [0, bytes.len() - 1] {
            let mut damaged = untouched.clone();
            damaged[places[0] + byte] ^= 1;
            fs::write(room.database(), damaged).unwrap();
            room.is_noticed_by_both(column);
        }
    }
}

#[test]
fn a_damaged_last_event_is_noticed_and_the_hub_does_not_write_on() {
    let room = Room::new();
    let change = "UPDATE events SET hash = zeroblob(32) WHERE sequence = (SELECT max(sequence) FROM events)";
    execute(&room.database(), change);
    assert_noticed(&room.look(), &format!("event {MESSAGES} "));
    let refusal = room.refuses_to_start();
    assert!(refusal.contains("`landline audit --data DIR`"), "{refusal}");
}

#[test]
fn a_file_that_is_no_database_any_more_is_named_by_audit_and_hub() {
    let room = Room::new();
    let mut bytes = fs::read(room.database()).unwrap();
    // The kind of the first page of the schema's tree (SQLite file format, section 1.6).
    bytes[100] ^= 0xff;
    fs::write(room.database(), bytes).unwrap();
    let data = room.hub.data();
    let message = room.look().fails(1);
    assert!(
        message.contains(data.to_str().unwrap()) && message.contains("damaged"),
        "{message}"
    );
    room.refuses_to_start();
}

#[test]
fn a_restored_older_copy_is_noticed_by_who_was_told_more() {
    let mut room = Room::new();
    let older = fs::read(room.database()).unwrap();
    room.hub.start_again();
    let bob = room.alice.invited(&room.hub, "member", "bob");
    room.alice.run(["send", "#lab", "will be lost"]).succeeds();
    room.hub.stop();
    fs::write(room.database(), &older).unwrap();
    // In itself the copy is a log like any other.
    assert_intact(&room.look(), &["#lab"]);
    room.hub.start_again();
    assert_noticed(&room.ask(), "restored from an older copy");
    // Somebody who was not told of what is lost cannot know of it.
    assert_intact(&bob.run(["audit"]), &["#lab"]);
    // The room grows past where it was: another event stands in the place of the one that is known.
    for text in ["instead of it", "and more"] {
        bob.run(["send", "#lab", text]).succeeds();
    }
    assert_noticed(&room.ask(), &format!("event {} ", MESSAGES + 1));
    // Nor does alice's program forget by looking.
    assert_noticed(&room.ask(), &format!("event {} ", MESSAGES + 1));
}

#[test]
fn saying_something_notices_a_restored_older_copy_too() {
    let mut room = Room::new();
    let older = fs::read(room.database()).unwrap();
    room.hub.start_again();
    for text in ["will be lost", "and this"] {
        room.alice.run(["send", "#lab", text]).succeeds();
    }
    room.hub.stop();
    fs::write(room.database(), &older).unwrap();
    room.hub.start_again();
    let message = room.alice.run(["send", "#lab", "unsuspecting"]).fails(1);
    assert!(message.contains("restored from an older copy"), "{message}");
}

#[test]
fn a_truncated_tail_is_noticed() {
    let mut room = Room::new();
    execute(
        &room.database(),
        "DELETE FROM events WHERE sequence = (SELECT max(sequence) FROM events)",
    );
    assert_noticed(&room.look(), &format!("the log ends with event {}", MESSAGES - 1));
    room.refuses_to_start();
    // Whoever also makes the record fit deceives the hub, but not who was told.
    let fitting = "UPDATE rooms SET (head_sequence, head_hash, head_time) =
                   (SELECT sequence, hash, time FROM events ORDER BY sequence DESC LIMIT 1)";
    execute(&room.database(), fitting);
    assert_intact(&room.look(), &["#lab"]);
    room.hub.start_again();
    assert_noticed(
        &room.ask(),
        &format!("{} events, but this machine was told of {MESSAGES}", MESSAGES - 1),
    );
}

#[test]
fn a_deleted_room_is_noticed() {
    let mut room = Room::new();
    execute(&room.database(), "DELETE FROM rooms");
    assert_noticed(&room.look(), "the record of 1 room");
    room.hub.start_again();
    assert_noticed(&room.ask(), "the room is gone");
    room.hub.stop();
    execute(&room.database(), "DELETE FROM events");
    room.hub.start_again();
    assert_noticed(
        &room.ask(),
        &format!("this machine was told of {MESSAGES} events"),
    );
}

#[test]
fn a_place_without_a_database_cannot_be_audited() {
    let place = tempfile::tempdir().unwrap();
    let person = Person::stranger();
    let message = person
        .run([Path::new("audit"), Path::new("--data"), place.path()])
        .fails(1);
    assert!(message.contains(place.path().to_str().unwrap()), "{message}");
    assert_eq!(
        fs::read_dir(place.path()).unwrap().count(),
        0,
        "an audit makes nothing"
    );
}

impl Room {
    fn new() -> Self {
        let (mut hub, alice) = Hub::with_alice();
        alice.run(["room", "create", "lab"]).succeeds();
        for number in 1..=MESSAGES {
            alice
                .run(["send", "#lab", &format!("this is message {number} of alice")])
                .succeeds();
        }
        assert!(hub.stop().success());
        Self { hub, alice }
    }

    fn database(&self) -> PathBuf {
        self.hub.data().join("db/chat.db")
    }

    /// As somebody who has the data directory.
    fn look(&self) -> Output {
        self.alice
            .run([Path::new("audit"), Path::new("--data"), &self.hub.data()])
    }

    /// As somebody who asks the hub.
    fn ask(&self) -> Output {
        self.alice.run(["audit"])
    }

    fn is_noticed_by_both(&mut self, what: &str) {
        eprintln!("{what}");
        assert_noticed(&self.look(), &format!("event {VICTIM} "));
        self.hub.start_again();
        assert_noticed(&self.ask(), &format!("event {VICTIM} "));
        assert!(self.hub.stop().success());
    }

    fn refuses_to_start(&self) -> String {
        let listen = [
            Path::new("serve"),
            Path::new("--listen"),
            Path::new("127.0.0.1:0"),
        ];
        let data = self.hub.data();
        let refusal = self
            .alice
            .run(listen.into_iter().chain([Path::new("--data"), &data]))
            .fails(1);
        let database = self.database();
        assert!(refusal.contains(database.to_str().unwrap()), "{refusal}");
        refusal
    }
}

/// Changes the last bit of a value of the event's: a text stays a text of as many letters.
fn flip(database: &Path, column: &str) {
    let database = Connection::open(database).unwrap();
    let query = format!("SELECT CAST({column} AS BLOB), typeof({column}) FROM events WHERE sequence = ?1");
    let (mut bytes, kind): (Vec<u8>, String) = database
        .query_row(&query, [VICTIM], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let statement = format!("UPDATE events SET {column} = CAST(?2 AS {kind}) WHERE sequence = ?1");
    assert_eq!(
        database
            .execute(&statement, rusqlite::params![VICTIM, bytes])
            .unwrap(),
        1
    );
}

fn execute(database: &Path, statement: &str) {
    let database = Connection::open(database).unwrap();
    database.pragma_update(None, "foreign_keys", false).unwrap();
    assert!(database.execute(statement, []).unwrap() > 0, "{statement}");
}

/// Where `needle` stands in `haystack`.
fn places(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let windows = haystack.windows(needle.len()).enumerate();
    windows
        .filter(|(_, window)| *window == needle)
        .map(|(place, _)| place)
        .collect()
}

#[track_caller]
fn assert_intact(audit: &Output, rooms: &[&str]) {
    let told = String::from_utf8_lossy(&audit.stdout);
    assert_eq!(audit.code, 0, "{told}{}", audit.stderr);
    let mut found: Vec<&str> = told
        .lines()
        .filter_map(|line| line.split_once("  intact, "))
        .map(|(room, _)| room)
        .collect();
    found.sort_unstable();
    assert_eq!(found, rooms, "{told}");
    assert_eq!(told.lines().count(), rooms.len(), "{told}");
}

#[track_caller]
fn assert_noticed(audit: &Output, what: &str) {
    let told = String::from_utf8_lossy(&audit.stdout);
    assert_eq!(audit.code, 1, "{told}{}", audit.stderr);
    assert!(
        told.contains("NOT INTACT") && told.contains(what),
        "not {what:?}, but: {told}{}",
        audit.stderr
    );
}

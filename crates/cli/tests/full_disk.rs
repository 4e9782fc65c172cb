//! A hub whose disk is full: every refusal is clear, nothing acknowledged is lost, and when there is space again
//! everything goes on by itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends by panicking"
)]

mod support;

use rusqlite::OpenFlags;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use support::small_disk::SmallDisk;
use support::{Hub, Output, Person};

/// More than ever fit.
const ATTEMPTS_MAX: usize = 500;

/// A hub on such a disk, and all that it acknowledged.
struct House {
    hub: Hub,
    alice: Person,
    files: BTreeMap<String, Vec<u8>>,
    messages: Vec<(u64, String)>,
    // Behind the hub: it is dropped after it.
    disk: SmallDisk,
}

#[test]
fn a_full_disk_refuses_clearly_loses_nothing_and_works_again_when_there_is_space() {
    let mut house = House::new();
    house.disk.fill();
    house.work_until_full();
    let pid = house.hub.pid();
    house.rename("kept", "moved");
    house.everything_acknowledged_is_there();
    house.disk.free();
    house.put("after", 100_000).succeeds();
    house.send("there is space again").succeeds();
    for arguments in [
        &["mkdir", ":/shared/directory"][..],
        &["room", "create", "another"],
        &["rm", ":/shared/after"],
    ] {
        house.alice.run(arguments).succeeds();
    }
    house.files.remove("after");
    house.everything_acknowledged_is_there();
    assert_eq!(house.hub.pid(), pid);
    assert!(house.hub.stop().success());
    house.hub.start_again();
    house.nothing_is_left_over();
    house.everything_acknowledged_is_there();
}

#[test]
fn a_hub_that_is_killed_on_a_full_disk_loses_nothing() {
    let mut house = House::new();
    house.disk.fill();
    house.work_until_full();
    house.hub.kill();
    // On a full disk people can at least look and make room.
    house.hub.start_again();
    house.everything_acknowledged_is_there();
    house.disk.free();
    assert!(house.hub.stop().success());
    house.hub.start_again();
    house.nothing_is_left_over();
    house.everything_acknowledged_is_there();
    house.send("and goes on").succeeds();
    house.put("after", 100_000).succeeds();
    house.everything_acknowledged_is_there();
}

impl House {
    fn new() -> Self {
        let disk = SmallDisk::mounted();
        let hub = Hub::start_at(disk.place(), &[], &[]);
        let alice = Person::join(&hub, hub.admin_link(), "alice");
        alice.run(["room", "create", "lab"]).succeeds();
        Self {
            hub,
            alice,
            files: BTreeMap::new(),
            messages: Vec::new(),
            disk,
        }
    }

    /// Files and messages, large ones and then small ones, until there is no space for any of them.
    fn work_until_full(&mut self) {
        self.put("kept", 50_000).succeeds();
        for number in 0..10 {
            self.send(&format!("kept {number}")).succeeds();
        }
        for (file, message) in [(1_000_000, 15_000), (60_000, 2_000), (5_000, 10)] {
            self.until_refused(|house, number| house.put(&format!("{file} bytes {number}"), file));
            self.until_refused(|house, _| house.send(&"m".repeat(message)));
        }
        self.disk.fill_the_rest();
        // A refused transaction leaves space in its log, which a smaller one may still use.
        self.until_refused(|house, _| house.remove());
        is_refused(self.put("one more", 5_000));
        is_refused(self.put("kept", 60_000));
        is_refused(self.alice.run(["room", "create", "another"]));
        is_refused(self.send(&"m".repeat(15_000)));
        eprintln!(
            "{} files and {} messages were acknowledged",
            self.files.len(),
            self.messages.len()
        );
    }

    /// What needs no space works.
    fn rename(&mut self, from: &str, to: &str) {
        let path = |name: &str| format!(":/shared/{name}");
        self.alice.run(["mv", &path(from), &path(to)]).succeeds();
        let content = self.files.remove(from).unwrap();
        self.files.insert(to.to_owned(), content);
    }

    /// Removes the last of the files.
    fn remove(&mut self) -> Output {
        let name = self.files.last_key_value().unwrap().0.clone();
        let output = self.alice.run(["rm", &format!(":/shared/{name}")]);
        if output.code == 0 {
            self.files.remove(&name);
        }
        output
    }

    fn until_refused(&mut self, mut act: impl FnMut(&mut Self, usize) -> Output) {
        let mut outputs = (0..ATTEMPTS_MAX).map(|number| act(self, number));
        is_refused(
            outputs
                .find(|output| output.code != 0)
                .expect("the disk is full some time"),
        );
    }

    fn put(&mut self, name: &str, size: usize) -> Output {
        let content: Vec<u8> = name.bytes().cycle().take(size).collect();
        fs::write(self.alice.work().join("file"), &content).unwrap();
        let output = self.alice.run(["put", "file", &format!(":/shared/{name}")]);
        if output.code == 0 {
            self.files.insert(name.to_owned(), content);
        }
        output
    }

    fn send(&mut self, text: &str) -> Output {
        let output = self.alice.run(["send", "#lab", text, "--json"]);
        if output.code == 0 {
            let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            self.messages
                .push((line["seq"].as_u64().unwrap(), text.to_owned()));
        }
        output
    }

    fn everything_acknowledged_is_there(&self) {
        for (name, content) in &self.files {
            self.alice
                .run(["get", &format!(":/shared/{name}"), "got"])
                .succeeds();
            assert!(
                fs::read(self.alice.work().join("got")).unwrap() == *content,
                "{name}"
            );
        }
        let history = self
            .alice
            .run(["history", "#lab", "--since", "0", "--json"])
            .succeeds();
        let history = history.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            (
                line["seq"].as_u64().unwrap(),
                line["text"].as_str().unwrap().to_owned(),
            )
        });
        assert_eq!(history.collect::<Vec<_>>(), self.messages);
        self.alice.run(["audit"]).succeeds();
        self.alice
            .run([Path::new("audit"), Path::new("--data"), &self.hub.data()])
            .succeeds();
    }

    /// Only what was acknowledged is there; no partial file is, and the journal knows of none.
    fn nothing_is_left_over(&self) {
        let names = |place: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(self.hub.data().join("files").join(place)).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        };
        assert_eq!(names("partial"), BTreeSet::new());
        let mut shared = names("shared");
        shared.remove("directory");
        assert_eq!(shared, self.files.keys().cloned().collect());
        let database = self.hub.data().join("db/files.db");
        let database =
            rusqlite::Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let count = |table: &str| -> i64 {
            database
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!((count("uploads"), count("replacements")), (0, 0));
    }
}

#[track_caller]
fn is_refused(output: Output) {
    let message = output.fails(1);
    assert!(message.contains("the disk is full"), "{message}");
    assert!(message.contains("make room on the hub's disk"), "{message}");
}

//! Many small files at once, there and back, and what harms one of them and none of the others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use support::Hub;
use support::peer::Peer;

/// More than are published together, in more directories than one.
const FILES: usize = 700;
const DIRECTORIES: usize = 7;

/// More than travels whole, in bytes.
const LARGE: usize = 1_100_000;

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    bytes: Vec<u8>,
    mode: u32,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

/// Each file below a directory.
fn files(top: &Path) -> BTreeMap<PathBuf, Facts> {
    let mut found = BTreeMap::new();
    for directory in fs::read_dir(top).unwrap() {
        for entry in fs::read_dir(directory.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.metadata().unwrap();
            let facts = Facts {
                bytes: fs::read(&path).unwrap(),
                mode: metadata.mode() & 0o777,
                modified: (metadata.mtime(), metadata.mtime_nsec()),
            };
            found.insert(path.strip_prefix(top).unwrap().to_owned(), facts);
        }
    }
    found
}

#[test]
fn many_small_files_come_back_with_their_times_and_permissions() {
    let (_hub, alice) = Hub::with_alice();
    let tree = alice.work().join("tree");
    for number in 0..FILES {
        let directory = tree.join(format!("d{}", number % DIRECTORIES));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(format!("f{number}"));
        // One of them is not small, and goes block by block.
        let size = if number == 5 { LARGE } else { number };
        fs::write(&path, vec![b'x'; size]).unwrap();
        let mode = [0o644, 0o600, 0o755, 0o444][number % 4];
        let time = UNIX_EPOCH + Duration::new(1_000_000_000 + number as u64, 123_456_789);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    let before = files(&tree);
    assert_eq!(before.len(), FILES);
    // The second time each takes the place of one that is there.
    for _ in 0..2 {
        alice.run(["put", "-r", "tree", ":~/"]).succeeds();
    }
    alice.run(["get", "-r", ":~/tree", "back"]).succeeds();
    let back = alice.work().join("back");
    let back = if back.join("tree").exists() {
        back.join("tree")
    } else {
        back
    };
    assert_eq!(files(&back), before);
}

#[test]
fn one_that_is_refused_keeps_no_other_of_its_group_from_appearing() {
    let hub = Hub::start();
    let mut bob = Peer::joined(&hub, hub.admin_link(), "bob");
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let put = |path: &str, hash: String, overwrite: bool, parents: bool| json!({ "path": path, "hash": hash, "overwrite": overwrite, "parents": parents });
    bob.ask_with("put_file", &put("~/there", hash(b"old"), false, false), b"old");
    bob.ask("make_directory", &json!({ "path": "~/directory" }));
    let asked = [
        (put("~/a/b/c", hash(b"one"), false, true), "ok"),
        (put("~/wrong", hash(b"another"), false, false), "mismatch"),
        (put("~/there", hash(b"one"), false, false), "exists"),
        (put("~/there", hash(b"one"), true, false), "ok"),
        (put("~/no/parents", hash(b"one"), false, false), "not_found"),
        (put("~/directory", hash(b"one"), true, false), "wrong_kind"),
        (put("~/twice", hash(b"one"), true, false), "ok"),
        (put("~/twice", hash(b"one"), true, false), "ok"),
        (put("~/", hash(b"one"), true, false), "wrong_kind"),
    ];
    let mut requests: Vec<(&str, Value, &str)> = asked
        .iter()
        .map(|(arguments, _)| ("put_file", arguments.clone(), "one"))
        .collect();
    // Behind them, and so it sees what they did.
    requests.push(("list", json!({ "path": "~", "limit": 100 }), ""));
    let ids = bob.request_together(&requests);
    let mut answers: BTreeMap<u64, (Value, Vec<u8>)> = BTreeMap::new();
    while answers.len() < ids.len() {
        let (header, body) = bob.receive().unwrap();
        if let Some(id) = header["id"].as_u64() {
            answers.insert(id, (header, body));
        }
    }
    for ((arguments, expected), id) in asked.iter().zip(&ids) {
        let (header, _) = &answers[id];
        let code = header["error"]["code"].as_str().unwrap_or("ok");
        assert_eq!(code, *expected, "{arguments}: {header}");
    }
    let (_, listed) = &answers[&ids[asked.len()]];
    let names: Vec<Value> = String::from_utf8_lossy(listed)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone())
        .collect();
    assert_eq!(names, ["a", "directory", "there", "twice"]);
    let there = bob.ask("stat", &json!({ "path": "~/there" }));
    assert_eq!(there["ok"]["hash"], json!(hash(b"one")));
}

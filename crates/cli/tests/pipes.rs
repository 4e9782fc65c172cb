//! `get` and `put` with standard input and output, several connections, and events for programs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use serde_json::Value;
use std::fs;
use std::process::Stdio;
use support::{Hub, Output};

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|index| u8::try_from((index * 7 + index / 4096) % 251).unwrap())
        .collect()
}

fn events(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_comes_on_standard_input_comes_out_as_it_was() {
    let (_hub, alice) = Hub::with_alice();
    for size in [0, 1, 1024 * 1024, 3_000_001] {
        let bytes = content(size);
        alice.run_with(["put", "-", ":/shared/file"], &bytes).succeeds();
        let got = alice.run(["get", ":/shared/file", "-"]);
        assert_eq!(got.code, 0, "{}", got.stderr);
        assert!(got.stdout == bytes, "{size} bytes");
        assert_eq!(got.stderr, "");
    }
    // Several come one behind the other, and a file that is called so is another one.
    fs::write(alice.work().join("-"), "dash").unwrap();
    alice.run(["put", "./-", ":dash"]).succeeds();
    alice.run_with(["put", "-", ":plain"], "plain").succeeds();
    assert_eq!(alice.run(["get", ":dash", ":plain", "-"]).stdout, b"dashplain");
    let stat = alice.run(["stat", "--json", ":plain"]).succeeds();
    assert_eq!(events(&stat)[0]["mode"], 0o644);
}

#[test]
fn a_pipe_is_refused_what_it_cannot_have() {
    let (_hub, alice) = Hub::with_alice();
    alice.run(["mkdir", ":d"]).succeeds();
    let said = alice.run_with(["put", "-", ":d"], "x").fails(2);
    assert!(said.contains("needs a name"), "{said}");
    alice.run(["get", "-r", ":d", "-"]).fails(2);
    alice.run(["get", "--json", ":d", "-"]).fails(2);
    let got = alice.run(["get", ":d", ":missing", "-"]);
    assert!(got.stdout.is_empty());
    got.fails(1);
    assert_eq!(alice.run(["ls", ":d"]).succeeds(), "");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let (_hub, alice) = Hub::with_alice();
    alice
        .run_with(["put", "-", ":large"], content(20_000_000))
        .succeeds();
    let mut command = alice.command(["get", ":large", "-"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = Output::of(&command, child.wait_with_output().unwrap());
    assert_eq!((output.code, &*output.stderr), (0, ""));
}

#[test]
fn a_file_that_is_not_what_was_published_fails_behind_its_last_byte() {
    let (hub, alice) = Hub::with_alice();
    alice
        .run_with(["put", "-", ":/shared/file"], "what was sent")
        .succeeds();
    // A disk that forgets: other bytes, and all that is told of the file as it was.
    let path = hub.data().join("files/shared/file");
    let before = path.metadata().unwrap();
    fs::write(&path, "what was nots").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let database = rusqlite::Connection::open(hub.data().join("db/files.db")).unwrap();
    let changed = std::os::unix::fs::MetadataExt::ctime(&path.metadata().unwrap()) * 1_000_000_000
        + std::os::unix::fs::MetadataExt::ctime_nsec(&path.metadata().unwrap());
    assert_eq!(
        database
            .execute("UPDATE hashes SET changed = ?1", [changed])
            .unwrap(),
        1
    );
    let got = alice.run(["get", ":/shared/file", "-"]);
    let said = got.fails(1);
    assert!(
        said.contains("what arrived is not the file that the hub has"),
        "{said}"
    );
    // Nor does it spread.
    let said = alice.run(["cp", ":/shared/file", ":copy"]).fails(1);
    assert!(said.contains("hashes to"), "{said}");
    alice.run(["stat", ":copy"]).fails(1);
}

#[test]
fn several_connections_transfer_everything_once() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    for number in 0..600 {
        let directory = work.join(format!("t/{}", number % 5));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(number.to_string()), number.to_string()).unwrap();
    }
    for number in 0..4 {
        fs::write(work.join(format!("t/large{number}")), content(2_000_000 + number)).unwrap();
    }
    let said = alice.run(["put", "-r", "--parallel", "4", "t", ":"]).succeeds();
    assert!(
        said.lines().last().unwrap().starts_with("put: 604 files, "),
        "{said}"
    );
    // A hundred have a line each.
    assert_eq!(said.lines().count(), 101);
    let said = alice
        .run(["get", "-r", "--parallel", "3", ":t", "back"])
        .succeeds();
    assert!(
        said.lines().last().unwrap().starts_with("get: 604 files, "),
        "{said}"
    );
    for number in 0..600 {
        let path = format!("back/{}/{number}", number % 5);
        assert_eq!(fs::read(work.join(path)).unwrap(), number.to_string().as_bytes());
    }
    for number in 0..4 {
        assert!(fs::read(work.join(format!("back/large{number}"))).unwrap() == content(2_000_000 + number));
    }
    let several = ["t/large0", "t/large1", "t/large2", "t/0/0"];
    alice.run(["mkdir", ":files"]).succeeds();
    alice
        .run([&["put", "--parallel", "2"][..], &several, &[":files"]].concat())
        .succeeds();
    assert_eq!(
        alice.run(["ls", ":files"]).succeeds(),
        "0\nlarge0\nlarge1\nlarge2\n"
    );
    fs::create_dir(work.join("some")).unwrap();
    alice
        .run(["get", "--parallel", "16", ":files/*", "some"])
        .succeeds();
    assert_eq!(fs::read_dir(work.join("some")).unwrap().count(), 4);
    for wrong in ["0", "17", "-1", "x"] {
        alice.run(["put", "--parallel", wrong, "t/0/0", ":"]).fails(2);
    }
}

#[test]
fn a_program_is_told_of_everything_that_happens() {
    let (_hub, alice) = Hub::with_alice();
    let work = alice.work();
    fs::write(work.join("large"), content(20_000_000)).unwrap();
    fs::write(work.join("small"), "12").unwrap();
    let output = alice.run(["put", "--json", "large", "small", "missing", ":"]);
    assert_eq!(output.code, 1);
    let told = events(std::str::from_utf8(&output.stdout).unwrap());
    let names: Vec<_> = told
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "begin", "progress", "progress", "done", "begin", "done", "failed", "summary"
        ]
    );
    assert_eq!(
        (&told[0]["local"], &told[0]["remote"], &told[0]["size"]),
        (&"large".into(), &"~/large".into(), &20_000_000.into())
    );
    assert!(told[6]["message"].as_str().unwrap().contains("missing"));
    assert_eq!(
        (&told[7]["files"], &told[7]["bytes"], &told[7]["failed"]),
        (&2.into(), &20_000_002.into(), &1.into())
    );
    let told = events(&alice.run(["get", "--json", ":small", "back"]).succeeds());
    assert_eq!(
        (&told[0]["direction"], &told[0]["remote"]),
        (&"get".into(), &"~/small".into())
    );
}

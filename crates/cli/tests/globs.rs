//! Patterns of remote names, on the real program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use support::{Hub, Person};

/// Alice's hub with files of these names, each with its name in it, and directories where a name ends in '/'.
fn with(names: &[&[u8]]) -> (Hub, Person) {
    let (hub, alice) = Hub::with_alice();
    let work = alice.work();
    for name in names {
        let path = work.join("t").join(OsString::from_vec(name.to_vec()));
        if name.ends_with(b"/") {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }
    alice.run(["put", "-r", "t", ":"]).succeeds();
    (hub, alice)
}

/// What a pattern stands for, as `stat` tells it.
fn matched(alice: &Person, pattern: &[u8]) -> Vec<String> {
    let argument = OsString::from_vec([b":t/", pattern].concat());
    let said = alice.run([OsString::from("stat"), argument]).succeeds();
    let paths = said
        .lines()
        .filter_map(|line| line.strip_prefix("path      :~/t/"));
    paths.map(str::to_owned).collect()
}

#[test]
fn patterns_match_names_at_any_depth() {
    let (_hub, alice) = with(&[
        b"a.iso",
        b"b.iso",
        b"c.txt",
        b".hidden.iso",
        b"d/e.iso",
        b"d/f/g.iso",
        b"h/",
    ]);
    for (pattern, paths) in [
        (&b"*.iso"[..], &["a.iso", "b.iso"][..]),
        (b"?.iso", &["a.iso", "b.iso"]),
        (b"[b-z].*", &["b.iso", "c.txt"]),
        (b"[!a]*", &["b.iso", "c.txt", "d", "h"]),
        (b".*", &[".hidden.iso"]),
        (b"*/e.iso", &["d/e.iso"]),
        (b"*/*.iso", &["d/e.iso"]),
        (b"d/*", &["d/e.iso", "d/f"]),
        (b"d/*/", &["d/f"]),
        (b"*/", &["d", "h"]),
        (b"**/*.iso", &["a.iso", "b.iso", "d/e.iso", "d/f/g.iso"]),
    ] {
        assert_eq!(
            matched(&alice, pattern),
            paths,
            "{}",
            String::from_utf8_lossy(pattern)
        );
    }
    for nothing in ["*.zip", "x/*", "*/x", "c.txt/*", "[", "d/\\*"] {
        let said = alice.run(["stat", &format!(":t/{nothing}")]).fails(1);
        assert!(said.starts_with("landline: "), "{nothing}: {said}");
    }
}

#[test]
fn a_name_that_is_there_wins_and_a_backslash_quotes() {
    let (_hub, alice) = with(&[b"*", b"a", b"[a]", b"x\\y", b"x?", b"xy"]);
    assert_eq!(matched(&alice, b"*"), ["*"]);
    assert_eq!(matched(&alice, b"[a]"), ["[a]"]);
    assert_eq!(matched(&alice, b"\\*"), ["*"]);
    assert_eq!(
        matched(&alice, b"x\\y"),
        ["x\\y"],
        "without a pattern, a backslash is one"
    );
    assert_eq!(matched(&alice, b"x\\?"), ["x?"]);
    assert_eq!(matched(&alice, b"x?"), ["x?"]);
    assert_eq!(matched(&alice, b"x[?y]"), ["x?", "xy"]);
    alice.run(["rm", ":t/*"]).succeeds();
    assert_eq!(
        alice.run(["ls", ":t"]).succeeds(),
        "[a]\na\nx?\nx\\y\nxy\n",
        "only that one"
    );
}

#[test]
fn names_of_any_bytes_are_matched() {
    let longest = [b'l'; 255];
    let (_hub, alice) = with(&[
        b"\xd6\xd0.txt",
        b"line\nbreak",
        "🚢".as_bytes(),
        b"-rf",
        &longest,
        b"\x1b[0m",
    ]);
    assert_eq!(matched(&alice, b"\xd6*"), ["\\xd6\\xd0.txt"]);
    assert_eq!(matched(&alice, b"??.txt"), ["\\xd6\\xd0.txt"]);
    assert_eq!(matched(&alice, b"*\n*"), ["line\\nbreak"]);
    assert_eq!(matched(&alice, b"?"), ["🚢"], "a character is one");
    assert_eq!(matched(&alice, b"-*"), ["-rf"]);
    assert_eq!(matched(&alice, b"l*l"), ["l".repeat(255)]);
    assert_eq!(matched(&alice, b"*m"), ["\\u{1b}[0m"]);
}

#[test]
fn every_command_takes_patterns() {
    let (_hub, alice) = with(&[b"a.1", b"b.1", b"c.2", b"to/"]);
    let work = alice.work();
    fs::create_dir(work.join("back")).unwrap();
    alice.run(["get", ":t/*.1", "back"]).succeeds();
    assert_eq!(fs::read_dir(work.join("back")).unwrap().count(), 2);
    assert_eq!(alice.run(["ls", ":t/*.1"]).succeeds(), ":~/t/a.1\n:~/t/b.1\n");
    assert_eq!(
        alice.run(["du", ":t/*.1"]).succeeds(),
        "3\t:~/t/a.1\n3\t:~/t/b.1\n"
    );
    alice.run(["cp", ":t/*.1", ":t/to"]).succeeds();
    alice.run(["mv", ":t/*.2", ":t/to/"]).succeeds();
    assert_eq!(alice.run(["ls", ":t/to"]).succeeds(), "a.1\nb.1\nc.2\n");
    alice.run(["rm", ":t/*.1"]).succeeds();
    assert_eq!(alice.run(["ls", ":t"]).succeeds(), "to\n");
    let said = alice.run(["cp", ":t/to/*", ":t/to/c.2"]).fails(1);
    assert!(said.contains("not a directory"), "{said}");
    alice.run(["rm", "-f", ":t/*.9", ":t/none"]).succeeds();
    // What does not match does not keep the others from being done.
    let said = alice.run(["rm", ":t/to/*.9", ":t/to/a.1"]).fails(1);
    assert!(said.contains("nothing at the hub matches :~/t/to/*.9"), "{said}");
    assert_eq!(alice.run(["ls", ":t/to"]).succeeds(), "b.1\nc.2\n");
}

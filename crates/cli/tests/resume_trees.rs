//! Trees whose transfer ends in the middle and goes on: what is there already is not transferred again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use std::fs;
use std::path::Path;
use support::cutting::{Fate, Link, Way};
use support::{Hub, Person};

const FILES: usize = 300;
const FILE_BYTES: usize = 8 * 1024;
const TREE_BYTES: u64 = (FILES * FILE_BYTES) as u64;

/// What is said beside files: less than a tenth of them.
const OVERHEAD: u64 = TREE_BYTES / 10;

/// A tree in the person's working directory, with one large file in it.
fn tree(person: &Person) {
    for number in 0..FILES {
        let directory = person.work().join(format!("tree/{}", number % 7));
        fs::create_dir_all(&directory).unwrap();
        let content = number.to_string().repeat(FILE_BYTES);
        fs::write(
            directory.join(format!("file {number}")),
            &content.as_bytes()[..FILE_BYTES],
        )
        .unwrap();
    }
    fs::write(person.work().join("tree/large"), vec![7; 3 * 1024 * 1024]).unwrap();
}

#[track_caller]
fn assert_same(one: &Path, other: &Path) {
    let output = support::bare("diff")
        .arg("-r")
        .arg(one)
        .arg(other)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_tree_goes_on_after_a_cut_and_is_not_sent_again() {
    let (hub, alice) = Hub::with_alice();
    tree(&alice);
    let there = hub.data().join("files/shared/tree");
    let link = Link::between(&alice, &hub, [Fate::Cut(Way::ToHub, TREE_BYTES / 2)]);
    alice.run(["put", "-r", "tree", ":/shared/"]).succeeds();
    assert_same(&alice.work().join("tree"), &there);
    assert!(link.connections() >= 2);
    let before = link.carried();
    let said = alice.run(["put", "-r", "tree", ":/shared/"]).succeeds();
    assert!(said.contains("301 there already"), "{said}");
    assert!(link.carried() - before < OVERHEAD);
    // What was written to is sent, and nothing else.
    fs::write(alice.work().join("tree/3/file 3"), "changed").unwrap();
    let said = alice.run(["put", "-r", "tree", ":/shared/"]).succeeds();
    assert!(said.contains("300 there already"), "{said}");
    assert_same(&alice.work().join("tree"), &there);
    let said = alice
        .run(["put", "-r", "--no-resume", "tree", ":/shared/"])
        .succeeds();
    assert!(!said.contains("there already"), "{said}");
    assert!(link.carried() - before > TREE_BYTES);
}

#[test]
fn a_tree_comes_on_after_a_cut_and_is_not_fetched_again() {
    let (hub, alice) = Hub::with_alice();
    tree(&alice);
    alice.run(["put", "-r", "tree", ":/shared/"]).succeeds();
    fs::create_dir(alice.work().join("here")).unwrap();
    let link = Link::between(&alice, &hub, [Fate::Cut(Way::FromHub, TREE_BYTES / 2)]);
    alice.run(["get", "-r", ":/shared/tree", "here"]).succeeds();
    assert!(link.connections() >= 2);
    assert_same(&alice.work().join("tree"), &alice.work().join("here/tree"));
    fs::remove_file(alice.work().join("here/tree/large")).unwrap();
    let said = alice.run(["get", "-r", ":/shared/tree", "here"]).succeeds();
    assert!(said.contains("300 there already"), "{said}");
    assert_same(&alice.work().join("tree"), &alice.work().join("here/tree"));
}

#[test]
fn a_sync_goes_on_after_a_cut() {
    let (hub, alice) = Hub::with_alice();
    tree(&alice);
    let link = Link::between(&alice, &hub, [Fate::Cut(Way::ToHub, TREE_BYTES / 2)]);
    alice.run(["sync", "tree", ":/shared/tree"]).succeeds();
    assert!(link.connections() >= 3);
    assert_same(&alice.work().join("tree"), &hub.data().join("files/shared/tree"));
}

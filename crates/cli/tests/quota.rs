//! What spaces hold and may hold: `landline space`, `landline user quota`, and a limit that is reached in the middle.

mod support;

use landline_model::blocks::BLOCK_BYTES;
use serde_json::Value;
use std::fs;
use support::small_disk::SmallDisk;
use support::{Hub, Person};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What the hub says of one's own space.
fn home(person: &Person) -> Value {
    lines(&person.run(["space", "ls", "--json"]).succeeds())
        .into_iter()
        .find(|space| space["space"] == "~")
        .expect("one's own space")
}

fn holds(person: &Person) -> (u64, u64, u64) {
    let home = home(person);
    let figure = |name: &str| home[name].as_u64().expect("a number");
    (figure("files"), figure("trash"), figure("in_flight"))
}

fn write(person: &Person, name: &str, bytes: usize) {
    fs::write(person.work().join(name), vec![b'x'; bytes]).expect("a file to send");
}

#[test]
fn a_limit_reached_in_the_middle_of_a_large_file_refuses_it_and_gives_its_space_back() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["user", "quota", "bob", "4M"]).succeeds();
    write(&bob, "small", 1000);
    write(&bob, "large", 6 * BLOCK_BYTES);
    bob.run(["put", "small", ":"]).succeeds();
    let refused = bob.run(["put", "large", ":"]).fails(1);
    assert!(refused.contains("4 MiB"), "{refused}");
    assert_eq!(holds(&bob), (1000, 0, 0), "what was on its way is given back");
    assert!(!bob.run(["ls", ":"]).succeeds().contains("large"));
    alice.run(["user", "quota", "@bob", "none"]).succeeds();
    bob.run(["put", "large", ":"]).succeeds();
    assert_eq!(holds(&bob).0, 1000 + 6 * BLOCK_BYTES as u64);
}

#[test]
fn a_limit_reached_in_the_middle_of_a_tree_leaves_what_fits_whole() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["user", "quota", "bob", "10K"]).succeeds();
    fs::create_dir_all(bob.work().join("tree/below")).unwrap();
    for number in 0..40 {
        write(&bob, &format!("tree/below/{number}"), 1000);
    }
    let refused = bob.run(["put", "-r", "tree", ":"]).fails(1);
    assert!(refused.contains("10 KiB"), "{refused}");
    let (files, trash, in_flight) = holds(&bob);
    assert_eq!((files, trash, in_flight), (10_000, 0, 0));
    let listed = lines(&bob.run(["ls", "--json", ":tree/below"]).succeeds());
    assert_eq!(listed.len(), 10);
    assert!(listed.iter().all(|file| file["size"] == 1000), "each is whole");
}

#[test]
fn what_lies_in_the_trash_counts_and_emptying_it_makes_room() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "guest", "bob");
    alice.run(["space", "limit", "@bob", "2500"]).succeeds();
    write(&bob, "file", 1000);
    bob.run(["put", "file", ":one"]).succeeds();
    bob.run(["put", "file", ":two"]).succeeds();
    bob.run(["rm", ":one"]).succeeds();
    assert_eq!(holds(&bob), (1000, 1000, 0));
    let refused = bob.run(["put", "file", ":three"]).fails(1);
    assert!(refused.contains("landline trash empty"), "{refused}");
    bob.run(["trash", "empty", "--yes"]).succeeds();
    bob.run(["put", "file", ":three"]).succeeds();
    assert_eq!(holds(&bob), (2000, 0, 0));
}

#[test]
fn limits_and_retention_are_set_by_admins_and_seen_by_those_they_are_for() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    let carol = alice.invited(&hub, "member", "carol");
    alice.run(["room", "join", "#general"]);
    bob.run(["room", "join", "#general"]).succeeds();
    for arguments in [
        &["user", "quota", "carol", "1G"][..],
        &["user", "quota", "carol"],
        &["space", "limit", "/shared", "1G"],
        &["space", "retention", "~", "1h"],
        &["space", "recount", "~"],
        &["space", "ls", "--all"],
    ] {
        let refused = bob.run(arguments).fails(1);
        assert!(refused.contains("no right"), "{arguments:?}: {refused}");
    }
    alice.run(["space", "limit", "/shared", "3G"]).succeeds();
    alice.run(["space", "limit", "#general", "1.5G"]).succeeds();
    alice.run(["space", "retention", "shared", "12h"]).succeeds();
    let seen = lines(&bob.run(["space", "ls", "--json"]).succeeds());
    let names: Vec<_> = seen
        .iter()
        .map(|space| space["space"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["~", "/shared", "/rooms/general"]);
    assert_eq!(
        (&seen[1]["limit"], &seen[1]["retention"]),
        (&Value::from(3_u64 << 30), &Value::from(43_200))
    );
    assert_eq!(seen[2]["limit"], 3_u64 << 29);
    let names = lines(&carol.run(["space", "ls", "--json"]).succeeds()).len();
    assert_eq!(names, 2, "carol is in no room");
    let all = alice.run(["space", "ls", "--all"]).succeeds();
    assert!(all.contains("@bob") && all.contains("@carol"), "{all}");
    // One's own by name, and nobody else's.
    bob.run(["user", "quota", "bob"]).succeeds();
    for (space, size) in [("@nobody", "1G"), ("~", "1X"), ("~", "-1"), ("/shared/a", "1G")] {
        assert_ne!(
            alice.run(["space", "limit", space, size]).code,
            0,
            "{space} {size}"
        );
    }
    let log = fs::read_dir(hub.data().join("log")).unwrap();
    let log: String = log
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(
        log.contains("a space has another limit") && log.contains("alice"),
        "{log}"
    );
}

#[test]
fn homes_have_the_configured_limit_and_a_wrong_one_is_refused() {
    let hub = Hub::start_in(&[("LANDLINE_FILES_HOME_QUOTA", "1K")], &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    write(&alice, "file", 1025);
    let refused = alice.run(["put", "file", ":"]).fails(1);
    assert!(refused.contains("1 KiB"), "{refused}");
    alice.run(["put", "file", ":/shared/"]).succeeds();
    alice.run(["user", "quota", "alice", "2K"]).succeeds();
    alice.run(["put", "file", ":"]).succeeds();
    alice.run(["user", "quota", "alice", "default"]).succeeds();
    assert_eq!(home(&alice)["limit"], 1024);
}

#[test]
fn what_was_brought_by_other_means_is_counted_when_an_admin_says_so() {
    let (hub, alice) = Hub::with_alice();
    write(&alice, "file", 10);
    alice.run(["put", "file", ":/shared/"]).succeeds();
    fs::write(hub.data().join("files/shared/brought"), [b'x'; 90]).unwrap();
    let counted = alice.run(["space", "recount", "/shared", "--json"]).succeeds();
    let counted: Value = serde_json::from_str(&counted).unwrap();
    assert_eq!(
        (&counted["files"], &counted["exact"]),
        (&Value::from(100), &Value::from(true))
    );
}

#[test]
fn a_full_disk_leaves_the_figures_right() {
    let disk = SmallDisk::mounted();
    let hub = Hub::start_at(disk.place(), &[], &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    write(&alice, "large", 30 * BLOCK_BYTES);
    write(&alice, "small", 1000);
    let refused = alice.run(["put", "large", ":"]).fails(1);
    assert!(refused.contains("disk is full"), "{refused}");
    assert_eq!(holds(&alice), (0, 0, 0));
    alice.run(["put", "small", ":"]).succeeds();
    assert_eq!(holds(&alice), (1000, 0, 0));
    drop(hub);
}

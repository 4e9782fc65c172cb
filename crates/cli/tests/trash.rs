//! `landline trash` and `landline versions` on the real program.

mod support;

use serde_json::Value;
use std::fs;
use support::{Hub, Person};

fn put(person: &Person, content: &str, path: &str) {
    fs::write(person.work().join("content"), content).expect("a file to send");
    person.run(["put", "content", path]).succeeds();
}

fn get(person: &Person, path: &str) -> String {
    person.run(["get", path, "fetched"]).succeeds();
    fs::read_to_string(person.work().join("fetched")).expect("what was fetched")
}

fn listed(person: &Person, arguments: &[&str]) -> Vec<Value> {
    let text = person.run(arguments.iter().chain(&["--json"])).succeeds();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn trash(person: &Person) -> Vec<Value> {
    listed(person, &["trash", "ls"])
}

#[test]
fn what_was_removed_is_listed_and_comes_back_by_path_or_id_or_elsewhere() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["mkdir", ":/shared/tree"]).succeeds();
    put(&alice, "below", ":/shared/tree/file");
    put(&alice, "alice's", ":/shared/a file\n");
    alice.run(["rm", "-r", ":/shared/tree"]).succeeds();
    bob.run(["rm", ":/shared/a file\n"]).succeeds();
    let [file, tree] = trash(&alice).try_into().unwrap();
    assert_eq!(
        (&file["path"], &file["by"]),
        (&Value::from("/shared/a file\n"), &Value::from("bob"))
    );
    assert_eq!(
        (&file["size"], &file["replaced"]),
        (&Value::from(7), &Value::from(false))
    );
    assert_eq!(
        (&tree["kind"], &tree["size"]),
        (&Value::from("directory"), &Value::from(5))
    );
    let shown = alice.run(["trash", "ls"]).succeeds();
    assert!(
        shown.contains(":/shared/a file\\n") && shown.contains("@bob"),
        "{shown}"
    );
    assert!(trash(&bob).is_empty(), "it was not bob's");
    let id = file["id"].as_str().unwrap();
    let refused = bob.run(["trash", "restore", id, "--to", ":x"]).fails(1);
    assert!(refused.contains(id), "{refused}");
    alice.run(["trash", "restore", ":/shared/tree"]).succeeds();
    assert_eq!(get(&alice, ":/shared/tree/file"), "below");
    alice
        .run(["trash", "restore", id, "--to", ":new/place/file"])
        .succeeds();
    assert_eq!(get(&alice, ":new/place/file"), "alice's");
    assert!(trash(&alice).is_empty());
    alice.run(["trash", "restore", ":/shared/tree"]).fails(1);
    alice.run(["trash", "restore", "nonsense"]).fails(2);
}

#[test]
fn what_comes_back_replaces_a_file_only_with_force() {
    let (_hub, alice) = Hub::with_alice();
    put(&alice, "first", ":file");
    alice.run(["rm", ":file"]).succeeds();
    put(&alice, "second", ":file");
    let refused = alice.run(["trash", "restore", ":file"]).fails(1);
    assert!(refused.contains("already there"), "{refused}");
    alice.run(["trash", "restore", "--force", ":file"]).succeeds();
    assert_eq!(get(&alice, ":file"), "first");
    assert_eq!(trash(&alice)[0]["size"], 6, "the other one is in the trash now");
}

#[test]
fn to_restore_takes_the_right_to_write_where_it_goes() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    put(&bob, "bob's", ":/shared/file");
    bob.run(["rm", ":/shared/file"]).succeeds();
    alice.run(["user", "role", "bob", "guest"]).succeeds();
    let refused = bob.run(["trash", "restore", ":/shared/file"]).fails(1);
    assert!(refused.contains("no right"), "{refused}");
    let id = trash(&bob)[0]["id"].as_str().unwrap().to_owned();
    bob.run(["trash", "restore", &id, "--to", ":file"]).succeeds();
    assert_eq!(get(&bob, ":file"), "bob's");
}

#[test]
fn versions_are_what_was_replaced_and_each_can_be_fetched_or_made_current() {
    let (_hub, alice) = Hub::with_alice();
    for content in ["one", "two!", "three"] {
        put(&alice, content, ":/shared/file");
    }
    put(&alice, "other", ":/shared/other");
    put(&alice, "others", ":/shared/other");
    let versions = || listed(&alice, &["versions", ":/shared/file"]);
    let sizes: Vec<_> = versions()
        .iter()
        .map(|version| version["size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [4, 3]);
    let oldest = versions()[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(versions()[1]["hash"], blake3::hash(b"one").to_string());
    alice
        .run(["versions", ":/shared/file", "--get", &oldest, "old"])
        .succeeds();
    assert_eq!(fs::read_to_string(alice.work().join("old")).unwrap(), "one");
    assert_eq!(
        get(&alice, ":/shared/file"),
        "three",
        "to fetch one changes nothing"
    );
    alice
        .run(["versions", ":/shared/file", "--restore", &oldest])
        .succeeds();
    assert_eq!(get(&alice, ":/shared/file"), "one");
    let sizes: Vec<_> = versions()
        .iter()
        .map(|version| version["size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [5, 4]);
    // It is a version of this file, and of no other.
    let version = versions()[0]["id"].as_str().unwrap().to_owned();
    let refused = alice
        .run(["versions", ":/shared/other", "--restore", &version])
        .fails(1);
    assert!(refused.contains("no version of"), "{refused}");
}

#[test]
fn a_large_version_is_fetched_whole_into_a_directory() {
    let (_hub, alice) = Hub::with_alice();
    let large = "0123456789abcdef".repeat(200_000);
    put(&alice, &large, ":file");
    put(&alice, "small", ":file");
    let id = listed(&alice, &["versions", ":file"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::create_dir(alice.work().join("there")).unwrap();
    alice.run(["versions", ":file", "--get", &id, "there"]).succeeds();
    assert!(fs::read_to_string(alice.work().join("there/file")).unwrap() == large);
}

#[test]
fn the_trash_is_emptied_by_id_by_age_and_as_a_whole_and_asks_before() {
    let (_hub, alice) = Hub::with_alice();
    for name in [":a", ":b", ":c"] {
        put(&alice, "x", name);
        alice.run(["rm", name]).succeeds();
    }
    let refused = alice.run(["trash", "empty"]).fails(2);
    assert!(refused.contains("--yes"), "{refused}");
    alice.run(["trash", "empty", "--yes", "--older", "7d"]).succeeds();
    assert_eq!(trash(&alice).len(), 3);
    let id = trash(&alice)[1]["id"].as_str().unwrap().to_owned();
    alice.run(["trash", "empty", &id]).succeeds();
    alice.run(["trash", "empty", &id]).fails(1);
    let paths: Vec<_> = trash(&alice).iter().map(|thing| thing["path"].clone()).collect();
    assert_eq!(paths, ["~/c", "~/a"]);
    let said = alice.run(["trash", "empty", "--yes"]).succeeds();
    assert!(said.contains("2 gone for good"), "{said}");
    assert!(trash(&alice).is_empty());
}

#[test]
fn a_killed_hub_keeps_the_trash_and_its_figures() {
    let (mut hub, alice) = Hub::with_alice();
    put(&alice, "one", ":file");
    put(&alice, "two!", ":file");
    hub.kill();
    hub.start_again();
    assert_eq!(listed(&alice, &["versions", ":file"]).len(), 1);
    let home = &listed(&alice, &["space", "ls"])[0];
    assert_eq!(
        (&home["files"], &home["trash"]),
        (&Value::from(4), &Value::from(3))
    );
}

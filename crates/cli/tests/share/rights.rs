//! Whose right a share is, and when it ends.

use super::link::{content, curl, fetch, put, share, status, url};
use super::support::clock::Settable;
use super::support::{Hub, Person};
use serde_json::Value;
use std::fs;
use std::io::Read as _;
use std::process::{Child, Stdio};

/// More than all buffers on the way hold.
const LARGE: usize = 96 * 1024 * 1024;

/// Begins to fetch, and stops reading in the middle.
fn half(hub: &Hub, version: &str, link: &str) -> Child {
    let mut fetching = curl(hub)
        .args([version, link])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = vec![0; 4 * 1024 * 1024];
    fetching.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert!(first == content(first.len()));
    fetching
}

/// Reads what is left of it. It must not be all.
fn is_cut(mut fetching: Child) {
    let mut rest = Vec::new();
    fetching.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
    assert!(!fetching.wait().unwrap().success());
    assert!(
        rest.len() < LARGE - 16 * 1024 * 1024,
        "{} bytes came all the same",
        rest.len()
    );
}

#[test]
fn a_share_that_is_revoked_in_the_middle_of_a_download_ends_it() {
    let (hub, alice) = Hub::with_alice();
    put(&alice, "large", &content(LARGE));
    for version in ["--http1.1", "--http2"] {
        let shared = share(&alice, "large", &[]);
        let fetching = half(&hub, version, url(&shared));
        alice
            .run(["share", "rm", shared["id"].as_str().unwrap()])
            .succeeds();
        is_cut(fetching);
        assert_eq!(status(&hub, &[url(&shared)]), 404);
    }
    assert_eq!(alice.run(["share", "ls"]).succeeds(), "");
}

#[test]
fn a_share_is_worth_what_its_owner_may_do() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    put(&bob, "large", &content(LARGE));
    let shared = share(&bob, "large", &[]);
    let fetching = half(&hub, "--http1.1", url(&shared));
    alice.run(["user", "disable", "bob"]).succeeds();
    is_cut(fetching);
    assert_eq!(status(&hub, &[url(&shared)]), 404);
    alice.run(["user", "enable", "bob"]).succeeds();
    assert_eq!(status(&hub, &["--head", url(&shared)]), 200);
    // A guest reads what everybody shares, and writes nothing there.
    let carol = alice.invited(&hub, "member", "carol");
    carol.run(["mkdir", ":/shared/box"]).succeeds();
    let drop_box = share(&carol, "/shared/box", &["--drop"]);
    let file = carol.work().join("file");
    fs::write(&file, b"content").unwrap();
    let send = || status(&hub, &["-T", file.to_str().unwrap(), url(&drop_box)]);
    assert_eq!(send(), 201);
    let listing = share(&carol, "/shared/box", &[]);
    alice.run(["user", "role", "carol", "guest"]).succeeds();
    assert_eq!(send(), 404);
    assert_eq!(
        fetch(&hub, &[&format!("{}file", url(&listing))]).text(),
        "content"
    );
    let error = carol.run(["share", ":/shared/box", "--drop"]).fails(1);
    assert!(error.contains("no right"), "{error}");
}

#[test]
fn a_share_of_a_rooms_file_ends_for_whoever_is_put_out_of_the_room() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["room", "create", "#lab", "--private"]).succeeds();
    alice.run(["room", "invite", "#lab", "bob"]).succeeds();
    bob.run(["room", "join", "#lab"]).succeeds();
    put(&bob, "/rooms/lab/file", b"content");
    let shared = share(&bob, "/rooms/lab/file", &[]);
    assert_eq!(status(&hub, &[url(&shared)]), 200);
    alice.run(["room", "kick", "#lab", "bob"]).succeeds();
    assert_eq!(status(&hub, &[url(&shared)]), 404);
    let line: Value = serde_json::from_str(&bob.run(["share", "ls", "--json"]).succeeds()).unwrap();
    assert_eq!(line["path"], "/rooms/lab/file");
}

#[test]
fn people_see_and_end_their_own_shares_and_admins_all() {
    let (hub, alice) = Hub::with_alice();
    let [bob, carol] = ["bob", "carol"].map(|name| alice.invited(&hub, "member", name));
    put(&bob, "file", b"content");
    let shared = share(&bob, "file", &["--name", "the plan", "--count", "7"]);
    let id = shared["id"].as_str().unwrap();
    let list = |person: &Person| person.run(["share", "ls"]).succeeds();
    assert_eq!(list(&carol), "");
    for person in [&bob, &alice] {
        let line = list(person);
        assert!(line.starts_with(id), "{line}");
        assert!(
            line.contains("file :~/file, @bob, until ") && line.contains(", 7 left  the plan"),
            "{line}"
        );
    }
    let error = carol.run(["share", "rm", id]).fails(1);
    assert!(error.contains("there is no share"), "{error}");
    assert_eq!(status(&hub, &[url(&shared)]), 200);
    alice.run(["share", "rm", id]).succeeds();
    assert_eq!(status(&hub, &[url(&shared)]), 404);
    bob.run(["share", "rm", id]).fails(1);
    // What is not there, or somebody else's, is not shared.
    carol.run(["share", ":nothing"]).fails(1);
    carol.run(["share", "file"]).fails(2);
    carol.run(["share", ":~", "--count", "0"]).fails(2);
    assert!(
        !fs::read(hub.data().join("db/files.db-wal"))
            .unwrap()
            .windows(22)
            .any(|part| { url(&shared).as_bytes().ends_with(part) })
    );
}

#[test]
fn a_share_ends_when_its_time_is_over_and_one_without_an_end_does_not() {
    let clock = Settable::new();
    let hub = Hub::start_in(&clock.variables(), &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    put(&alice, "file", &content(LARGE));
    let short = share(&alice, "file", &["--expires", "20m"]);
    let endless = share(&alice, "file", &["--expires", "none"]);
    assert_eq!(
        (&endless["expires"], &endless["left"]),
        (&Value::Null, &Value::Null)
    );
    let fetching = half(&hub, "--http1.1", url(&short));
    clock.set("+30m");
    is_cut(fetching);
    assert_eq!(status(&hub, &[url(&short)]), 404);
    assert_eq!(status(&hub, &["--head", url(&endless)]), 200);
    assert_eq!(alice.run(["share", "ls"]).succeeds().lines().count(), 1);
}

#[test]
fn shares_are_there_after_a_crash() {
    let (mut hub, alice) = Hub::with_alice();
    put(&alice, "file", b"content");
    let shared = share(&alice, "file", &["--count", "2"]);
    assert_eq!(status(&hub, &[url(&shared)]), 200);
    hub.kill();
    hub.start_again();
    let rest = fetch(&hub, &["--range", "3-", url(&shared)]);
    assert_eq!(
        (rest.status, rest.text()),
        (206, "tent".to_owned()),
        "who has begun goes on"
    );
    assert_eq!(status(&hub, &[url(&shared)]), 200);
    assert_eq!(status(&hub, &[url(&shared)]), 404);
}

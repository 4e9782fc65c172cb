//! Rights on directories, on the real program.

mod support;

use landline_client::Hubs;
use landline_model::blocks::BLOCK_BYTES;
use landline_model::error::ErrorCode;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Attributes, PutBlock, PutFile, PutFinish, PutOpen};
use serde_json::Value;
use std::fs;
use support::{Hub, Person};

/// A hub with the admin Alice, the members Bob and Carol and the guest Gus, and a directory that everybody sees.
struct Group {
    hub: Hub,
    alice: Person,
    bob: Person,
    carol: Person,
    gus: Person,
}

impl Group {
    fn new() -> Self {
        let (hub, alice) = Hub::with_alice();
        let [bob, carol] = ["bob", "carol"].map(|name| alice.invited(&hub, "member", name));
        let gus = alice.invited(&hub, "guest", "gus");
        alice.run(["mkdir", ":/shared/dir"]).succeeds();
        put(&alice, "content", ":/shared/dir/file").succeeds();
        Self {
            hub,
            alice,
            bob,
            carol,
            gus,
        }
    }

    fn set(&self, path: &str, who: &str, right: &str) {
        self.alice.run(["access", "set", path, who, right]).succeeds();
    }
}

fn put(person: &Person, content: &str, path: &str) -> support::Output {
    fs::write(person.work().join("content"), content).expect("a file to send");
    person.run(["put", "content", path])
}

fn denied(output: support::Output) {
    let refused = output.fails(1);
    assert!(refused.contains("no right"), "{refused}");
}

/// Everything that one can do below a directory.
fn all_denied(person: &Person) {
    denied(person.run(["ls", ":/shared/dir"]));
    denied(person.run(["stat", ":/shared/dir/file"]));
    denied(person.run(["get", ":/shared/dir/file", "x"]));
    denied(put(person, "x", ":/shared/dir/new"));
    denied(person.run(["mkdir", ":/shared/dir/new"]));
    denied(person.run(["rm", ":/shared/dir/file"]));
    denied(person.run(["mv", ":/shared/dir/file", ":/shared/x"]));
}

#[test]
fn none_lets_nobody_in_and_the_directory_is_still_listed_above() {
    let group = Group::new();
    group.set(":/shared/dir", "member", "none");
    all_denied(&group.bob);
    let listed = group.bob.run(["ls", ":/shared"]).succeeds();
    assert_eq!(listed, "dir\n");
    // It was for members.
    group.gus.run(["get", ":/shared/dir/file", "x"]).succeeds();
    group
        .alice
        .run(["access", "rm", ":/shared/dir", "member"])
        .succeeds();
    group.bob.run(["rm", ":/shared/dir/file"]).succeeds();
}

#[test]
fn read_and_write_are_given_to_roles_and_people_and_the_person_comes_first() {
    let group = Group::new();
    group.set(":/shared/dir", "everyone", "none");
    group.set(":/shared/dir", "member", "read");
    group.set(":/shared/dir", "@bob", "write");
    put(&group.bob, "x", ":/shared/dir/bobs").succeeds();
    group.carol.run(["get", ":/shared/dir/bobs", "x"]).succeeds();
    denied(put(&group.carol, "x", ":/shared/dir/carols"));
    denied(group.carol.run(["rm", ":/shared/dir/bobs"]));
    all_denied(&group.gus);
    // A rule below says otherwise for some; for the others the one above counts on.
    group.bob.run(["mkdir", ":/shared/dir/below"]).succeeds();
    group.set(":/shared/dir/below", "guest", "write");
    put(&group.gus, "x", ":/shared/dir/below/gus's").succeeds();
    denied(put(&group.carol, "x", ":/shared/dir/below/carol's"));
    group.set(":/shared/dir/below", "everyone", "none");
    denied(put(&group.bob, "x", ":/shared/dir/below/bob's"));
}

#[test]
fn upload_takes_new_files_and_shows_and_replaces_nothing() {
    let group = Group::new();
    group.set(":/shared/dir", "everyone", "upload");
    let bob = &group.bob;
    put(bob, "handed in", ":/shared/dir/bobs").succeeds();
    put(bob, "handed in", ":/shared/dir").succeeds();
    fs::write(bob.work().join("large"), vec![b'x'; 2 * BLOCK_BYTES + 1]).unwrap();
    bob.run(["put", "large", ":/shared/dir/"]).succeeds();
    for again in [":/shared/dir/bobs", ":/shared/dir/file"] {
        let refused = put(bob, "again", again).fails(1);
        assert!(refused.contains("already there"), "{refused}");
    }
    bob.run(["put", "--force", "large", ":/shared/dir/file"]).fails(1);
    denied(bob.run(["ls", ":/shared/dir"]));
    denied(bob.run(["get", ":/shared/dir/bobs", "x"]));
    denied(bob.run(["stat", ":/shared/dir/bobs"]));
    denied(bob.run(["stat", ":/shared/dir/nothing"]));
    denied(bob.run(["rm", ":/shared/dir/bobs"]));
    denied(bob.run(["mv", ":/shared/dir/bobs", ":/shared/x"]));
    put(bob, "x", ":/shared/x").succeeds();
    denied(bob.run(["mv", ":/shared/x", ":/shared/dir/x"]));
    denied(bob.run(["mkdir", ":/shared/dir/x"]));
    group.set(":/shared/dir", "@alice", "write");
    let listed = group.alice.run(["ls", ":/shared/dir"]).succeeds();
    assert_eq!(listed, "bobs\ncontent\nfile\nlarge\n");
    group.alice.run(["get", ":/shared/dir/file", "x"]).succeeds();
    assert_eq!(
        fs::read_to_string(group.alice.work().join("x")).unwrap(),
        "content"
    );
}

#[test]
fn only_admins_set_rules_in_the_shared_space_and_nobody_does_at_home() {
    let group = Group::new();
    denied(group.bob.run(["access", "set", ":/shared/dir", "@bob", "write"]));
    denied(group.bob.run(["access", "rm", ":/shared/dir", "@bob"]));
    for (path, who, right) in [
        (":/shared/nothing", "@bob", "read"),
        (":/shared/dir/file", "@bob", "read"),
        (":/shared/dir", "@nobody", "read"),
        (":dir", "@bob", "read"),
    ] {
        group.alice.run(["access", "set", path, who, right]).fails(1);
    }
    group
        .alice
        .run(["access", "set", ":/shared/dir", "bob", "read"])
        .fails(2);
    group
        .alice
        .run(["access", "set", ":/shared/dir", "@bob", "rw"])
        .fails(2);
    group.alice.run(["access", "rm", ":/shared/dir", "@bob"]).fails(1);
}

#[test]
fn a_rooms_owner_sets_rules_there_and_its_members_do_not() {
    let group = Group::new();
    group.bob.run(["room", "create", "#lab", "--private"]).succeeds();
    group.bob.run(["room", "invite", "#lab", "@carol"]).succeeds();
    group.carol.run(["room", "join", "#lab"]).succeeds();
    group.bob.run(["mkdir", ":/rooms/lab/dir"]).succeeds();
    group
        .bob
        .run(["access", "set", ":/rooms/lab/dir", "everyone", "read"])
        .succeeds();
    denied(put(&group.carol, "x", ":/rooms/lab/dir/x"));
    put(&group.carol, "x", ":/rooms/lab/x").succeeds();
    denied(
        group
            .carol
            .run(["access", "set", ":/rooms/lab/dir", "@carol", "write"]),
    );
    // The hub's admin is not in it.
    group.alice.run(["access", ":/rooms/lab/dir"]).fails(1);
    group
        .bob
        .run(["room", "role", "#lab", "@carol", "moderator"])
        .succeeds();
    group
        .carol
        .run(["access", "set", ":/rooms/lab/dir", "@carol", "write"])
        .succeeds();
    put(&group.carol, "x", ":/rooms/lab/dir/x").succeeds();
}

#[test]
fn a_directory_with_rules_in_it_is_neither_moved_nor_removed_before_they_are() {
    let group = Group::new();
    group.alice.run(["mkdir", ":/shared/dir/below"]).succeeds();
    group.set(":/shared/dir/below", "@bob", "none");
    for arguments in [
        &["rm", "-r", ":/shared/dir"][..],
        &["rm", ":/shared/dir/below"],
        &["mv", ":/shared/dir", ":/shared/other"],
        &["mv", ":/shared/dir/below", ":below"],
    ] {
        let refused = group.alice.run(arguments).fails(1);
        assert!(refused.contains("access rm"), "{arguments:?}: {refused}");
    }
    group
        .alice
        .run(["access", "rm", ":/shared/dir/below", "@bob"])
        .succeeds();
    group
        .alice
        .run(["mv", ":/shared/dir", ":/shared/other"])
        .succeeds();
}

#[test]
fn who_asks_is_told_what_counts_and_why_and_who_keeps_the_rules_sees_them_all() {
    let group = Group::new();
    group.set(":/shared/dir", "member", "read");
    group.set(":/shared/dir", "@carol", "upload");
    let told = group.bob.run(["access", ":/shared/dir/file"]).succeeds();
    assert_eq!(told, "you may read here: :/shared/dir has 'read' for member\n");
    let told = group.carol.run(["access", ":/shared/dir"]).succeeds();
    assert_eq!(
        told,
        "you may put new files here, and nothing else: :/shared/dir has 'upload' for @carol\n"
    );
    let told = group.alice.run(["access", ":/shared", "--json"]).succeeds();
    let told: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 3);
    assert_eq!(
        (&told[0]["write"], &told[0]["decides"]),
        (&Value::from(true), &Value::Null)
    );
    assert_eq!(
        (&told[1]["who"], &told[1]["right"]),
        (&Value::from("@carol"), &Value::from("upload"))
    );
}

#[test]
fn rules_outlive_a_killed_hub() {
    let mut group = Group::new();
    group.set(":/shared/dir", "@bob", "none");
    group.hub.kill();
    group.hub.start_again();
    all_denied(&group.bob);
}

#[tokio::test]
async fn a_rule_counts_at_once_for_an_upload_that_is_under_way() {
    let group = Group::new();
    let hubs = Hubs::load_from(&group.bob.configuration()).unwrap();
    let connection = landline_client::connect(hubs.current(None).unwrap())
        .await
        .unwrap();
    let bytes = vec![7_u8; 2 * BLOCK_BYTES];
    let open = |overwrite| PutOpen {
        path: RemotePath::parse(b"/shared/dir/large").unwrap(),
        size: bytes.len() as u64,
        overwrite,
        attributes: Attributes::default(),
        source: None,
        resume: None,
    };
    let block = |upload, number: usize| PutBlock {
        upload,
        offset: (number * BLOCK_BYTES) as u64,
    };
    let body = || bytes::Bytes::from(vec![7_u8; BLOCK_BYTES]);
    let upload = connection.call(&open(false)).await.unwrap().upload;
    connection.exchange(&block(upload, 0), body()).await.unwrap();
    group.set(":/shared/dir", "@bob", "read");
    let refused = connection.exchange(&block(upload, 1), body()).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::Forbidden));
    // With the right to add files it goes on: it replaces nothing.
    group.set(":/shared/dir", "@bob", "upload");
    connection.exchange(&block(upload, 1), body()).await.unwrap();
    let finish = PutFinish {
        upload,
        size: bytes.len() as u64,
        hash: Hash::from(blake3::hash(&bytes)),
    };
    group.set(":/shared/dir", "@bob", "none");
    let refused = connection.call(&finish).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::Forbidden));
    group.set(":/shared/dir", "@bob", "upload");
    connection.call(&finish).await.unwrap();
    // A small one cannot make directories there, nor replace what it does not see.
    let small = |path: &[u8]| PutFile {
        path: RemotePath::parse(path).unwrap(),
        hash: Hash::from(blake3::hash(b"small")),
        overwrite: true,
        parents: true,
        attributes: Attributes::default(),
    };
    let content = || bytes::Bytes::from_static(b"small");
    for (path, code) in [
        (&b"/shared/dir/file"[..], ErrorCode::Exists),
        (b"/shared/dir/new/file", ErrorCode::NotFound),
    ] {
        let refused = connection.exchange(&small(path), content()).await.unwrap_err();
        assert_eq!(refused.code(), Some(code));
    }
    connection
        .exchange(&small(b"/shared/dir/small"), content())
        .await
        .unwrap();
}

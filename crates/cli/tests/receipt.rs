//! `landline put --receipt` and `landline receipt verify`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::Value;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use support::{Hub, Person};

fn large() -> Vec<u8> {
    (0..3_000_000_u32)
        .map(|index| (index % 251).to_le_bytes()[0])
        .collect()
}

/// Sends a file and keeps the receipt; says what is in it.
fn put(person: &Person, name: &str, content: &[u8]) -> String {
    fs::write(person.work().join(name), content).unwrap();
    person.run(["put", name, ":", "--receipt", "receipt"]).succeeds();
    fs::read_to_string(person.work().join("receipt")).unwrap()
}

#[test]
fn a_receipt_holds_without_the_hub_and_says_what_was_sent() {
    let (mut hub, alice) = Hub::with_alice();
    let content = large();
    let text = put(&alice, "film.mkv", &content);
    let receipt: Value = serde_json::from_str(&text).unwrap();
    let hash = blake3::hash(&content).to_string();
    assert_eq!(receipt["path"], "~/film.mkv");
    assert_eq!(receipt["size"], content.len());
    assert_eq!(receipt["hash"], hash);
    assert_eq!(receipt["name"], "alice");
    assert_eq!(receipt["account"], alice.account()["id"]);
    // What becomes of the file, and of the hub, changes nothing.
    alice.run(["rm", ":film.mkv"]).succeeds();
    hub.stop();
    let said = alice.run(["receipt", "verify", "receipt"]).succeeds();
    assert!(
        said.starts_with(&format!(
            ":~/film.mkv  {} bytes  BLAKE3 {hash}  put by @alice at 20",
            content.len()
        )),
        "{said}"
    );
    alice.run(["receipt", "verify", "receipt", "film.mkv"]).succeeds();
    fs::write(alice.work().join("shorter"), &content[1..]).unwrap();
    let error = alice.run(["receipt", "verify", "receipt", "shorter"]).fails(1);
    assert!(error.contains("has 2999999 bytes"), "{error}");
    let mut other = content;
    other[1_500_000] ^= 1;
    fs::write(alice.work().join("other"), other).unwrap();
    let error = alice.run(["receipt", "verify", "receipt", "other"]).fails(1);
    assert!(error.contains("hashes to"), "{error}");
}

#[test]
fn a_receipt_of_which_any_byte_was_changed_does_not_hold() {
    let (_hub, alice) = Hub::with_alice();
    let text = put(&alice, "a", b"content");
    for index in 0..text.len() {
        // Another letter or digit, of the same kind where that can be, so that it is still JSON in most places.
        let mut bytes = text.clone().into_bytes();
        bytes[index] = match bytes[index] {
            b'0'..=b'8' | b'a'..=b'y' => bytes[index] + 1,
            b'9' => b'0',
            b'z' => b'a',
            byte => byte ^ 1,
        };
        fs::write(alice.work().join("changed"), bytes).unwrap();
        alice.run(["receipt", "verify", "changed"]).fails(1);
    }
    for changed in [
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("{text}x"),
        text.replace(':', ": "),
        String::new(),
    ] {
        fs::write(alice.work().join("changed"), &changed).unwrap();
        alice.run(["receipt", "verify", "changed"]).fails(1);
    }
    alice.run(["receipt", "verify", "receipt"]).succeeds();
    alice.run(["receipt", "verify", "nothing"]).fails(1);
}

#[test]
fn only_the_hub_that_signed_it_answers_for_a_receipt() {
    let (_hub, alice) = Hub::with_alice();
    let (_other_hub, bob) = Hub::with_alice();
    let text = put(&alice, "a", b"content");
    fs::write(bob.work().join("receipt"), &text).unwrap();
    let error = bob.run(["receipt", "verify", "receipt"]).fails(1);
    assert!(error.contains("does not know"), "{error}");
    // As if the other hub had signed it.
    fs::remove_file(bob.work().join("receipt")).unwrap();
    let own = put(&bob, "a", b"content");
    let part = |text: &str, member: &str| {
        serde_json::from_str::<Value>(text).unwrap()[member]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let forged = text.replace(&part(&text, "hub"), &part(&own, "hub"));
    fs::write(bob.work().join("forged"), forged).unwrap();
    let error = bob.run(["receipt", "verify", "forged"]).fails(1);
    assert!(error.contains("signature"), "{error}");
}

#[test]
fn each_file_of_a_tree_has_its_receipt_and_nothing_is_overwritten() {
    let (_hub, alice) = Hub::with_alice();
    let top = alice.work().join("tree/below");
    fs::create_dir_all(&top).unwrap();
    fs::write(top.join(std::ffi::OsStr::from_bytes(b"\xff\nname")), b"one").unwrap();
    fs::write(top.join("large"), large()).unwrap();
    fs::write(top.join("two"), b"two").unwrap();
    alice
        .run(["put", "-r", "tree", ":", "--receipt", "receipts"])
        .succeeds();
    let said = alice
        .run(["receipt", "verify", "receipts", "tree/below/two"])
        .succeeds();
    assert_eq!(said.lines().count(), 3);
    fs::write(alice.work().join("three"), b"three").unwrap();
    let error = alice.run(["receipt", "verify", "receipts", "three"]).fails(1);
    assert!(error.contains("none of these"), "{error}");
    // What is kept is not lost to the next one.
    let error = alice.run(["put", "three", ":", "--receipt", "receipts"]).fails(1);
    assert!(error.contains("receipts"), "{error}");
    assert!(
        !alice.run(["ls"]).succeeds().contains("three"),
        "nothing was sent"
    );
}

#[test]
fn the_hub_signs_nothing_that_somebody_else_has_put_there() {
    use landline_client::receipt::receipt;
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    fs::write(alice.work().join("file"), b"content").unwrap();
    alice.run(["put", "file", ":/shared/"]).succeeds();
    let path = landline_model::path::RemotePath::parse(b"/shared/file").unwrap();
    let ask = |person: &Person, size| {
        let hubs = landline_client::Hubs::load_from(&person.configuration()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let connection = landline_client::connect(hubs.current(None).unwrap())
                .await
                .unwrap();
            receipt(&connection, &path, size)
                .await
                .map_err(|error| error.to_string())
        })
    };
    assert_eq!(ask(&alice, 7).unwrap().size, 7);
    assert!(ask(&alice, 8).unwrap_err().contains("another file"));
    assert!(ask(&bob, 7).unwrap_err().contains("not what you have put there"));
    fs::write(hub.data().join("files/shared/file"), b"changed").unwrap();
    assert!(
        ask(&alice, 7)
            .unwrap_err()
            .contains("not what you have put there")
    );
}

#[test]
fn who_may_only_add_files_has_receipts_for_those_and_learns_of_no_other() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["mkdir", ":/shared/homework"]).succeeds();
    fs::write(alice.work().join("hers"), "hers").unwrap();
    alice.run(["put", "hers", ":/shared/homework/"]).succeeds();
    alice
        .run(["access", "set", ":/shared/homework", "everyone", "upload"])
        .succeeds();
    fs::write(bob.work().join("his"), "his").unwrap();
    bob.run(["put", "his", ":/shared/homework/", "--receipt", "receipt"])
        .succeeds();
    bob.run(["receipt", "verify", "receipt", "his"]).succeeds();
    let link = alice.invitation(&["--role", "member"]);
    let mut carl = support::peer::Peer::joined(&hub, &link, "carl");
    for name in ["hers", "his", "nothing"] {
        let path = format!("/shared/homework/{name}");
        let answer = carl.ask("receipt", &serde_json::json!({ "path": path }));
        assert_eq!(answer["error"]["code"], "forbidden", "{answer}");
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("is not what you have put"),
            "{answer}"
        );
    }
}

//! Uploads by somebody who keeps to no rule: each request is answered for itself, and nothing appears.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::{Value, json};
use std::fs;
use support::peer::Peer;
use support::{Hub, Person};

const BLOCK: usize = 1024 * 1024;

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("ok")
}

/// A hub, its admin, and a connection of somebody who may write.
fn hub() -> (Hub, Person, Peer) {
    let (hub, alice) = Hub::with_alice();
    let link = alice.invitation(&["--role", "member"]);
    let peer = Peer::joined(&hub, &link, "bob");
    (hub, alice, peer)
}

fn open(peer: &mut Peer, size: u64) -> Value {
    let opened = peer.ask(
        "put_open",
        &json!({ "path": "/shared/x", "size": size, "source": "s" }),
    );
    assert_eq!(code(&opened), "ok", "{opened}");
    opened["ok"]["upload"].clone()
}

fn block(upload: &Value, offset: u64) -> Value {
    json!({ "upload": upload, "offset": offset })
}

/// Sends blocks without waiting, and says how each was answered.
fn together(peer: &mut Peer, blocks: &[(Value, &[u8])]) -> Vec<String> {
    let ids: Vec<u64> = blocks
        .iter()
        .map(|(call, body)| peer.request("put_block", call, body))
        .collect();
    let mut codes = vec![String::new(); ids.len()];
    for _ in &ids {
        let (answer, _) = peer.receive().unwrap();
        let index = ids.iter().position(|id| answer["id"] == *id).unwrap();
        codes[index] = code(&answer).to_owned();
    }
    codes
}

#[test]
fn offsets_that_no_file_has_are_refused_and_the_upload_goes_on() {
    let (hub, _alice, mut bob) = hub();
    let upload = open(&mut bob, 3);
    for offset in [1, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX - 2, u64::MAX] {
        let answer = bob.ask_with("put_block", &block(&upload, offset), b"abc");
        assert_eq!(code(&answer), "mismatch", "{offset}: {answer}");
    }
    for offset in [json!(-1), json!(1.5), json!("0"), json!(null)] {
        let call = json!({ "upload": upload, "offset": offset });
        assert_eq!(code(&bob.ask_with("put_block", &call, b"abc")), "bad_request");
    }
    for body in [&b""[..], b"ab", b"abcd"] {
        let answer = bob.ask_with("put_block", &block(&upload, 0), body);
        assert_eq!(code(&answer), "mismatch", "{answer}");
    }
    let answer = bob.ask("put_values", &json!({ "upload": upload, "first": u64::MAX }));
    assert_eq!(code(&answer), "ok");
    assert_eq!(code(&bob.ask_with("put_block", &block(&upload, 0), b"abc")), "ok");
    let wrong = blake3::hash(b"abd").to_hex().to_string();
    let finish = json!({ "upload": upload, "size": 3, "hash": wrong });
    assert_eq!(code(&bob.ask("put_finish", &finish)), "mismatch");
    assert!(!hub.data().join("files/shared/x").exists());
    assert_eq!(fs::read_dir(hub.data().join("files/partial")).unwrap().count(), 0);
}

#[test]
fn a_bad_block_among_good_ones_is_answered_for_itself() {
    let (_hub, _alice, mut bob) = hub();
    let one = vec![7; BLOCK];
    let size = 3 * BLOCK as u64;
    let upload = open(&mut bob, size);
    let at = |number: u64| block(&upload, number * BLOCK as u64);
    let codes = together(
        &mut bob,
        &[
            (at(0), &one),
            (at(2), &one),
            (at(1), &one[..5]),
            (at(1), &one),
            (at(1), &one),
            (block(&json!("00".repeat(16)), 0), b"x"),
            (at(2), &one),
        ],
    );
    assert_eq!(
        codes,
        ["ok", "mismatch", "mismatch", "ok", "mismatch", "not_found", "ok"]
    );
    let hash = blake3::hash(&one.repeat(3)).to_hex().to_string();
    let finish = json!({ "upload": upload, "size": size, "hash": hash });
    let finished = bob.ask("put_finish", &finish);
    assert_eq!(code(&finished), "ok", "{finished}");
}

#[test]
fn a_strangers_upload_is_not_there() {
    let (hub, alice, mut bob) = hub();
    let upload = open(&mut bob, 3);
    let link = alice.invitation(&["--role", "member"]);
    let mut eve = Peer::joined(&hub, &link, "eve");
    let size = json!(3);
    let hash = blake3::hash(b"abc").to_hex().to_string();
    for (request, call) in [
        ("put_block", block(&upload, 0)),
        ("put_values", json!({ "upload": upload, "first": 0 })),
        (
            "put_finish",
            json!({ "upload": upload, "size": size, "hash": hash }),
        ),
        ("put_abort", json!({ "upload": upload })),
        (
            "put_open",
            json!({ "path": "/shared/x", "size": size, "resume": upload }),
        ),
    ] {
        let body: &[u8] = if request == "put_block" { b"abc" } else { b"" };
        assert_eq!(
            code(&eve.ask_with(request, &call, body)),
            "not_found",
            "{request}"
        );
    }
    // The same source, by name: it begins one of her own.
    let call = json!({ "path": "/shared/x", "size": size, "source": "s", "resume": true });
    let opened = eve.ask("put_open", &call);
    assert_eq!(code(&opened), "ok");
    assert_ne!(opened["ok"]["upload"], upload);
    assert_eq!(code(&bob.ask_with("put_block", &block(&upload, 0), b"abc")), "ok");
}

#[test]
fn a_source_with_too_long_a_name_is_refused() {
    let (_hub, _alice, mut bob) = hub();
    for (length, expected) in [(64, "ok"), (65, "too_large")] {
        let source = "x".repeat(length);
        let opened = bob.ask(
            "put_open",
            &json!({ "path": "/shared/x", "size": 1, "source": source }),
        );
        assert_eq!(code(&opened), expected);
    }
}

#[test]
fn blocks_of_a_session_that_was_revoked_are_not_taken() {
    let (hub, alice, mut bob) = hub();
    let upload = open(&mut bob, 2 * BLOCK as u64);
    let one = vec![7; BLOCK];
    assert_eq!(code(&bob.ask_with("put_block", &block(&upload, 0), &one)), "ok");
    alice.run(["user", "disable", "bob"]).succeeds();
    // Its connection is closed, in the middle of whatever comes.
    bob.is_closed();
    assert!(!hub.data().join("files/shared/x").exists());
}

//! `landline history --grep` and its kin on the real program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::{Value, json};
use support::peer::Peer;
use support::{Hub, Person};

/// What a search finds, as JSON.
fn found(person: &Person, options: &[&str]) -> Vec<Value> {
    let output = person.run(["history", "--json"].iter().chain(options));
    assert_eq!(output.stderr, "", "all of it is indexed");
    let lines = output.succeeds();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The rooms and texts of that.
fn texts(person: &Person, options: &[&str]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = found(person, options);
    found
        .iter()
        .map(|event| (text(&event["room"]), text(&event["text"])))
        .collect()
}

fn pairs<'a>(expected: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(room, text)| ((*room).to_owned(), (*text).to_owned()))
        .collect()
}

/// Does something to message `message` of #general.
fn act(peer: &mut Peer, id: u8, act: &str, message: u64, text: &str) {
    let client_id = format!("{id:032x}");
    let call = json!({ "target": "#general", "client_id": client_id, "act": act, "message": message, "reaction": "👍" });
    let answer = peer.ask_with("do", &call, text.as_bytes());
    assert!(answer["ok"].is_object(), "{answer}");
}

fn say(peer: &mut Peer, id: u8, text: &str) {
    let client_id = format!("{id:032x}");
    let answer = peer.ask_with(
        "send",
        &json!({ "target": "#general", "client_id": client_id }),
        text.as_bytes(),
    );
    assert!(answer["ok"].is_object(), "{answer}");
}

#[test]
fn what_was_said_is_found_in_every_room_that_one_may_read_the_newest_first() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    let carl = alice.invited(&hub, "member", "carl");
    alice.run(["room", "create", "#lab"]).succeeds();
    alice.run(["room", "create", "--private", "#board"]).succeeds();
    for (person, target, text) in [
        (&alice, "#general", "今天天气很好"),
        (&bob, "#lab", "The weather: 天气 again"),
        (&alice, "#board", "天气, in secret"),
        (&bob, "@carl", "only for you: 天气"),
        (&carl, "#general", "Nothing of it"),
    ] {
        person.run(["send", target, text]).succeeds();
    }
    let general = ("#general", "今天天气很好");
    let lab = ("#lab", "The weather: 天气 again");
    let board = ("#board", "天气, in secret");
    let expected = pairs(&[("@carl", "only for you: 天气"), lab, general]);
    assert_eq!(texts(&bob, &["--grep", "天气"]), expected);
    let expected = pairs(&[("@bob", "only for you: 天气"), lab, general]);
    assert_eq!(texts(&carl, &["--grep", "天气"]), expected);
    assert_eq!(texts(&alice, &["--grep", "天气"]), pairs(&[board, lab, general]));
    assert_eq!(
        texts(&alice, &["--grep", "天气", "--limit", "2"]),
        pairs(&[board, lab])
    );
    assert_eq!(texts(&alice, &["--grep", "天"]), pairs(&[board, lab, general]));
    assert_eq!(texts(&alice, &["--grep", "天气很好"]), pairs(&[general]));
    assert_eq!(texts(&alice, &["--grep", "WEATHER"]), pairs(&[lab]));
    assert_eq!(texts(&alice, &["#lab", "--grep", "天气"]), pairs(&[lab]));
    assert_eq!(texts(&alice, &["--from", "bob"]), pairs(&[lab]));
    assert_eq!(texts(&carl, &["--from", "@bob", "--grep", "only"]).len(), 1);
    assert_eq!(texts(&alice, &["--grep", "\"天气\" OR *"]), []);
    for options in [&["#board", "--grep", "天气"], &["#nope", "--grep", "天气"]] {
        let errors = bob.run(["history"].iter().chain(options)).fails(1);
        assert!(errors.contains("there is no room"), "{errors}");
    }
    alice.run(["history", "--from", "nobody"]).fails(1);
    // For people, each line says its room.
    let shown = alice.run(["history", "--grep", "weather"]).succeeds();
    assert!(
        shown.starts_with("#lab  ") && shown.ends_with(" bob: The weather: 天气 again\n"),
        "{shown}"
    );
}

#[test]
fn a_message_is_found_and_shown_as_it_is_now() {
    let (hub, alice) = Hub::with_general();
    let link = alice.invitation(&["--role", "member"]);
    let mut bob = Peer::joined(&hub, &link, "bob");
    say(&mut bob, 1, "first draft");
    say(&mut bob, 2, "a mistake");
    act(&mut bob, 3, "edit", 1, "final text");
    act(&mut bob, 4, "delete", 2, "");
    act(&mut bob, 5, "react", 1, "");
    assert_eq!(found(&alice, &["--grep", "draft"]), Vec::<Value>::new());
    assert_eq!(found(&alice, &["--grep", "mistake"]), Vec::<Value>::new());
    let found = found(&alice, &["--grep", "FINAL"]);
    assert_eq!((&found[0]["seq"], &found[0]["edited"]), (&json!(1), &json!(3)));
    assert_eq!(found[0]["reactions"][0]["reaction"], "👍");
    // The log for people: each message once, as it is now; for programs every event.
    let shown = alice.run(["history", "#general"]).succeeds();
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(
        shown.contains("final text (edited)") && shown.contains("👍"),
        "{shown}"
    );
    assert!(!shown.contains("draft") && !shown.contains("mistake"), "{shown}");
    let log = alice.run(["history", "#general", "--json"]).succeeds();
    assert_eq!(log.lines().count(), 5, "{log}");
}

#[test]
fn who_was_put_out_of_a_room_finds_nothing_of_it_any_more() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["room", "create", "--private", "#board"]).succeeds();
    alice.run(["room", "invite", "#board", "bob"]).succeeds();
    bob.run(["room", "join", "#board"]).succeeds();
    alice.run(["send", "#board", "the plan"]).succeeds();
    let expected = pairs(&[("#board", "the plan")]);
    assert_eq!(texts(&bob, &["--grep", "plan"]), expected);
    alice.run(["room", "kick", "#board", "bob"]).succeeds();
    assert_eq!(texts(&bob, &["--grep", "plan"]), []);
    assert_eq!(texts(&alice, &["--grep", "plan"]), expected);
}

#[test]
fn an_index_that_is_lost_or_damaged_or_behind_is_made_good() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "before the kill"]).succeeds();
    hub.kill();
    hub.start_again();
    let expected = pairs(&[("#general", "before the kill")]);
    assert_eq!(texts(&alice, &["--grep", "kill"]), expected);
    for damage in [None, Some(&b"no database at all, and of some length"[..])] {
        hub.stop();
        let index = hub.data().join("db/search.db");
        assert!(
            !hub.data().join("db/search.db-wal").exists(),
            "it was closed in order"
        );
        match damage {
            None => std::fs::remove_file(&index).unwrap(),
            Some(bytes) => std::fs::write(&index, bytes).unwrap(),
        }
        hub.start_again();
        assert_eq!(texts(&alice, &["--grep", "kill"]), expected);
    }
}

#[test]
fn times_narrow_a_search_and_wrong_ones_are_refused() {
    let (_hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "now"]).succeeds();
    let expected = pairs(&[("#general", "now")]);
    for options in [
        &["--grep", "now", "--since", "2h"][..],
        &["#general", "--since", "2h"],
        &["#general", "--since", "2020-01-31"],
        &["--before", "2999-12-31"],
        &["--since", "2h"],
        &[
            "--from",
            "alice",
            "--since",
            "2020-01-31T12:00:00Z",
            "--before",
            "2999-01-01",
        ],
    ] {
        assert_eq!(texts(&alice, options), expected, "{options:?}");
    }
    for options in [
        &["--grep", "now", "--before", "2h"][..],
        &["#general", "--since", "2999-01-01"],
        &["--before", "2020-01-31T12:00:00Z"],
    ] {
        assert_eq!(texts(&alice, options), [], "{options:?}");
    }
    for wrong in [
        &["history"][..],
        &["history", "--since", "3"],
        &["history", "--grep", "x", "--since", "3"],
        &["history", "--grep", "x", "--before", "3"],
        &["history", "--grep", "x", "--since", "yesterday"],
        &["history", "--grep", "x", "--limit", "0"],
        &["history", "--from", "#x"],
    ] {
        alice.run(wrong).fails(2);
    }
    let long = "x".repeat(257);
    let errors = alice.run(["history", "--grep", &long]).fails(1);
    assert!(errors.contains("257 bytes"), "{errors}");
}

#[test]
fn a_search_on_the_wire_is_paged_and_its_limits_hold() {
    let (hub, alice) = Hub::with_general();
    let mut bob = Peer::joined(&hub, &alice.invitation(&["--role", "guest"]), "bob");
    // In JSON each of them is six times as long.
    let long = format!("needle {}", "\u{1}".repeat(14_000));
    for number in 0..20 {
        say(&mut bob, number, &long);
    }
    let (mut sequences, mut next, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let mut call = json!({ "text": "needle", "limit": 1000 });
        if !next.is_null() {
            call["next"] = next;
        }
        let id = bob.request("search", &call, b"");
        let (header, body) = bob.receive().unwrap();
        assert_eq!(header["id"], id);
        assert_eq!(header["ok"]["behind"], Value::Null, "all of it is indexed");
        pages += 1;
        assert!(
            body.len() <= landline_model::protocol::PAGE_BYTES_MAX,
            "{}",
            body.len()
        );
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        sequences.extend(lines.iter().map(|line| line["sequence"].as_u64().unwrap()));
        next = header["ok"]["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(sequences, (1..=20).rev().collect::<Vec<_>>());
    assert!(pages > 1);
    for (call, code) in [
        (json!({ "text": "x".repeat(257), "limit": 1 }), "too_large"),
        (json!({ "text": "x", "target": "#nope", "limit": 1 }), "not_found"),
        (json!({ "text": "x", "from": "nobody", "limit": 1 }), "not_found"),
        (json!({ "text": 7, "limit": 1 }), "bad_request"),
        (json!({ "text": "x" }), "bad_request"),
    ] {
        let answer = bob.ask("search", &call);
        assert_eq!(answer["error"]["code"], code, "{call}: {answer}");
    }
    for call in [
        json!({ "text": "needle", "limit": 0 }),
        json!({ "text": "", "limit": 4_000_000_000_u32, "next": 0 }),
        json!({ "text": "needle", "limit": 1, "next": u64::MAX, "since": u64::MAX, "before": u64::MAX }),
    ] {
        let answer = bob.ask("search", &call);
        assert!(answer["ok"].is_object(), "{call}: {answer}");
    }
}

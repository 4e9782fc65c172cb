//! What becomes of a room's log.

use super::talker::{Talker, code, lines};
use crate::support::Hub;
use serde_json::{Value, json};

#[test]
fn numbers_that_no_event_has_harm_nothing() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    alice.ask("room_create", &json!({ "name": "lab" }));
    let message = alice.says("#lab", "one");
    let topic = alice.does_with("#lab", &json!({ "act": "topic" }), "a topic");
    for number in [
        0,
        topic,
        topic + 1,
        1 << 53,
        i64::MAX.unsigned_abs(),
        1 << 63,
        u64::MAX,
    ] {
        for (act, text) in [
            (json!({ "act": "say", "reply_to": number }), "x"),
            (json!({ "act": "edit", "message": number }), "x"),
            (json!({ "act": "delete", "message": number }), ""),
            (json!({ "act": "react", "message": number, "reaction": "x" }), ""),
            (
                json!({ "act": "unreact", "message": number, "reaction": "x" }),
                "",
            ),
        ] {
            let answer = alice.tries_with("#lab", &act, text);
            assert_eq!(code(&answer), "not_found", "{act}: {answer}");
        }
        let read = alice.ask("read", &json!({ "target": "#lab", "sequence": number }));
        let expected = if number <= topic { "ok" } else { "conflict" };
        assert_eq!(code(&read), expected, "{number}: {read}");
    }
    for arguments in [
        json!({ "act": "mute", "who": "alice", "seconds": 0 }),
        json!({ "act": "mute", "who": "alice", "seconds": u64::MAX }),
        json!({ "act": "slow", "seconds": u32::MAX }),
        json!({ "act": "slow", "seconds": -1 }),
        json!({ "act": "react", "message": message, "reaction": "" }),
        json!({ "act": "react", "message": message, "reaction": "\u{1b}[2J" }),
        json!({ "act": "kick", "who": "alice", "reason": "a\nb" }),
        json!({ "act": "edit", "message": -1 }),
        json!({ "act": "edit" }),
        json!({ "act": "fly" }),
        json!({}),
    ] {
        let answer = alice.tries_with("#lab", &arguments, "");
        assert_eq!(code(&answer), "bad_request", "{arguments}: {answer}");
    }
    let answer = alice.tries_with("#lab", &json!({ "act": "join" }), "a text");
    assert_eq!(code(&answer), "bad_request");
    let answer = alice.tries_with("#lab", &json!({ "act": "topic" }), "x".repeat(513));
    assert_eq!(code(&answer), "too_large");
    for kind in ["direct", "secret", "\u{202e}"] {
        let answer = alice.ask("room_create", &json!({ "name": "other", "kind": kind }));
        assert_eq!(code(&answer), "bad_request", "{kind:?}");
    }
}

#[test]
fn the_same_act_in_flight_several_times_is_done_once() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    alice.ask("room_create", &json!({ "name": "lab" }));
    alice.says("#lab", "first");
    let call = json!({ "target": "#lab", "client_id": "22".repeat(16) });
    let mut act = call.clone();
    act["act"] = json!("topic");
    let ids: Vec<u64> = (0..5)
        .map(|number| match number % 2 {
            0 => alice.peer.request("send", &call, b"once"),
            _ => alice.peer.request("do", &act, b"a topic"),
        })
        .collect();
    let answers: Vec<Value> = ids.iter().map(|_| alice.receive().0).collect();
    for (id, answer) in ids.iter().zip(&answers) {
        assert_eq!(
            (&answer["id"], &answer["ok"]["sequence"]),
            (&json!(id), &json!(2)),
            "{answer}"
        );
        let is_first = *id == ids[0];
        assert_eq!(
            answer["ok"]["duplicate"].as_bool().unwrap_or(false),
            !is_first,
            "{answer}"
        );
    }
    let (_, body) = alice.ask_for("history", &json!({ "target": "#lab", "limit": 10 }));
    let texts: Vec<Value> = lines(&body).iter().map(|event| event["text"].clone()).collect();
    assert_eq!(texts, ["first", "once"]);
}

#[test]
fn what_was_taken_back_is_nowhere_any_more() {
    let mut hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut bob = alice.brings(&hub, "guest", "bob");
    alice.ask("room_create", &json!({ "name": "lab" }));
    let message = alice.says("#lab", "the-secret");
    alice.does_with(
        "#lab",
        &json!({ "act": "edit", "message": message }),
        "the-secret-again",
    );
    alice.does(
        "#lab",
        json!({ "act": "react", "message": message, "reaction": "+1" }),
    );
    alice.does("#lab", json!({ "act": "delete", "message": message }));
    let last = alice.says("#lab", "something else");
    for options in [
        json!({}),
        json!({ "proof": true }),
        json!({ "fold": true }),
        json!({ "last": true }),
    ] {
        let mut call = options.clone();
        call["target"] = json!("#lab");
        call["limit"] = json!(100);
        let (answer, body) = bob.ask_for("history", &call);
        let body = String::from_utf8(body).unwrap();
        assert_eq!(body.lines().count() as u64, last, "{answer}");
        assert!(
            !body.contains("the-secret") && body.contains("something else"),
            "{body}"
        );
        let erased = lines(body.as_bytes());
        let erased = erased.iter().filter(|event| event["erased"] == true);
        assert_eq!(erased.count(), 2, "{body}");
    }
    bob.ask("subscribe", &json!({ "target": "#lab", "since": 0 }));
    for sequence in 1..=last {
        let (header, body) = bob.event();
        assert_eq!(header["args"]["sequence"], sequence, "{header}");
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
    drop((alice, bob));
    hub.stop();
    for file in std::fs::read_dir(hub.data().join("db")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let is_there = bytes.windows(10).any(|window| window == b"the-secret");
        assert!(!is_there, "it stands in {}", path.display());
    }
}

#[test]
fn a_room_that_was_brought_here_is_the_one_that_it_was() {
    let (there, here) = (Hub::start(), Hub::start());
    let mut alice = Talker::admin(&there, "alice");
    let made = alice.ask("room_create", &json!({ "name": "lab" }))["ok"].clone();
    let first = alice.says("#lab", "one");
    alice.says("#lab", "two");
    alice.does("#lab", json!({ "act": "delete", "message": first }));
    let log = json!({ "target": "#lab", "limit": 100, "proof": true });
    let (page, log) = alice.ask_for("history", &log);
    let head = &page["ok"]["room"]["head"];
    let begin = json!({
        "room": made["id"], "created": made["created"], "creator": made["creator"], "kind": "public",
        "original_name": "lab", "name": "annex",
    });
    let room = json!({ "room": made["id"] });
    let finish = json!({ "room": made["id"], "sequence": head["sequence"], "hash": head["hash"] });

    let mut admin = Talker::admin(&here, "admin");
    let mut member = admin.brings(&here, "member", "member");
    for (request, call) in [
        ("import_begin", &begin),
        ("import_events", &room),
        ("import_finish", &finish),
    ] {
        assert_eq!(code(&member.ask(request, call)), "forbidden", "{request}");
    }
    assert_eq!(code(&admin.ask("import_events", &room)), "not_found");
    assert_eq!(code(&admin.ask("import_begin", &begin)), "ok");
    let nobody = member.ask("history", &json!({ "target": "#annex", "limit": 1 }));
    assert_eq!(code(&nobody), "not_found", "not before it is whole");
    let forged = String::from_utf8(log.clone()).unwrap().replace("two", "2 + 2");
    for (body, expected) in [
        (forged.as_bytes(), "mismatch"),
        (b"{}\n", "bad_request"),
        (b"nonsense\n", "bad_request"),
        (&log, "ok"),
    ] {
        let answer = admin.ask_with("import_events", &room, body);
        assert_eq!(code(&answer), expected, "{answer}");
    }
    let mut wrong = finish.clone();
    wrong["hash"] = json!("00".repeat(32));
    assert_eq!(code(&admin.ask("import_finish", &wrong)), "mismatch");
    let opened = admin.ask("import_finish", &finish);
    assert_eq!(
        opened["ok"]["me"]["standing"],
        json!({ "member": "owner" }),
        "{opened}"
    );
    let (_, body) = member.ask_for("history", &json!({ "target": "#annex", "limit": 100 }));
    let events = lines(&body);
    assert_eq!(events.len(), 4, "three, and the one that brought them here");
    assert_eq!(
        (&events[1]["text"], &events[1]["sender_name"]),
        (&json!("two"), &json!("alice"))
    );
    assert_eq!(events[1]["hash"], lines(&log)[1]["hash"]);
    assert_eq!(
        (&events[0]["erased"], &events[3]["kind"]),
        (&json!(true), &json!("import"))
    );
    member.says("#annex", "it goes on");
}

#[test]
fn a_folded_page_has_messages_as_they_are_now() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut bob = alice.brings(&hub, "guest", "bob");
    alice.ask("room_create", &json!({ "name": "lab" }));
    let message = alice.says("#lab", "for @alice");
    alice.does_with("#lab", &json!({ "act": "edit", "message": message }), "for @bob");
    alice.does(
        "#lab",
        json!({ "act": "react", "message": message, "reaction": "👍" }),
    );
    let (_, body) = bob.ask_for(
        "history",
        &json!({ "target": "#lab", "limit": 100, "fold": true }),
    );
    let now = lines(&body)
        .into_iter()
        .find(|event| event["sequence"] == message)
        .unwrap();
    assert_eq!(now["text"], "for @bob");
    assert_eq!(
        (&now["mentions"], now["edited"].is_u64()),
        (&json!([bob.account]), true)
    );
    assert_eq!(now["reactions"], json!([{ "reaction": "👍", "count": 1 }]));
}

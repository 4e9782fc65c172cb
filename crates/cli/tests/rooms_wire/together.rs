//! Several requests in one write, which the hub reads and handles together.

use super::talker::{Talker, code, lines};
use crate::support::Hub;
use serde_json::{Value, json};

/// Admin and the room `#lab`, and somebody who is no member of it yet.
fn lab() -> (Hub, Talker, Talker) {
    let hub = Hub::start();
    let mut admin = Talker::admin(&hub, "admin");
    let bob = admin.brings(&hub, "member", "bob");
    let made = admin.ask("room_create", &json!({ "name": "lab" }));
    assert_eq!(code(&made), "ok", "{made}");
    (hub, admin, bob)
}

/// The arguments of a message to `#lab`; a talker's own client ids are small numbers.
fn message(client: u8) -> Value {
    json!({ "target": "#lab", "client_id": format!("{:032x}", (1 << 24) + u32::from(client)) })
}

#[test]
fn what_is_asked_behind_messages_knows_of_them_and_they_are_answered_in_order() {
    let (_hub, mut admin, _) = lab();
    let before = admin.says("#lab", "before");
    let ids = admin.peer.request_together(&[
        ("send", message(1), "one"),
        ("send", message(2), "two"),
        ("send", message(1), "one"),
        ("send", message(3), "three"),
        ("subscribe", json!({ "target": "#lab" }), ""),
        ("send", message(4), "four"),
        ("ping", json!({}), ""),
    ]);
    let (mut sent, mut events) = (Vec::new(), Vec::new());
    let mut head = None;
    loop {
        let (header, body) = admin.peer.receive().unwrap();
        if header["event"] == "room" {
            assert!(
                sent.iter().any(|(id, _)| *id == ids[5]),
                "it came before its answer"
            );
            events.push(String::from_utf8(body).unwrap());
            continue;
        }
        if header["event"].is_string() {
            continue;
        }
        assert_eq!(code(&header), "ok", "{header}");
        let id = header["id"].as_u64().unwrap();
        if id == ids[4] {
            head = header["ok"]["head"]["sequence"].as_u64();
        } else if id == ids[6] {
            break;
        } else {
            sent.push((id, header["ok"]["sequence"].as_u64().unwrap() - before));
        }
    }
    // The same message again is the one that was stored first.
    let expected = [(ids[0], 1), (ids[1], 2), (ids[2], 1), (ids[3], 3), (ids[5], 4)];
    assert_eq!(sent, expected);
    assert_eq!(head, Some(before + 3), "what was sent before the subscription");
    if events.is_empty() {
        events.push(String::from_utf8(admin.event().1).unwrap());
    }
    assert_eq!(events, ["four"], "what was sent after it, once");
}

#[test]
fn what_was_said_before_the_logout_is_said_and_what_comes_behind_it_is_not() {
    let (_hub, mut admin, mut bob) = lab();
    bob.does("#lab", json!({ "act": "join" }));
    let ids = bob.peer.request_together(&[
        ("send", message(1), "one more thing"),
        ("logout", json!({}), ""),
        ("send", message(2), "too late"),
    ]);
    let mut answers: Vec<_> = std::iter::from_fn(|| bob.peer.receive())
        .map(|(header, _)| header)
        .filter(|header| header["id"].is_u64())
        .map(|header| (header["id"].as_u64().unwrap(), code(&header)))
        .collect();
    answers.sort();
    assert_eq!(answers, [(ids[0], "ok".to_owned()), (ids[1], "ok".to_owned())]);
    let (_, log) = admin.ask_for("history", &json!({ "target": "#lab", "limit": 100 }));
    let said: Vec<_> = lines(&log).iter().map(|event| event["text"].clone()).collect();
    assert_eq!(said.last(), Some(&json!("one more thing")), "{said:?}");
}

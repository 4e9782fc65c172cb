//! What people are told.

use super::talker::{Talker, code, lines};
use crate::support::Hub;
use serde_json::{Value, json};

#[test]
fn events_say_whom_they_are_about() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut bob = alice.brings(&hub, "member", "bob");
    alice.ask("room_create", &json!({ "name": "lab", "kind": "approval" }));
    bob.does("#lab", json!({ "act": "ask" }));
    let asked = alice.ask_for(
        "members",
        &json!({ "target": "#lab", "limit": 10, "others": true }),
    );
    assert_eq!(lines(&asked.1)[0]["name"], "bob", "{}", asked.0);
    assert_eq!(bob.signal("standing")["room"]["me"]["standing"], "asked");
    alice.does("#lab", json!({ "act": "approve", "who": "BOB" }));
    let standing = bob.signal("standing");
    assert_eq!(
        standing["room"]["me"]["standing"],
        json!({ "member": "member" }),
        "{standing}"
    );
    bob.ask("subscribe", &json!({ "target": "#lab" }));
    alice.says("#lab", "@bob: see @alice");
    let (header, _) = bob.event();
    let mentions = &header["args"]["mentions"];
    assert_eq!(mentions, &json!([bob.account, alice.account]), "{header}");
    alice.does(
        "#lab",
        json!({ "act": "mute", "who": "bob", "seconds": 1, "reason": "hush" }),
    );
    let (header, body) = bob.event();
    assert_eq!(header["args"]["kind"], "mute");
    assert_eq!(header["args"]["subject"], bob.account);
    assert_eq!(header["args"]["subject_name"], "bob");
    let subject: Value = serde_json::from_slice(&body).unwrap();
    assert!(
        subject["reason"] == "hush" && subject["until"].is_u64(),
        "{subject}"
    );
    let (room, _) = bob.ask_for("history", &json!({ "target": "#lab", "limit": 1 }));
    let (_, members) = bob.ask_for("members", &json!({ "target": "#lab", "limit": 1 }));
    assert_eq!(
        (&room["ok"]["room"]["members"], lines(&members).len()),
        (&json!(2), 1)
    );
    assert_eq!(lines(&members)[0]["online"], true);
}

#[test]
fn signals_reach_those_whom_they_concern() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let mut bob = alice.brings(&hub, "member", "bob");
    alice.ask("room_create", &json!({ "name": "lab" }));
    let last = alice.says("#lab", "hello");
    for person in [&mut alice, &mut bob] {
        person.ask("subscribe", &json!({ "target": "#lab" }));
    }
    for _ in 0..3 {
        assert_eq!(code(&bob.ask("typing", &json!({ "target": "#lab" }))), "ok");
    }
    let typing = alice.signal("typing");
    assert_eq!(
        (&typing["name"], &typing["account"]),
        (&json!("bob"), &json!(bob.account))
    );
    // Neither whoever writes, nor anybody a second time.
    for person in [&mut alice, &mut bob] {
        for _ in 0..2 {
            let (_, meanwhile) = person.ask_collecting("ping", &json!({}));
            assert_eq!(meanwhile, [] as [Value; 0]);
        }
    }
    let (_, there) = alice.ask_for("presence", &json!({}));
    let names: Vec<Value> = lines(&there)
        .iter()
        .map(|person| person["name"].clone())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let mut phone = bob.elsewhere(&hub);
    bob.ask("read", &json!({ "target": "#lab", "sequence": last }));
    assert_eq!(phone.signal("read")["sequence"], last);
    let (_, rooms) = phone.ask_for("room_list", &json!({ "limit": 10 }));
    assert_eq!(lines(&rooms)[0]["read"], last);
    let mut carol = alice.brings(&hub, "guest", "carol");
    let mut of_carol = || loop {
        // The others may have come too late to be told of before.
        let news = alice.signal("presence");
        if news["name"] == "carol" {
            break news["online"].clone();
        }
    };
    assert_eq!(of_carol(), true);
    carol.ask("ping", &json!({}));
    drop(carol);
    assert_eq!(of_carol(), false);
}

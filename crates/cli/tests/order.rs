//! In which order a sender, its readers and a ping hear of messages.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::json;
use std::collections::BTreeSet;
use support::Hub;
use support::peer::Peer;

/// Messages sent without waiting: enough for many commits, fewer than may be in flight.
const MESSAGES: u64 = 500;

#[test]
fn a_sender_sees_its_acknowledgement_before_its_event_and_a_ping_after_both_are_settled() {
    let (hub, alice) = Hub::with_general();
    let mut speaker = Peer::joined(&hub, &alice.invitation(&[]), "speaker");
    let mut reader = Peer::joined(&hub, &alice.invitation(&[]), "reader");
    for peer in [&mut speaker, &mut reader] {
        peer.ask("subscribe", &json!({ "target": "#general" }));
    }
    for number in 0..MESSAGES {
        let call = json!({ "target": "#general", "client_id": format!("{number:032x}") });
        speaker.request("send", &call, b"x");
    }
    let ping = speaker.request("ping", &json!({}), b"");

    let (mut acknowledged, mut events) = (BTreeSet::new(), 0);
    let mut answered = false;
    while !answered || events < MESSAGES {
        let (header, _) = speaker.receive().expect("the hub goes on");
        if header["event"] == "room" {
            events += 1;
            let sequence = header["args"]["sequence"].as_u64().unwrap();
            assert_eq!(sequence, events, "in order");
            assert!(
                acknowledged.contains(&sequence),
                "event {sequence} came before its acknowledgement"
            );
        } else if header["id"] == ping {
            answered = true;
            assert_eq!(acknowledged.len() as u64, MESSAGES, "all of it is stored by now");
        } else {
            acknowledged.insert(header["ok"]["sequence"].as_u64().unwrap());
        }
    }
    // Nothing more is sent: what the reader gets now was queued for it when the ping was answered.
    for expected in 1..=MESSAGES {
        let (header, body) = reader.receive().expect("the hub goes on");
        assert_eq!(header["args"]["sequence"], expected);
        assert_eq!(body, b"x");
    }
}

#[test]
fn a_logout_leaves_no_message_without_its_acknowledgement() {
    let (hub, alice) = Hub::with_general();
    let mut speaker = Peer::joined(&hub, &alice.invitation(&[]), "speaker");
    for number in 0..MESSAGES {
        let call = json!({ "target": "#general", "client_id": format!("{number:032x}") });
        speaker.request("send", &call, b"x");
    }
    let logout = speaker.request("logout", &json!({}), b"");
    let (mut acknowledged, mut logged_out) = (BTreeSet::new(), false);
    while let Some((header, _)) = speaker.receive() {
        assert!(header["ok"].is_object(), "{header}");
        if header["id"] == logout {
            logged_out = true;
        } else {
            acknowledged.insert(header["ok"]["sequence"].as_u64().unwrap());
        }
    }
    assert!(logged_out);
    assert!(acknowledged.into_iter().eq(1..=MESSAGES));
}

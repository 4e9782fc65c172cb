//! A chat through lost connections.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use landline_client::ClientError;
use landline_client::chat::{Chat, Update};
use landline_model::error::ErrorCode;
use landline_model::id::ClientId;
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Ping, Signal};
use landline_model::room::Act;
use serde_json::json;
use support::{Peer, Request, TestHub, known, room, signed_head};

async fn begun(hub: &TestHub) -> (Chat, Peer) {
    let known = known(hub);
    let target = "#general".parse().unwrap();
    let serve = async {
        let mut peer = hub.resumed().await;
        let subscribe = peer.request().await.unwrap();
        assert_eq!(
            (subscribe.name.as_str(), &subscribe.args["since"]),
            ("subscribe", &json!(null))
        );
        peer.ok(subscribe.id, room(4)).await;
        peer
    };
    let (chat, peer) = tokio::join!(Chat::begin(&known, target, None), serve);
    (chat.unwrap(), peer)
}

async fn send_event(peer: &mut Peer, sequence: u64, text: &str) {
    let event = json!({
        "room": "01".repeat(16), "sequence": sequence, "time": 9, "sender": "02".repeat(16), "sender_name": "bob",
        "client_id": "03".repeat(16), "kind": "message", "hash": "04".repeat(32),
    });
    peer.send(json!({ "event": "room", "args": event }), text.as_bytes())
        .await;
}

async fn acknowledge(peer: &mut Peer, request: &Request, sequence: u64) {
    let sent =
        json!({ "room": "01".repeat(16), "sequence": sequence, "time": 9, "head": signed_head(sequence) });
    peer.ok(request.id, sent).await;
}

async fn next_event(chat: &mut Chat) -> (u64, String) {
    match chat.updates.recv().await {
        Some(Update::Event(event, text)) => (event.sequence, text),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn after_a_lost_connection_it_goes_on_behind_the_last_event_and_repeats_what_was_not_acknowledged() {
    let hub = TestHub::start().await;
    let (mut chat, mut peer) = begun(&hub).await;
    send_event(&mut peer, 5, "before").await;
    assert_eq!(next_event(&mut chat).await, (5, "before".to_owned()));
    chat.speaker.say("hello").await.unwrap();
    chat.speaker.say("world").await.unwrap();
    let (one, two) = (peer.request().await.unwrap(), peer.request().await.unwrap());
    drop(peer);
    assert!(matches!(
        chat.updates.recv().await,
        Some(Update::Lost(ClientError::Lost { .. }))
    ));

    let mut peer = hub.resumed().await;
    let subscribe = peer.request().await.unwrap();
    assert_eq!(
        (subscribe.name.as_str(), &subscribe.args["since"]),
        ("subscribe", &json!(5))
    );
    peer.ok(subscribe.id, room(6)).await;
    for before in [&one, &two] {
        let again = peer.request().await.unwrap();
        assert_eq!(
            (again.name.as_str(), &again.args, &again.body),
            ("send", &before.args, &before.body)
        );
        acknowledge(&mut peer, &again, 6).await;
    }
    assert_eq!(chat.updates.recv().await, Some(Update::Back));
    for _ in 0..2 {
        assert!(matches!(
            chat.updates.recv().await,
            Some(Update::Acknowledged(..))
        ));
    }
    for (sequence, text) in [(5, "before"), (6, "hello"), (6, "hello"), (7, "world")] {
        send_event(&mut peer, sequence, text).await;
    }
    assert_eq!(next_event(&mut chat).await, (6, "hello".to_owned()));
    assert_eq!(next_event(&mut chat).await, (7, "world".to_owned()));
}

#[tokio::test]
async fn what_was_acknowledged_right_before_the_connection_was_lost_counts() {
    const SENDS: usize = 16;
    let hub = TestHub::start().await;
    let (mut chat, mut peer) = begun(&hub).await;
    let mut sends = Vec::new();
    for number in 0..SENDS {
        chat.speaker.say(number.to_string()).await.unwrap();
        sends.push(peer.request().await.unwrap());
    }
    for (sequence, send) in (5..).zip(&sends) {
        acknowledge(&mut peer, send, sequence).await;
    }
    drop(peer);
    for _ in 0..SENDS {
        let update = chat.updates.recv().await;
        assert!(matches!(update, Some(Update::Acknowledged(..))), "{update:?}");
    }
    assert!(matches!(chat.updates.recv().await, Some(Update::Lost(_))));
}

#[tokio::test]
async fn all_is_said_when_it_is_acknowledged_and_was_seen() {
    let hub = TestHub::start().await;
    let (
        Chat {
            speaker, mut updates, ..
        },
        mut peer,
    ) = begun(&hub).await;
    speaker.say("hello").await.unwrap();
    drop(speaker);
    let send = peer.request().await.unwrap();
    acknowledge(&mut peer, &send, 6).await;
    assert!(matches!(updates.recv().await, Some(Update::Acknowledged(..))));
    send_event(&mut peer, 5, "somebody else").await;
    send_event(&mut peer, 6, "hello").await;
    for sequence in [5, 6] {
        assert!(matches!(updates.recv().await, Some(Update::Event(event, _)) if event.sequence == sequence));
    }
    assert_eq!(updates.recv().await, Some(Update::AllSaid));
    send_event(&mut peer, 7, "it goes on").await;
    assert!(matches!(updates.recv().await, Some(Update::Event(event, _)) if event.sequence == 7));
}

#[tokio::test]
async fn what_the_hub_refuses_is_told_with_its_text_and_the_rest_goes_on() {
    let hub = TestHub::start().await;
    let (mut chat, mut peer) = begun(&hub).await;
    chat.speaker.say("one").await.unwrap();
    chat.speaker.say("two").await.unwrap();
    let (one, two) = (peer.request().await.unwrap(), peer.request().await.unwrap());
    peer.refuse(one.id, "too_large").await;
    let Some(Update::Refused { text, error, .. }) = chat.updates.recv().await else {
        panic!("not refused")
    };
    assert_eq!((text.as_str(), error.code()), ("one", Some(ErrorCode::TooLarge)));
    acknowledge(&mut peer, &two, 5).await;
    assert!(matches!(chat.updates.recv().await, Some(Update::Acknowledged(_, sent)) if sent.sequence == 5));
}

fn act(client: u8) -> (ClientId, Act<AccountName>) {
    (ClientId::from_bytes([client; 16]), Act::Delete { message: 3 })
}

#[tokio::test]
async fn what_is_done_is_repeated_after_a_lost_connection_as_messages_are() {
    let hub = TestHub::start().await;
    let (mut chat, mut peer) = begun(&hub).await;
    let (client_id, delete) = act(9);
    chat.speaker.act_as(client_id, delete, "").await.unwrap();
    let reply = Act::Say { reply_to: Some(2) };
    chat.speaker
        .act_as(ClientId::from_bytes([8; 16]), reply, "yes")
        .await
        .unwrap();
    let (one, two) = (peer.request().await.unwrap(), peer.request().await.unwrap());
    assert_eq!((one.name.as_str(), two.name.as_str()), ("do", "send"));
    assert_eq!(
        one.args,
        json!({ "target": "#general", "client_id": "09".repeat(16), "act": "delete", "message": 3 })
    );
    assert_eq!((&two.args["reply_to"], &two.body[..]), (&json!(2), &b"yes"[..]));
    drop(peer);
    assert!(matches!(chat.updates.recv().await, Some(Update::Lost(_))));
    let mut peer = hub.resumed().await;
    let subscribe = peer.request().await.unwrap();
    peer.ok(subscribe.id, room(4)).await;
    for before in [&one, &two] {
        let again = peer.request().await.unwrap();
        assert_eq!(
            (&again.name, &again.args, &again.body),
            (&before.name, &before.args, &before.body)
        );
        peer.refuse(again.id, "forbidden").await;
    }
    assert_eq!(chat.updates.recv().await, Some(Update::Back));
    let Some(Update::Refused { act: refused, .. }) = chat.updates.recv().await else {
        panic!("not refused")
    };
    assert_eq!(refused, act(9).1);
}

fn closed(room: &str) -> serde_json::Value {
    let refusal = json!({ "code": "forbidden", "message": "you were put out of the room" });
    json!({ "event": "signal", "args": { "signal": "closed", "room": room.repeat(16), "refusal": refusal } })
}

#[tokio::test]
async fn a_room_that_is_closed_to_us_ends_the_chat_with_the_reason_behind_the_last_answer() {
    let hub = TestHub::start().await;
    let (mut chat, mut peer) = begun(&hub).await;
    chat.speaker.say("last words").await.unwrap();
    let send = peer.request().await.unwrap();
    // Of another room, that is a signal like others; and what a later version invents is none.
    peer.send(closed("05"), b"").await;
    peer.send(
        json!({ "event": "signal", "args": { "signal": "later", "x": 1 } }),
        b"",
    )
    .await;
    peer.send(closed("01"), b"").await;
    let signal = chat.updates.recv().await;
    assert!(
        matches!(signal, Some(Update::Signal(Signal::Closed { .. }))),
        "{signal:?}"
    );
    acknowledge(&mut peer, &send, 5).await;
    assert!(matches!(
        chat.updates.recv().await,
        Some(Update::Acknowledged(..))
    ));
    let Some(Update::Ended(error)) = chat.updates.recv().await else {
        panic!("not ended")
    };
    assert_eq!(error.to_string(), "you were put out of the room");
    assert_eq!(chat.updates.recv().await, None);
}

#[tokio::test]
async fn requests_beside_the_chat_go_to_the_connection_that_it_has_now() {
    let hub = TestHub::start().await;
    let (mut chat, peer) = begun(&hub).await;
    drop(peer);
    assert!(matches!(chat.updates.recv().await, Some(Update::Lost(_))));
    let mut peer = hub.resumed().await;
    let subscribe = peer.request().await.unwrap();
    peer.ok(subscribe.id, room(4)).await;
    assert_eq!(chat.updates.recv().await, Some(Update::Back));
    let connection = chat.connection.borrow().clone();
    let answer = async {
        let request = peer.request().await.unwrap();
        assert_eq!(request.name, "ping");
        peer.ok(request.id, json!({})).await;
    };
    let (asked, ()) = tokio::join!(connection.call(&Ping {}), answer);
    asked.unwrap();
}

#[tokio::test]
async fn a_session_that_the_hub_ended_ends_the_chat() {
    let hub = TestHub::start().await;
    let (mut chat, mut peer) = begun(&hub).await;
    peer.refuse(0, "unauthenticated").await;
    let Some(Update::Ended(error)) = chat.updates.recv().await else {
        panic!("not ended")
    };
    assert_eq!(error.code(), Some(ErrorCode::Unauthenticated));
    assert_eq!(chat.updates.recv().await, None);
    assert!(chat.speaker.say("x").await.is_err());
}

#[tokio::test]
async fn a_hub_that_signs_with_another_key_is_refused_before_the_session_is_shown_to_it() {
    let hub = TestHub::start().await;
    let mut known = known(&hub);
    known.head_key = landline_model::hash::HeadKey::from_bytes([9; 32]);
    let serve = async { hub.welcome().await.request().await };
    let (connected, request) = tokio::join!(landline_client::connect(&known), serve);
    assert!(matches!(connected.map(|_| ()), Err(ClientError::Head(_))));
    assert!(request.is_none());
}

//! Requests, replies, pieces and events on one connection.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use bytes::Bytes;
use landline_client::{ClientError, ClientEvent, Connection, Streamed};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::chat::{Ping, RoomCreate};
use landline_model::protocol::files::{Get, Piece};
use landline_model::protocol::people::WhoAmI;
use serde_json::json;
use support::{Peer, TestHub};

async fn connected() -> (Connection, Peer) {
    let hub = TestHub::start().await;
    let addresses = [hub.address.clone()];
    let (opened, peer) = tokio::join!(Connection::open(&addresses, hub.pin), hub.welcome());
    (opened.unwrap().0, peer)
}

fn get() -> Get {
    Get {
        path: RemotePath::parse(b"/shared/x").unwrap(),
        offset: 0,
        version: None,
    }
}

#[tokio::test]
async fn replies_find_their_requests_in_any_order() {
    let (connection, mut peer) = connected().await;
    let first = connection.start(&WhoAmI {}, Bytes::new()).await.unwrap();
    let second = connection
        .start(&Ping {}, Bytes::from_static(b"body"))
        .await
        .unwrap();
    let (one, two) = (peer.request().await.unwrap(), peer.request().await.unwrap());
    assert_eq!(
        (one.name.as_str(), two.name.as_str(), &two.body[..]),
        ("whoami", "ping", &b"body"[..])
    );
    peer.send(json!({ "id": two.id, "ok": {} }), b"pong").await;
    peer.ok(
        one.id,
        json!({ "id": "07".repeat(16), "name": "bob", "role": "guest" }),
    )
    .await;
    assert_eq!(first.finished().await.unwrap().reply.name.as_str(), "bob");
    assert_eq!(&second.finished().await.unwrap().body[..], b"pong");
}

#[tokio::test]
async fn a_refusal_reaches_only_the_one_that_asked() {
    let (connection, mut peer) = connected().await;
    let create = RoomCreate {
        name: "general".parse().unwrap(),
        kind: landline_model::event::RoomKind::Public,
    };
    let refused = connection.start(&create, Bytes::new()).await.unwrap();
    let request = peer.request().await.unwrap();
    peer.refuse(request.id, "exists").await;
    let error = refused.finished().await.unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (Some(ErrorCode::Exists), "no: exists")
    );
    let ping = connection.start(&Ping {}, Bytes::new()).await.unwrap();
    let request = peer.request().await.unwrap();
    peer.ok(request.id, json!({})).await;
    assert!(ping.finished().await.is_ok());
}

#[tokio::test]
async fn an_answer_in_pieces_comes_in_order_and_then_ends() {
    let (connection, mut peer) = connected().await;
    let mut parts = connection.stream(&get()).await.unwrap();
    let request = peer.request().await.unwrap();
    for offset in 0..3 {
        peer.send(
            json!({ "id": request.id, "part": { "offset": offset, "size": 3 } }),
            b"x",
        )
        .await;
    }
    peer.ok(request.id, json!({ "size": 3, "hash": "00".repeat(32) }))
        .await;
    for offset in 0..3 {
        let Streamed::Part { part, body } = parts.next_as::<Piece>().await.unwrap() else {
            panic!("too short")
        };
        assert_eq!(
            (part, &body[..]),
            (
                Piece {
                    offset,
                    size: 3,
                    version: None
                },
                &b"x"[..]
            )
        );
    }
    let Streamed::End(end) = parts.next().await.unwrap() else {
        panic!("too long")
    };
    assert_eq!(end.reply.size, 3);
}

#[tokio::test]
async fn pieces_that_nobody_takes_stop_the_reading_and_not_the_memory() {
    let (connection, mut peer) = connected().await;
    let mut parts = connection.stream(&get()).await.unwrap();
    let request = peer.request().await.unwrap();
    const COUNT: u64 = 40;
    let piece = vec![7; 1024 * 1024];
    let sending = tokio::spawn(async move {
        for offset in 0..COUNT {
            peer.send(
                json!({ "id": request.id, "part": { "offset": offset, "size": COUNT } }),
                &piece,
            )
            .await;
        }
        peer.ok(request.id, json!({ "size": COUNT, "hash": "00".repeat(32) }))
            .await;
        peer
    });
    let mut count = 0;
    while let Streamed::Part { body, .. } = parts.next().await.unwrap() {
        if count == 0 {
            // 40 MiB do not fit into the sockets' buffers and the queue.
            assert!(!sending.is_finished());
        }
        assert_eq!(body.len(), 1024 * 1024);
        count += 1;
    }
    assert_eq!(count, COUNT);
}

#[tokio::test]
async fn pieces_that_nobody_wants_any_more_do_not_stop_the_rest() {
    let (connection, mut peer) = connected().await;
    drop(connection.stream(&get()).await.unwrap());
    let stream = peer.request().await.unwrap();
    let ping = connection.start(&Ping {}, Bytes::new()).await.unwrap();
    let request = peer.request().await.unwrap();
    for offset in 0..20 {
        peer.send(
            json!({ "id": stream.id, "part": { "offset": offset, "size": 20 } }),
            b"x",
        )
        .await;
    }
    peer.ok(stream.id, json!({ "size": 20, "hash": "00".repeat(32) }))
        .await;
    peer.ok(request.id, json!({})).await;
    assert!(ping.finished().await.is_ok());
}

#[tokio::test]
async fn events_arrive_with_their_text_and_unknown_ones_are_passed_over() {
    let (connection, mut peer) = connected().await;
    let mut events = connection.events();
    peer.send(json!({ "event": "weather", "args": {} }), b"rain")
        .await;
    let event = json!({
        "room": "01".repeat(16), "sequence": 5, "time": 9, "sender": "02".repeat(16), "sender_name": "bob",
        "client_id": "03".repeat(16), "kind": "message", "hash": "04".repeat(32), "later": "addition",
    });
    peer.send(json!({ "event": "room", "args": event }), "hé".as_bytes())
        .await;
    let Some(ClientEvent::Room(event, text)) = events.recv().await else {
        panic!("no event")
    };
    assert_eq!(
        (event.sequence, event.sender_name.as_str(), text.as_str()),
        (5, "bob", "hé")
    );
}

#[tokio::test]
async fn everybody_who_waits_learns_how_the_connection_ended() {
    let (connection, mut peer) = connected().await;
    let mut events = connection.events();
    let answer = connection.start(&Ping {}, Bytes::new()).await.unwrap();
    let mut parts = connection.stream(&get()).await.unwrap();
    peer.request().await.unwrap();
    peer.request().await.unwrap();
    drop(peer);
    let error = answer.finished().await.unwrap_err();
    assert!(
        matches!(error, ClientError::Lost { .. }) && error.is_passing(),
        "{error:?}"
    );
    assert_eq!(parts.next().await.unwrap_err(), error);
    assert_eq!(events.recv().await, None);
    assert_eq!(connection.call(&Ping {}).await.unwrap_err(), error);
    assert_eq!(connection.ended().await, error);
}

#[tokio::test]
async fn last_words_of_the_hub_are_passed_on() {
    let (connection, mut peer) = connected().await;
    let answer = connection.start(&Ping {}, Bytes::new()).await.unwrap();
    peer.request().await.unwrap();
    peer.refuse(0, "stopping").await;
    assert_eq!(
        answer.finished().await.unwrap_err().code(),
        Some(ErrorCode::Stopping)
    );
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_ends_the_connection_and_nothing_else() {
    let oversized = 70_000_u32.to_be_bytes();
    let breaches: [&[u8]; 5] = [
        &oversized,
        b"\0\0\0\x02[]",
        b"\0\0\0\x14{\"id\":99,\"ok\":{},\"\":0}",
        b"\0\0\0\x08{\"id\":1}",
        b"\0\0\0\x2e{\"event\":\"room\",\"args\":{\"sequence\":\"five\"}    }",
    ];
    for breach in breaches {
        let (connection, mut peer) = connected().await;
        peer.bytes(breach).await;
        let error = connection.ended().await;
        assert!(matches!(error, ClientError::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_end_inside_a_message_is_a_lost_connection() {
    let (connection, mut peer) = connected().await;
    peer.bytes(b"\0\0\0\x08{\"id").await;
    drop(peer);
    assert!(matches!(connection.ended().await, ClientError::Lost { .. }));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_here_and_the_connection_goes_on() {
    let (connection, mut peer) = connected().await;
    let too_long = Bytes::from(vec![0; landline_wire::BODY_MAX + 1]);
    let refused = connection.exchange(&Ping {}, too_long).await;
    assert!(matches!(refused, Err(ClientError::Unsendable(_))), "{refused:?}");
    let ping = connection.start(&Ping {}, Bytes::new()).await.unwrap();
    let request = peer.request().await.unwrap();
    peer.ok(request.id, json!({})).await;
    assert!(ping.finished().await.is_ok());
}

#[tokio::test]
async fn a_connection_closes_when_its_last_user_is_gone_and_a_keep_alive_is_none() {
    let (connection, mut peer) = connected().await;
    connection.keep_alive(std::time::Duration::from_secs(3600));
    let pending = connection.start(&Ping {}, Bytes::new()).await.unwrap();
    drop(connection);
    let request = peer.request().await.unwrap();
    peer.ok(request.id, json!({})).await;
    assert!(pending.finished().await.is_ok());
    assert!(peer.request().await.is_none());
}

#[tokio::test]
async fn a_hub_that_does_not_answer_a_keep_alive_counts_as_lost() {
    let (connection, mut peer) = connected().await;
    connection.keep_alive(std::time::Duration::from_millis(1));
    assert_eq!(peer.request().await.unwrap().name, "ping");
    tokio::time::pause();
    tokio::time::advance(landline_client::connection::PING_DEADLINE).await;
    assert!(matches!(connection.ended().await, ClientError::Lost { .. }));
}

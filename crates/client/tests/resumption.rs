//! A hub that is met again: its session is resumed, and it is no less the same hub for that.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use landline_client::{ClientError, Connection};
use landline_model::link::Pin;
use rustls::HandshakeKind::{self, Full, Resumed};
use support::{Authority, TestHub};

/// Connects and is welcomed: how the connection began, and its exporter value.
async fn meets(hub: &TestHub) -> (HandshakeKind, [u8; 32]) {
    let addresses = [hub.address.clone()];
    let (opened, peer) = tokio::join!(Connection::open(&addresses, hub.pin), hub.welcome());
    opened.unwrap();
    (peer.handshake(), peer.exporter())
}

/// Dials the hub for another one, which it must be found out not to be before a word is said.
async fn is_not(hub: &TestHub, expected: Pin) {
    let addresses = [hub.address.clone()];
    let serve = async { hub.accept().await.is_ok_and(|peer| peer.handshake() == Resumed) };
    let (opened, resumed) = tokio::join!(Connection::open(&addresses, expected), serve);
    let error = opened.map(drop).unwrap_err();
    assert!(
        matches!(&error, ClientError::PinChanged { found, .. } if *found == [hub.pin]),
        "{error:?}"
    );
    assert!(!resumed);
}

#[tokio::test]
async fn a_reconnect_resumes_the_session_and_has_an_exporter_of_its_own() {
    let hub = TestHub::start().await;
    let (first, one) = meets(&hub).await;
    let (second, two) = meets(&hub).await;
    let (third, three) = meets(&hub).await;
    assert_eq!([first, second, third], [Full, Resumed, Resumed]);
    assert!(one != two && two != three && one != three);
}

#[tokio::test]
async fn a_session_is_resumed_for_its_own_pin_alone() {
    let (hub, other) = (TestHub::start().await, TestHub::start().await);
    assert_eq!(meets(&hub).await.0, Full);
    // The same hub, which could resume, is not the one that is wanted.
    is_not(&hub, Authority::new().pin).await;
    // Another hub, to which the tickets of the first are shown: it is at the same address.
    is_not(&other, hub.pin).await;
    assert_eq!(meets(&other).await.0, Full);
    assert_eq!(meets(&hub).await.0, Resumed);
}

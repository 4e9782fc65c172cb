//! Whom the client talks to, and what it says of everybody else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use landline_client::{ClientError, Connection};
use landline_model::link::{HubAddress, Pin};
use support::{Authority, TestHub, welcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Opens a connection to a hub that answers as it should.
async fn open_to(hub: &TestHub, pin: Pin) -> (Result<Connection, ClientError>, bool) {
    let addresses = [hub.address.clone()];
    let serve = async {
        let Ok(mut peer) = hub.accept().await else {
            return false;
        };
        let Some(hello) = peer.request().await else {
            return false;
        };
        peer.ok(hello.id, welcome(hub.pin)).await;
        true
    };
    let (opened, asked) = tokio::join!(Connection::open(&addresses, pin), serve);
    (opened.map(|(connection, _)| connection), asked)
}

async fn hub_with_leaf(authority: &Authority, years: std::ops::Range<i32>) -> TestHub {
    let (leaf, key) = authority.leaf(years);
    TestHub::with(
        vec![leaf, authority.certificate.clone()],
        key,
        b"landline/1",
        authority.pin,
    )
    .await
}

#[test]
fn a_pin_is_the_sha_256_of_the_subject_public_key_info() {
    let authority = Authority::new();
    assert_eq!(
        landline_client::tls::certificate_pin(&authority.certificate).unwrap(),
        authority.pin
    );
}

#[tokio::test]
async fn the_hub_with_the_pinned_authority_is_trusted_at_any_address() {
    let hub = TestHub::start().await;
    let (opened, asked) = open_to(&hub, hub.pin).await;
    assert!(opened.is_ok() && asked, "{opened:?}");
}

#[tokio::test]
async fn another_authority_is_refused_loudly_and_learns_nothing() {
    let hub = TestHub::start().await;
    let expected = Authority::new().pin;
    let (opened, asked) = open_to(&hub, expected).await;
    let error = opened.unwrap_err();
    let changed = ClientError::PinChanged {
        address: hub.address.to_string(),
        expected,
        found: vec![hub.pin],
    };
    assert_eq!(error, changed);
    assert!(!asked, "not even a hello may reach it");
    let text = error.to_string();
    for part in [
        "IS NOT THE ONE YOU JOINED",
        &expected.fingerprint(),
        &hub.pin.fingerprint(),
        "Nothing was sent",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.hint().unwrap().contains("landline join LINK"));
}

#[tokio::test]
async fn the_pinned_authority_shown_beside_a_leaf_that_it_did_not_sign_is_refused() {
    let (pinned, other) = (Authority::new(), Authority::new());
    let (leaf, key) = other.leaf(2020..2100);
    let chain = vec![leaf, pinned.certificate.clone(), other.certificate.clone()];
    let hub = TestHub::with(chain, key, b"landline/1", pinned.pin).await;
    let (opened, asked) = open_to(&hub, pinned.pin).await;
    assert!(
        matches!(opened, Err(ClientError::Certificate { .. })),
        "{opened:?}"
    );
    assert!(!asked);
}

#[tokio::test]
async fn a_leaf_that_is_not_yet_valid_is_accepted_because_this_clock_may_be_wrong() {
    let authority = Authority::new();
    let hub = hub_with_leaf(&authority, 2090..2100).await;
    let (opened, _) = open_to(&hub, authority.pin).await;
    assert!(opened.is_ok(), "{opened:?}");
}

#[tokio::test]
async fn a_leaf_that_is_not_yet_valid_must_still_be_signed_by_the_pinned_authority() {
    let (pinned, other) = (Authority::new(), Authority::new());
    let (leaf, key) = other.leaf(2090..2100);
    let hub = TestHub::with(
        vec![leaf, pinned.certificate.clone()],
        key,
        b"landline/1",
        pinned.pin,
    )
    .await;
    let (opened, _) = open_to(&hub, pinned.pin).await;
    assert!(
        matches!(opened, Err(ClientError::Certificate { .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn an_expired_leaf_is_refused_with_a_word_about_clocks() {
    let authority = Authority::new();
    let hub = hub_with_leaf(&authority, 2001..2002).await;
    let (opened, asked) = open_to(&hub, authority.pin).await;
    let error = opened.unwrap_err();
    assert!(
        matches!(&error, ClientError::Certificate { .. }) && error.to_string().contains("clock"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("clocks of both") && !asked);
}

#[tokio::test]
async fn a_hub_without_our_protocol_is_another_version() {
    let authority = Authority::new();
    let (leaf, key) = authority.leaf(2020..2100);
    let chain = vec![leaf, authority.certificate.clone()];
    let hub = TestHub::with(chain, key, b"landline/9", authority.pin).await;
    let (opened, _) = open_to(&hub, authority.pin).await;
    assert!(
        matches!(opened, Err(ClientError::OtherVersion { .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn a_hub_that_refuses_our_version_in_its_reply_is_another_version_too() {
    let hub = TestHub::start().await;
    let addresses = [hub.address.clone()];
    let serve = async {
        let mut peer = hub.accept().await.unwrap();
        let hello = peer.request().await.unwrap();
        peer.refuse(hello.id, "version").await;
    };
    let (opened, ()) = tokio::join!(Connection::open(&addresses, hub.pin), serve);
    assert!(
        matches!(opened, Err(ClientError::OtherVersion { .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn something_that_does_not_speak_tls_is_not_a_hub() {
    let hub = TestHub::start().await;
    let addresses = [hub.address.clone()];
    let serve = async {
        let mut stream = hub.accept_raw().await;
        stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await
    };
    let (opened, _) = tokio::join!(Connection::open(&addresses, hub.pin), serve);
    let error = opened.map(|_| ()).unwrap_err();
    assert!(matches!(&error, ClientError::NotAHub { .. }), "{error:?}");
    assert!(error.to_string().contains("not a Landline hub"), "{error}");
}

#[tokio::test]
async fn a_hub_that_closes_the_door_may_open_it_later() {
    let hub = TestHub::start().await;
    let addresses = [hub.address.clone()];
    let serve = async { drop(hub.accept_raw().await) };
    let (opened, ()) = tokio::join!(Connection::open(&addresses, hub.pin), serve);
    let error = opened.map(|_| ()).unwrap_err();
    assert!(matches!(&error, ClientError::TurnedAway { .. }), "{error:?}");
    assert!(error.is_passing());
}

#[tokio::test]
async fn where_nothing_listens_the_address_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let address = HubAddress {
        host: "127.0.0.1".to_owned(),
        port,
    };
    let error = Connection::open(std::slice::from_ref(&address), Authority::new().pin)
        .await
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()) && error.is_passing());
}

#[tokio::test]
async fn the_next_address_is_tried_where_one_does_not_answer() {
    let hub = TestHub::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = HubAddress {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    drop(listener);
    let addresses = [dead, hub.address.clone()];
    let (opened, _) = tokio::join!(Connection::open(&addresses, hub.pin), hub.welcome());
    assert_eq!(*opened.unwrap().0.address(), hub.address);
}

#[tokio::test]
async fn a_peer_that_never_finishes_the_greeting_is_given_up_at_the_deadline() {
    let hub = TestHub::start().await;
    let (addresses, pin) = ([hub.address.clone()], hub.pin);
    let opening = tokio::spawn(async move { Connection::open(&addresses, pin).await.map(|_| ()) });
    let mut stream = hub.accept_raw().await;
    // The client's first bytes are here: it waits for ours.
    stream.read_u8().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(landline_client::connection::HANDSHAKE_DEADLINE).await;
    let error = opening.await.unwrap().unwrap_err();
    assert!(
        matches!(error, ClientError::HandshakeDeadline { .. }),
        "{error:?}"
    );
}

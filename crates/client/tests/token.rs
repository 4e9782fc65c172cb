//! The login with a token, against a hub that need not be one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use aws_lc_rs::hmac;
use landline_client::{ClientError, connect_as};
use landline_model::hash::Hash;
use landline_model::id::SessionId;
use landline_model::protocol::people::Nonce;
use landline_model::token::{Side, statement};
use rustls::HandshakeKind;
use serde_json::{Value, json};
use std::sync::Mutex;
use support::{TestHub, known};

/// What a side shows, that has this secret, on a connection with this exporter value.
fn proof(secret: &[u8], side: Side, client: &Value, exporter: &[u8; 32]) -> String {
    let client: Nonce = serde_json::from_value(client.clone()).unwrap();
    let session = SessionId::from_bytes([6; 16]);
    let said = statement(side, &session, &client, &Nonce::from_bytes([8; 32]), exporter);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    Hash::try_from(hmac::sign(&key, &said).as_ref())
        .unwrap()
        .to_string()
}

/// Connects with a token; the hub answers the challenge with what `answer` makes of the client's nonce and the
/// exporter's value. Beside the outcome: what the client showed then, if anything, and what it should have.
async fn log_in(
    answer: impl Fn(&Value, &[u8; 32]) -> String,
) -> (Result<String, ClientError>, Option<(Value, String)>) {
    log_in_at(&TestHub::start().await, HandshakeKind::Full, answer).await
}

/// The same at a hub that may have been met before: then the TLS session is resumed.
async fn log_in_at(
    hub: &TestHub,
    handshake: HandshakeKind,
    answer: impl Fn(&Value, &[u8; 32]) -> String,
) -> (Result<String, ClientError>, Option<(Value, String)>) {
    let mut profile = known(hub);
    profile.session.as_mut().unwrap().token = true;
    let serve = async {
        let mut peer = hub.welcome().await;
        assert_eq!(peer.handshake(), handshake);
        let challenge = peer.request().await.unwrap();
        assert_eq!(challenge.name, "token_challenge");
        assert_eq!(challenge.args["session"], "06".repeat(16));
        let exporter = peer.exporter();
        let nonce = &challenge.args["nonce"];
        let answer = json!({ "nonce": "08".repeat(32), "proof": answer(nonce, &exporter) });
        peer.ok(challenge.id, answer).await;
        let login = peer.request().await?;
        assert_eq!(login.name, "token_login");
        let account = json!({ "id": "02".repeat(16), "name": "bob", "role": "member" });
        peer.ok(login.id, account).await;
        Some((
            login.args["proof"].clone(),
            proof(&[7; 32], Side::Client, nonce, &exporter),
        ))
    };
    // The connection is closed before the hub waits for more.
    let connect = async {
        connect_as(&profile)
            .await
            .map(|(_, account)| account.name.to_string())
    };
    tokio::join!(connect, serve)
}

#[tokio::test]
async fn both_sides_show_that_they_have_the_secret_on_this_connection() {
    let (outcome, shown) = log_in(|nonce, exporter| proof(&[7; 32], Side::Hub, nonce, exporter)).await;
    assert_eq!(outcome.as_deref(), Ok("bob"));
    let (shown, expected) = shown.unwrap();
    assert_eq!(shown, expected.as_str());
}

#[tokio::test]
async fn a_login_is_bound_to_its_own_connection_where_the_tls_session_is_resumed() {
    let hub = TestHub::start().await;
    let exporters = Mutex::new(Vec::new());
    for handshake in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let (outcome, shown) = log_in_at(&hub, handshake, |nonce, exporter| {
            exporters.lock().unwrap().push(*exporter);
            proof(&[7; 32], Side::Hub, nonce, exporter)
        })
        .await;
        assert_eq!(outcome.as_deref(), Ok("bob"));
        let (shown, expected) = shown.unwrap();
        assert_eq!(shown, expected.as_str());
    }
    // What was shown on the first connection is worth nothing on another.
    let first = exporters.lock().unwrap()[0];
    let (outcome, shown) = log_in_at(&hub, HandshakeKind::Resumed, |nonce, exporter| {
        exporters.lock().unwrap().push(*exporter);
        proof(&[7; 32], Side::Hub, nonce, &first)
    })
    .await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, ClientError::HubUnproven { .. }), "{error}");
    assert!(shown.is_none());
    let exporters = exporters.into_inner().unwrap();
    assert!(exporters[1..].iter().all(|exporter| *exporter != first));
}

#[tokio::test]
async fn a_hub_that_cannot_show_it_is_shown_nothing() {
    type Answer = fn(&Value, &[u8; 32]) -> String;
    let answers: [Answer; 4] = [
        // Another secret; another connection; the other direction; nothing.
        |nonce, exporter| proof(&[9; 32], Side::Hub, nonce, exporter),
        |nonce, _| proof(&[7; 32], Side::Hub, nonce, &[0; 32]),
        |nonce, exporter| proof(&[7; 32], Side::Client, nonce, exporter),
        |_, _| "00".repeat(32),
    ];
    for answer in answers {
        let (outcome, shown) = log_in(answer).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, ClientError::HubUnproven { .. }), "{error}");
        assert!(shown.is_none());
    }
}

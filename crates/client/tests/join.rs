//! Joining where the answer is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

mod support;

use landline_client::doubt::PATIENCE;
use landline_client::join::{fresh_secret, join};
use landline_client::{ClientError, Connection};
use landline_model::link::{JoinLink, Token};
use landline_model::protocol::people::Join;
use serde_json::{Value, json};
use std::time::Duration;
use support::TestHub;

fn invitation(hub: &TestHub) -> (JoinLink, Join) {
    let token = Token::from_bytes([3; 16]);
    let link = JoinLink {
        address: hub.address.clone(),
        token: token.clone(),
        pin: hub.pin,
    };
    let call = Join {
        token,
        name: "bob".parse().unwrap(),
        password: None,
        device: String::new(),
        secret: Some(fresh_secret().unwrap()),
    };
    (link, call)
}

/// Takes a connection and what is asked on it; closes without an answer.
async fn lose(hub: &TestHub) -> Value {
    let mut peer = hub.welcome().await;
    let asked = peer.request().await.unwrap();
    assert_eq!(asked.name, "join");
    asked.args
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_secret_until_the_hub_is_back() {
    let hub = TestHub::start().await;
    let (link, call) = invitation(&hub);
    let answer = async {
        let first = lose(&hub).await;
        // A hub that is being started anew turns away whoever comes too early.
        drop(hub.accept_raw().await);
        let mut peer = hub.welcome().await;
        let again = peer.request().await.unwrap();
        assert!(first["secret"].is_string());
        assert_eq!((again.name.as_str(), &again.args), ("join", &first));
        let account = json!({ "id": "02".repeat(16), "name": "bob", "role": "member" });
        let login = json!({ "account": account, "session": "06".repeat(16), "secret": first["secret"] });
        peer.ok(again.id, login).await;
        peer
    };
    let (joined, _peer) = tokio::join!(join(&link, &call, PATIENCE), answer);
    let (_connection, _, login): (Connection, _, _) = joined.unwrap();
    assert_eq!(Some(login.secret), call.secret);
}

#[tokio::test]
async fn a_hub_that_never_answers_is_given_up() {
    let hub = TestHub::start().await;
    let (link, call) = invitation(&hub);
    let losing = async {
        loop {
            lose(&hub).await;
        }
    };
    tokio::select! {
        joined = join(&link, &call, Duration::from_millis(300)) => {
            assert!(matches!(joined, Err(ClientError::Lost { .. })), "{joined:?}");
        }
        () = losing => {}
    }
}

#[tokio::test]
async fn where_nothing_was_asked_there_is_nothing_to_wait_for() {
    let hub = TestHub::start().await;
    let (link, call) = invitation(&hub);
    let turned_away = async { drop(hub.accept_raw().await) };
    let (joined, ()) = tokio::join!(join(&link, &call, PATIENCE), turned_away);
    assert!(
        matches!(joined, Err(ClientError::TurnedAway { .. })),
        "{joined:?}"
    );
}

#[tokio::test]
async fn without_a_secret_the_same_is_not_asked_again() {
    let hub = TestHub::start().await;
    let (link, call) = invitation(&hub);
    let call = Join { secret: None, ..call };
    let (joined, _) = tokio::join!(join(&link, &call, PATIENCE), lose(&hub));
    assert!(matches!(joined, Err(ClientError::Lost { .. })), "{joined:?}");
}

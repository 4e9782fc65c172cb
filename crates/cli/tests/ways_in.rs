//! Ways into a hub that are open to those who need them, and to nobody twice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::json;
use support::peer::{Peer, token};
use support::{Hub, Person};

/// The link of the hub's latest start.
fn printed(hub: &Hub) -> String {
    hub.ready()["invite"].as_str().expect("a link").to_owned()
}

#[test]
fn a_hub_whose_only_admin_is_locked_out_invites_another_at_its_next_start() {
    let mut hub = Hub::start();
    let first = hub.admin_link().to_owned();
    hub.stop();
    hub.start_again();
    let second = printed(&hub);
    let alice = Person::stranger();
    alice.run(["join", &first, "--name", "alice"]).succeeds();
    // Now somebody looks after the hub: the other link makes nobody its admin any more.
    let errors = Person::stranger()
        .run(["join", &second, "--name", "eve"])
        .fails(1);
    assert!(errors.contains("the invitation was used already"), "{errors}");
    hub.stop();
    hub.start_again();
    assert!(hub.ready()["invite"].is_null(), "she can get in: {}", hub.ready());
    alice.run(["logout"]).succeeds();
    hub.stop();
    hub.start_again();
    let carol = Person::join(&hub, &printed(&hub), "carol");
    assert_ne!(carol.invitation(&["--role", "admin"]), second);
}

#[test]
fn an_admin_with_a_password_is_not_locked_out_by_a_logout() {
    let (mut hub, alice) = Hub::with_alice();
    alice
        .run_with(["password", "--password-stdin"], "\ncorrect horse\n")
        .succeeds();
    alice.run(["logout"]).succeeds();
    hub.stop();
    hub.start_again();
    assert!(hub.ready()["invite"].is_null(), "{}", hub.ready());
}

#[test]
fn joining_twice_with_one_secret_is_joining_once() {
    let hub = Hub::start();
    let arguments = json!({
        "token": token(hub.admin_link()), "name": "alice", "password": "correct horse", "secret": "A".repeat(43),
    });
    let first = Peer::greeted(&hub).ask("join", &arguments);
    assert_eq!(first["ok"]["secret"], "A".repeat(43), "{first}");
    let mut peer = Peer::greeted(&hub);
    let again = peer.ask("join", &arguments);
    assert_eq!(again["ok"], first["ok"], "{again}");
    assert_eq!(peer.ask("whoami", &json!({}))["ok"], first["ok"]["account"]);
    let mut other = arguments;
    other["secret"] = format!("{}A", "B".repeat(42)).into();
    assert_eq!(
        Peer::greeted(&hub).ask("join", &other)["error"]["code"],
        "invite_used"
    );
}

#[test]
fn a_login_that_fails_is_logged_with_its_address() {
    let mut hub = Hub::start();
    let stranger = Person::stranger();
    stranger.logs_in(&hub, "alice", "wrong horse").fails(1);
    hub.stop();
    let log = hub.errors();
    let line = log.lines().find(|line| line.contains("a login failed")).unwrap();
    assert!(line.contains("127.0.0.1") && line.contains("alice"), "{line}");
}

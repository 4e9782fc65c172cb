//! What a hub logs: never a secret, never a character that acts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use landline_model::text::escape;
use serde_json::{Value, json};
use std::fs;
use support::peer::{Peer, token};
use support::{Hub, Person};

/// Stops a hub, and gives all that it has logged, in its file and on its standard error.
fn logged(hub: &mut Hub) -> String {
    hub.stop();
    let file = fs::read_to_string(hub.data().join("log/landline.log")).unwrap();
    assert!(!file.is_empty());
    file + &hub.errors()
}

#[test]
fn no_log_has_a_token_a_password_a_session_or_what_was_said() {
    let mut hub = Hub::start_in(&[("LANDLINE_LOG_LEVEL", "trace")], &[]);
    let alice = Person::stranger();
    let arguments = ["join", "-", "--name", "alice", "--password-stdin"];
    let input = format!("{}\ncorrect-horse\n", hub.admin_link());
    alice.run_with(arguments, input).succeeds();
    let passwords = "correct-horse\nbattery-staple\n";
    alice
        .run_with(["password", "--password-stdin"], passwords)
        .succeeds();
    let elsewhere = Person::stranger();
    elsewhere.logs_in(&hub, "alice", "wrong-horse").fails(1);
    elsewhere.logs_in(&hub, "alice", "battery-staple").succeeds();
    let link = alice.invitation(&[]);
    let bob = Person::stranger();
    bob.run(["join", hub.admin_link(), "--name", "bob"]).fails(1);
    bob.run(["join", &link, "--name", "bob"]).succeeds();
    alice.run(["room", "create", "#general"]).succeeds();
    alice.run(["send", "#general", "in-confidence"]).succeeds();

    let log = logged(&mut hub);
    assert!(log.contains("somebody joined name=bob"), "{log}");
    let sessions = [&alice, &elsewhere, &bob].map(Person::session_secret);
    let said = ["correct-horse", "battery-staple", "wrong-horse", "in-confidence"];
    let tokens = [token(hub.admin_link()), token(&link)];
    for secret in sessions.iter().map(String::as_str).chain(said).chain(tokens) {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn what_a_peer_calls_itself_stays_on_its_line_and_acts_on_nothing() {
    let hostile = "x\u{1b}[2J\r\nINFO forged\u{9b}31m\u{202e}";
    for format in ["human", "json"] {
        let environment = [("LANDLINE_LOG_LEVEL", "trace"), ("LANDLINE_LOG_FORMAT", format)];
        let mut hub = Hub::start_in(&environment, &[]);
        let alice = Person::join(&hub, hub.admin_link(), "alice");
        let mut peer = Peer::connect(&hub);
        let hello = peer.ask("hello", &json!({ "protocol": 1, "client": hostile }));
        assert!(hello["ok"].is_object(), "{hello}");
        for request in ["login", hostile] {
            let answer = peer.ask(
                request,
                &json!({ "name": hostile, "password": "x", "device": hostile }),
            );
            assert!(answer["error"].is_object(), "{answer}");
        }
        let answer = peer.ask(
            "login",
            &json!({ "name": "alice", "password": "x", "device": hostile }),
        );
        assert_eq!(answer["error"]["code"], "wrong_credentials", "{answer}");
        alice.run(["room", "create", "#general"]).succeeds();
        alice.run(["send", "#general", hostile]).succeeds();
        let log = logged(&mut hub);
        assert!(log.contains("forged"), "{log}");
        for line in log.lines() {
            assert_eq!(line, escape(line));
            assert!(!line.starts_with("INFO forged"), "{log}");
        }
    }
}

#[test]
fn a_log_in_json_is_json_line_by_line() {
    let mut hub = Hub::start_with(&["--log-format", "json"]);
    let _alice = Person::join(&hub, hub.admin_link(), "alice");
    let log = logged(&mut hub);
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let joined = records
        .iter()
        .filter(|record| record["fields"]["message"] == "somebody joined");
    // Once in the file, once on standard error.
    assert_eq!(joined.count(), 2);
    assert!(
        records
            .iter()
            .all(|record| record["timestamp"].is_string() && record["level"].is_string())
    );
}

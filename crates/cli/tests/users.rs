//! `landline user`, `contact` and `status`, and the login with a token, on the real program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use aws_lc_rs::hmac;
use landline_model::hash::Hash;
use landline_model::id::SessionId;
use landline_model::protocol::people::{Nonce, SessionSecret};
use landline_model::token::{Side, statement};
use serde_json::{Value, json};
use support::following::Following;
use support::peer::Peer;
use support::{Hub, Output, Person};

/// The lines of a listing.
fn listed<const N: usize>(person: &Person, command: [&str; N]) -> Vec<Value> {
    let command = command.iter().chain(&["--json"]);
    person
        .run(command)
        .succeeds()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What all of them are called.
fn names(people: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = people
        .iter()
        .map(|person| person["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Runs the program with a token and nothing else: no profile is there.
fn with_token<const N: usize>(person: &Person, token: &str, arguments: [&str; N]) -> Output {
    let mut command = person.command(arguments);
    command.env("LANDLINE_TOKEN", token);
    let output = command.output().unwrap();
    Output::of(&command, output)
}

/// A new token, as `landline user token --json` shows it.
fn token<const N: usize>(person: &Person, arguments: [&str; N]) -> Value {
    let command = ["user", "token", "--json"].iter().chain(&arguments);
    serde_json::from_str(&person.run(command).succeeds()).unwrap()
}

/// The session that this person's client keeps.
fn session_of(person: &Person) -> String {
    let hubs = std::fs::read_to_string(person.configuration().join("hubs.toml")).unwrap();
    let session = hubs.lines().find_map(|line| line.strip_prefix("session = "));
    session
        .expect("somebody who is logged in")
        .trim_matches('"')
        .to_owned()
}

fn text(token: &Value) -> &str {
    token["token"].as_str().unwrap()
}

#[test]
fn people_are_listed_and_searched_and_admins_see_more() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    let _malik = alice.invited(&hub, "guest", "Malik");
    assert_eq!(names(&listed(&alice, ["user", "ls"])), ["Malik", "alice", "bob"]);
    for part in ["ALI", "@ali"] {
        assert_eq!(names(&listed(&bob, ["user", "search", part])), ["Malik", "alice"]);
    }
    assert_eq!(listed(&bob, ["user", "search", "nobody"]), [] as [Value; 0]);
    let seen = |person: &Person| {
        let found = listed(person, ["user", "search", "malik"]);
        (found[0]["role"].clone(), found[0].get("last_seen").is_some())
    };
    assert_eq!(seen(&alice), (json!("guest"), true));
    assert_eq!(seen(&bob), (json!("guest"), false));
    // Who asks is there.
    let own = listed(&bob, ["user", "search", "bob"]);
    assert_eq!(
        (&own[0]["online"], own[0].get("last_seen").is_some()),
        (&json!(true), true)
    );
    alice.run(["user", "disable", "@malik"]).succeeds();
    assert_eq!(names(&listed(&bob, ["user", "ls"])), ["alice", "bob"]);
    let malik = listed(&alice, ["user", "search", "malik"]);
    assert_eq!(malik[0]["disabled"], true);
    let shown = alice.run(["user", "ls"]).succeeds();
    assert!(
        shown.lines().any(|line| line == "Malik  guest, disabled"),
        "{shown}"
    );
    assert!(
        shown.lines().any(|line| line == "alice  admin, online"),
        "{shown}"
    );
}

#[test]
fn a_disabled_account_is_out_at_once_and_stays_out_until_it_is_enabled() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    bob.takes_password("correct horse");
    alice.run(["send", "#general", "hello"]).succeeds();
    let mut chat = Following::start(&bob, ["chat", "#general", "--follow", "--since", "0"]);
    assert!(chat.line().ends_with("alice: hello"));
    let told = alice.run(["user", "disable", "bob"]).succeeds();
    assert_eq!(told, "bob is disabled; the sessions have ended\n");
    let errors = chat.ends().fails(1);
    assert!(errors.contains("the session has ended"), "{errors}");
    bob.run(["whoami"]).fails(1);
    let errors = bob.logs_in(&hub, "bob", "correct horse").fails(1);
    assert!(errors.contains("the name or the password is wrong"), "{errors}");
    alice.run(["user", "enable", "bob"]).succeeds();
    bob.run(["whoami"]).fails(1);
    bob.logs_in(&hub, "bob", "correct horse").succeeds();
    bob.run(["whoami"]).succeeds();
}

#[test]
fn a_role_counts_at_once_on_open_connections() {
    let (hub, alice) = Hub::with_alice();
    let mut peer = Peer::joined(&hub, &alice.invitation(&[]), "peer");
    let mut make = |name: &str| peer.ask("room_create", &json!({ "name": name }))["error"]["code"].clone();
    assert_eq!(make("one"), Value::Null);
    assert_eq!(
        alice.run(["user", "role", "@peer", "guest"]).succeeds(),
        "peer: guest from now on\n"
    );
    assert_eq!(make("two"), "forbidden");
    alice.run(["user", "role", "peer", "admin"]).succeeds();
    assert_eq!(make("three"), Value::Null);
    // And with it goes what an admin has begun.
    let invited = peer.ask("invite", &json!({ "role": "admin", "uses": 1, "expires": 60 }));
    let token = invited["ok"]["token"].as_str().unwrap().to_owned();
    alice.run(["user", "role", "peer", "member"]).succeeds();
    let mut eve = Peer::greeted(&hub);
    let joined = eve.ask("join", &json!({ "token": token, "name": "eve" }));
    assert_eq!(joined["error"]["code"], "invite_used", "{joined}");
}

#[test]
fn the_last_admin_who_can_get_in_stays_one() {
    let (hub, alice) = Hub::with_alice();
    for command in [
        &["user", "disable", "alice"][..],
        &["user", "role", "alice", "member"],
    ] {
        let errors = alice.run(command).fails(1);
        assert!(
            errors.contains("@alice is the last one who looks after the hub"),
            "{errors}"
        );
        assert!(errors.contains("landline user role NAME admin"), "{errors}");
    }
    let bob = alice.invited(&hub, "admin", "bob");
    // With another one it goes, and whoever does it to themselves hears the answer before the door closes.
    alice.run(["user", "disable", "alice"]).succeeds();
    alice.run(["whoami"]).fails(1);
    bob.run(["user", "disable", "bob"]).fails(1);
}

#[test]
fn looking_after_accounts_is_for_admins() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    let session = session_of(&alice);
    let commands: [&[&str]; 8] = [
        &["user", "disable", "alice"],
        &["user", "enable", "alice"],
        &["user", "role", "bob", "admin"],
        &["user", "reset", "alice"],
        &["user", "sessions", "alice"],
        &["user", "revoke", "--all", "alice"],
        &["user", "token", "alice"],
        &["user", "token", "robot", "--create", "guest"],
    ];
    for command in commands {
        let errors = bob.run(command).fails(1);
        assert!(
            errors.contains("no right: a member may not do this"),
            "{command:?}: {errors}"
        );
    }
    let errors = bob.run(["user", "revoke", &session]).fails(1);
    assert!(errors.contains("there is no session"), "{errors}");
    alice.run(["whoami"]).succeeds();
    for command in [&["user", "disable", "nobody"][..], &["user", "reset", "nobody"]] {
        let errors = alice.run(command).fails(1);
        assert!(errors.contains("there is nobody called @nobody"), "{errors}");
    }
}

#[test]
fn a_reset_hands_out_a_password_once_and_ends_everything_else() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    bob.takes_password("forgotten");
    alice.run(["user", "role", "bob", "admin"]).succeeds();
    let way_back = bob.invitation(&["--role", "admin"]);
    let password = alice.run(["user", "reset", "bob"]).succeeds();
    bob.run(["whoami"]).fails(1);
    let errors = Person::stranger()
        .run(["join", &way_back, "--name", "mallory"])
        .fails(1);
    assert!(errors.contains("ask for a new link"), "{errors}");
    bob.logs_in(&hub, "bob", "forgotten").fails(1);
    bob.logs_in(&hub, "bob", password.trim_end()).succeeds();
    let errors = alice.run(["user", "reset", "alice"]).fails(1);
    assert!(errors.contains("nobody resets their own account"), "{errors}");
    assert!(errors.contains("landline password"), "{errors}");
}

#[test]
fn a_revoked_session_ends_at_once_and_the_one_that_asks_goes_on() {
    let (hub, alice) = Hub::with_general();
    alice.takes_password("correct horse");
    alice.run(["send", "#general", "hello"]).succeeds();
    let (here, there) = (Person::stranger(), Person::stranger());
    here.logs_in(&hub, "alice", "correct horse").succeeds();
    there.logs_in(&hub, "alice", "correct horse").succeeds();
    let follow = ["chat", "#general", "--follow", "--since", "0"];
    let mut chat = Following::start(&there, follow);
    assert!(chat.line().ends_with("alice: hello"));
    let sessions = listed(&alice, ["user", "sessions"]);
    assert_eq!(sessions.len(), 3);
    let current = |session: &&Value| session["current"] == true;
    assert_eq!(sessions.iter().filter(current).count(), 1);
    let open = session_of(&there);
    let listed_open = sessions.iter().find(|session| session["id"] == open.as_str());
    assert!(
        listed_open.unwrap()["connections"].as_u64() >= Some(1),
        "{sessions:?}"
    );
    let told = alice.run(["user", "revoke", &open]).succeeds();
    assert_eq!(told, "1 session has ended\n");
    let errors = chat.ends().fails(1);
    assert!(errors.contains("the session has ended"), "{errors}");
    let mut chat = Following::start(&here, follow);
    assert!(chat.line().ends_with("alice: hello"));
    assert_eq!(
        alice.run(["user", "revoke", "--all", "alice"]).succeeds(),
        "1 session has ended\n"
    );
    chat.ends().fails(1);
    alice.run(["whoami"]).succeeds();
    // Its own: the answer comes, and then the end.
    alice.run(["user", "revoke", &session_of(&alice)]).succeeds();
    alice.run(["whoami"]).fails(1);
}

#[test]
fn a_token_is_all_that_a_fresh_machine_needs() {
    let (hub, alice) = Hub::with_general();
    let made = token(
        &alice,
        ["robot", "--create", "member", "--for", "nightly backups"],
    );
    assert_eq!(
        (&made["name"], &made["role"]),
        (&json!("robot"), &json!("member"))
    );
    let line = alice
        .run(["user", "token", "robot", "--expires", "12h"])
        .succeeds();
    assert_eq!(line.lines().count(), 1);
    let fresh = Person::stranger();
    let who = with_token(&fresh, text(&made), ["whoami", "--json"]).succeeds();
    assert_eq!(serde_json::from_str::<Value>(&who).unwrap()["name"], "robot");
    with_token(&fresh, &line, ["send", "#general", "backup done"]).succeeds();
    assert!(
        alice
            .run(["history", "#general"])
            .succeeds()
            .ends_with("robot: backup done\n")
    );
    with_token(&fresh, text(&made), ["audit"]).succeeds();
    // Out of a file, and then for good.
    std::fs::write(fresh.work().join("token"), line).unwrap();
    fresh.run(["--token-file", "token", "whoami"]).succeeds();
    fresh.run(["whoami"]).fails(1);
    fresh.run(["--token-file", "token", "login"]).succeeds();
    assert_eq!(fresh.account()["name"], "robot");
    let errors = fresh.run(["logout"]).fails(2);
    assert!(errors.contains("a token does not log out"), "{errors}");
    fresh.run(["logout", "--local"]).succeeds();
    fresh.run(["whoami"]).fails(1);
    // Both are listed, and no session is: a robot has no other way in.
    let sessions = listed(&alice, ["user", "sessions", "robot"]);
    assert_eq!(sessions.len(), 2);
    assert!(
        sessions.iter().all(|session| session["token"] == true),
        "{sessions:?}"
    );
    assert_eq!(sessions[0]["device"], "nightly backups");
    // What the hub keeps of it is sealed.
    let secret = secret_of(text(&made));
    for file in ["people.db", "people.db-wal"] {
        let bytes = std::fs::read(hub.data().join("db").join(file)).unwrap();
        assert!(!bytes.windows(32).any(|window| window == secret), "{file}");
    }
}

#[test]
fn a_token_lives_through_a_restart_and_ends_when_it_is_revoked() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "hello"]).succeeds();
    let made = token(&alice, ["alice", "--for", "watcher"]);
    hub.stop();
    hub.start_again();
    let watcher = Person::stranger();
    std::fs::write(watcher.work().join("token"), text(&made)).unwrap();
    let follow = [
        "--token-file",
        "token",
        "chat",
        "#general",
        "--follow",
        "--since",
        "0",
    ];
    let mut chat = Following::start(&watcher, follow);
    assert!(chat.line().ends_with("alice: hello"));
    alice
        .run(["user", "revoke", made["session"].as_str().unwrap()])
        .succeeds();
    let errors = chat.ends().fails(1);
    assert!(
        errors.contains("the token is wrong, has expired or was revoked"),
        "{errors}"
    );
    with_token(&watcher, text(&made), ["whoami"]).fails(1);
}

#[test]
fn a_text_that_is_no_token_says_so_and_does_not_show_it() {
    let (_hub, alice) = Hub::with_alice();
    let made = token(&alice, ["alice"]);
    let fresh = Person::stranger();
    let cut = &text(&made)[..60];
    for wrong in [cut, "something"] {
        let errors = with_token(&fresh, wrong, ["whoami"]).fails(1);
        assert!(
            errors.contains("LANDLINE_TOKEN: there is no token in it"),
            "{errors}"
        );
        assert!(!errors.contains(wrong), "{errors}");
    }
    let errors = fresh.run(["--token-file", "none", "whoami"]).fails(1);
    assert!(errors.contains("none: "), "{errors}");
    let errors = fresh.run(["--token-file", "none", "hubs"]).fails(2);
    assert!(errors.contains("--token-file"), "{errors}");
    let errors = fresh
        .run(["--token-file", "none", "--hub", "lab", "whoami"])
        .fails(2);
    assert!(errors.contains("--hub"), "{errors}");
    for (wanted, why) in [
        (&["nobody"][..], "there is nobody called @nobody"),
        (&["alice", "--create", "guest"], "there is a @alice already"),
        (&["alice", "--expires", "3651d"], "from 1 second to 3650 days"),
    ] {
        let errors = alice.run(["user", "token"].iter().chain(wanted)).fails(1);
        assert!(errors.contains(why), "{errors}");
    }
}

/// The secret in a token's text.
fn secret_of(text: &str) -> [u8; 32] {
    let secret: SessionSecret = serde_json::from_value(content_of(text)["secret"].clone()).unwrap();
    *secret.as_bytes()
}

fn content_of(text: &str) -> Value {
    let encoded = text.rsplit_once('.').unwrap().1;
    serde_json::from_slice(&base64url(encoded)).unwrap()
}

/// RFC 4648, section 5, without padding.
fn base64url(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        other => panic!("{other} is not base64url"),
    };
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        bits = (bits << 6 | u32::from(value(byte))) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

/// Begins a login with a token; what the hub says.
fn challenge(peer: &mut Peer, session: &str) -> Value {
    peer.ask(
        "token_challenge",
        &json!({ "session": session, "nonce": "0c".repeat(32) }),
    )
}

/// What a side shows on a connection with this exporter value, after the hub's answer to [`challenge`].
fn proof(side: Side, secret: &[u8], session: &str, challenged: &Value, exporter: &[u8; 32]) -> String {
    let session: SessionId = session.parse().unwrap();
    let hub: Nonce = serde_json::from_value(challenged["ok"]["nonce"].clone()).unwrap();
    let said = statement(side, &session, &Nonce::from_bytes([0x0c; 32]), &hub, exporter);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    Hash::try_from(hmac::sign(&key, &said).as_ref())
        .unwrap()
        .to_string()
}

#[test]
fn a_token_login_is_good_with_the_right_secret_on_its_own_connection_once() {
    let (hub, alice) = Hub::with_alice();
    let made = token(&alice, ["robot", "--create", "guest"]);
    let (session, secret) = (made["session"].as_str().unwrap(), secret_of(text(&made)));
    let code = |answer: &Value| answer["error"]["code"].clone();
    let show = |peer: &mut Peer, proof: &str| peer.ask("token_login", &json!({ "proof": proof }));

    let mut peer = Peer::greeted(&hub);
    assert_eq!(
        code(&show(&mut peer, &"00".repeat(32))),
        "bad_request",
        "nothing was begun"
    );
    let challenged = challenge(&mut peer, session);
    let exporter = peer.exporter();
    // The hub has shown that it knows the secret, on this connection.
    assert_eq!(
        challenged["ok"]["proof"],
        proof(Side::Hub, &secret, session, &challenged, &exporter).as_str()
    );
    let right = proof(Side::Client, &secret, session, &challenged, &exporter);
    let wrong = proof(Side::Client, &[7; 32], session, &challenged, &exporter);
    assert_eq!(code(&show(&mut peer, &wrong)), "wrong_credentials");
    // A challenge is good for one try, and what was right for it is not for the next.
    assert_eq!(code(&show(&mut peer, &right)), "bad_request");
    challenge(&mut peer, session);
    assert_eq!(code(&show(&mut peer, &right)), "wrong_credentials", "a replay");

    let challenged = challenge(&mut peer, session);
    let right = proof(Side::Client, &secret, session, &challenged, &exporter);
    assert_eq!(show(&mut peer, &right)["ok"]["name"], "robot");
    assert_eq!(peer.ask("whoami", &json!({}))["ok"]["role"], "guest");

    // Passed on by somebody in between, who has another connection to the hub.
    let mut other = Peer::greeted(&hub);
    let challenged = challenge(&mut other, session);
    let elsewhere = proof(Side::Client, &secret, session, &challenged, &exporter);
    assert_eq!(code(&show(&mut other, &elsewhere)), "wrong_credentials");
    // What the hub has shown is not what the client has to show.
    let challenged = challenge(&mut other, session);
    let reflected = challenged["ok"]["proof"].as_str().unwrap().to_owned();
    assert_eq!(code(&show(&mut other, &reflected)), "wrong_credentials");
    let unknown = challenge(&mut other, &"00".repeat(16));
    assert_eq!(code(&unknown), "wrong_credentials", "there is no such token");
    // The session of a person is none: it has no secret that both sides know.
    assert_eq!(
        code(&challenge(&mut other, &session_of(&alice))),
        "wrong_credentials"
    );
}

#[test]
fn who_guesses_a_password_waits_and_nobody_else_does() {
    // All is said at once, so that no time passes in between.
    let hub = Hub::start_in(&[("LANDLINE_LIMITS_HANDSHAKE_SECONDS", "300")], &[]);
    let alice = Person::join(&hub, hub.admin_link(), "alice");
    alice.takes_password("correct horse");
    let bob = alice.invited(&hub, "member", "bob");
    bob.takes_password("battery staple");
    let mut peer = Peer::greeted(&hub);
    let guesses = ["1", "2", "3", "4", "correct horse"];
    let asked =
        guesses.map(|guess| peer.request("login", &json!({ "name": "Alice", "password": guess }), b""));
    let answers = asked.map(|id| {
        let (answer, _) = peer.receive().expect("an answer");
        assert_eq!(answer["id"], id);
        answer["error"].clone()
    });
    for wrong in &answers[..4] {
        assert_eq!(wrong["code"], "wrong_credentials", "{wrong}");
    }
    assert_eq!(answers[4]["code"], "too_soon", "{}", answers[4]);
    let message = answers[4]["message"].as_str().unwrap();
    assert!(
        message.contains("too many wrong logins as @Alice from this address; wait 1 s"),
        "{message}"
    );
    let login = peer.ask("login", &json!({ "name": "bob", "password": "battery staple" }));
    assert_eq!(login["ok"]["account"]["name"], "bob", "{login}");
    // Who is in stays in.
    alice.run(["whoami"]).succeeds();
}

#[test]
fn people_become_contacts_and_block_each_other() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    let says = |person: &Person, act: &str, whom: &str| person.run(["contact", act, whom]);
    assert_eq!(says(&alice, "ask", "@bob").succeeds(), "bob: you have asked\n");
    let state = |person: &Person| {
        let contacts = listed(person, ["contact", "ls"]);
        contacts
            .iter()
            .map(|contact| format!("{} {}", contact["name"], contact["state"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (state(&alice), state(&bob)),
        (vec!["bob asked".to_owned()], vec!["alice asking".to_owned()])
    );
    bob.run(["status", "in the workshop"]).succeeds();
    assert_eq!(says(&bob, "accept", "alice").succeeds(), "alice: contact\n");
    // Whether bob is still there is another matter.
    let shown = alice.run(["contact", "ls"]).succeeds();
    assert!(
        shown.starts_with("bob  contact") && shown.ends_with("  in the workshop\n"),
        "{shown}"
    );
    let errors = says(&alice, "ask", "bob").fails(1);
    assert!(
        errors.contains("between you and @bob it is so already"),
        "{errors}"
    );
    says(&bob, "block", "alice").succeeds();
    assert_eq!(
        (state(&alice), state(&bob)),
        (vec![], vec!["alice blocked".to_owned()])
    );
    let errors = says(&alice, "ask", "bob").fails(1);
    assert!(errors.contains("they do not take messages from you"), "{errors}");
    says(&bob, "unblock", "alice").succeeds();
    let errors = says(&bob, "accept", "alice").fails(1);
    assert!(
        errors.contains("@alice has not asked to be your contact"),
        "{errors}"
    );
    says(&alice, "ask", "bob").succeeds();
    says(&bob, "remove", "alice").succeeds();
    assert_eq!((state(&alice), state(&bob)), (vec![], vec![]));
    let errors = says(&alice, "ask", "alice").fails(1);
    assert!(errors.contains("nobody is their own contact"), "{errors}");
}

#[test]
fn who_is_there_hears_that_somebody_asks_and_whoever_is_blocked_reaches_nobody() {
    let (hub, alice) = Hub::with_alice();
    let mut bob = Peer::joined(&hub, &alice.invitation(&[]), "bob");
    alice.run(["contact", "ask", "bob"]).succeeds();
    let (heard, _) = bob.receive().unwrap();
    assert_eq!(heard["event"], "signal", "{heard}");
    let signal = heard["args"].to_string();
    assert!(
        signal.contains("\"asking\"") && signal.contains("\"alice\""),
        "{signal}"
    );
    let contact = |peer: &mut Peer, act: &str| peer.ask("contact", &json!({ "name": "alice", "act": act }));
    assert_eq!(contact(&mut bob, "accept")["ok"]["state"], "contact");
    assert_eq!(contact(&mut bob, "block")["ok"]["state"], "blocked");
    alice.run(["contact", "ask", "bob"]).fails(1);
    // What comes next is the answer, and nothing before it.
    let id = bob.request("whoami", &json!({}), b"");
    assert_eq!(bob.receive().unwrap().0["id"], id);
}

#[test]
fn a_status_is_seen_by_others_and_cannot_act_on_their_terminals() {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    assert_eq!(bob.run(["status"]).succeeds(), "");
    bob.run(["status", "at lunch \u{202e}until 1"]).succeeds();
    assert_eq!(bob.run(["status"]).succeeds(), "at lunch \\u{202e}until 1\n");
    let shown = alice.run(["user", "search", "bob"]).succeeds();
    assert!(shown.contains("at lunch \\u{202e}until 1"), "{shown}");
    bob.run(["status", "two\nlines"]).fails(1);
    bob.run(["status", &"x".repeat(257)]).fails(1);
    bob.run(["status", ""]).fails(2);
    bob.run(["status", "--clear"]).succeeds();
    assert_eq!(listed(&alice, ["user", "search", "bob"])[0]["status"], "");
}

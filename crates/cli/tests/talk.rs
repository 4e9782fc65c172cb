//! `room`, `send`, `chat` and `history` on the real program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::following::Following;
use support::peer::Peer;
use support::{Hub, Person};

/// Text that acts on a terminal or hides what stands beside it.
const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}b\u{200f}c\u{e0041}\rd\te";

/// What was said somewhere, as JSON.
fn said(person: &Person, target: &str) -> Vec<Value> {
    let lines = person.run(["history", target, "--json"]).succeeds();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn texts(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["text"].as_str().unwrap())
        .collect()
}

/// Hard rule for everything that is shown: no character acts.
#[track_caller]
fn is_plain(shown: &str) {
    let safe = landline_model::text::escape(shown).replace("\\n", "\n");
    assert_eq!(shown, safe);
}

#[test]
fn what_is_sent_is_in_the_history_with_exactly_the_members_that_are_promised() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "guest", "bob");
    assert_eq!(alice.run(["send", "#general", "one"]).succeeds(), "#general 1\n");
    let sent: Value =
        serde_json::from_str(&bob.run(["send", "#general", "two", "--json"]).succeeds()).unwrap();
    assert_eq!((&sent["room"], &sent["seq"]), (&json!("#general"), &json!(2)));
    alice
        .run_with(["send", "#general", "-"], "three\nlines\nlong\n")
        .succeeds();

    let events = said(&bob, "#general");
    assert_eq!(texts(&events), ["one", "two", "three\nlines\nlong"]);
    for (event, (seq, sender)) in events.iter().zip([(1, "alice"), (2, "bob"), (3, "alice")]) {
        let members: BTreeSet<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        let promised = ["room", "seq", "time", "sender", "kind", "text"];
        assert_eq!(members, BTreeSet::from(promised));
        assert_eq!(
            (&event["room"], &event["seq"], &event["sender"], &event["kind"]),
            (&json!("#general"), &json!(seq), &json!(sender), &json!("message"))
        );
    }
    assert_eq!(events[1]["time"], sent["time"]);
}

#[test]
fn history_begins_and_ends_where_it_is_told_to() {
    let (_hub, alice) = Hub::with_general();
    for number in 1..=5 {
        alice.run(["send", "#general", &number.to_string()]).succeeds();
    }
    let shown = |options: &[&str]| {
        let lines = alice
            .run(["history", "#general", "--json"].iter().chain(options))
            .succeeds();
        let texts = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        texts
            .map(|event| event["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&["--since", "3"]), ["4", "5"]);
    assert_eq!(shown(&["--limit", "2"]), ["4", "5"]);
    assert_eq!(shown(&["--since", "1", "--limit", "2"]), ["2", "3"]);
    for beyond in ["5", "6", "9223372036854775808", "18446744073709551615"] {
        assert!(shown(&["--since", beyond]).is_empty(), "{beyond}");
    }
    alice
        .run(["history", "#general", "--since", "18446744073709551616"])
        .fails(2);
    alice.run(["history", "#general", "--since", "-1"]).fails(2);
}

#[test]
fn two_people_talk_in_a_chat_that_is_piped() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    alice.run(["send", "#general", "before"]).succeeds();
    let mut chat = Following::start(&bob, ["chat", "#general", "--json", "--follow", "--since", "0"]);
    let next = |chat: &mut Following| serde_json::from_str::<Value>(&chat.line()).unwrap();
    assert_eq!(next(&mut chat)["text"], "before");
    let shown = alice
        .run_with(["chat", "#general"], "hello\n\nhow are you\n")
        .succeeds();
    let shown: Vec<&str> = shown
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(shown, ["2 alice: hello", "3 alice: how are you"]);
    assert_eq!(next(&mut chat)["text"], "hello");
    chat.say("fine");
    let (second, third) = (next(&mut chat), next(&mut chat));
    assert_eq!(
        (&second["text"], &second["seq"]),
        (&json!("how are you"), &json!(3))
    );
    assert_eq!(
        (&third["text"], &third["sender"], &third["seq"]),
        (&json!("fine"), &json!("bob"), &json!(4))
    );
    chat.signal(rustix::process::Signal::TERM);
    assert_eq!(chat.ends().succeeds(), "");
}

#[test]
fn a_line_that_cannot_be_said_is_named_and_the_others_are_said() {
    let (_hub, alice) = Hub::with_general();
    let mut input = b"one\n\xff\xfe\n".to_vec();
    input.extend(vec![b'x'; 16 * 1024 + 1]);
    input.extend(b"\nfour\n");
    let errors = alice.run_with(["chat", "#general"], input).fails(1);
    assert!(
        errors.contains("line 2 of standard input was not sent: it is not UTF-8 text"),
        "{errors}"
    );
    assert!(
        errors.contains("line 3 of standard input was not sent: it is too long"),
        "{errors}"
    );
    assert_eq!(texts(&said(&alice, "#general")), ["one", "four"]);
}

#[test]
fn a_direct_conversation_is_the_same_from_both_sides_and_closed_to_others() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "guest", "bob");
    let eve = alice.invited(&hub, "admin", "eve");
    let errors = bob.run(["history", "@alice"]).fails(1);
    assert!(
        errors.contains("nothing was said between you and @alice yet"),
        "{errors}"
    );
    let mut chat = Following::start(&bob, ["chat", "@alice", "--follow", "--since", "0"]);
    assert_eq!(alice.run(["send", "@bob", "hello bob"]).succeeds(), "@bob 1\n");
    assert!(chat.line().ends_with("alice: hello bob"));
    assert_eq!(
        bob.run(["send", "@ALICE", "hello alice"]).succeeds(),
        "@ALICE 2\n"
    );
    assert!(chat.line().ends_with("bob: hello alice"));
    assert_eq!(texts(&said(&alice, "@bob")), ["hello bob", "hello alice"]);
    assert_eq!(said(&alice, "@bob")[0]["room"], "@bob");
    assert_eq!(said(&bob, "@alice")[0]["room"], "@alice");
    // Not even an admin reads what two others say.
    for target in ["@alice", "@bob"] {
        eve.run(["history", target]).fails(1);
    }
    assert!(!eve.run(["room", "ls"]).succeeds().contains('@'));
}

#[test]
fn numbers_have_no_gap_and_no_double_under_four_senders_at_once() {
    const EACH: usize = 50;
    let (hub, alice) = Hub::with_general();
    let people = ["ann", "ben", "cid"].map(|name| alice.invited(&hub, "member", name));
    std::thread::scope(|scope| {
        for (index, person) in people.iter().chain([&alice]).enumerate() {
            scope.spawn(move || {
                let lines: String = (0..EACH).map(|number| format!("{index} {number}\n")).collect();
                person.run_with(["chat", "#general"], lines).succeeds();
            });
        }
    });
    let events = said(&alice, "#general");
    let numbers: Vec<u64> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=4 * EACH as u64).collect::<Vec<_>>());
    for sender in 0..4 {
        let prefix = format!("{sender} ");
        let of_sender = texts(&events)
            .into_iter()
            .filter_map(|text| text.strip_prefix(&prefix));
        let expected = (0..EACH).map(|number| number.to_string());
        assert!(of_sender.eq(expected), "sender {sender} is out of order");
    }
}

#[test]
fn text_that_acts_on_a_terminal_is_shown_written_out_and_kept_as_it_was() {
    let (_hub, alice) = Hub::with_general();
    alice.run(["send", "#general", HOSTILE]).succeeds();
    let shown = alice.run(["history", "#general"]).succeeds();
    is_plain(&shown);
    assert!(shown.contains("a\\u{1b}[2J\\u{9b}31m"), "{shown}");
    let json = alice.run(["history", "#general", "--json"]).succeeds();
    is_plain(&json);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["text"], HOSTILE);
    for options in [&["--follow"][..], &["--follow", "--json"]] {
        let arguments = ["chat", "#general", "--since", "0"];
        let mut chat = Following::start(&alice, arguments.iter().chain(options));
        is_plain(&chat.line());
    }
}

#[test]
fn a_message_of_16_kib_passes_and_one_byte_more_is_refused_here_and_there() {
    let (hub, alice) = Hub::with_general();
    let longest = "x".repeat(16 * 1024);
    alice.run_with(["send", "#general", "-"], &longest).succeeds();
    let too_long = longest.clone() + "x";
    let errors = alice.run_with(["send", "#general", "-"], &too_long).fails(1);
    assert!(
        errors.contains("more than 16384 bytes") && errors.contains("landline put"),
        "{errors}"
    );

    let mut peer = Peer::joined(&hub, &alice.invitation(&[]), "peer");
    let mut send = |text: &[u8], client: u8| {
        let call = json!({ "target": "#general", "client_id": format!("{client:032x}") });
        peer.ask_with("send", &call, text)
    };
    let refused = send(too_long.as_bytes(), 1);
    assert_eq!(refused["error"]["code"], "too_large", "{refused}");
    for (text, why) in [
        (&b""[..], "the message is empty"),
        (b"\xff", "the message is not UTF-8 text"),
    ] {
        let refused = send(text, 2);
        assert_eq!(refused["error"]["message"], why, "{refused}");
    }
    assert_eq!(send(longest.as_bytes(), 3)["ok"]["sequence"], 2);
    // The same again is the same, not a second one.
    let again = send(longest.as_bytes(), 3);
    assert_eq!(
        (&again["ok"]["sequence"], &again["ok"]["duplicate"]),
        (&json!(2), &json!(true))
    );
    let events = said(&alice, "#general");
    assert_eq!(texts(&events), [&longest, &longest]);
}

#[test]
fn an_empty_message_is_refused() {
    let (_hub, alice) = Hub::with_general();
    let errors = alice.run(["send", "#general", ""]).fails(1);
    assert!(errors.contains("the message is empty"), "{errors}");
    alice.run_with(["send", "#general", "-"], b"\xff\xfe").fails(1);
    assert!(said(&alice, "#general").is_empty());
}

#[test]
fn who_follows_a_room_misses_nothing_when_the_hub_is_killed() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "one"]).succeeds();
    let mut chat = Following::start(&alice, ["chat", "#general", "--json", "--follow", "--since", "0"]);
    let mut seen = vec![chat.line()];
    for round in 0..3 {
        hub.kill();
        chat.tells("connecting again");
        hub.start_again();
        alice
            .run(["send", "#general", &format!("while away {round}")])
            .succeeds();
        chat.tells("connected again");
        alice
            .run(["send", "#general", &format!("when back {round}")])
            .succeeds();
        seen.extend([chat.line(), chat.line()]);
    }
    let numbers: Vec<Value> = seen
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].clone())
        .collect();
    assert_eq!(numbers, (1..=7).map(Value::from).collect::<Vec<_>>());
    // What it says goes where it should, and comes once.
    chat.say("here I am");
    assert!(chat.line().contains("here I am"));
    assert_eq!(said(&alice, "#general").len(), 8);
}

#[test]
fn what_is_said_while_the_hub_is_away_is_said_once_when_it_is_back() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "one"]).succeeds();
    let mut chat = Following::start(&alice, ["chat", "#general", "--json", "--follow", "--since", "0"]);
    chat.line();
    hub.kill();
    chat.say("two");
    chat.tells("connecting again");
    chat.say("three");
    hub.start_again();
    assert!(chat.line().contains("two"));
    assert!(chat.line().contains("three"));
    assert_eq!(texts(&said(&alice, "#general")), ["one", "two", "three"]);
}

#[test]
fn who_follows_a_room_notices_that_the_hub_was_restored_from_an_older_copy() {
    let (mut hub, alice) = Hub::with_general();
    alice.run(["send", "#general", "one"]).succeeds();
    let (database, copy) = (hub.data().join("db/chat.db"), alice.work().join("copy"));
    hub.stop();
    // An orderly stop leaves nothing beside the database.
    assert!(!hub.data().join("db/chat.db-wal").exists());
    std::fs::copy(&database, &copy).unwrap();
    hub.start_again();
    let mut chat = Following::start(&alice, ["chat", "#general", "--follow", "--since", "0"]);
    assert!(chat.line().ends_with("alice: one"));
    chat.say("two");
    assert!(chat.line().ends_with("alice: two"));
    hub.stop();
    std::fs::copy(&copy, &database).unwrap();
    hub.start_again();
    let errors = chat.ends().fails(1);
    assert!(
        errors.contains("#general ends with event 1; there is no event 2"),
        "{errors}"
    );
    assert!(errors.contains("restored from an older copy"), "{errors}");
    let audit = alice.run(["audit"]);
    let said = String::from_utf8(audit.stdout).unwrap();
    assert!(
        audit.code == 1 && said.contains("restored from an older copy"),
        "{said}"
    );
}

#[test]
fn what_is_not_there_or_taken_or_not_allowed_says_so() {
    let (hub, alice) = Hub::with_general();
    let guest = alice.invited(&hub, "guest", "guest");
    for command in [
        &["send", "#nope", "x"][..],
        &["history", "#nope"],
        &["chat", "#nope"],
    ] {
        let errors = alice.run(command).fails(1);
        assert!(errors.contains("there is no room #nope"), "{errors}");
        assert!(errors.contains("landline room create NAME makes one"), "{errors}");
    }
    for command in [
        &["send", "@nope", "x"][..],
        &["history", "@nope"],
        &["chat", "@nope"],
    ] {
        let errors = alice.run(command).fails(1);
        assert!(errors.contains("there is nobody called @nope"), "{errors}");
    }
    for taken in ["general", "#GENERAL"] {
        let errors = alice.run(["room", "create", taken]).fails(1);
        assert!(
            errors.contains("already") && errors.contains("landline room ls"),
            "{errors}"
        );
    }
    let errors = guest.run(["room", "create", "#mine"]).fails(1);
    assert!(
        errors.contains("making rooms: no right: a guest may not do this"),
        "{errors}"
    );
    assert_eq!(
        alice.run(["room", "ls"]).succeeds(),
        "#general  owner, 0 events\n"
    );
}

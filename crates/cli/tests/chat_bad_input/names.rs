//! Names that pass for others, or act on whoever reads them.

use crate::support::{Hub, Person};
use crate::talker::{Talker, code, lines};
use landline_model::name::key;
use serde_json::{Value, json};

/// Reads like another one, but for its second letter, which is Cyrillic.
const MIXED: &str = "p\u{430}ypal";

/// What no name is made of; what is between a and b acts, or cannot be seen.
const HOSTILE: [&str; 14] = [
    "a\u{1b}[2Jb",
    "a\u{7}b",
    "a\u{9b}31mb",
    "a\u{7f}b",
    "a\nb",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200f}b",
    "a\u{200b}b",
    "a\u{200d}b",
    "a\u{ad}b",
    "a\u{3164}b",
    "a\u{e0041}b",
    "a\u{fe0f}b",
];

/// Letters of two alphabets that look alike.
const LOOK_ALIKES: [&str; 5] = [
    MIXED,
    "\u{410}lice",
    "b\u{3bf}b",
    "\u{ff42}\u{43e}\u{ff42}",
    "\u{3bf}\u{43e}",
];

#[test]
fn a_name_that_passes_for_another_or_acts_on_its_reader_is_given_to_nobody() {
    let hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    alice.ask("room_create", &json!({ "name": "general" }));
    let invite = json!({ "role": "member", "uses": 100, "expires": 600 });
    let token = alice.ask("invite", &invite)["ok"]["token"].clone();
    let mut stranger = crate::support::peer::Peer::greeted(&hub);
    for name in HOSTILE.into_iter().chain(LOOK_ALIKES) {
        for answer in [
            stranger.ask("join", &json!({ "token": token, "name": name })),
            alice.ask("room_create", &json!({ "name": name })),
            alice.ask("import_begin", &import(name)),
        ] {
            assert_eq!(code(&answer), "bad_request", "{name:?}: {answer}");
            is_safe(&answer);
        }
    }
    for name in HOSTILE {
        for target in [format!("#{name}"), format!("@{name}")] {
            let asked = json!({ "target": target, "limit": 1, "client_id": "11".repeat(16), "act": "say" });
            for request in ["history", "subscribe", "send", "do", "members"] {
                let answer = alice.ask(request, &asked);
                assert_eq!(code(&answer), "bad_request", "{request} {target:?}: {answer}");
                is_safe(&answer);
            }
        }
        let kick = json!({ "act": "kick", "who": name });
        let answer = alice.tries_with("#general", &kick, "");
        assert_eq!(code(&answer), "bad_request", "{name:?}: {answer}");
        is_safe(&answer);
    }
    // Wider, or in other letters of the same alphabet, a name is the same one.
    for name in ["ALICE", "\u{ff21}lice", "al\u{2170}ce"] {
        let answer = stranger.ask("join", &json!({ "token": token, "name": name }));
        assert_eq!(code(&answer), "exists", "{name}: {answer}");
    }
    for name in ["GENERAL", "\u{ff27}eneral"] {
        let answer = alice.ask("room_create", &json!({ "name": name }));
        assert_eq!(code(&answer), "exists", "{name}: {answer}");
    }
    // Nobody is kept from writing as people write.
    for name in ["Алиса", "Ξένια", "张三-Bob", "田中Ken", "Zoë"] {
        let answer = alice.ask("room_create", &json!({ "name": name }));
        assert_eq!(code(&answer), "ok", "{name}: {answer}");
    }
    let answer = stranger.ask("join", &json!({ "token": token, "name": "张三-Bob" }));
    assert_eq!(code(&answer), "ok", "the same invitation is still good: {answer}");
}

#[test]
fn the_terminal_says_why_a_name_is_refused() {
    let (_hub, alice) = Hub::with_alice();
    let errors = alice.run(["room", "create", MIXED]).fails(1);
    assert!(
        errors.contains("no Latin letters beside Greek or Cyrillic ones"),
        "{errors}"
    );
    let link = alice.invitation(&[]);
    let errors = Person::stranger().run(["join", &link, "--name", MIXED]).fails(1);
    assert!(
        errors.contains("no Latin letters beside Greek or Cyrillic ones"),
        "{errors}"
    );
}

#[test]
fn a_name_from_before_the_rule_goes_on_working() {
    let mut hub = Hub::start();
    let mut alice = Talker::admin(&hub, "alice");
    let bob = alice.brings(&hub, "member", "bob");
    alice.ask("room_create", &json!({ "name": "general" }));
    alice.says("#general", "hello");
    hub.stop();
    renames(&hub, "people.db", "accounts", "bob");
    renames(&hub, "chat.db", "rooms", "general");
    hub.start_again();
    let (mut alice, mut bob) = (alice.elsewhere(&hub), bob.elsewhere(&hub));
    let room = format!("#{MIXED}");
    let (_, listed) = bob.ask_for("room_list", &json!({ "limit": 10 }));
    assert_eq!(lines(&listed)[0]["target"], room);
    assert_eq!(bob.says(&room, "still here"), 2);
    alice.says(&format!("@{MIXED}"), "are you?");
    let (_, history) = alice.ask_for("history", &json!({ "target": room, "limit": 10 }));
    assert_eq!(lines(&history)[1]["sender_name"], MIXED);
    alice.does(&room, json!({ "act": "kick", "who": MIXED }));
}

/// Gives the only one of that name another name, in the database of a hub that is stopped.
fn renames(hub: &Hub, database: &str, table: &str, name: &str) {
    let database = rusqlite::Connection::open(hub.data().join("db").join(database)).unwrap();
    let renamed = database
        .execute(
            &format!("UPDATE {table} SET name = ?1, name_key = ?2 WHERE name_key = ?3"),
            (MIXED, key(MIXED), name),
        )
        .unwrap();
    assert_eq!(renamed, 1);
}

fn import(name: &str) -> Value {
    json!({
        "room": "22".repeat(16), "created": 1, "creator": "33".repeat(16), "kind": "public",
        "original_name": "lab", "name": name,
    })
}

/// What is said of a name can be shown as it is.
#[track_caller]
fn is_safe(answer: &Value) {
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(message, landline_model::text::escape(message));
}

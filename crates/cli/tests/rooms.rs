//! `landline room` on the real program: who gets in, who keeps order, and rooms as files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::following::Following;
use support::peer::Peer;
use support::{Hub, Person};

/// Alice, who looks after the hub, and two others.
fn with_bob_and_carol() -> (Hub, Person, Person, Person) {
    let (hub, alice) = Hub::with_alice();
    let bob = alice.invited(&hub, "member", "bob");
    let carol = alice.invited(&hub, "guest", "carol");
    (hub, alice, bob, carol)
}

/// Runs a command that must succeed.
#[track_caller]
fn does(person: &Person, command: &str) -> String {
    person.run(command.split(' ')).succeeds()
}

/// Does something in a room as a peer.
#[track_caller]
fn does_as(peer: &mut Peer, room: &str, number: u8, act: &Value, text: &str) {
    let mut call = json!({ "target": room, "client_id": format!("{number:032x}") });
    call.as_object_mut()
        .unwrap()
        .extend(act.as_object().unwrap().clone());
    let answer = peer.ask_with("do", &call, text.as_bytes());
    assert!(answer["ok"].is_object(), "{answer}");
}

/// Runs a command that must be refused with these words.
#[track_caller]
fn may_not(person: &Person, command: &str, words: &str) {
    let errors = person.run(command.split(' ')).fails(1);
    assert!(errors.contains(words), "{command}: {errors}");
}

fn objects(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What happened in a room, without the times and the numbers.
fn happened(person: &Person, room: &str) -> Vec<String> {
    let shown = does(person, &format!("history {room}"));
    let words = |line: &str| line.splitn(4, ' ').nth(3).unwrap().to_owned();
    shown.lines().map(words).collect()
}

#[test]
fn a_private_room_is_for_those_who_were_invited_and_nobody_else_learns_of_it() {
    let (_hub, alice, bob, carol) = with_bob_and_carol();
    assert_eq!(does(&alice, "room create club --private"), "made #club\n");
    for command in [
        "room join club",
        "room ask club",
        "room members club",
        "room leave club",
        "room invite club carol",
        "send #club x",
        "history #club",
        "room export club",
    ] {
        may_not(&bob, command, "there is no room #club");
    }
    assert_eq!(does(&alice, "room invite #club @bob"), "invited @bob to #club\n");
    assert_eq!(does(&bob, "room ls"), "#club  private, invited, 1 event\n");
    may_not(&bob, "send #club x", "only members of the room may do this");
    assert_eq!(does(&bob, "room join club"), "you are in #club\n");
    does(&bob, "send #club hello");
    assert_eq!(does(&carol, "room ls"), "");
    assert_eq!(does(&bob, "room leave club"), "you are out of #club\n");
    may_not(&bob, "history #club", "there is no room #club");
    does(&alice, "room invite club bob");
    does(&alice, "room decline club bob");
    may_not(&bob, "room join club", "there is no room #club");
    assert_eq!(
        happened(&alice, "#club"),
        [
            "* alice invited bob",
            "* bob joined",
            "bob: hello",
            "* bob left",
            "* alice invited bob",
            "* alice turned bob down"
        ]
    );
}

#[test]
fn who_asks_waits_in_the_queue_until_a_moderator_decides() {
    let (_hub, alice, bob, carol) = with_bob_and_carol();
    does(&alice, "room create team --approval");
    assert_eq!(does(&bob, "room ls"), "#team  approval, 0 events\n");
    may_not(&bob, "room join team", "ask to join");
    may_not(&bob, "history #team", "ask to join");
    for person in [&bob, &carol] {
        let told = does(person, "room ask team");
        assert_eq!(told, "asked to join #team; its moderators decide\n");
    }
    may_not(&bob, "room ask team", "nothing was changed");
    may_not(&bob, "room requests team", "#team");
    let mut waiting: Vec<String> = does(&alice, "room requests team")
        .lines()
        .map(str::to_owned)
        .collect();
    waiting.sort();
    assert_eq!(waiting, ["@bob  asked", "@carol  asked"]);
    does(&alice, "room approve team bob");
    does(&alice, "room decline team carol");
    assert_eq!(does(&alice, "room requests team --json"), "");
    does(&bob, "send #team hello");
    may_not(&carol, "send #team hello", "ask to join");
    let members = objects(&does(&bob, "room members team --json"));
    let mut names: Vec<(&str, &str)> = members
        .iter()
        .map(|member| {
            (
                member["name"].as_str().unwrap(),
                member["standing"].as_str().unwrap(),
            )
        })
        .collect();
    names.sort_unstable();
    assert_eq!(names, [("alice", "owner"), ("bob", "member")]);
}

#[test]
fn a_public_room_is_open_to_all_but_those_who_were_put_out() {
    let (_hub, alice, bob, carol) = with_bob_and_carol();
    does(&alice, "room create general");
    does(&bob, "send #general hello");
    does(&bob, "room join #general");
    may_not(&bob, "room join #general", "nothing was changed");
    may_not(
        &bob,
        "room kick general carol",
        "only moderators of the room may do this",
    );
    may_not(
        &carol,
        "room mute general bob 10m",
        "only members of the room may do this",
    );
    does(&alice, "room role general bob moderator");
    may_not(&bob, "room kick general alice", "a higher role");
    may_not(&bob, "room role general bob owner", "only owners of the room");
    does(&carol, "room join general");
    alice
        .run(["room", "kick", "general", "carol", "--reason", "too\u{202e} loud"])
        .succeeds();
    may_not(&carol, "send #general x", "you were put out of the room");
    does(&carol, "room join general");
    does(&carol, "send #general back");
    assert_eq!(
        does(&bob, "room ban general carol"),
        "banned @carol from #general\n"
    );
    may_not(&carol, "room join general", "banned");
    may_not(&carol, "history #general", "banned");
    assert_eq!(does(&bob, "room members general --others"), "@carol  banned\n");
    does(&bob, "room unban general carol");
    does(&carol, "history #general");
    assert_eq!(
        happened(&alice, "#general"),
        [
            "bob: hello",
            "* bob joined",
            "* alice made bob a moderator",
            "* carol joined",
            "* alice put carol out: too\\u{202e} loud",
            "* carol joined",
            "carol: back",
            "* bob banned carol",
            "* bob took the ban of carol back"
        ]
    );
}

#[test]
fn who_is_muted_or_too_fast_is_told_so_and_keeps_the_order() {
    let (_hub, alice, bob, _carol) = with_bob_and_carol();
    does(&alice, "room create general");
    does(&bob, "room join general");
    let muted = alice
        .run(["room", "mute", "general", "@bob", "10m", "--reason", "too loud"])
        .succeeds();
    assert_eq!(muted, "muted @bob in #general for 600 s\n");
    may_not(&bob, "send #general x", "you are muted");
    does(&bob, "room leave general");
    may_not(&bob, "send #general x", "you are muted");
    does(&alice, "room unmute general bob");
    assert_eq!(
        does(&alice, "room slow general 1h"),
        "3600 s between two messages in #general\n"
    );
    does(&bob, "send #general one");
    may_not(&bob, "send #general two", "slow mode");
    // Slow mode is for members: who keeps order has to be able to answer.
    does(&alice, "send #general one");
    does(&alice, "send #general two");
    does(&alice, "room slow general off");
    does(&bob, "send #general two");
    let events = objects(&does(&bob, "history #general --json"));
    let mute = &events[1];
    assert_eq!(
        (&mute["kind"], &mute["sender"], &mute["subject"], &mute["reason"]),
        (&json!("mute"), &json!("alice"), &json!("bob"), &json!("too loud"))
    );
    assert!(mute["until"].as_str().unwrap().ends_with('Z'), "{mute}");
}

#[test]
fn the_list_says_of_each_room_what_it_is_and_how_one_stands_to_it() {
    let (_hub, alice, bob, _carol) = with_bob_and_carol();
    does(&alice, "room create general");
    does(&alice, "room create team --approval");
    let topic = "things\u{202e}[2J";
    alice.run(["room", "topic", "team", topic]).succeeds();
    assert_eq!(does(&alice, "room topic team"), "things\\u{202e}[2J\n");
    may_not(
        &bob,
        "room topic general x",
        "only members of the room may do this",
    );
    does(&alice, "room slow team 30s");
    does(&alice, "send @bob hello");
    does(&bob, "room ask team");
    let mut lines: Vec<String> = does(&bob, "room ls").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "#general  0 events",
            "#team  approval, asked, 3 events: things\\u{202e}[2J",
            "@alice  1 event"
        ]
    );
    let rooms = objects(&does(&alice, "room ls --json"));
    let team = rooms.iter().find(|room| room["room"] == "#team").unwrap();
    for (member, value) in [
        ("kind", json!("approval")),
        ("standing", json!("owner")),
        ("events", json!(3)),
        ("members", json!(1)),
        ("slow", json!(30)),
        ("topic", json!(topic)),
    ] {
        assert_eq!(team[member], value, "{member}");
    }
}

#[test]
fn a_message_replies_to_another_by_its_number() {
    let (_hub, alice) = Hub::with_general();
    does(&alice, "send #general one");
    does(&alice, "send #general two --reply 1");
    assert_eq!(happened(&alice, "#general"), ["alice: one", "alice (to 1): two"]);
    may_not(
        &alice,
        "send #general three --reply 9",
        "there is no such message",
    );
    alice.run(["send", "#general", "x", "--reply", "0"]).fails(2);
}

#[test]
fn whoever_is_put_out_or_leaves_hears_no_more_and_is_told_why() {
    let (_hub, alice, bob, _carol) = with_bob_and_carol();
    does(&alice, "room create club --private");
    does(&alice, "room invite club bob");
    does(&bob, "room join club");
    let mut chat = Following::start(&bob, ["chat", "#club", "--follow", "--json", "--since", "0"]);
    assert!(chat.line().contains("invite") && chat.line().contains("join"));
    alice
        .run(["room", "kick", "club", "bob", "--reason", "not now"])
        .succeeds();
    let ended = chat.ends();
    let heard = String::from_utf8_lossy(&ended.stdout).into_owned();
    let errors = ended.fails(1);
    assert!(
        errors.contains("put out") || errors.contains("there is no room"),
        "{errors}"
    );
    assert!(!heard.contains("message"), "{heard}");
}

#[test]
fn a_robot_is_told_of_everything_that_happens_with_all_that_it_needs() {
    let (hub, alice) = Hub::with_general();
    let mut bob = Peer::joined(&hub, &alice.invitation(&[]), "bob");
    let mut robot = Following::start(&alice, ["chat", "#general", "--follow", "--json", "--since", "0"]);
    let mut act = |number, act: Value, text| does_as(&mut bob, "#general", number, &act, text);
    act(1, json!({ "act": "say" }), "hello @alice and @nobody");
    act(2, json!({ "act": "say", "reply_to": 1 }), "again");
    act(3, json!({ "act": "edit", "message": 1 }), "hello");
    act(4, json!({ "act": "react", "message": 2, "reaction": "👍" }), "");
    act(5, json!({ "act": "unreact", "message": 2, "reaction": "👍" }), "");
    act(6, json!({ "act": "delete", "message": 2 }), "");
    act(7, json!({ "act": "join" }), "");
    alice
        .run(["room", "role", "general", "bob", "moderator"])
        .succeeds();
    let me = alice.account()["id"].clone();
    let seen: Vec<Value> = (0..8)
        .map(|_| serde_json::from_str(&robot.line()).unwrap())
        .collect();
    let kinds: Vec<&str> = seen.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message", "message", "edit", "react", "unreact", "delete", "join", "role"
        ]
    );
    assert_eq!(
        (&seen[0]["mentions"], &seen[0]["mentions_me"]),
        (&json!([me]), &json!(true))
    );
    for (index, target) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 2)] {
        assert_eq!(seen[index]["target"], target, "{}", seen[index]);
    }
    assert_eq!(
        (&seen[2]["text"], &seen[3]["text"]),
        (&json!("hello"), &json!("👍"))
    );
    assert_eq!(
        (&seen[7]["subject"], &seen[7]["role"], &seen[7]["sender"]),
        (&json!("bob"), &json!("moderator"), &json!("alice"))
    );
    robot.say("I have seen it");
    assert!(robot.line().contains("I have seen it"));
    robot.signal(rustix::process::Signal::TERM);
    assert_eq!(robot.ends().succeeds(), "");
}

#[test]
fn a_robot_with_a_token_listens_and_speaks_without_a_profile() {
    let (_hub, alice) = Hub::with_general();
    let token = does(&alice, "user token robot --create guest");
    let robot = Person::stranger();
    let file = robot.work().join("token");
    std::fs::write(&file, &token).unwrap();
    let file = file.to_str().unwrap();
    let sent = robot
        .run_with(["--token-file", file, "send", "#general", "-"], "beep\n")
        .succeeds();
    assert_eq!(sent, "#general 1\n");
    let arguments = [
        "--token-file",
        file,
        "chat",
        "#general",
        "--json",
        "--follow",
        "--since",
        "0",
    ];
    let mut chat = Following::start(&robot, arguments);
    let first: Value = serde_json::from_str(&chat.line()).unwrap();
    assert_eq!(
        (&first["sender"], &first["text"]),
        (&json!("robot"), &json!("beep"))
    );
    alice.run(["send", "#general", "hello @robot"]).succeeds();
    let second: Value = serde_json::from_str(&chat.line()).unwrap();
    assert_eq!(second["mentions_me"], true, "{second}");
    chat.say("at your service");
    assert!(chat.line().contains("at your service"));
    assert_eq!(
        happened(&alice, "#general"),
        ["robot: beep", "alice: hello @robot", "robot: at your service"]
    );
}

/// A room with something of everything, as a file.
fn exported(alice: &Person, hub: &Hub, file: &Path) {
    let bob = alice.invited(hub, "member", "bob");
    does(alice, "room create club --private");
    does(alice, "room invite club bob");
    does(&bob, "room join club");
    bob.run(["send", "#club", "hostile \u{1b}[2J\u{202e} text"])
        .succeeds();
    does(&bob, "send #club second");
    alice.run(["room", "topic", "club", "our things"]).succeeds();
    let mut pat = Peer::joined(hub, &alice.invitation(&[]), "pat");
    does(alice, "room invite club pat");
    for (number, act, text) in [
        (1, json!({ "act": "join" }), ""),
        (2, json!({ "act": "say" }), "a secret"),
        (3, json!({ "act": "edit", "message": 8 }), "another secret"),
        (4, json!({ "act": "delete", "message": 8 }), ""),
    ] {
        does_as(&mut pat, "#club", number, &act, text);
    }
    let told = alice
        .run([Path::new("room"), Path::new("export"), Path::new("#club"), file])
        .succeeds();
    assert_eq!(told, "#club: 10 events, proven\n");
}

#[test]
fn a_room_goes_from_hub_to_hub_as_a_file_and_is_intact_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let (hub, alice) = Hub::with_alice();
    let file = alice.work().join("club.jsonl");
    exported(&alice, &hub, &file);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(|character: char| character.is_control() && character != '\n'));
    // What was deleted is gone from there too.
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(alice.run(["room", "export", "club"]).succeeds(), text);

    let (there, dora) = Hub::with_alice();
    let path = file.to_str().unwrap();
    let told = dora.run(["room", "import", path, "--as", "old-club"]).succeeds();
    assert_eq!(told, "#old-club: 10 events, proven; you own it\n");
    assert_eq!(dora.run(["audit"]).succeeds(), "#old-club  intact, 11 events\n");
    let shown = happened(&dora, "#old-club");
    assert_eq!(shown[2], "bob: hostile \\u{1b}[2J\\u{202e} text");
    let events = objects(&does(&dora, "history #old-club --json"));
    assert_eq!(
        (&events[7]["text"], &events[8]["text"]),
        (&Value::Null, &Value::Null)
    );
    let kinds: Vec<&str> = events[7..]
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["message", "edit", "delete", "import"]);
    assert!(does(&dora, "room ls").contains("private, owner, 11 events"));
    does(&dora, "send #old-club on");
    // What was brought here goes on from here.
    let again = dora.run(["room", "export", "old-club"]).succeeds();
    assert_eq!(again.lines().count(), 1 + 12);
    let errors = dora
        .run_with(["room", "import", "-", "--as", "third"], &text)
        .fails(1);
    assert!(!errors.is_empty());
    let eve = dora.invited(&there, "member", "eve");
    may_not(
        &eve,
        &format!("room import {path} --as mine"),
        "a member may not do this",
    );
    assert_eq!(does(&eve, "room ls"), "");
}

/// The file with the text of one event taken away.
fn erased(lines: &[&str], event: usize) -> String {
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let mut object: Value = serde_json::from_str(&lines[event]).unwrap();
    let members = object.as_object_mut().unwrap();
    members.remove("text");
    members.remove("salt");
    members.insert("erased".to_owned(), json!(true));
    lines[event] = object.to_string();
    lines.join("\n")
}

#[test]
fn a_file_that_was_changed_is_refused_and_nobody_sees_a_room() {
    let (hub, alice) = Hub::with_alice();
    let file = alice.work().join("club.jsonl");
    exported(&alice, &hub, &file);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let without = |index: usize| {
        let mut lines = lines.clone();
        lines.remove(index);
        lines.join("\n")
    };
    let (_there, dora) = Hub::with_alice();
    for (damaged, why) in [
        (
            text.replace("second", "sekond"),
            "the text of event 4 was changed",
        ),
        (
            text.replace("our things", "your stuff"),
            "the text of event 5 was changed",
        ),
        (without(2), "event 2 is missing"),
        (without(5), "event 5 is missing"),
        (without(10), "it ends with event 9, but it should have 10"),
        (
            erased(&lines, 4),
            "the text of event 4 is gone, but nobody deleted it",
        ),
        (without(0), "this is no room"),
        (
            text.replace("\"sequence\":10,\"hash\"", "\"sequence\":9,\"hash\""),
            "but it should have 9",
        ),
        (lines[..3].join("\n") + "\n{\"room\":", "line 4 is no event"),
        (String::new(), "there is nothing in it"),
    ] {
        let errors = dora.run_with(["room", "import", "-"], &damaged).fails(1);
        assert!(errors.contains(why), "{why}: {errors}");
        assert_eq!(does(&dora, "room ls"), "");
    }
}

#[test]
fn what_is_no_room_person_role_or_time_is_wrong_usage() {
    let (_hub, alice) = Hub::with_general();
    for command in [
        "room create x --private --approval",
        "room create \u{202e}x",
        "room invite general",
        "room invite general @b\u{7f}b",
        "room mute general bob ten",
        "room role general bob king",
        "room slow general soon",
        "room slow general 99999999999s",
        "room import",
    ] {
        alice.run(command.split(' ')).fails(2);
    }
    may_not(&alice, "room invite general nobody", "nobody");
    may_not(&alice, "room mute general alice 1d", "#general");
}

#[test]
fn an_audit_says_of_a_room_that_one_is_not_in_any_more_that_it_is_not_seen() {
    let (_hub, alice, bob, _carol) = with_bob_and_carol();
    does(&alice, "room create club --private");
    does(&alice, "room create gate --approval");
    for room in ["club", "gate"] {
        does(&alice, &format!("room invite {room} bob"));
        does(&bob, &format!("room join {room}"));
        // Only by what is said there does bob's machine know of them.
        does(&bob, &format!("send #{room} hello"));
    }
    assert!(does(&bob, "audit").contains("#club  intact"));
    does(&bob, "room leave club");
    does(&alice, "room kick gate bob");
    let told = does(&bob, "audit");
    for room in ["#club", "#gate"] {
        let line = format!("{room}: not seen any more: you are not in it\n");
        assert!(told.contains(&line), "{told}");
    }
    let found = objects(&does(&bob, "audit --json"));
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|line| line["unseen"] == true && line["intact"] == false && line["fault"].is_null())
    );
}

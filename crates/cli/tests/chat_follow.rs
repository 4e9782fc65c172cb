//! `chat --follow` without a target, on the real program: a robot hears all that its account is in.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

#[path = "chat_follow/outage.rs"]
mod outage;
#[path = "chat_bad_input/stopped.rs"]
#[allow(dead_code, reason = "every test file uses a part of this")]
mod stopped;
mod support;
#[path = "chat_follow/too_many.rs"]
mod too_many;

use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use support::following::Following;
use support::{Hub, Person};

/// A machine that has a token and nothing else.
pub(crate) struct Robot(Person);

impl Robot {
    /// A new account, and a token for it.
    fn new(alice: &Person) -> Self {
        Self::with(&token(alice, &["robot", "--create", "member"]))
    }

    /// Somebody's token.
    fn with(token: &str) -> Self {
        let machine = Person::stranger();
        std::fs::write(machine.work().join("token"), token).unwrap();
        Self(machine)
    }

    /// Does something in another process.
    fn does(&self, arguments: &[&str]) {
        let with_token = ["--token-file", "token"];
        self.0.run(with_token.iter().chain(arguments)).succeeds();
    }

    /// Follows everything; when this returns, everything from then on comes.
    fn follows(&self, options: &[&str], count: &str) -> Following {
        let command = ["--token-file", "token", "chat", "--follow"];
        let mut following = Following::start(&self.0, command.iter().chain(options));
        following.tells(&format!("following {count} "));
        following
    }
}

/// A new token, as `landline user token` shows it.
pub(crate) fn token(admin: &Person, arguments: &[&str]) -> String {
    let command = ["user", "token", "--json"].iter().chain(arguments);
    let made: Value = serde_json::from_str(&admin.run(command).succeeds()).unwrap();
    made["token"].as_str().unwrap().to_owned()
}

/// The next events, so many, by room: number and text (or kind, where it is no message).
pub(crate) fn heard(following: &mut Following, count: usize) -> BTreeMap<String, Vec<(u64, String)>> {
    let mut rooms = BTreeMap::<String, Vec<(u64, String)>>::new();
    for _ in 0..count {
        let event: Value = serde_json::from_str(&following.line()).unwrap();
        let text = match event["kind"].as_str().unwrap() {
            "message" => event["text"].as_str().unwrap(),
            kind => kind,
        };
        let room = event["room"].as_str().unwrap().to_owned();
        let event = (event["seq"].as_u64().unwrap(), text.to_owned());
        rooms.entry(room).or_default().push(event);
    }
    rooms
}

/// What is expected of [`heard`].
pub(crate) fn rooms<const N: usize>(
    rooms: [(&str, &[(u64, &str)]); N],
) -> BTreeMap<String, Vec<(u64, String)>> {
    let owned = |events: &[(u64, &str)]| {
        let events = events.iter().map(|(number, text)| (*number, (*text).to_owned()));
        events.collect()
    };
    rooms
        .into_iter()
        .map(|(room, events)| (room.to_owned(), owned(events)))
        .collect()
}

/// Ends it as a machine's manager does; nothing came that was not looked at.
fn is_all(following: Following, signal: Signal) {
    following.signal(signal);
    assert_eq!(following.ends().succeeds(), "");
}

/// Of how many rooms this machine remembers how they ended.
fn remembered(person: &Person) -> usize {
    let files = std::fs::read_dir(person.configuration().join("heads")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let file = files.find(|file| file.extension().is_some_and(|extension| extension == "json"));
    let heads: Value = serde_json::from_slice(&std::fs::read(file.unwrap()).unwrap()).unwrap();
    let accounts = heads["accounts"].as_object().unwrap();
    accounts
        .values()
        .map(|rooms| rooms.as_object().unwrap().len())
        .sum()
}

#[test]
fn two_rooms_and_a_conversation_that_begins_later_are_heard_and_nothing_else() {
    let (_hub, alice) = Hub::with_general();
    let token = token(&alice, &["robot", "--create", "member"]);
    let (robot, watching) = (Robot::with(&token), Robot::with(&token));
    for room in ["one", "two"] {
        alice.run(["room", "create", room]).succeeds();
        robot.does(&["room", "join", room]);
    }
    alice.run(["send", "#one", "before"]).succeeds();
    let mut everything = watching.follows(&["--json"], "2");
    // It may be read by everybody, and is none of the robot's rooms.
    alice.run(["send", "#general", "elsewhere"]).succeeds();
    for (target, text) in [("#one", "1"), ("#two", "2"), ("@robot", "3"), ("@robot", "4")] {
        alice.run(["send", target, text]).succeeds();
    }
    robot.does(&["send", "@alice", "5"]);
    let expected = rooms([
        ("#one", &[(3, "1")]),
        ("#two", &[(2, "2")]),
        ("@alice", &[(1, "3"), (2, "4"), (3, "5")]),
    ]);
    assert_eq!(heard(&mut everything, 5), expected);
    // What is typed goes nowhere.
    everything.say("is anybody there?");
    alice.run(["send", "#two", "@robot last"]).succeeds();
    let event: Value = serde_json::from_str(&everything.line()).unwrap();
    assert_eq!(
        (&event["text"], &event["mentions_me"]),
        (&"@robot last".into(), &true.into())
    );
    is_all(everything, Signal::TERM);
    assert_eq!(remembered(&watching.0), 3);
}

#[test]
fn a_room_that_one_comes_into_elsewhere_is_heard_from_its_first_event_on() {
    let (_hub, alice) = Hub::with_general();
    let robot = Robot::new(&alice);
    alice.run(["send", "#general", "before"]).succeeds();
    let mut command = robot.0.command(["chat", "--json", "--follow"]);
    let secret = std::fs::read_to_string(robot.0.work().join("token")).unwrap();
    command.env("LANDLINE_TOKEN", secret);
    let mut everything = Following::of(command);
    everything.tells("following 0 rooms");

    robot.does(&["room", "join", "general"]);
    let joined = rooms([("#general", &[(1, "before"), (2, "join")])]);
    assert_eq!(heard(&mut everything, 2), joined);

    robot.does(&["room", "create", "mine"]);
    robot.does(&["send", "#mine", "first"]);
    assert_eq!(heard(&mut everything, 1), rooms([("#mine", &[(1, "first")])]));

    alice.run(["room", "create", "secret", "--private"]).succeeds();
    alice.run(["room", "invite", "secret", "robot"]).succeeds();
    robot.does(&["room", "join", "secret"]);
    let invited = rooms([("#secret", &[(1, "invite"), (2, "join")])]);
    assert_eq!(heard(&mut everything, 2), invited);

    alice.run(["room", "create", "club", "--approval"]).succeeds();
    robot.does(&["room", "ask", "club"]);
    alice.run(["room", "approve", "club", "robot"]).succeeds();
    let let_in = rooms([("#club", &[(1, "ask"), (2, "approve")])]);
    assert_eq!(heard(&mut everything, 2), let_in);
    is_all(everything, Signal::INT);
}

#[test]
fn a_room_that_one_is_put_out_of_ends_quietly_and_goes_on_when_one_is_back() {
    let (_hub, alice) = Hub::with_general();
    let robot = Robot::new(&alice);
    alice.run(["room", "create", "other"]).succeeds();
    for room in ["general", "other"] {
        robot.does(&["room", "join", room]);
    }
    let mut everything = robot.follows(&["--json"], "2");
    alice.run(["send", "#general", "heard"]).succeeds();
    assert_eq!(heard(&mut everything, 1), rooms([("#general", &[(2, "heard")])]));
    alice.run(["room", "kick", "general", "robot"]).succeeds();
    alice.run(["send", "#general", "unheard"]).succeeds();
    alice.run(["send", "#other", "goes on"]).succeeds();
    assert_eq!(heard(&mut everything, 1), rooms([("#other", &[(2, "goes on")])]));
    robot.does(&["room", "join", "general"]);
    let back = rooms([("#general", &[(3, "kick"), (4, "unheard"), (5, "join")])]);
    assert_eq!(heard(&mut everything, 3), back);
    robot.does(&["room", "leave", "general"]);
    alice.run(["send", "#general", "unheard"]).succeeds();
    alice.run(["send", "#other", "still"]).succeeds();
    assert_eq!(heard(&mut everything, 1), rooms([("#other", &[(3, "still")])]));
    is_all(everything, Signal::TERM);
}

#[test]
fn people_see_which_room_it_was_in() {
    let (_hub, alice) = Hub::with_general();
    let mut everything = Following::start(&alice, ["chat", "--follow"]);
    everything.tells("following 1 room ");
    alice.run(["send", "#general", "a\u{1b}[2Jb"]).succeeds();
    let line = everything.line();
    let (room, rest) = line.split_once(' ').unwrap();
    let (_time, rest) = rest.split_once(' ').unwrap();
    assert_eq!((room, rest), ("#general", "1 alice: a\\u{1b}[2Jb"));
    is_all(everything, Signal::TERM);
}

#[test]
fn without_a_target_there_is_nothing_to_talk_to() {
    let (_hub, alice) = Hub::with_general();
    for command in [&["chat"][..], &["chat", "--json"]] {
        let errors = alice.run_with(command, "hello\n").fails(2);
        assert!(
            errors.contains("landline chat '#general'") && errors.contains("landline room ls"),
            "{errors}"
        );
    }
    alice.run(["chat", "--follow", "--since", "3"]).fails(2);
}

#[test]
fn a_token_that_is_revoked_ends_it() {
    let (_hub, alice) = Hub::with_general();
    let made = alice.run(["user", "token", "--json", "alice"]).succeeds();
    let made: Value = serde_json::from_str(&made).unwrap();
    let everything = Robot::with(made["token"].as_str().unwrap()).follows(&["--json"], "1");
    let session = made["session"].as_str().unwrap();
    alice.run(["user", "revoke", session]).succeeds();
    let errors = everything.ends().fails(1);
    assert!(
        errors.contains("the token is wrong, has expired or was revoked"),
        "{errors}"
    );
}

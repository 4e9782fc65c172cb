//! `landline chat` at a terminal: what a person sees there and does there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

#[path = "textbook_support/reading.rs"]
mod reading;
mod support;

use reading::Reading;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use support::peer::Peer;
use support::{Hub, Person};

/// Runs a program on a terminal of its own.
const ON_A_TERMINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/students/terminal.py");

/// A chat on a terminal, until it is dropped.
struct Chat {
    child: Child,
    keys: ChildStdin,
    screen: Reading,
}

impl Chat {
    fn open(person: &Person, target: &str) -> Self {
        let ours = person.command(["chat", target]);
        let mut command = Command::new("python3");
        // A terminal of 80 columns.
        command.arg(ON_A_TERMINAL).args(["sh", "-c"]);
        command.arg("stty cols 80 rows 24 && exec \"$0\" \"$@\"");
        command.arg(ours.get_program()).args(ours.get_args());
        command
            .env_clear()
            .env("TERM", "xterm")
            .current_dir(person.work());
        for (name, value) in ours.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let keys = child.stdin.take().unwrap();
        let screen = Reading::of(child.stdout.take().unwrap());
        let mut chat = Self { child, keys, screen };
        chat.shows("/help lists commands, Ctrl-D leaves.");
        chat
    }

    /// Types keys as they are.
    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line and presses Enter.
    fn enters(&mut self, line: &str) {
        self.types(&format!("{line}\r"));
    }

    #[track_caller]
    fn shows(&mut self, words: &str) -> String {
        self.screen.until(words)
    }

    /// Waits for its end; says the exit code and what was shown before.
    fn ends(mut self) -> (i32, String) {
        let rest = self.screen.rest();
        let code = self.child.wait().unwrap().code().unwrap();
        (code, String::from_utf8(rest).unwrap())
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does something in `#general` as a peer.
#[track_caller]
fn act(peer: &mut Peer, number: u8, act: &Value, text: &str) {
    let mut call = json!({ "target": "#general", "client_id": format!("{number:032x}") });
    call.as_object_mut()
        .unwrap()
        .extend(act.as_object().unwrap().clone());
    let answer = peer.ask_with("do", &call, text.as_bytes());
    assert!(answer["ok"].is_object(), "{answer}");
}

#[test]
fn what_is_typed_is_said_and_everything_that_happens_is_shown_with_its_number() {
    let (hub, alice) = Hub::with_general();
    let mut bob = Peer::joined(&hub, &alice.invitation(&[]), "bob");
    let mut chat = Chat::open(&alice, "#general");
    chat.enters("good morning");
    // Its event takes the place of what was typed, however many rows that took.
    assert!(chat.shows(" 1 alice: good morning").contains("\u{1b}[1A\u{1b}[J"));
    act(
        &mut bob,
        1,
        &json!({ "act": "say", "reply_to": 1 }),
        "hello @alice",
    );
    // It mentions her: the bell, and in bold.
    let shown = chat.shows("bob (to 1): hello @alice");
    assert!(shown.contains("\u{7}\u{1b}[1m"), "{shown:?}");
    act(
        &mut bob,
        2,
        &json!({ "act": "edit", "message": 2 }),
        "hello \u{1b}[31mred\u{202e}",
    );
    chat.shows("* bob changed 2: hello \\u{1b}[31mred\\u{202e}");
    chat.enters("/reply 2 what is red?");
    chat.shows(" 4 alice (to 2): what is red?");
    chat.enters("/react 2 👍");
    chat.shows("* alice reacted to 2: 👍");
    chat.enters("/unreact 2 👍");
    chat.shows("* alice took a reaction to 2 back: 👍");
    chat.enters("/edit who is red?");
    chat.shows("* alice changed 4: who is red?");
    chat.enters("/delete");
    chat.shows("* alice deleted 4");
    chat.enters("//shrug");
    chat.shows(" 9 alice: /shrug");
    let long = "x".repeat(80);
    chat.enters(&long);
    let shown = chat.shows(&format!(" 10 alice: {long}"));
    assert!(shown.contains("\u{1b}[2A\u{1b}[J"), "{shown:?}");
    chat.enters("/nope");
    chat.shows("(there is no /nope;");
    chat.enters("/edit 2 not mine");
    chat.shows("(not done: ");
    chat.enters("/history 9");
    chat.shows(" 4 alice (to 2): (erased)");
    chat.enters("/quit");
    let (code, rest) = chat.ends();
    assert_eq!(code, 0, "{rest}");
}

#[test]
fn order_is_kept_and_people_are_looked_up_without_leaving_the_chat() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    bob.run(["room", "join", "general"]).succeeds();
    alice.run(["room", "create", "club", "--private"]).succeeds();
    let mut chat = Chat::open(&alice, "#general");
    for (line, shown) in [
        ("/topic \u{4f60}\u{597d}", "* alice set the topic: 你好"),
        ("/topic", "(topic: 你好)"),
        ("/slow 30s", "* alice set slow mode: 30 s between two messages"),
        ("/slow off", "* alice ended slow mode"),
        ("/role @bob moderator", "* alice made bob a moderator"),
        ("/members", "@bob  moderator"),
        ("/mute bob 10m too loud", ": too loud"),
        ("/unmute bob", "* alice let bob speak again"),
        ("/kick @bob enough", "* alice put bob out: enough"),
        ("/ban bob", "* alice banned bob"),
        ("/unban bob", "* alice took the ban of bob back"),
        ("/invite bob", "* alice invited bob"),
        ("/decline bob", "* alice turned bob down"),
        ("/approve bob", "(not done: "),
        ("/status at the desk", "(your status is set)"),
        ("/who", "@alice  at the desk"),
        ("/leave #club", "(you are out of #club)"),
        ("/ask #general", "(#general: "),
        ("/help", "/mute @X 10m [REASON]"),
        ("/mute bob", "(it is written /mute @X 10m [REASON])"),
    ] {
        chat.enters(line);
        chat.shows(shown);
    }
    // Tab completes commands and names.
    chat.types("/stat\tdone\r");
    chat.shows("(your status is set)");
    chat.types("well, @bo\tdone\r");
    chat.shows("alice: well, @bob done");
    chat.types("\u{4}");
    let (code, rest) = chat.ends();
    assert_eq!(code, 0, "{rest}");
}

#[test]
fn who_talks_in_a_room_is_told_of_a_conversation_that_begins() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    let mut chat = Chat::open(&alice, "#general");
    bob.run(["send", "@alice", "psst"]).succeeds();
    chat.shows("(a conversation with @bob has begun: landline chat '@bob')");
    chat.types("\u{4}");
    let (code, rest) = chat.ends();
    assert_eq!(code, 0, "{rest}");
}

#[test]
fn what_was_not_read_is_marked_and_reading_moves_the_mark_on_all_devices() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    let unread = |person: &Person| {
        let rooms = person.run(["room", "ls", "--json"]).succeeds();
        serde_json::from_str::<Value>(&rooms).unwrap()["unread"].clone()
    };
    alice.run(["send", "#general", "one"]).succeeds();
    assert_eq!(unread(&bob), Value::Null);
    let mut chat = Chat::open(&bob, "#general");
    chat.enters("/quit");
    let (code, shown) = chat.ends();
    assert!(code == 0 && !shown.contains("unread"), "{shown}");
    assert_eq!(unread(&bob), 0);
    alice.run(["send", "#general", "two"]).succeeds();
    alice.run(["send", "#general", "three"]).succeeds();
    assert_eq!(unread(&bob), 2);
    assert!(bob.run(["room", "ls"]).succeeds().contains("2 unread"));
    let mut chat = Chat::open(&bob, "#general");
    let before = chat.shows("---- unread ----");
    assert!(
        before.contains("alice: one") && !before.contains("alice: two"),
        "{before}"
    );
    chat.shows("3 alice: three");
    chat.enters("/quit");
    assert_eq!(chat.ends().0, 0);
    assert_eq!(unread(&bob), 0);
}

#[test]
fn whoever_writes_is_mentioned_in_passing() {
    let (hub, alice) = Hub::with_general();
    let mut bob = Peer::joined(&hub, &alice.invitation(&[]), "bob");
    act(&mut bob, 1, &json!({ "act": "say" }), "hello");
    let mut chat = Chat::open(&alice, "#general");
    let answer = bob.ask("subscribe", &json!({ "target": "#general" }));
    assert!(answer["ok"].is_object(), "{answer}");
    let answer = bob.ask("typing", &json!({ "target": "#general" }));
    assert!(answer["ok"].is_object(), "{answer}");
    chat.shows("(bob is writing ...)");
    // Bob hears of what Alice writes as well, before she says it.
    chat.types("I am wri");
    let heard = std::iter::from_fn(|| bob.receive()).find(|(header, _)| header["event"] == "signal");
    let (header, _) = heard.unwrap();
    assert_eq!(
        (&header["args"]["signal"], &header["args"]["name"]),
        (&json!("typing"), &json!("alice"))
    );
    drop(bob);
    chat.shows("(bob is gone)");
}

#[test]
fn whoever_is_put_out_is_told_why_and_gets_the_terminal_back() {
    let (hub, alice) = Hub::with_general();
    let bob = alice.invited(&hub, "member", "bob");
    bob.run(["room", "join", "general"]).succeeds();
    let chat = Chat::open(&bob, "#general");
    alice
        .run(["room", "kick", "general", "bob", "--reason", "not\u{202e} now"])
        .succeeds();
    let (code, shown) = chat.ends();
    assert_eq!(code, 1);
    assert!(
        shown.contains("landline: you were put out of the room"),
        "{shown}"
    );
    assert!(!shown.contains('\u{202e}'), "{shown:?}");
    // The message begins at the left edge, below what was being typed.
    let lines: Vec<&str> = shown.split("\r\n").collect();
    assert!(
        lines.iter().any(|line| line.starts_with("landline: ")),
        "{shown:?}"
    );
}

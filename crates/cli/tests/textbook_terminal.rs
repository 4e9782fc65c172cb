//! A person at the terminal of `landline textbook`, and what peers cannot do to that terminal.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use textbook_support::{Program, Textbook, student, texts};

/// Starts a service on a terminal; its port is in the table that it prints there.
fn serve_on_a_terminal(arguments: &[&str]) -> (Program, String) {
    let mut ours = Program::on_a_terminal(&[arguments, &["--port", "all=0"]].concat());
    ours.shows(" 127.0.0.1:");
    let port = ours.shows(" ").trim_end().to_owned();
    ours.shows("\n");
    (ours, port)
}

/// That nothing in a text acts on a terminal. `\r\n` is how a terminal is given a new line.
#[track_caller]
fn assert_tame(shown: &str) {
    let plain = shown.replace("\r\n", "\n");
    let acts = |character: char| character != '\n' && character.is_control();
    assert!(!plain.contains(acts), "{shown:?}");
}

/// What the students say to harm a terminal, as it is shown; each message is led by who said it.
#[track_caller]
fn assert_shown_tamely(shown: &str) {
    assert_tame(shown);
    for words in [
        "] red \\u{1b}[31m",
        "] one \\u{9b}31m two",
        "] over\\rwritten",
        "the end",
    ] {
        assert!(shown.contains(words), "{words}: {shown:?}");
    }
    for line in shown.lines().filter(|line| line.contains("[1.2.3.4:5] hi")) {
        assert!(!line.starts_with("[1.2.3.4:5]"), "{shown:?}");
    }
    assert!(shown.contains("] [1.2.3.4:5] hi"), "{shown:?}");
}

#[test]
fn a_person_answers_a_talk_at_the_terminal() {
    let (mut ours, port) = serve_on_a_terminal(&["talk"]);
    let student = Program::student(
        "talk_client.py",
        &[&port, "hello", "how are you 你好", "never said"],
    );
    ours.shows("] hello");
    // An empty line is no answer: a stream has no empty messages.
    ours.says("");
    ours.says("good morning");
    ours.shows("] how are you 你好");
    ours.says("q");
    assert_eq!(student.ends().succeeds(), "good morning\nq\nb''\n");
}

#[test]
fn a_person_answers_whoever_is_still_there() {
    let (mut ours, port) = serve_on_a_terminal(&["talk"]);
    let mut gone = Program::student("talk_reset_client.py", &[&port]);
    ours.shows("] is anybody there");
    gone.says("now");
    assert_eq!(gone.ends().succeeds(), "reset\n");
    let student = Program::student("talk_client.py", &[&port, "and now", "bye"]);
    ours.shows("] and now");
    ours.says("yes, I am");
    assert_eq!(student.ends().succeeds(), "yes, I am\nb''\n");
}

#[test]
fn a_person_types_in_the_encoding_of_the_wire() {
    let (mut ours, port) = serve_on_a_terminal(&["chat-udp", "--encoding", "gbk"]);
    let mut student = Program::student("chat_udp_gbk_client.py", &[&port, "在吗"]);
    ours.shows("] 在吗");
    ours.says("你好 😀");
    ours.shows("gbk has no character");
    ours.says("你好");
    assert_eq!(student.line(), "你好");
    student.ends().succeeds();
}

#[test]
fn a_person_writes_datagrams_to_names_and_to_who_wrote_last() {
    let mut bob = Program::student("chat_udp_person.py", &[]);
    let bobs_port = bob.line();
    let name = format!("bob=127.0.0.1:{bobs_port}");
    let (mut ours, port) = serve_on_a_terminal(&["chat-udp", "--name", &name]);
    ours.says("anybody?");
    ours.shows("nobody has written yet");
    ours.says("@carl are you there");
    ours.shows("nobody is called carl");
    ours.says("@bob are you there");
    bob.says("listen");
    assert_eq!(bob.line(), "are you there");
    bob.says("yes");
    ours.shows(&format!("[127.0.0.1:{bobs_port}] yes"));
    let mut ann = Program::student("chat_udp_person.py", &[&port]);
    let anns_port = ann.line();
    ann.says("hi, here is ann");
    ours.shows(&format!("[127.0.0.1:{anns_port}] hi, here is ann"));
    ours.says("hi ann");
    ann.says("listen");
    assert_eq!(ann.line(), "hi ann", "who wrote last is answered");
    ours.says("@bob ann is here");
    bob.says("listen");
    assert_eq!(bob.line(), "ann is here");
    for mut person in [ann, bob] {
        person.says("end");
        person.ends().succeeds();
    }
}

#[test]
fn what_peers_say_acts_on_no_terminal() {
    let (mut ours, port) = serve_on_a_terminal(&["chat-udp"]);
    student("chat_udp_evil_client.py", &[&port]);
    assert_shown_tamely(&ours.shows("the end"));
    let (mut ours, port) = serve_on_a_terminal(&["talk"]);
    let student = Program::student("talk_evil_client.py", &[&port]);
    let mut shown = String::new();
    for words in ["red", "two", "hi", "written", "the end"] {
        shown += &ours.shows(words);
        ours.says("ok");
    }
    assert_shown_tamely(&shown);
    assert_eq!(student.ends().succeeds(), "b''\n");
}

#[test]
fn what_peers_say_is_as_tame_in_a_pipe() {
    for (name, program) in [
        ("talk", "talk_evil_client.py"),
        ("chat-udp", "chat_udp_evil_client.py"),
    ] {
        let mut textbook = Textbook::start(&[name]);
        student(program, &[textbook.port(name)]);
        textbook.shows("\n");
        assert_shown_tamely(&textbook.shows("the end"));
    }
}

#[test]
fn what_servers_answer_acts_on_no_terminal() {
    let mut server = Program::student("talk_evil_server.py", &[]);
    let address = server.address();
    let mut ours = Program::on_a_terminal(&["call", "talk", &address]);
    let mut shown = String::new();
    for words in ["red", "two", "written", "the end"] {
        ours.says("go on");
        shown += &ours.shows(words);
    }
    assert_tame(&shown);
    assert!(
        shown.contains("red \\u{1b}[31m") && shown.contains("over\\rwritten"),
        "{shown:?}"
    );
    server.ends().succeeds();
    for is_piped in [true, false] {
        let mut bob = Program::student("chat_udp_person.py", &[]);
        let address = bob.address();
        let mut ours = if is_piped {
            Program::call(&["chat-udp", &address])
        } else {
            Program::on_a_terminal(&["call", "chat-udp", &address])
        };
        ours.says("hello");
        bob.says("listen");
        assert_eq!(bob.line(), "hello");
        bob.says("\u{1b}[31mred\u{9b}");
        bob.says("the end");
        let shown = ours.shows("the end");
        let lead = format!("[{address}] ");
        assert_tame(&shown);
        assert!(
            shown.contains(&format!("{lead}\\u{{1b}}[31mred\\u{{9b}}")),
            "{shown:?}"
        );
        bob.says("end");
        bob.ends().succeeds();
    }
    let mut server = Program::student("chat_udp_server.py", &["me\n[1.2.3.4:5] hi"]);
    let address = server.address();
    let seen = textbook_support::call(&["chat-udp", &address, "hello"]).succeeds();
    let lines = ["me", "[1.2.3.4:5] hi"].map(|line| format!("[{address}] {line}"));
    assert_eq!(seen, texts(&[&lines[0], &lines[1]]));
}

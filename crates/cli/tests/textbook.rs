//! Students' clients against every service of `landline textbook`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;
use textbook_support::{Program, Textbook, student};

/// What is served where nothing is named.
const ALL: [&str; 18] = [
    "chat-udp",
    "clock-tcp",
    "clock-udp",
    "exec",
    "exec-done",
    "exec-header",
    "exec-reverse",
    "exec-sized",
    "exec-struct",
    "exec-udp",
    "gate",
    "hello",
    "hello-udp",
    "receive",
    "relay",
    "sink",
    "talk",
    "upper",
];

/// Both streams, and an end that can be seen.
const BOTH: &str = "echo good; echo bad >&2";

/// A text in which every digit is a 9.
fn shape(text: &str) -> String {
    text.replace(|character: char| character.is_ascii_digit(), "9")
}

/// A directory with this file in it.
fn place_with(name: &str, content: &str) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join(name), content).unwrap();
    place
}

#[test]
fn everything_is_served_and_the_table_says_what_the_ready_file_says() {
    let mut textbook = Textbook::start(&[]);
    let services = textbook.services().as_object().unwrap().clone();
    let names: Vec<&String> = services.keys().collect();
    assert_eq!(names, ALL);
    for _ in ALL {
        let line = textbook.shows("\n");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, protocol, address, engine] = words[..] else {
            panic!("{line}");
        };
        assert_eq!(services[name], address, "{line}");
        let datagrams = name.ends_with("-udp");
        assert_eq!(protocol, if datagrams { "udp" } else { "tcp" }, "{line}");
        assert!(name != "upper" || engine == "epoll", "{line}");
        assert!(address.starts_with("127.0.0.1:"), "{line}");
    }
    let mode = fs::metadata(textbook.path("ready")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(textbook.stop().code(), Some(0));
}

#[test]
fn only_what_is_named_is_served() {
    let textbook = Textbook::start(&["upper", "--only", "hello"]);
    let names: Vec<&String> = textbook.services().as_object().unwrap().keys().collect();
    assert_eq!(names, ["hello", "upper"]);
}

#[test]
fn hello_answers_hi_and_closes() {
    let textbook = Textbook::start(&["hello"]);
    let port = textbook.port("hello");
    assert_eq!(student("hello_client.py", &[port, "hey"]), "b'hi'\nb''\n");
    assert_eq!(student("hello_long_client.py", &[port]), "b'hi'\nb''\n");
}

#[test]
fn hello_answers_every_datagram_from_empty_to_the_longest() {
    let textbook = Textbook::start(&["hello-udp"]);
    let port = textbook.port("hello-udp");
    assert_eq!(student("hello_udp_client.py", &[port, "hey"]), "b'hi'\n");
    assert_eq!(student("hello_udp_client.py", &[port, ""]), "b'hi'\n");
    assert_eq!(student("hello_udp_client.py", &[port, "x", "65507"]), "b'hi'\n");
}

#[test]
fn the_clocks_tell_the_time_in_any_format() {
    let textbook = Textbook::start(&["clock-udp", "clock-tcp"]);
    let formats = ["%Y-%m-%d %X", "%d/%m/%y", "%H:%M", "day %% 日"];
    let told = "9999-99-99 99:99:99\n99/99/99\n99:99\nday % 日\nTrue\n";
    for (name, program) in [
        ("clock-udp", "clock_udp_client.py"),
        ("clock-tcp", "clock_tcp_client.py"),
    ] {
        let arguments = [&[textbook.port(name)][..], &formats].concat();
        assert_eq!(shape(&student(program, &arguments)), told, "{name}");
    }
    let usual = student("clock_udp_client.py", &[textbook.port("clock-udp")]);
    assert_eq!(shape(&usual), "9999-99-99 99:99:99\nTrue\n");
}

#[test]
fn the_clock_is_local() {
    let east = [("TZ", "CST-8")];
    let textbook = Textbook::start_in(&east, &["clock-udp"]);
    let client = Program::student_in(&east, "clock_udp_client.py", &[textbook.port("clock-udp"), "%z"]);
    assert_eq!(client.ends().succeeds(), "+0800\nTrue\n");
}

#[test]
fn upper_changes_ascii_letters_only_and_stays_open() {
    let textbook = Textbook::start(&["upper"]);
    let said = student(
        "upper_client.py",
        &[textbook.port("upper"), "abc", "Straße é 你好 1", "z"],
    );
    assert_eq!(said, "ABC\nSTRAßE é 你好 1\nZ\n");
}

#[test]
fn a_relay_of_three_has_the_senders_own_copy_and_keeps_bye_to_itself() {
    let textbook = Textbook::start(&["relay"]);
    let mut people: Vec<Program> = Vec::new();
    for name in ["ann", "bob", "cat"] {
        people.push(Program::student("relay_client.py", &[textbook.port("relay")]));
        let here = format!("{name} is here");
        people.last_mut().unwrap().says(&here);
        for person in &mut people {
            assert_eq!(person.line(), here, "everybody hears it, {name} too");
        }
    }
    let mut cat = people.pop().unwrap();
    cat.says("cat says goodbye");
    assert_eq!(cat.ends().succeeds(), "closed\n");
    people[0].says("so long");
    for person in &mut people {
        assert_eq!(person.line(), "so long", "the bye was not passed on");
    }
    for mut person in people {
        person.says("bye");
        assert_eq!(person.ends().succeeds(), "closed\n");
    }
}

#[test]
fn a_talk_ends_with_bye_or_q_from_either_side() {
    let mut textbook = Textbook::start(&["talk"]);
    let port = textbook.port("talk").to_owned();
    let said = student("talk_client.py", &[&port, "hello", "goodbye", "你好", "bye"]);
    assert_eq!(said, "hello\ngoodbye\n你好\nb''\n");
    textbook.shows("goodbye");
    textbook.shows("你好");
    assert_eq!(student("talk_client.py", &[&port, "q", "never said"]), "b''\n");
    for end in ["bye", "q"] {
        let textbook = Textbook::start(&["talk", "--reply", end]);
        let said = student("talk_client.py", &[textbook.port("talk"), "hello", "never said"]);
        assert_eq!(said, format!("{end}\nb''\n"));
    }
}

#[test]
fn a_datagram_chat_answers_by_itself_and_shows_who_said_what() {
    let mut textbook = Textbook::start(&["chat-udp"]);
    let said = student(
        "chat_udp_client.py",
        &[textbook.port("chat-udp"), "hello", "", "你好"],
    );
    let (port, answers) = said.split_once('\n').unwrap();
    assert_eq!(answers, "hello\n\n你好\n");
    textbook.shows(&format!("[127.0.0.1:{port}] hello"));
    textbook.shows(&format!("[127.0.0.1:{port}] 你好"));
    let long = student("chat_udp_long_client.py", &[textbook.port("chat-udp")]);
    assert_eq!(long, "65507 True\n0\n");
}

#[test]
fn a_datagram_chat_answers_with_what_it_was_told() {
    let textbook = Textbook::start(&["chat-udp", "--reply", "got it"]);
    let said = student("chat_udp_client.py", &[textbook.port("chat-udp"), "one", "two"]);
    assert_eq!(said.split_once('\n').unwrap().1, "got it\ngot it\n");
}

#[test]
fn a_sink_shows_and_never_answers_and_lives_through_resets() {
    let mut textbook = Textbook::start(&["sink"]);
    let port = textbook.port("sink").to_owned();
    assert_eq!(student("sink_client.py", &[&port, "before"]), "b''\n");
    textbook.shows("before");
    for _ in 0..5 {
        assert_eq!(student("sink_reset_client.py", &[&port]), "reset\n");
    }
    assert_eq!(student("sink_client.py", &[&port, "after"]), "b''\n");
    textbook.shows("after");
}

#[test]
fn the_gate_opens_to_egg_by_default() {
    let textbook = Textbook::start(&["gate"]);
    let port = textbook.port("gate");
    assert_eq!(
        student("gate_client.py", &[port, "egg", "md5"]),
        "32\n16\nb'hi'\nb''\n"
    );
    assert_eq!(student("gate_at_once_client.py", &[port]), "b'hi'\nb''\n");
    assert_eq!(student("gate_wrong_client.py", &[port]), "b''\n");
}

#[test]
fn the_gates_secret_is_a_file_less_one_newline() {
    for (content, secret) in [("s3 cret\n", "s3 cret"), ("none", "none"), ("two\n\n", "two\n")] {
        let place = place_with("secret", content);
        let textbook = Textbook::start_at(place, &[], &["gate", "--secret-file", "secret"]);
        let said = student("gate_client.py", &[textbook.port("gate"), secret, "md5"]);
        assert_eq!(said, "32\n16\nb'hi'\nb''\n", "{content:?}");
        let guessed = student("gate_at_once_client.py", &[textbook.port("gate")]);
        assert!(guessed.lines().all(|line| line == "b''"), "{guessed}");
    }
}

#[test]
fn the_gate_speaks_sha256_where_told() {
    let textbook = Textbook::start(&["gate", "--digest", "sha256"]);
    let port = textbook.port("gate");
    assert_eq!(
        student("gate_client.py", &[port, "egg", "sha256"]),
        "32\n32\nb'hi'\nb''\n"
    );
}

#[test]
fn files_arrive_whole_several_on_a_connection() {
    let from = tempfile::tempdir().unwrap();
    let contents: [(&str, Vec<u8>); 4] = [
        ("a.txt", b"abc".to_vec()),
        ("empty", Vec::new()),
        ("图 纸.bin", (0..=u8::MAX).cycle().take(3_000_000).collect()),
        ("-rf", b"{\"cmd\":\"put\"}\n".to_vec()),
    ];
    let paths: Vec<String> = contents
        .iter()
        .map(|(name, content)| {
            let path = from.path().join(name);
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("in")).unwrap();
    let mut textbook = Textbook::start_at(place, &[], &["receive", "--dir", "in"]);
    let mut arguments = vec![textbook.port("receive")];
    arguments.extend(paths.iter().map(String::as_str));
    assert_eq!(student("receive_put_client.py", &arguments), "b''\n");
    textbook.stop();
    for (name, content) in contents {
        assert!(
            fs::read(textbook.path("in").join(name)).unwrap() == content,
            "{name}"
        );
    }
}

#[test]
fn files_with_a_checksum_arrive_and_only_what_matches_it() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("in")).unwrap();
    let mut textbook = Textbook::start_at(place, &[], &["receive", "--dir", "in"]);
    let files = ["/a/b/c/a.txt=first", "wrong.txt=abc", "c.txt=third"];
    let arguments = [&[textbook.port("receive")][..], &files].concat();
    assert_eq!(student("receive_md5_client.py", &arguments), "b''\n");
    textbook.stop();
    let received = textbook.path("in");
    assert_eq!(textbook_support::files_below(&received), ["a.txt", "c.txt"]);
    assert_eq!(fs::read(received.join("a.txt")).unwrap(), b"first");
    assert_eq!(fs::read(received.join("c.txt")).unwrap(), b"third");
    let errors = textbook.errors();
    assert!(
        errors.contains("wrong.txt") && errors.to_lowercase().contains("md5"),
        "{errors}"
    );
}

#[test]
fn files_are_handed_out_and_missing_ones_named() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("in")).unwrap();
    fs::write(place.path().join("in/a.txt"), "abc").unwrap();
    fs::write(place.path().join("in/empty"), "").unwrap();
    let textbook = Textbook::start_at(place, &[], &["receive", "--dir", "in"]);
    let port = textbook.port("receive");
    let said = student(
        "receive_get_client.py",
        &[port, "a.txt", "missing", "empty", "a.txt"],
    );
    let a = "a.txt 3 900150983cd24fb0d6963f7d28e17f72\n";
    let empty = "empty 0 d41d8cd98f00b204e9800998ecf8427e\n";
    assert_eq!(said, format!("{a}error str True\n{empty}{a}"));
}

#[test]
fn exec_answers_stderr_then_stdout_and_nothing_else() {
    let textbook = Textbook::start(&["exec", "--allow-exec"]);
    let port = textbook.port("exec");
    let said = student(
        "exec_client.py",
        &[port, "good\n", BOTH, "echo 你好; echo good", BOTH],
    );
    let chinese = "b'\\xe4\\xbd\\xa0\\xe5\\xa5\\xbd\\ngood\\n'";
    assert_eq!(said, format!("b'bad\\ngood\\n'\n{chinese}\nb'bad\\ngood\\n'\n"));
}

#[test]
fn exec_udp_answers_exactly_two_datagrams() {
    let textbook = Textbook::start(&["exec-udp", "--allow-exec"]);
    let long = "head -c 65506 /dev/zero | tr '\\0' x; printf 'last bytes that are too many'; echo bad >&2";
    let port = textbook.port("exec-udp");
    let said = student(
        "exec_udp_client.py",
        &[port, BOTH, "true", "echo bad >&2", long, "echo good"],
    );
    let lines = [
        "b'bad\\n' b'good\\n'",
        "b'' b''",
        "b'bad\\n' b''",
        "b'bad\\n' 65507 b'xxxxxxxl'",
        "b'' b'good\\n'",
    ];
    assert_eq!(said, lines.join("\n") + "\n");
}

#[test]
fn exec_sized_waits_for_any_acknowledgement() {
    let textbook = Textbook::start(&["exec-sized", "--allow-exec"]);
    let port = textbook.port("exec-sized");
    for acknowledgement in ["recv_ready", "get number", "123", "go on, please"] {
        let commands = [BOTH, "echo good", "seq 30000"];
        let arguments = [&[port, "utf-8", acknowledgement][..], &commands].concat();
        let said = student("exec_sized_client.py", &arguments);
        let long = "168894 168894 b'9\\n30000\\n'";
        assert_eq!(
            said,
            format!("4 'bad\\n'\n5 'good\\n'\n{long}\n"),
            "{acknowledgement}"
        );
    }
}

#[test]
fn exec_sized_takes_an_acknowledgement_and_a_command_in_one_read() {
    let textbook = Textbook::start(&["exec-sized", "--allow-exec"]);
    let port = textbook.port("exec-sized");
    let said = student("exec_sized_together_client.py", &[port]);
    assert_eq!(said, "4\nb'one\\n'\n6\nb'three\\n'\n8\nb'fifteen\\n'\n");
    // Nothing comes for a size of 0, so the acknowledgement and what follows may or may not share a read.
    let said = student(
        "exec_sized_client.py",
        &[port, "utf-8", "recv_ready", "true", "echo good"],
    );
    assert_eq!(said, "0 ''\n5 'good\\n'\n");
}

#[test]
fn exec_sized_goes_on_without_an_acknowledgement() {
    let textbook = Textbook::start(&["exec-sized", "--allow-exec"]);
    let said = student("exec_sized_silent_client.py", &[textbook.port("exec-sized")]);
    assert_eq!(said, "4 b'one\\n' True\n6 b'three\\n' True\n");
}

#[test]
fn exec_sized_transcodes_first_and_then_counts() {
    let textbook = Textbook::start(&["exec-sized", "--allow-exec", "--encoding", "gbk"]);
    let port = textbook.port("exec-sized");
    let said = student(
        "exec_sized_client.py",
        &[port, "gbk", "123", "echo 你好", "echo hi"],
    );
    assert_eq!(said, "5 '你好\\n'\n3 'hi\\n'\n");
}

#[test]
fn exec_struct_and_exec_header_say_how_long_the_answer_is() {
    let textbook = Textbook::start(&["exec-struct", "exec-header", "--allow-exec"]);
    let commands = [BOTH, "true", "echo good", "seq 30000"];
    let arguments = [&[textbook.port("exec-struct")][..], &commands].concat();
    let said = student("exec_struct_client.py", &arguments);
    assert_eq!(said, "4 b'bad\\n'\n0 b''\n5 b'good\\n'\n168894 b'9\\n30000\\n'\n");
    let arguments = [&[textbook.port("exec-header")][..], &commands].concat();
    let said = student("exec_header_client.py", &arguments);
    let lines = [
        "{'data_size': 4} b'bad\\n'",
        "{'data_size': 0} b''",
        "{'data_size': 5} b'good\\n'",
        "{'data_size': 168894} b'9\\n30000\\n'",
    ];
    assert_eq!(said, lines.join("\n") + "\n");
}

#[test]
fn exec_done_always_answers_something() {
    let textbook = Textbook::start(&["exec-done", "--allow-exec"]);
    let commands = [
        "echo a; echo b >&2; echo c",
        "true",
        "echo; echo ' '",
        "printf 'x\\n\\n'",
        "printf x",
    ];
    let arguments = [&[textbook.port("exec-done")][..], &commands].concat();
    let said = student("exec_done_client.py", &arguments);
    assert_eq!(said, "b'a\\nb\\nc'\nb'Done.'\nb'Done.'\nb'x\\n'\nb'x'\n");
}

#[test]
fn exec_reverse_commands_the_client_in_gbk() {
    let place = place_with("commands", "echo hello\necho 你好; echo bad >&2\nq\n");
    let arguments = ["exec-reverse", "--allow-exec", "--commands", "commands"];
    let mut textbook = Textbook::start_at(place, &[], &arguments);
    let said = student("exec_reverse_client.py", &[textbook.port("exec-reverse")]);
    let number = "b'get number'";
    assert_eq!(
        said,
        format!("echo hello\n{number}\necho 你好; echo bad >&2\n{number}\nq\n")
    );
    textbook.shows("hello\n");
    // Every line says who said it, so that a peer's newline cannot make it look like somebody else's.
    textbook.shows("] 你好\n");
    textbook.shows("] bad\n");
}

#[test]
fn every_engine_serves_the_same_students() {
    for engine in [
        "auto",
        "select",
        "poll",
        "epoll",
        "epoll-edge",
        "threads",
        "sharded",
        "sharded:2",
        "process",
    ] {
        let textbook = Textbook::start(&[
            "hello",
            "upper",
            "exec-struct",
            "--allow-exec",
            "--engine",
            engine,
        ]);
        let said = student("upper_client.py", &[textbook.port("upper"), "abc", "def"]);
        assert_eq!(said, "ABC\nDEF\n", "{engine}");
        let said = student("hello_long_client.py", &[textbook.port("hello")]);
        assert_eq!(said, "b'hi'\nb''\n", "{engine}");
        let said = student("exec_struct_client.py", &[textbook.port("exec-struct"), BOTH]);
        assert_eq!(said, "4 b'bad\\n'\n", "{engine}");
    }
}

//! The small services of inetd, on either side.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use textbook_support::{Program, Textbook, call, student, texts};

/// All of them: they are off unless named.
const SMALL: [&str; 10] = [
    "echo",
    "echo-udp",
    "discard",
    "discard-udp",
    "chargen",
    "chargen-udp",
    "daytime",
    "daytime-udp",
    "time",
    "time-udp",
];

/// The first two lines of RFC 864's pattern.
const FIRST: &str = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg";
const SECOND: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh";

/// RFC 868's own example, in seconds since 1970: the beginning of 1980.
const EXAMPLE: i64 = 315_532_800;

/// Calls a student's server, which must print exactly `served`, and says what the call printed.
#[track_caller]
fn calls(server: &[&str], name: &str, arguments: &[&str], served: &str) -> String {
    let mut serving = Program::student(server[0], &server[1..]);
    let address = serving.address();
    let seen = call(&[&[name, &address], arguments].concat()).succeeds();
    assert_eq!(serving.ends().succeeds(), served, "{name} {arguments:?}");
    seen
}

/// The time that `call time` prints, in seconds since 1970.
#[track_caller]
fn seconds(told: &str) -> i64 {
    let time: jiff::Zoned = told.trim_end().parse().unwrap();
    time.timestamp().as_second()
}

#[test]
fn all_of_them_are_served_where_they_are_named() {
    let textbook = Textbook::start(&SMALL);
    let mut names: Vec<&str> = SMALL.to_vec();
    names.sort_unstable();
    let served: Vec<&String> = textbook.services().as_object().unwrap().keys().collect();
    assert_eq!(served, names);
}

#[test]
fn echo_sends_back_any_bytes_also_a_browsers() {
    let textbook = Textbook::start(&["echo", "echo-udp"]);
    let http = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let long = "long ".repeat(20_000);
    let said = student("echo_client.py", &[textbook.port("echo"), http, "你好", &long]);
    // Python's print leaves \r\n as it is.
    assert_eq!(said, format!("{http}\n你好\n{long}\nb''\n"));
    let said = student("echo_udp_client.py", &[textbook.port("echo-udp")]);
    assert_eq!(said, "0 True True\n14 True True\n65507 True True\n");
}

#[test]
fn discard_takes_everything_and_says_nothing() {
    let textbook = Textbook::start(&["discard", "discard-udp", "echo-udp"]);
    assert_eq!(student("discard_client.py", &[textbook.port("discard")]), "b''\n");
    let ports = [textbook.port("discard-udp"), textbook.port("echo-udp")];
    let said = student("discard_udp_client.py", &ports);
    assert_eq!(said, "b'to the echo'\nsilence\n");
}

#[test]
fn chargen_has_the_lines_of_the_rfc() {
    let textbook = Textbook::start(&["chargen", "chargen-udp"]);
    let said = student("chargen_client.py", &[textbook.port("chargen")]);
    assert_eq!(said, format!("72 {FIRST}\n72 {SECOND}\n"));
    let said = student("chargen_udp_client.py", &[textbook.port("chargen-udp")]);
    assert_eq!(said, format!("True\n72 {FIRST}\n"));
}

#[test]
fn daytime_and_time_are_those_on_the_wall() {
    let east = [("TZ", "CST-8")];
    let textbook = Textbook::start_in(&east, &["daytime", "daytime-udp", "time", "time-udp"]);
    for (name, program, said) in [
        ("daytime", "daytime_client.py", "True\n"),
        ("daytime-udp", "daytime_udp_client.py", "True\n"),
        ("time", "time_client.py", "4\nTrue\n"),
        ("time-udp", "time_udp_client.py", "4\nTrue\n"),
    ] {
        let client = Program::student_in(&east, program, &[textbook.port(name)]);
        assert_eq!(client.ends().succeeds(), said, "{name}");
    }
}

#[test]
fn our_echo_shows_what_comes_back() {
    let seen = calls(
        &["echo_server.py"],
        "echo",
        &["one", "GET / 你"],
        "b'one'\nb'GET / \\xe4\\xbd\\xa0'\n",
    );
    assert_eq!(seen, texts(&["one", "GET / 你"]));
    let long = "x".repeat(65_507);
    let seen = calls(
        &["echo_udp_server.py", "3"],
        "echo-udp",
        &["", "one", &long],
        "0 b''\n3 b'one'\n65507 b'xxxxxxxx'\n",
    );
    assert_eq!(seen, texts(&["", "one", &long]));
}

#[test]
fn our_discard_expects_nothing() {
    let seen = calls(&["discard_server.py"], "discard", &["one", "two"], "6 bytes\n");
    assert_eq!(seen, "");
    let seen = calls(
        &["discard_udp_server.py", "3"],
        "discard-udp",
        &["one", "", "two"],
        "b'one'\nb''\nb'two'\n",
    );
    assert_eq!(seen, "");
}

#[test]
fn our_chargen_shows_as_much_as_it_was_told() {
    let lines = format!("{FIRST}\r\n{SECOND}\r\n");
    let seen = calls(&["chargen_server.py"], "chargen", &["--bytes", "148"], "enough\n");
    assert_eq!(seen, lines);
    let seen = calls(&["chargen_server.py"], "chargen", &[], "enough\n");
    assert_eq!(seen.len(), 1024);
    assert!(seen.starts_with(&lines));
    assert_eq!(
        calls(&["chargen_udp_server.py"], "chargen-udp", &[], "b''\n"),
        lines
    );
}

#[test]
fn our_daytime_and_time_show_what_they_are_told() {
    let line = "Tuesday, February 22, 1982 17:37:43-PST\r\n";
    assert_eq!(calls(&["daytime_server.py"], "daytime", &[], ""), line);
    assert_eq!(
        calls(&["daytime_udp_server.py"], "daytime-udp", &[], "b''\n"),
        line
    );
    assert_eq!(seconds(&calls(&["time_server.py"], "time", &[], "")), EXAMPLE);
    assert_eq!(
        seconds(&calls(&["time_udp_server.py"], "time-udp", &[], "b''\n")),
        EXAMPLE
    );
}

#[test]
fn our_clients_and_our_servers_understand_each_other() {
    let textbook = Textbook::start(&SMALL);
    let seen = |name: &str, arguments: &[&str]| {
        call(&[&[name, textbook.address(name)], arguments].concat()).succeeds()
    };
    for name in ["echo", "echo-udp"] {
        assert_eq!(seen(name, &["one", "你好"]), texts(&["one", "你好"]), "{name}");
    }
    assert_eq!(seen("echo-udp", &[""]), texts(&[""]));
    for name in ["discard", "discard-udp"] {
        assert_eq!(seen(name, &["one", "two"]), "", "{name}");
    }
    assert_eq!(seen("chargen", &["--bytes", "74"]), format!("{FIRST}\r\n"));
    let datagram = seen("chargen-udp", &[]);
    assert!(datagram.len() <= 512, "{datagram}");
    let shared = datagram.len().min(FIRST.len());
    assert_eq!(datagram[..shared], FIRST[..shared]);
    for name in ["daytime", "daytime-udp"] {
        let line = seen(name, &[]);
        assert!(
            line.contains(", 20") && line.ends_with("\r\n"),
            "{name}: {line:?}"
        );
    }
    for name in ["time", "time-udp"] {
        let before = jiff::Timestamp::now().as_second();
        let told = seconds(&seen(name, &[]));
        let after = jiff::Timestamp::now().as_second();
        assert!((before..=after).contains(&told), "{name}: {told}");
    }
}

//! What can be chosen: the second round of the gate, encodings, ports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use std::fs;
use std::net::TcpListener;
use textbook_support::{Program, Textbook, call, student, texts};

/// Addresses of this machine on which the ports of the book are free: everything that begins with 127 is loopback.
const PLACES: [&str; 2] = ["127.83.41.7", "127.83.41.8"];

#[test]
fn the_second_round_of_the_gate_tests_the_server() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret"), "s3cret\n").unwrap();
    let file = place.path().join("secret").to_str().unwrap().to_owned();
    let textbook = Textbook::start(&["gate", "upper", "--gate", "--mutual"]);
    let seen = call(&["gate", textbook.address("gate"), "hello", "--mutual"]).succeeds();
    assert_eq!(seen, texts(&["hi"]));
    let seen = call(&["upper", textbook.address("upper"), "abc", "--gate", "--mutual"]).succeeds();
    assert_eq!(seen, texts(&["ABC"]));
    let said = student("gate_mutual_client.py", &[textbook.port("gate"), "egg", "md5"]);
    assert_eq!(said, "True\nb'hi'\n");
    let arguments = ["--mutual", "--digest", "sha256", "--secret-file"];
    let served = [&["gate"], &arguments[..], &["secret"]].concat();
    let textbook = Textbook::start_at(place, &[], &served);
    let address = textbook.address("gate");
    let called = [&["gate", address], &arguments[..], &[&file]].concat();
    assert_eq!(call(&called).succeeds(), texts(&["hi"]));
    let said = student(
        "gate_mutual_client.py",
        &[textbook.port("gate"), "s3cret", "sha256"],
    );
    assert_eq!(said, "True\nb'hi'\n");
    let errors = call(&["gate", address, "--mutual", "--digest", "sha256"]).fails(1);
    assert!(errors.contains("secret"), "{errors}");
}

#[test]
fn a_server_that_reflects_is_no_server_that_knows_the_secret() {
    let mut server = Program::student("gate_reflecting_server.py", &[]);
    let address = server.address();
    let output = call(&["gate", &address, "hello", "--mutual"]);
    assert_eq!(output.stdout, b"");
    let errors = output.fails(1);
    let words = format!("{address} did not prove that it knows the gate's secret");
    assert!(errors.contains(&words), "{errors}");
    assert_eq!(server.ends().succeeds(), "b''\n", "it was told nothing");
}

#[test]
fn one_side_with_a_second_round_and_one_without_do_not_meet() {
    // The server takes what is said for a part of a challenge, and waits for the rest of it.
    let textbook = Textbook::start(&["gate", "--mutual"]);
    let address = textbook.address("gate");
    let output = call(&["gate", address, "hello", "--timeout", "1"]);
    assert_eq!(output.stdout, b"");
    let errors = output.fails(1);
    assert!(
        errors.contains(address) && errors.contains("within 1 s"),
        "{errors}"
    );
    // The server takes the challenge for what is said.
    let textbook = Textbook::start(&["gate"]);
    let address = textbook.address("gate");
    let output = call(&["gate", address, "hello", "--mutual"]);
    assert_eq!(output.stdout, b"");
    let errors = output.fails(1);
    assert!(errors.contains("did not prove"), "{errors}");
}

#[test]
fn commands_come_and_go_in_gbk_and_gb2312() {
    let chinese =
        "echo 你好; echo 世界 >&2; test 你好 = \"$(printf '\\344\\275\\240\\345\\245\\275')\" && echo same";
    for encoding in ["gbk", "gb2312"] {
        let textbook = Textbook::start(&["exec", "--allow-exec", "--encoding", encoding]);
        let said = student(
            "exec_gbk_client.py",
            &[textbook.port("exec"), encoding, "same\n", chinese],
        );
        assert_eq!(said, "'世界\\n你好\\nsame\\n'\n", "{encoding}");
    }
}

#[test]
fn a_character_that_the_encoding_lacks_is_named() {
    // U+1F600, which neither has, and U+9555, which GBK has.
    let face = "printf '\\360\\237\\230\\200 ok\\n'";
    let name = "printf '\\351\\225\\225 ok\\n'";
    let lacks =
        |encoding, code| format!("'? ok\\n\\n{encoding} has no character {code}: it is shown as ?\\n'\n");
    for (encoding, command, said) in [
        ("gbk", face, lacks("gbk", "U+1F600")),
        ("gb2312", face, lacks("gb2312", "U+1F600")),
        ("gb2312", name, lacks("gb2312", "U+9555")),
        ("gbk", name, "'镕 ok\\n'\n".to_owned()),
    ] {
        let end = if said.contains('?') { "?\n" } else { "ok\n" };
        let textbook = Textbook::start(&["exec", "--allow-exec", "--encoding", encoding]);
        let client = [
            "exec_gbk_client.py",
            textbook.port("exec"),
            encoding,
            end,
            command,
        ];
        assert_eq!(student(client[0], &client[1..]), said, "{encoding} {command}");
    }
}

#[test]
fn our_client_speaks_gbk_and_gb2312() {
    for encoding in ["gbk", "gb2312"] {
        let mut server = Program::student("exec_gbk_server.py", &[encoding]);
        let address = server.address();
        let seen = call(&["exec", &address, "echo 你好", "--encoding", encoding]).succeeds();
        assert_eq!(seen, "你好\n", "{encoding}");
        let served = "b'echo \\xc4\\xe3\\xba\\xc3'\n";
        assert_eq!(server.ends().succeeds(), served, "{encoding}");
        let textbook = Textbook::start(&["exec", "--allow-exec", "--encoding", encoding]);
        let address = textbook.address("exec");
        let seen = call(&["exec", address, "echo 你好", "--encoding", encoding]).succeeds();
        assert_eq!(seen, "你好\n", "{encoding}");
        let errors = call(&["exec", address, "echo 😀", "--encoding", encoding]).fails(1);
        assert!(
            errors.contains("U+1F600") && errors.contains(encoding),
            "{errors}"
        );
    }
}

#[test]
fn a_port_of_its_own_leaves_the_others_where_the_book_has_them() {
    let [place, _] = PLACES;
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "hello",
        "upper",
        "hello-udp",
        "--listen",
        place,
        "--port",
        "hello=0",
    ];
    let textbook = Textbook::start_as_told(directory, &[], &arguments);
    assert_eq!(textbook.address("upper"), format!("{place}:9999"));
    assert_eq!(textbook.address("hello-udp"), format!("{place}:9002"));
    assert_ne!(textbook.port("hello"), "8898");
    assert_ne!(textbook.port("hello"), "0");
    let seen = call(&["hello", textbook.address("hello")]).succeeds();
    assert_eq!(seen, texts(&["hi"]));
}

#[test]
fn an_explicit_port_wins_over_all() {
    let [_, place] = PLACES;
    // Free a moment ago, on an address that nobody else uses.
    let port = TcpListener::bind((place, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let own = format!("hello={port}");
    for ports in [
        ["--port", "all=0", "--port", &own],
        ["--port", &own, "--port", "all=0"],
    ] {
        let arguments = [&["hello", "upper", "--listen", place], &ports[..]].concat();
        let textbook = Textbook::start_as_told(tempfile::tempdir().unwrap(), &[], &arguments);
        assert_eq!(textbook.address("hello"), format!("{place}:{port}"));
        assert_ne!(textbook.port("upper"), "9999");
        let seen = call(&["hello", textbook.address("hello")]).succeeds();
        assert_eq!(seen, texts(&["hi"]));
    }
}

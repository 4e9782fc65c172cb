//! `landline textbook call` against students' servers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use textbook_support::{Program, Textbook, call, files_below, texts};

/// Both streams.
const BOTH: &str = "echo good; echo bad >&2";

/// Calls a student's server, which must print exactly `served`, and says what the call printed.
#[track_caller]
fn calls(server: &[&str], name: &str, arguments: &[&str], served: &str) -> String {
    let mut serving = Program::student(server[0], &server[1..]);
    let address = serving.address();
    let seen = call(&[&[name, &address], arguments].concat()).succeeds();
    assert_eq!(serving.ends().succeeds(), served, "{name} {arguments:?}");
    seen
}

/// The same where the call must fail; what it said about that.
#[track_caller]
fn fails(server: &[&str], name: &str, arguments: &[&str], served: &str) -> String {
    let mut serving = Program::student(server[0], &server[1..]);
    let address = serving.address();
    let errors = call(&[&[name, &address], arguments].concat()).fails(1);
    assert_eq!(serving.ends().succeeds(), served, "{name} {arguments:?}");
    errors
}

#[test]
fn hello_says_its_text_and_shows_the_answer() {
    let seen = calls(
        &["hello_server.py"],
        "hello",
        &["hey 你"],
        "b'hey \\xe4\\xbd\\xa0'\n",
    );
    assert_eq!(seen, texts(&["hi"]));
    let seen = calls(&["hello_udp_server.py", "1"], "hello-udp", &["hey"], "b'hey'\n");
    assert_eq!(seen, texts(&["hi"]));
}

#[test]
fn hello_sends_datagrams_from_empty_to_the_longest() {
    let seen = calls(&["hello_udp_server.py", "1"], "hello-udp", &[""], "b''\n");
    assert_eq!(seen, texts(&["hi"]));
    let long = "x".repeat(65_507);
    let seen = calls(
        &["hello_udp_server.py", "1"],
        "hello-udp",
        &[&long],
        "65507 bytes\n",
    );
    assert_eq!(seen, texts(&["hi"]));
}

#[test]
fn the_clocks_are_asked_in_the_format_given() {
    let usual = calls(&["clock_udp_server.py"], "clock-udp", &[], "b''\n");
    let shape = usual.replace(|character: char| character.is_ascii_digit(), "9");
    assert_eq!(shape, texts(&["9999-99-99 99:99:99"]));
    let seen = calls(&["clock_udp_server.py"], "clock-udp", &["day %%"], "b'day %%'\n");
    assert_eq!(seen, texts(&["day %"]));
    let seen = calls(
        &["clock_tcp_server.py"],
        "clock-tcp",
        &["%%", "x"],
        "b'%%'\nb'x'\n",
    );
    assert_eq!(seen, texts(&["%", "x"]));
}

#[test]
fn upper_sends_each_text_and_waits_for_its_answer() {
    let served = "b'abc'\nb'Stra\\xc3\\x9fe'\nthe client is gone\n";
    let seen = calls(&["upper_server.py"], "upper", &["abc", "Straße"], served);
    assert_eq!(seen, texts(&["ABC", "STRAßE"]));
}

#[test]
fn relay_is_one_of_the_group() {
    let mut server = Program::student("relay_server.py", &[]);
    let address = server.address();
    let mut ours = Program::call(&["relay", &address]);
    ours.says("we are here");
    ours.shows("we are here");
    assert_eq!(server.line(), "b'we are here'", "without a newline");
    let mut student = Program::student("relay_client.py", &[address.rsplit_once(':').unwrap().1]);
    student.says("me too");
    assert_eq!(student.line(), "me too");
    ours.shows("me too");
    ours.says("你好");
    assert_eq!(student.line(), "你好");
    ours.shows("你好");
    ours.says("bye");
    ours.ends().succeeds();
    student.says("bye");
    assert_eq!(student.ends().succeeds(), "closed\n");
    let heard = "b'me too'\nb'\\xe4\\xbd\\xa0\\xe5\\xa5\\xbd'\nb'bye'\nb'bye'\n";
    assert_eq!(server.ends().succeeds(), heard);
}

#[test]
fn relay_says_its_arguments_and_leaves() {
    let served = "b'one'\nb'two'\nb'bye'\n";
    let seen = calls(&["relay_server.py"], "relay", &["one", "two", "bye"], served);
    assert_eq!(seen, texts(&["one", "two"]));
}

#[test]
fn talk_ends_with_bye_or_q_from_either_side() {
    for end in ["bye", "q"] {
        let mut server = Program::student("talk_server.py", &["hello", "goodbye", "never said"]);
        let mut ours = Program::call(&["talk", &server.address()]);
        ours.says("hi");
        ours.shows("hello");
        ours.says("how are you");
        ours.shows("goodbye");
        ours.says(end);
        ours.ends().succeeds();
        let served = format!("b'hi'\nb'how are you'\nb'{end}'\n");
        assert_eq!(server.ends().succeeds(), served);

        let mut server = Program::student("talk_server.py", &[end]);
        let mut ours = Program::call(&["talk", &server.address()]);
        ours.says("hi");
        ours.ends().succeeds();
        assert_eq!(server.ends().succeeds(), "b'hi'\n");
    }
}

#[test]
fn the_end_of_standard_input_ends_no_talk() {
    let mut server = Program::student("talk_server.py", &["the answer that we wait for", "never said"]);
    let mut ours = Program::call(&["talk", &server.address()]);
    ours.says("hi");
    ours.says_no_more();
    ours.shows("the answer that we wait for");
    drop(ours);
    // The student sees our end as an empty read.
    assert_eq!(server.line(), "b'hi'");
}

#[test]
fn a_datagram_chat_shows_who_answered() {
    let mut server = Program::student("chat_udp_server.py", &["got it", "你好"]);
    let address = server.address();
    let seen = call(&["chat-udp", &address, "one", "two"]).succeeds();
    let answers = [format!("[{address}] got it"), format!("[{address}] 你好")];
    assert_eq!(seen, texts(&[&answers[0], &answers[1]]));
    assert_eq!(server.ends().succeeds(), "one\ntwo\n");
}

#[test]
fn sink_says_everything_and_expects_nothing() {
    let seen = calls(&["sink_server.py"], "sink", &["anything"], "b'anything'\n");
    assert_eq!(seen, "");
    let seen = calls(&["sink_server.py"], "sink", &["one", "two"], "b'onetwo'\n");
    assert_eq!(seen, "");
}

#[test]
fn the_gate_is_passed_with_the_secret_only() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("secret");
    fs::write(&file, "s3cret\n").unwrap();
    let file = file.to_str().unwrap();
    let seen = calls(
        &["gate_server.py", "egg", "md5"],
        "gate",
        &["hello"],
        "right\nb'hello'\n",
    );
    assert_eq!(seen, texts(&["hi"]));
    for digest in ["md5", "sha256"] {
        let arguments = ["hello", "--secret-file", file, "--digest", digest];
        let server = ["gate_server.py", "s3cret", digest];
        let seen = calls(&server, "gate", &arguments, "right\nb'hello'\n");
        assert_eq!(seen, texts(&["hi"]));
        let server = ["gate_server.py", "another", digest];
        fails(&server, "gate", &arguments, "wrong\n");
    }
}

#[test]
fn files_are_sent_with_either_header() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("图 1.bin");
    fs::write(&file, vec![7; 3000]).unwrap();
    let file = file.to_str().unwrap();
    let served = "put 图 1.bin 3000 c9b1bae2bf93c8b9b87b914640dc969c\n";
    calls(&["receive_server.py"], "receive", &[file], served);
    calls(
        &["receive_server.py"],
        "receive",
        &[file, "--header", "a"],
        served,
    );
    let served = "图 1.bin 3000 True False\n";
    calls(
        &["receive_md5_server.py"],
        "receive",
        &[file, "--header", "b"],
        served,
    );
    let file = place.path().join("empty");
    fs::write(&file, "").unwrap();
    let served = "empty 0 True False\n";
    let arguments = [file.to_str().unwrap(), "--header", "b"];
    calls(&["receive_md5_server.py"], "receive", &arguments, served);
}

#[test]
fn a_file_is_fetched_into_the_directory_whatever_it_is_called() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("in");
    fs::create_dir(&directory).unwrap();
    let arguments = ["--get", "a.txt", "--dir", directory.to_str().unwrap()];
    let served = "get a.txt\n";
    calls(
        &["receive_get_server.py", "a.txt", "abc"],
        "receive",
        &arguments,
        served,
    );
    assert_eq!(files_below(place.path()), ["in/a.txt"]);
    assert_eq!(fs::read(directory.join("a.txt")).unwrap(), b"abc");
    fs::remove_file(directory.join("a.txt")).unwrap();
    let mut server = Program::student("receive_get_server.py", &["../../evil.txt", "abc"]);
    let address = server.address();
    // Landing by its base name and refusing are both right; landing outside is not.
    call(&[&["receive", &address], &arguments[..]].concat());
    assert_eq!(server.ends().succeeds(), served);
    for file in files_below(place.path()) {
        assert!(["in/a.txt", "in/evil.txt"].contains(&file.as_str()), "{file}");
    }
    let parent = place.path().parent().unwrap();
    assert!(!parent.join("evil.txt").exists());
}

#[test]
fn a_missing_file_is_a_failure_that_says_so() {
    let place = tempfile::tempdir().unwrap();
    let arguments = ["--get", "a.txt", "--dir", place.path().to_str().unwrap()];
    let errors = fails(&["receive_get_server.py"], "receive", &arguments, "get a.txt\n");
    assert!(errors.contains("there is no such file"), "{errors}");
    assert_eq!(files_below(place.path()), [""; 0]);
}

#[test]
fn answers_of_commands_come_as_they_are() {
    let served = format!("{BOTH}\n");
    let acknowledged = format!("{BOTH}\nTrue\n");
    let streams = [
        ("exec_server.py", "exec", &served, "bad\ngood\n"),
        ("exec_sized_server.py", "exec-sized", &acknowledged, "bad\n"),
        ("exec_struct_server.py", "exec-struct", &served, "bad\n"),
        ("exec_header_server.py", "exec-header", &served, "bad\n"),
    ];
    for (server, name, served, seen) in streams {
        assert_eq!(calls(&[server], name, &[BOTH], served), seen, "{name}");
    }
    let seen = calls(&["exec_udp_server.py", "1"], "exec-udp", &[BOTH], &served);
    assert_eq!(seen, "bad\ngood\n");
    assert_eq!(
        calls(&["exec_done_server.py"], "exec-done", &["true"], "true\n"),
        "Done."
    );
    let seen = calls(
        &["exec_done_server.py"],
        "exec-done",
        &["printf 'x\\n\\n'"],
        "printf 'x\\n\\n'\n",
    );
    assert_eq!(seen, "x\n");
}

#[test]
fn long_answers_of_commands_come_whole() {
    let command = "seq 20000";
    let whole: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    for (server, name, served) in [
        ("exec_sized_server.py", "exec-sized", "seq 20000\nTrue\n"),
        ("exec_struct_server.py", "exec-struct", "seq 20000\n"),
        ("exec_header_server.py", "exec-header", "seq 20000\n"),
    ] {
        assert!(calls(&[server], name, &[command], served) == whole, "{name}");
    }
}

#[test]
fn exec_reverse_obeys_in_gbk() {
    let commands = ["exec_reverse_server.py", "echo hello", "echo 你好; echo bad >&2"];
    let served = "6 'hello\\n'\n9 '你好\\nbad\\n'\nb''\n";
    calls(&commands, "exec-reverse", &["--allow-exec"], served);
}

#[test]
fn exec_reverse_obeys_nobody_unless_allowed() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("made");
    let command = format!("touch '{}'", file.display());
    let mut server = Program::student("exec_reverse_server.py", &[&command]);
    let address = server.address();
    let output = call(&["exec-reverse", &address]);
    assert_ne!(output.code, 0);
    assert!(output.stderr.contains("--allow-exec"), "{}", output.stderr);
    // The student waits for somebody who connects, or was told no.
    drop(server);
    assert!(!file.exists());
}

#[test]
fn a_command_goes_through_a_gate() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("secret");
    fs::write(&file, "s3cret\n").unwrap();
    for digest in ["md5", "sha256"] {
        let server = ["exec_gate_server.py", "s3cret", digest];
        let gate = [
            "--gate",
            "--secret-file",
            file.to_str().unwrap(),
            "--digest",
            digest,
        ];
        let arguments = [&["true"][..], &gate].concat();
        assert_eq!(calls(&server, "exec-done", &arguments, "true\n"), "Done.");
    }
}

/// A call of ours with little patience, and its connection, whose other end the test has.
fn called(name: &str, options: &[&str]) -> (Program, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let program = Program::call(&[&[name, &address, "--timeout", "1"], options].concat());
    (program, listener.accept().unwrap().0)
}

/// Reads to the call's end.
fn read_all(server: &mut TcpStream) {
    server.read_to_end(&mut Vec::new()).unwrap();
}

/// Reads the command `ls`.
fn read_command(server: &mut TcpStream) {
    let mut command = [0; 2];
    server.read_exact(&mut command).unwrap();
    assert_eq!(&command, b"ls");
}

/// A file to send, in a place of its own.
fn file_to_send() -> (tempfile::TempDir, String) {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.bin");
    fs::write(&file, vec![7; 3000]).unwrap();
    let path = file.to_str().unwrap().to_owned();
    (place, path)
}

#[test]
fn what_is_told_has_arrived_only_where_the_server_closes_too() {
    let (_place, file) = file_to_send();
    let tellings: [(&str, &[&str]); 6] = [
        ("receive", &[&file]),
        ("receive", &[&file, "--header", "b"]),
        ("sink", &["text"]),
        ("discard", &["text"]),
        ("relay", &["bye"]),
        ("talk", &["bye"]),
    ];
    for (name, arguments) in tellings {
        let (ours, mut server) = called(name, arguments);
        read_all(&mut server);
        drop(server);
        ours.ends().succeeds();

        let (ours, mut server) = called(name, arguments);
        read_all(&mut server);
        let errors = ours.ends().fails(1);
        assert!(
            errors.contains("did not close the connection after it, within 1 s"),
            "{name}: {errors}"
        );
        drop(server);
    }
}

#[test]
fn what_a_server_closes_on_without_reading_it_has_not_arrived() {
    let (_place, file) = file_to_send();
    for (name, argument) in [("receive", &*file), ("sink", "text"), ("discard", "text")] {
        let (ours, mut server) = called(name, &[argument]);
        server.read_exact(&mut [0; 1]).unwrap();
        // Something is unread, so this is a reset.
        drop(server);
        let errors = ours.ends().fails(1);
        assert!(errors.contains("broke the connection off"), "{name}: {errors}");
    }
}

#[test]
fn what_a_server_closed_before_has_not_arrived() {
    let (_place, file) = file_to_send();
    for (name, argument) in [("receive", &*file), ("sink", "text"), ("discard", "text")] {
        let (ours, server) = called(name, &[argument, "--gate"]);
        // The gate's challenge and the server's end, as one: nothing is said before it has ended.
        rustix::net::send(&server, &[7; 32], rustix::net::SendFlags::MORE).unwrap();
        drop(server);
        let errors = ours.ends().fails(1);
        let is_told = ["broke the connection off", "took everything is not known"]
            .iter()
            .any(|words| errors.contains(words));
        assert!(is_told, "{name}: {errors}");
    }
}

#[test]
fn who_was_answered_does_not_mind_that_the_server_stays() {
    let (ours, mut server) = called("upper", &["abc"]);
    server.read_exact(&mut [0; 3]).unwrap();
    server.write_all(b"ABC").unwrap();
    assert_eq!(ours.ends().succeeds(), texts(&["ABC"]));
    drop(server);

    let (ours, mut server) = called("talk", &["hi"]);
    server.read_exact(&mut [0; 2]).unwrap();
    server.write_all(b"bye").unwrap();
    assert_eq!(ours.ends().succeeds(), texts(&["bye"]));
    drop(server);
}

#[test]
fn that_commands_are_off_is_a_failure_and_no_answer() {
    let names = [
        "exec",
        "exec-udp",
        "exec-sized",
        "exec-struct",
        "exec-header",
        "exec-done",
    ];
    let textbook = Textbook::start(&names);
    for name in names {
        let output = call(&[name, textbook.address(name), "echo hi"]);
        assert!(output.stdout.is_empty(), "{name}");
        let errors = output.fails(1);
        assert!(errors.contains("commands are off"), "{name}: {errors}");
        assert!(errors.contains("--allow-exec"), "{name}: {errors}");
    }
}

#[test]
fn a_connection_that_ends_before_the_answer_is_a_failure() {
    for (name, part) in [
        ("exec", &b""[..]),
        ("exec-done", b""),
        ("exec-sized", b""),
        ("exec-struct", b""),
        ("exec-header", b""),
        ("exec-sized", b"5"),
        ("exec-struct", b"\x05\0\0\0abc"),
        ("exec-header", b"\x0f\0\0\0{\"data_size\":4}er"),
    ] {
        let (ours, mut server) = called(name, &["ls"]);
        read_command(&mut server);
        server.write_all(part).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        let errors = ours.ends().fails(1);
        assert!(
            errors.contains("closed before the answer was whole"),
            "{name}: {errors}"
        );
    }
}

#[test]
fn a_server_of_exec_reverse_that_leaves_the_answer_is_a_failure() {
    let (ours, mut server) = called("exec-reverse", &["--allow-exec"]);
    server.write_all(b"echo hi").unwrap();
    server.read_exact(&mut [0; 1]).unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    let errors = ours.ends().fails(1);
    assert!(
        errors.contains("ended before it had taken the answer"),
        "{errors}"
    );
}

#[test]
fn silence_is_an_answer_of_exec_alone_and_only_where_the_server_closes() {
    let (ours, mut server) = called("exec", &["ls"]);
    read_all(&mut server);
    drop(server);
    assert_eq!(ours.ends().succeeds(), "");

    let (ours, mut server) = called("exec", &["ls"]);
    read_all(&mut server);
    let errors = ours.ends().fails(1);
    assert!(errors.contains("did not close the connection"), "{errors}");
    drop(server);

    let (ours, mut server) = called("exec-done", &["ls"]);
    // It breaks off, for the answer could still come.
    let error = server.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let errors = ours.ends().fails(1);
    assert!(errors.contains("did not answer in time"), "{errors}");
}

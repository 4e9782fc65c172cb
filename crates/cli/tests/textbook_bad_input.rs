//! What `landline textbook` and its calls do with peers and circumstances that are not as in the book.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use tempfile::TempDir;
use textbook_support::processes::{is_gone, pids_in};
use textbook_support::{Program, Textbook, call, files_below, student, textbook_ends};

/// What every command service answers until it is allowed to do more.
const OFF: &str = "commands are off: start landline textbook with --allow-exec";

/// The command services that take a connection.
const EXEC_STREAMS: [&str; 6] = [
    "exec",
    "exec-sized",
    "exec-struct",
    "exec-header",
    "exec-done",
    "exec-reverse",
];

/// A directory with an empty `in` in it, for files that are received.
fn place_to_receive() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("in")).unwrap();
    place
}

fn receiving(place: TempDir) -> Textbook {
    Textbook::start_at(place, &[], &["receive", "--dir", "in"])
}

#[test]
fn commands_are_off_unless_allowed_and_each_says_so_in_its_framing() {
    let textbook = Textbook::start(&[]);
    let size = OFF.len();
    let made = textbook.path("made");
    let command = format!("touch '{}'", made.display());
    let said = student(
        "exec_client.py",
        &[textbook.port("exec"), "--allow-exec", &command],
    );
    assert_eq!(said, format!("b'{OFF}'\n"));
    let said = student("exec_udp_client.py", &[textbook.port("exec-udp"), &command]);
    assert_eq!(said, format!("b'{OFF}' b''\n"));
    let sized = [
        textbook.port("exec-sized"),
        "utf-8",
        "recv_ready",
        &command,
        &command,
    ];
    let line = format!("{size} '{OFF}'\n");
    assert_eq!(student("exec_sized_client.py", &sized), line.repeat(2));
    let said = student("exec_struct_client.py", &[textbook.port("exec-struct"), &command]);
    assert_eq!(said, format!("{size} b'{OFF}'\n"));
    let said = student("exec_header_client.py", &[textbook.port("exec-header"), &command]);
    assert_eq!(said, format!("{{'data_size': {size}}} b'{OFF}'\n"));
    let said = student("exec_done_client.py", &[textbook.port("exec-done"), &command]);
    assert_eq!(said, format!("b'{OFF}'\n"));
    assert!(!made.exists());
}

#[test]
fn a_web_page_is_shut_out_of_every_command_port() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("commands"), "echo hello\nq\n").unwrap();
    let arguments = ["--allow-exec", "--commands", "commands"];
    let textbook = Textbook::start_at(place, &[], &arguments);
    let made = textbook.path("made");
    let command = format!("touch '{}'", made.display());
    for name in EXEC_STREAMS {
        for line in ["POST / HTTP/1.1", "GET /;id HTTP/1.1", "OPTIONS * HTTP/1.1"] {
            let said = student("exec_http_client.py", &[textbook.port(name), line, &command]);
            assert_eq!(said, "closed\n", "{name} {line}");
        }
    }
    assert!(!made.exists());
    // Nobody else is shut out.
    let said = student("exec_done_client.py", &[textbook.port("exec-done"), &command]);
    assert_eq!(said, "b'Done.'\n");
    assert!(made.exists());
}

#[test]
fn off_loopback_commands_need_the_gate() {
    for name in EXEC_STREAMS.iter().chain(&["exec-udp"]) {
        let port = format!("{name}=0");
        let output = textbook_ends(&[name, "--listen", "0.0.0.0", "--port", &port, "--allow-exec"]);
        assert_ne!(output.code, 0, "{name}");
        assert!(output.stdout.is_empty(), "{name}");
        assert!(output.stderr.contains("--gate"), "{name}: {}", output.stderr);
    }
    // The secret of the book is no secret.
    let output = textbook_ends(&[
        "exec",
        "--listen",
        "0.0.0.0",
        "--port",
        "exec=0",
        "--allow-exec",
        "--gate",
    ]);
    assert_ne!(output.code, 0);
    assert!(output.stderr.contains("--secret-file"), "{}", output.stderr);
}

#[test]
fn behind_the_gate_commands_run_for_who_knows_the_secret() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret"), "s3cret\n").unwrap();
    let gate = ["--gate", "--secret-file", "secret", "--digest", "sha256"];
    let arguments = [&["exec-done", "--listen", "0.0.0.0", "--allow-exec"], &gate[..]].concat();
    let textbook = Textbook::start_at(place, &[], &arguments);
    let port = textbook.port("exec-done");
    let said = student("exec_gate_client.py", &[port, "s3cret", "sha256", "echo in"]);
    assert_eq!(said, "b'in'\n");
    assert_eq!(student("gate_wrong_client.py", &[port]), "b''\n");
}

#[test]
fn a_command_that_never_ends_is_killed_with_its_tree() {
    let textbook = Textbook::start(&["exec", "exec-struct", "--allow-exec", "--exec-seconds", "2"]);
    let file = textbook.path("pids");
    // A child, a grandchild in a session of its own, one that ignores what can be ignored, and the shell itself.
    let command = format!(
        "echo started; sleep 1000 & echo $! >> '{pids}'; \
         setsid sh -c 'echo $$ >> \"{pids}\"; exec sleep 1000' & \
         (trap '' TERM INT HUP; sh -c 'echo $$ >> \"{pids}\"; setsid sleep 1000 & echo $! >> \"{pids}\"; wait') & \
         echo $$ >> '{pids}'; wait",
        pids = file.display()
    );
    for name in ["exec", "exec-struct"] {
        let port = textbook.port(name);
        assert_eq!(
            student("exec_endless_client.py", &[port, &command]),
            "over\n",
            "{name}"
        );
        let pids = pids_in(&file);
        assert_eq!(pids.len(), 5, "{name}: {pids:?}");
        for pid in pids {
            assert!(is_gone(pid), "{name}: {pid} runs on");
        }
        fs::remove_file(&file).unwrap();
    }
    let said = student("exec_client.py", &[textbook.port("exec"), "good\n", "echo good"]);
    assert_eq!(said, "b'good\\n'\n");
}

#[test]
fn a_silent_peer_at_the_gate_is_let_go() {
    let textbook = Textbook::start(&["gate", "--gate-seconds", "1"]);
    let port = textbook.port("gate");
    assert_eq!(student("gate_silent_client.py", &[port]), "32\nb''\n");
    assert_eq!(student("gate_at_once_client.py", &[port]), "b'hi'\nb''\n");
}

#[test]
fn one_address_has_its_share_of_connections_and_no_more() {
    let textbook = Textbook::start(&["upper", "--per-address", "4"]);
    let said = student("flood_client.py", &[textbook.port("upper"), "30"]);
    assert_eq!(said, "4 served\nb'STILL HERE'\n");
}

#[test]
fn headers_that_nobody_should_take_close_the_connection() {
    let mut textbook = receiving(place_to_receive());
    let said = student("receive_bad_client.py", &[textbook.port("receive")]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 20, "{said}");
    assert!(lines.iter().all(|line| line.ends_with(" closed")), "{said}");
    let said = student("receive_cut_client.py", &[textbook.port("receive")]);
    assert_eq!(said, "b''\n".repeat(4));
    let said = student("receive_short_client.py", &[textbook.port("receive")]);
    assert_eq!(said, "b''\n");
    // And then one that everybody takes.
    let said = student(
        "receive_md5_client.py",
        &[textbook.port("receive"), "good.txt=abc"],
    );
    assert_eq!(said, "b''\n");
    textbook.stop();
    assert_eq!(files_below(&textbook.path("in")), ["good.txt"]);
    assert!(textbook.errors().contains("short.txt"), "{}", textbook.errors());
}

#[test]
fn received_files_land_by_their_base_name_or_not_at_all() {
    let mut textbook = receiving(place_to_receive());
    let absolute = textbook.path("absolute.txt");
    let names = [
        "\"../../traversal.txt\"".to_owned(),
        format!("\"{}\"", absolute.display()),
        "\"a/b/c/deep.txt\"".to_owned(),
        "\"..\"".to_owned(),
        "\".\"".to_owned(),
        "\"\"".to_owned(),
        "\"/\"".to_owned(),
        "\"a/..\"".to_owned(),
        "\"nul\\u0000name\"".to_owned(),
        format!("\"{}\"", "n".repeat(256)),
        "7".to_owned(),
        "null".to_owned(),
    ];
    let mut arguments = vec![textbook.port("receive")];
    arguments.extend(names.iter().map(String::as_str));
    let said = student("receive_names_client.py", &arguments);
    assert_eq!(said, "b''\n".repeat(names.len()));
    textbook.stop();
    let landed = ["absolute.txt", "deep.txt", "traversal.txt"];
    assert_eq!(files_below(&textbook.path("in")), landed);
    let mut all: Vec<String> = landed.iter().map(|name| format!("in/{name}")).collect();
    all.extend(["ready".to_owned(), "stderr".to_owned()]);
    let found = files_below(textbook.place());
    let strays: Vec<&String> = found.iter().filter(|name| !all.contains(name)).collect();
    assert!(strays.is_empty(), "{strays:?}");
}

#[test]
fn files_are_handed_out_of_the_directory_only() {
    let place = place_to_receive();
    fs::write(place.path().join("secret"), "for nobody").unwrap();
    symlink("../secret", place.path().join("in/link")).unwrap();
    symlink(place.path(), place.path().join("in/up")).unwrap();
    fs::create_dir(place.path().join("in/directory")).unwrap();
    let absolute = place.path().join("secret").to_str().unwrap().to_owned();
    let textbook = receiving(place);
    let names = [
        "../secret",
        &absolute,
        "link",
        "up/secret",
        "directory",
        "..",
        "",
        "directory/",
    ];
    let arguments = [&[textbook.port("receive")][..], &names].concat();
    let said = student("receive_get_client.py", &arguments);
    assert_eq!(said, "error str True\n".repeat(names.len()));
}

#[test]
fn a_file_is_never_written_through_a_link() {
    let place = place_to_receive();
    fs::write(place.path().join("outside"), "as it was").unwrap();
    symlink("../outside", place.path().join("in/link")).unwrap();
    let mut textbook = receiving(place);
    student("receive_names_client.py", &[textbook.port("receive"), "\"link\""]);
    textbook.stop();
    assert_eq!(fs::read(textbook.path("outside")).unwrap(), b"as it was");
}

#[test]
fn a_port_in_use_is_told_with_who_uses_it() {
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let used = [
        ("hello", stream.local_addr().unwrap()),
        ("hello-udp", datagrams.local_addr().unwrap()),
    ];
    for (name, address) in used {
        let port = format!("{name}={}", address.port());
        let errors = textbook_ends(&[name, "--port", &port]).fails(1);
        let who = std::process::id().to_string();
        assert!(errors.contains(&address.to_string()), "{errors}");
        assert!(errors.contains(&who), "{who}: {errors}");
    }
}

#[test]
fn a_datagram_longer_than_any_is_a_clear_error() {
    let mut server = Program::student("hello_udp_server.py", &["1"]);
    let long = "x".repeat(65_508);
    let errors = call(&["hello-udp", &server.address(), &long]).fails(1);
    assert!(errors.contains("65508") || errors.contains("65,508"), "{errors}");
    assert!(errors.contains("65507") || errors.contains("65,507"), "{errors}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    // Its backlog takes the connection; nobody ever accepts it.
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent = [
        ("hello", stream.local_addr().unwrap()),
        ("hello-udp", datagrams.local_addr().unwrap()),
    ];
    for (name, address) in silent {
        let output = call(&[name, &address.to_string(), "hello", "--timeout", "1"]);
        assert!(output.stdout.is_empty(), "{name}");
        let errors = output.fails(1);
        assert!(errors.contains(&address.to_string()), "{errors}");
    }
}

#[test]
fn wrong_usage_is_told_before_anything_is_served() {
    let cases = [
        (&["no-such-service"][..], "no-such-service"),
        (&["--only", "no-such-service"], "no-such-service"),
        (&["--port", "no-such-service=1"], "no-such-service"),
        (&["--port", "hello=65536"], "65536"),
        (&["upper", "--port", "hello=0"], "hello"),
        (&["--port", "hello"], "--port"),
        (&["--engine", "no-such-engine"], "no-such-engine"),
        (&["--engine", "sharded:0"], "sharded:0"),
        (&["--digest", "sha1"], "sha1"),
        (&["--encoding", "latin1"], "latin1"),
    ];
    for (arguments, word) in cases {
        let output = textbook_ends(arguments);
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let errors = output.fails(2);
        let about = errors.contains(word) && !errors.contains("unrecognized subcommand");
        assert!(about, "{arguments:?}: {errors}");
    }
}

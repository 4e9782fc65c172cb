//! What `landline textbook` holds out: crowds, peers that stop half way, resets, and being asked to stop itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;
mod textbook_support;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use std::ffi::OsStr;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use support::ready::Watch;
use tempfile::TempDir;
use textbook_support::processes::{assert_gone, endless_tree};
use textbook_support::{Program, Textbook, files_below, student};

/// The connections that a service has by default.
const CONNECTIONS: u64 = 10_000;

/// Descriptors beside connections, in a server and in a client.
const OTHERS: u64 = 100;

/// The soft limit of open files in most logins.
const USUAL: u64 = 1024;

/// The grace of a server that stops.
const GRACE: Duration = Duration::from_secs(5);

/// The limit of open files belongs to the whole process: one test changes it, the others wait so long to start theirs.
static LIMIT: Mutex<()> = Mutex::new(());

/// A directory with an empty `in` in it, for files that are received.
fn place_to_receive() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("in")).unwrap();
    place
}

/// Starts a server with the limit of open files that a login mostly has.
fn start_as_in_a_login(arguments: &[&str]) -> Textbook {
    let _alone = LIMIT.lock().unwrap_or_else(PoisonError::into_inner);
    let own = getrlimit(Resource::Nofile);
    let usual = Rlimit {
        current: Some(USUAL),
        maximum: own.maximum,
    };
    setrlimit(Resource::Nofile, usual).unwrap();
    let textbook = Textbook::start(arguments);
    setrlimit(Resource::Nofile, own).unwrap();
    textbook
}

#[test]
fn ten_thousand_are_served_and_the_next_one_is_not() {
    let hard = getrlimit(Resource::Nofile).maximum;
    let enough = hard.is_none_or(|hard| hard >= CONNECTIONS + OTHERS);
    assert!(
        enough,
        "this test wants {} open files in one process, and the hard limit (ulimit -Hn) is {hard:?}",
        CONNECTIONS + OTHERS
    );
    let textbook = start_as_in_a_login(&["upper"]);
    let said = student(
        "crowd_client.py",
        &[textbook.port("upper"), &CONNECTIONS.to_string()],
    );
    let lines = [
        "10000 served",
        "one more: False",
        "one leaves: b''",
        "another one: True",
        "the first and the last: True True",
    ];
    assert_eq!(said, lines.join("\n") + "\n");
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_told() {
    let place = tempfile::tempdir().unwrap();
    let mut textbook = Textbook::start_at(place, &[], &["upper", "--connections", "1000000000"]);
    let limited = getrlimit(Resource::Nofile).maximum.is_some();
    assert_eq!(textbook.stop().code(), Some(0));
    assert_eq!(
        textbook.errors().contains("open files"),
        limited,
        "{}",
        textbook.errors()
    );
}

#[test]
fn a_peer_that_stops_half_way_is_let_go_and_leaves_nothing() {
    let arguments = ["receive", "--dir", "in", "--idle-seconds", "1"];
    for engine in ["epoll", "threads", "process"] {
        // In the middle of the length, of the header, of the file.
        for (sent, words) in [
            ("2", "in the middle"),
            ("20", "in the middle"),
            ("400", "half.txt"),
        ] {
            let arguments = [&arguments[..], &["--engine", engine]].concat();
            let mut textbook = Textbook::start_at(place_to_receive(), &[], &arguments);
            let said = student("stops_client.py", &[textbook.port("receive"), sent]);
            assert_eq!(said, "b''\n", "{engine} {sent}");
            assert_eq!(textbook.stop().code(), Some(0), "{engine} {sent}");
            assert_eq!(files_below(&textbook.path("in")), [""; 0], "{engine} {sent}");
            let errors = textbook.errors();
            let logged = |line: &str| line.contains("receive [127.0.0.1:") && line.contains(words);
            assert!(errors.lines().any(logged), "{engine} {sent}: {errors}");
        }
    }
}

#[test]
fn a_peer_that_is_slow_but_never_still_is_waited_for() {
    let arguments = ["receive", "--dir", "in", "--idle-seconds", "2"];
    let mut textbook = Textbook::start_at(place_to_receive(), &[], &arguments);
    let said = student("slow_client.py", &[textbook.port("receive"), "6"]);
    assert_eq!(said, "b''\n");
    textbook.stop();
    assert_eq!(files_below(&textbook.path("in")), ["slow.txt"]);
    assert_eq!(fs::read(textbook.path("in/slow.txt")).unwrap(), b"xxxxxx");
}

/// Has a client run a tree of processes that never ends, and waits until all of it runs.
fn with_a_tree(textbook: &Textbook) -> Program {
    let watch = Watch::new(textbook.place());
    let command = endless_tree(&textbook.path("pids"));
    let client = Program::student("exec_reset_client.py", &[textbook.port("exec"), &command]);
    let appears = watch.appears(OsStr::new("pids"), client.process());
    assert!(appears, "the client ended: {:?}", client.ends());
    client
}

#[test]
fn a_command_goes_with_the_client_that_resets_its_connection() {
    // Not `select`, which tells of no reset while nothing is read: there a command runs to its end or its limit.
    for engine in ["poll", "epoll", "epoll-edge", "threads", "sharded:2", "process"] {
        let textbook = Textbook::start(&["exec", "--allow-exec", "--engine", engine]);
        let mut client = with_a_tree(&textbook);
        client.says("now");
        assert_eq!(client.ends().succeeds(), "reset\n");
        assert_gone(&textbook.path("pids"), engine);
    }
}

#[test]
fn a_stop_lets_open_connections_come_to_their_end() {
    let mut textbook = Textbook::start(&["upper", "hello"]);
    let mut client = Program::student("upper_stay_client.py", &[textbook.port("upper")]);
    assert_eq!(client.line(), "b'ABC'");
    let asked = Instant::now();
    textbook.signal(Signal::TERM);
    assert_eq!(client.ends().succeeds(), "b''\n");
    assert_eq!(textbook.ended().code(), Some(0));
    assert!(asked.elapsed() < GRACE, "{:?}", asked.elapsed());
    let report = "upper: 1 accepted, 0 refused, 1 finished, 0 broken off, 0 cut short by the stop";
    assert!(textbook.errors().contains(report), "{}", textbook.errors());
}

#[test]
fn a_stop_lets_a_command_come_to_its_end_within_the_grace() {
    let mut textbook = Textbook::start(&["exec", "--allow-exec"]);
    let watch = Watch::new(textbook.place());
    let [file, fifo] = ["running", "go"].map(|name| textbook.path(name));
    let command = format!(
        "mkfifo '{go}'; echo > '{running}.some'; mv '{running}.some' '{running}'; cat '{go}'; echo good",
        go = fifo.display(),
        running = file.display()
    );
    let client = Program::student("exec_client.py", &[textbook.port("exec"), "good\n", &command]);
    assert!(watch.appears(OsStr::new("running"), client.process()));
    textbook.signal(Signal::TERM);
    fs::write(&fifo, "last words, ").unwrap();
    assert_eq!(client.ends().succeeds(), "b'last words, good\\n'\n");
    assert_eq!(textbook.ended().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once_with_the_commands_that_run() {
    for engine in ["epoll", "threads", "process"] {
        let mut textbook = Textbook::start(&["exec", "--allow-exec", "--engine", engine]);
        let client = with_a_tree(&textbook);
        let asked = Instant::now();
        // Two different ones: two that are the same may arrive as one.
        textbook.signal(Signal::TERM);
        textbook.signal(Signal::INT);
        assert_eq!(textbook.ended().code(), Some(0), "{engine}");
        assert!(asked.elapsed() < GRACE, "{engine}: {:?}", asked.elapsed());
        assert_gone(&textbook.path("pids"), engine);
        let report = "exec: 1 accepted, 0 refused, 0 finished, 0 broken off, 1 cut short by the stop";
        assert!(
            textbook.errors().contains(report),
            "{engine}: {}",
            textbook.errors()
        );
        drop(client);
    }
}

#[test]
fn commands_have_the_limit_of_open_files_that_the_login_has() {
    let textbook = start_as_in_a_login(&["exec", "--allow-exec"]);
    let said = student("exec_client.py", &[textbook.port("exec"), "\n", "ulimit -Sn"]);
    assert_eq!(said, format!("b'{USUAL}\\n'\n"));
}

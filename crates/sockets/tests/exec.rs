//! Commands are run for real, and nothing of them is left. This binary is its own supervisor, so it has a `main` of its
//! own. Arguments choose tests by a part of their name.
//!
//! Every process of a test holds the writing end of a named pipe. Its reader sees the end when the last one is gone,
//! whatever it did to hide.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use landline_engine::{Kind, Running, serve};
use landline_services::exec::{Ending, Exec, Outcome, Run, Style};
use landline_sockets::exec::{Cancel, CommandWorker, Commands, Options, Supervisor, supervise};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::net::sockopt::set_socket_linger;

/// Within this everything is gone after a cancel.
const PROMISED: Duration = Duration::from_secs(1);

/// A limit that no test reaches.
const LONG: Duration = Duration::from_secs(600);

const TESTS: [(&str, fn()); 16] = [
    (
        "streams_stay_apart_and_the_exit_code_arrives",
        streams_stay_apart_and_the_exit_code_arrives,
    ),
    ("merged_streams_keep_their_order", merged_streams_keep_their_order),
    (
        "only_three_variables_are_inherited",
        only_three_variables_are_inherited,
    ),
    ("standard_input_is_empty", standard_input_is_empty),
    (
        "at_its_limit_a_command_is_gone_with_its_daemons",
        at_its_limit_a_command_is_gone_with_its_daemons,
    ),
    (
        "a_background_child_is_waited_for_until_the_limit",
        a_background_child_is_waited_for_until_the_limit,
    ),
    (
        "a_daemon_without_the_pipes_goes_with_its_command",
        a_daemon_without_the_pipes_goes_with_its_command,
    ),
    (
        "a_process_that_runs_from_its_killer_is_caught",
        a_process_that_runs_from_its_killer_is_caught,
    ),
    (
        "too_much_output_ends_the_command",
        too_much_output_ends_the_command,
    ),
    ("a_cancel_ends_the_whole_tree", a_cancel_ends_the_whole_tree),
    ("when_we_die_our_commands_do", when_we_die_our_commands_do),
    (
        "a_supervisor_that_its_command_kills_leaves_nothing",
        a_supervisor_that_its_command_kills_leaves_nothing,
    ),
    (
        "a_supervisor_that_its_command_stops_is_replaced",
        a_supervisor_that_its_command_stops_is_replaced,
    ),
    (
        "what_waits_is_bounded_and_a_cancelled_one_never_runs",
        what_waits_is_bounded_and_a_cancelled_one_never_runs,
    ),
    (
        "commands_are_answered_over_real_sockets",
        commands_are_answered_over_real_sockets,
    ),
    (
        "a_reset_connection_ends_its_command",
        a_reset_connection_ends_its_command,
    ),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    match arguments.peek().and_then(|first| first.to_str()) {
        Some("supervise") => supervise(arguments.skip(1)),
        Some("hold") => hold(&arguments.nth(1).unwrap()),
        // Those who list tests find none here; the whole file is one.
        Some("--list") => ExitCode::SUCCESS,
        _ => run_tests(
            &arguments
                .filter_map(|argument| argument.into_string().ok())
                .collect::<Vec<_>>(),
        ),
    }
}

fn run_tests(arguments: &[String]) -> ExitCode {
    let filters: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let mut code = ExitCode::SUCCESS;
    for (name, test) in TESTS {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())) {
            let passed = catch_unwind(test).is_ok();
            println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
            if !passed {
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn streams_stay_apart_and_the_exit_code_arrives() {
    let outcome = run("echo out; echo err >&2; exit 3", LONG);
    let expected = Outcome {
        stdout: b"out\n".to_vec(),
        stderr: b"err\n".to_vec(),
        ended: Ending::Exited(3),
    };
    assert_eq!(outcome, expected);
    assert_eq!(run("kill -9 $$", LONG).ended, Ending::Signalled(9));
}

fn merged_streams_keep_their_order() {
    let run = Run {
        command: b"echo 1; echo 2 >&2; echo 3".to_vec(),
        merge: true,
    };
    let outcome = commands(LONG).run(run, &Cancel::default());
    assert_eq!(outcome.stdout, b"1\n2\n3\n");
    assert_eq!(outcome.stderr, b"");
}

fn only_three_variables_are_inherited() {
    let outcome = run("cat /proc/self/environ", LONG);
    let names: Vec<_> = outcome
        .stdout
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.split(|byte| *byte == b'=').next())
        .collect();
    assert!(names.contains(&&b"PATH"[..]));
    // The shell sets PWD and its like by itself.
    let own = [
        &b"PATH"[..],
        b"HOME",
        b"LANG",
        b"PWD",
        b"OLDPWD",
        b"SHLVL",
        b"_",
        b"",
    ];
    assert!(names.iter().all(|name| own.contains(name)), "{names:?}");
}

fn standard_input_is_empty() {
    let outcome = run("cat", LONG);
    assert_eq!((outcome.stdout, outcome.ended), (Vec::new(), Ending::Exited(0)));
}

fn at_its_limit_a_command_is_gone_with_its_daemons() {
    let limit = Duration::from_secs(1);
    let mut witness = Witness::new();
    let outcome = run(&format!("echo begun; {}", witness.daemons("sleep 1000")), limit);
    assert_eq!(outcome.ended, Ending::TimeLimit(limit));
    assert_eq!(outcome.stdout, b"begun\n");
    witness.sees_the_end_within(Duration::ZERO);
}

fn a_background_child_is_waited_for_until_the_limit() {
    let limit = Duration::from_secs(1);
    let mut witness = Witness::new();
    let outcome = run(&witness.daemons("exit 0"), limit);
    assert_eq!(outcome.ended, Ending::TimeLimit(limit));
    witness.sees_the_end_within(Duration::ZERO);
}

fn a_daemon_without_the_pipes_goes_with_its_command() {
    let mut witness = Witness::new();
    let outcome = run(
        &format!("exec >/dev/null 2>&1; {}", witness.daemons("exit 4")),
        LONG,
    );
    assert_eq!(outcome.ended, Ending::Exited(4));
    witness.sees_the_end_within(Duration::ZERO);
}

fn a_process_that_runs_from_its_killer_is_caught() {
    let mut witness = Witness::new();
    let script = witness.directory.path().join("hop.sh");
    std::fs::write(&script, "setsid /bin/sh \"$0\" &\n").unwrap();
    let cancel = Cancel::default();
    let answer = start(
        &format!(
            "exec 9>{}; echo ready >&9; /bin/sh {}; sleep 1000",
            witness.path(),
            script.display()
        ),
        &cancel,
    );
    witness.sees_the_beginning();
    cancel.cancel();
    witness.sees_the_end_within(PROMISED);
    answer.recv().unwrap();
}

fn too_much_output_ends_the_command() {
    let mut witness = Witness::new();
    let options = Options {
        output_max: 100_000,
        ..options(LONG)
    };
    let command = format!("exec 9>{}; echo ready >&9; setsid yes & yes >&2", witness.path());
    let run = Run {
        command: command.into_bytes(),
        merge: false,
    };
    let outcome = Commands::new(options).run(run, &Cancel::default());
    assert_eq!(outcome.ended, Ending::OutputLimit(100_000));
    assert_eq!(outcome.stdout.len() + outcome.stderr.len(), 100_000);
    assert!(outcome.errors().ends_with(b"it printed more than 100000 bytes"));
    witness.sees_the_end_within(Duration::ZERO);
}

fn a_cancel_ends_the_whole_tree() {
    let mut witness = Witness::new();
    let cancel = Cancel::default();
    let answer = start(&witness.daemons("sleep 1000"), &cancel);
    witness.sees_the_beginning();
    cancel.cancel();
    witness.sees_the_end_within(PROMISED);
    answer.recv().unwrap();
}

fn when_we_die_our_commands_do() {
    let mut witness = Witness::new();
    let mut held = Command::new(std::env::current_exe().unwrap())
        .arg("hold")
        .arg(witness.daemons("sleep 1000"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    witness.sees_the_beginning();
    held.kill().unwrap();
    witness.sees_the_end_within(PROMISED);
    held.wait().unwrap();
}

fn a_supervisor_that_its_command_kills_leaves_nothing() {
    let mut witness = Witness::new();
    let command = format!(
        "exec 9>{}; echo ready >&9; kill -9 $PPID; sleep 1000",
        witness.path()
    );
    let outcome = run(&command, LONG);
    assert!(matches!(outcome.ended, Ending::NotRun(_)), "{:?}", outcome.ended);
    witness.sees_the_end_within(PROMISED);
}

fn a_supervisor_that_its_command_stops_is_replaced() {
    let limit = Duration::from_secs(1);
    let mut witness = Witness::new();
    let outcome = run(
        &format!("kill -STOP $PPID; {}", witness.daemons("sleep 1000")),
        limit,
    );
    assert_eq!(outcome.ended, Ending::TimeLimit(limit));
    witness.sees_the_end_within(Duration::ZERO);
}

fn what_waits_is_bounded_and_a_cancelled_one_never_runs() {
    let mut witness = Witness::new();
    let commands = Commands::new(Options {
        running_max: 1,
        waiting_max: 1,
        ..options(LONG)
    });
    let (sender, answers) = mpsc::channel();
    let begin = |command: &str, name: &'static str, cancel: &Cancel| {
        let sender = sender.clone();
        let run = Run {
            command: command.as_bytes().to_vec(),
            merge: false,
        };
        commands.start(run, cancel, move |outcome| {
            sender.send((name, outcome.ended)).unwrap()
        });
    };
    let (first, second) = (Cancel::default(), Cancel::default());
    begin(&witness.daemons("sleep 1000"), "first", &first);
    witness.sees_the_beginning();
    begin("touch never", "second", &second);
    begin("touch never", "third", &Cancel::default());
    let (name, ended) = answers.recv().unwrap();
    assert!(
        name == "third" && matches!(ended, Ending::NotRun(_)),
        "{name} {ended:?}"
    );
    second.cancel();
    // A cancelled one makes place at once.
    begin("exit 5", "fourth", &Cancel::default());
    let (name, ended) = answers.recv().unwrap();
    assert!(
        name == "second" && matches!(ended, Ending::NotRun(_)),
        "{name} {ended:?}"
    );
    first.cancel();
    assert_eq!(answers.recv().unwrap().0, "first");
    assert_eq!(answers.recv().unwrap(), ("fourth", Ending::Exited(5)));
    witness.sees_the_end_within(Duration::ZERO);
}

fn commands_are_answered_over_real_sockets() {
    for kind in [
        Kind::Select,
        Kind::Poll,
        Kind::Epoll,
        Kind::EpollEdge,
        Kind::Threads,
    ] {
        let server = serve_exec(kind);
        let mut client = TcpStream::connect(server.address()).unwrap();
        let mut answer = [0; 8];
        for _ in 0..2 {
            client.write_all(b"echo err >&2; echo out\n").unwrap();
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"err\nout\n");
        }
        drop(client);
        server.stop();
        assert_eq!(server.join().stopped, 0);
    }
}

fn a_reset_connection_ends_its_command() {
    // Not select: it shows a reset only to those who would read, and nothing is read while a command runs. There the
    // time limit ends it.
    for kind in [Kind::Poll, Kind::Epoll, Kind::EpollEdge, Kind::Threads] {
        let mut witness = Witness::new();
        let server = serve_exec(kind);
        let mut client = TcpStream::connect(server.address()).unwrap();
        client
            .write_all(witness.daemons("sleep 1000").as_bytes())
            .unwrap();
        witness.sees_the_beginning();
        set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
        drop(client);
        witness.sees_the_end_within(PROMISED);
        server.stop();
        assert_eq!(server.join().broken, 1);
    }
}

fn serve_exec(kind: Kind) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = landline_engine::Options {
        kind,
        ..landline_engine::Options::default()
    };
    let worker = CommandWorker::new(commands(LONG));
    serve(listener, Exec::new(Style::Plain, true), worker, &options).unwrap()
}

/// Runs one command until it is killed: the process that dies before its commands do.
fn hold(command: &OsStr) -> ExitCode {
    let _ = run(command.to_str().unwrap(), LONG);
    ExitCode::SUCCESS
}

fn options(limit: Duration) -> Options {
    let program: PathBuf = std::env::current_exe().unwrap();
    Options {
        limit,
        ..Options::new(Supervisor {
            program,
            arguments: vec!["supervise".into()],
        })
    }
}

fn commands(limit: Duration) -> Commands {
    Commands::new(options(limit))
}

fn run(command: &str, limit: Duration) -> Outcome {
    let run = Run {
        command: command.as_bytes().to_vec(),
        merge: false,
    };
    commands(limit).run(run, &Cancel::default())
}

fn start(command: &str, cancel: &Cancel) -> mpsc::Receiver<Outcome> {
    let (sender, receiver) = mpsc::channel();
    let run = Run {
        command: command.as_bytes().to_vec(),
        merge: false,
    };
    commands(LONG).start(run, cancel, move |outcome| sender.send(outcome).unwrap());
    receiver
}

/// A named pipe that the processes of a test hold.
struct Witness {
    directory: tempfile::TempDir,
    /// Open for reading. Readable, with nothing to read, when the last writer is gone.
    pipe: BufReader<File>,
}

impl Witness {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alive");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        Self {
            pipe: BufReader::new(reader(&path)),
            directory,
        }
    }

    fn path(&self) -> String {
        self.directory.path().join("alive").display().to_string()
    }

    /// A command that leaves a daemon, by double fork and a session of its own each time, and then does `last`.
    fn daemons(&self, last: &str) -> String {
        format!(
            "exec 9>{}; setsid sh -c 'setsid sh -c \"echo ready >&9; sleep 1000\" & exit'; {last}",
            self.path()
        )
    }

    /// Waits until the test's process has begun.
    fn sees_the_beginning(&mut self) {
        self.poll(LONG);
        let mut line = String::new();
        self.pipe.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }

    /// Everybody who held the pipe is gone, or will be in this time.
    #[track_caller]
    fn sees_the_end_within(&mut self, time: Duration) {
        let mut rest = Vec::new();
        loop {
            assert!(self.poll(time), "something still runs");
            match self.pipe.fill_buf() {
                Ok([]) => break,
                Ok(bytes) => {
                    rest.extend_from_slice(bytes);
                    let read = bytes.len();
                    self.pipe.consume(read);
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(rest.is_empty() || rest == b"ready\n");
    }

    fn poll(&self, time: Duration) -> bool {
        let timeout = Timespec::try_from(time).unwrap();
        poll(
            &mut [PollFd::new(self.pipe.get_ref(), PollFlags::IN)],
            Some(&timeout),
        )
        .unwrap()
            == 1
    }
}

/// Opens without waiting for a writer; until the first one comes, it is not readable.
fn reader(path: &Path) -> File {
    use rustix::fs::{OFlags, open};
    File::from(
        open(
            path,
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .unwrap(),
    )
}

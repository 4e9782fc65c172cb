//! The textbook's two sides: the real program, and programs as students type them, in Python, in `tests/students`.
//!
//! ```ignore
//! let textbook = Textbook::start(&["upper"]);
//! assert_eq!(student("upper_client.py", &[textbook.port("upper"), "abc"]), "ABC\n");
//! ```
#![allow(dead_code, reason = "every test file uses a part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

pub(crate) mod processes;
pub(crate) mod reading;

use crate::support::{self, LANDLINE, Output, serve};
use reading::Reading;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// Where the students' programs are.
const STUDENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/students");

/// What `call` writes after each message of a service whose messages are texts. Answers of commands are bytes, and get
/// nothing after them.
const AFTER_TEXT: &str = "\n";

/// `landline textbook` on free ports of the loopback address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Textbook {
    place: TempDir,
    child: Child,
    services: Value,
    output: Reading,
}

/// A program that goes on: a student's, or a `landline textbook call`.
#[derive(Debug)]
pub(crate) struct Program {
    command: Command,
    child: Child,
    input: Option<ChildStdin>,
    output: Reading,
    errors: File,
}

/// What `call` prints for these messages.
pub(crate) fn texts(messages: &[&str]) -> String {
    messages
        .iter()
        .flat_map(|message| [message, AFTER_TEXT])
        .collect()
}

/// Runs a student's program to its end, which must be a good one, and says what it printed.
#[track_caller]
pub(crate) fn student(program: &str, arguments: &[&str]) -> String {
    Program::student(program, arguments).ends().succeeds()
}

/// Runs `landline textbook call` to its end.
pub(crate) fn call(arguments: &[&str]) -> Output {
    Program::call(arguments).ends()
}

/// Runs `landline textbook` where it is expected to end by itself, in an empty directory.
pub(crate) fn textbook_ends(arguments: &[&str]) -> Output {
    let place = tempfile::tempdir().unwrap();
    let mut command = bare(LANDLINE, place.path());
    command.arg("textbook").args(arguments);
    Program::start(command).ends()
}

/// Everything that is a file below `directory`, sorted, by its path from there.
pub(crate) fn files_below(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                let path = entry.path();
                files.push(path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

impl Textbook {
    /// Serves what `arguments` name, and waits until it does.
    #[must_use]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(&[], arguments)
    }

    /// The same with more variables in its environment.
    #[must_use]
    pub(crate) fn start_in(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        Self::start_at(tempfile::tempdir().unwrap(), environment, arguments)
    }

    /// The same in a directory that is prepared. It is the current one, so arguments may name what is in it.
    #[must_use]
    pub(crate) fn start_at(place: TempDir, environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let arguments = [arguments, &["--port", "all=0"]].concat();
        Self::start_as_told(place, environment, &arguments)
    }

    /// The same on the ports that `arguments` say, or else on those of the book.
    #[must_use]
    pub(crate) fn start_as_told(place: TempDir, environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = bare(LANDLINE, place.path());
        command
            .envs(environment.iter().copied())
            .arg("textbook")
            .args(arguments)
            .stdout(Stdio::piped());
        let (mut child, ready) = serve(place.path(), &mut command);
        let output = Reading::of(child.stdout.take().unwrap());
        Self {
            place,
            child,
            services: ready["services"].clone(),
            output,
        }
    }

    /// Where each service listens: name to `host:port`.
    #[must_use]
    pub(crate) fn services(&self) -> &Value {
        &self.services
    }

    /// Where a service listens, `host:port`.
    #[must_use]
    #[track_caller]
    pub(crate) fn address(&self, name: &str) -> &str {
        self.services[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.services))
    }

    /// The port of a service, as the students' programs take it.
    #[must_use]
    #[track_caller]
    pub(crate) fn port(&self, name: &str) -> &str {
        self.address(name).rsplit_once(':').unwrap().1
    }

    /// Its current directory.
    #[must_use]
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// A path in its current directory.
    #[must_use]
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Waits until it has printed these words, and gives what it printed since the last time up to them.
    #[track_caller]
    pub(crate) fn shows(&mut self, words: &str) -> String {
        self.output.until(words)
    }

    /// What it has written to its standard error so far.
    #[must_use]
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Textbook {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the textbook's standard error\n{}", self.errors());
        }
    }
}

impl Program {
    /// Starts a student's program.
    #[must_use]
    pub(crate) fn student(program: &str, arguments: &[&str]) -> Self {
        Self::student_in(&[], program, arguments)
    }

    /// The same with more variables in its environment.
    #[must_use]
    pub(crate) fn student_in(environment: &[(&str, &str)], program: &str, arguments: &[&str]) -> Self {
        let mut command = bare("python3", Path::new(STUDENTS));
        command.envs(environment.iter().copied());
        // -B: leaves no compiled files beside the sources.
        command.args(["-B", program]).args(arguments);
        Self::start(command)
    }

    /// Starts `landline textbook call`.
    #[must_use]
    pub(crate) fn call(arguments: &[&str]) -> Self {
        let mut command = bare(LANDLINE, Path::new("/"));
        command.args(["textbook", "call"]).args(arguments);
        Self::start(command)
    }

    /// Starts Landline on a terminal of its own, on which this types and from which this reads. What is typed shows
    /// up there too, and lines end as a terminal's do.
    #[must_use]
    pub(crate) fn on_a_terminal(arguments: &[&str]) -> Self {
        Self::student("terminal.py", &[&[LANDLINE, "textbook"], arguments].concat())
    }

    fn start(mut command: Command) -> Self {
        let errors = tempfile::tempfile().unwrap();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = Reading::of(child.stdout.take().unwrap());
        Self {
            command,
            child,
            input,
            output,
            errors,
        }
    }

    /// The address of a server: a student's prints its port first.
    #[must_use]
    #[track_caller]
    pub(crate) fn address(&mut self) -> String {
        format!("127.0.0.1:{}", self.line())
    }

    /// Waits for its next line.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let line = self.output.until("\n");
        line.trim_end_matches('\n').to_owned()
    }

    /// Waits until it has printed these words, and gives what it printed since the last time up to them.
    #[track_caller]
    pub(crate) fn shows(&mut self, words: &str) -> String {
        self.output.until(words)
    }

    /// The process itself, to wait for something else than its end.
    #[must_use]
    pub(crate) fn process(&self) -> &Child {
        &self.child
    }

    /// Types a line.
    pub(crate) fn says(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input is open");
        writeln!(input, "{line}").unwrap();
    }

    /// Closes its standard input.
    pub(crate) fn says_no_more(&mut self) {
        drop(self.input.take());
    }

    /// Waits for its end. What it printed before and was read is not in it again.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Output {
        self.says_no_more();
        let stdout = self.output.rest();
        let status = self.child.wait().unwrap();
        let mut stderr = Vec::new();
        self.errors.rewind().unwrap();
        self.errors.read_to_end(&mut stderr).unwrap();
        let output = std::process::Output {
            status,
            stdout,
            stderr,
        };
        Output::of(&self.command, output)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program with nothing of the environment but its path.
fn bare(program: &str, current: &Path) -> Command {
    let mut command = support::bare(program);
    command.current_dir(current);
    command
}

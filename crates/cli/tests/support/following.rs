//! A program that goes on: its lines are read one by one, as they come.

use super::{Output, Person};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

/// `landline chat --follow` and the like, until it ends or is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    command: Command,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
    /// What was read of standard error.
    told: String,
}

impl Following {
    /// Starts it.
    pub(crate) fn start<S: AsRef<OsStr>>(person: &Person, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::of(person.command(arguments))
    }

    /// Starts what is prepared.
    pub(crate) fn of(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self {
            command,
            child,
            input,
            output,
            errors,
            told: String::new(),
        }
    }

    /// Writes a line to its standard input.
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input is open");
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// Waits for its next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        if line.is_empty() {
            self.errors.read_to_string(&mut self.told).unwrap();
            panic!("{:?} said no more: {}", self.command, self.told);
        }
        line.trim_end_matches('\n').to_owned()
    }

    /// Waits for a line on its standard error that has these words.
    pub(crate) fn tells(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = self.errors.read_line(&mut line).unwrap();
            self.told += &line;
            assert!(read > 0, "{:?} never said {words}: {}", self.command, self.told);
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end. What it wrote before and was read is not in it again, but for standard error.
    pub(crate) fn ends(mut self) -> Output {
        drop(self.input.take());
        let mut stdout = Vec::new();
        self.output.read_to_end(&mut stdout).unwrap();
        self.errors.read_to_string(&mut self.told).unwrap();
        let output = std::process::Output {
            status: self.child.wait().unwrap(),
            stdout,
            stderr: self.told.clone().into_bytes(),
        };
        Output::of(&self.command, output)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

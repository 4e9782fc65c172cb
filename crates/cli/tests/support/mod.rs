//! A hub and people, as users have them: the real program, each with a home of its own.
//!
//! ```ignore
//! let (hub, alice) = Hub::with_general();
//! alice.run(["send", "#general", "hello"]).succeeds();
//! ```
#![allow(dead_code, reason = "every test file uses a part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot be set up fails, loudly"
)]

pub(crate) mod clock;
pub(crate) mod cutting;
pub(crate) mod following;
pub(crate) mod peer;
pub(crate) mod ready;
pub(crate) mod small_disk;

use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// The program under test.
pub(crate) const LANDLINE: &str = env!("CARGO_BIN_EXE_landline");

/// A hub that serves on a free port of the loopback address until it is dropped.
#[derive(Debug)]
pub(crate) struct Hub {
    place: TempDir,
    child: Child,
    ready: Value,
    link: String,
}

/// Somebody with an account at a hub, on a machine of their own.
#[derive(Debug)]
pub(crate) struct Person {
    place: TempDir,
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Output {
    /// The arguments, for messages.
    pub(crate) command: String,
    /// The exit code; 128 + n where signal n ended it.
    pub(crate) code: i32,
    /// Standard output: bytes, because names are.
    pub(crate) stdout: Vec<u8>,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Hub {
    /// Starts a hub with an empty data directory, and waits until it serves.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments for `serve`.
    #[must_use]
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(&[], arguments)
    }

    /// The same with more variables in its environment: `("LANDLINE_LIMITS_CONNECTIONS", "2")`.
    #[must_use]
    pub(crate) fn start_in(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        Self::start_at(tempfile::tempdir().unwrap(), environment, arguments)
    }

    /// The same in a directory that is prepared: what is `data` in it becomes the data directory.
    #[must_use]
    pub(crate) fn start_at(place: TempDir, environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let (child, ready) = Self::serve(place.path(), "127.0.0.1:0", environment, arguments);
        let link = ready["invite"]
            .as_str()
            .expect("the first start gives an invite")
            .to_owned();
        Self {
            place,
            child,
            ready,
            link,
        }
    }

    /// A hub, and Alice, who looks after it.
    #[must_use]
    pub(crate) fn with_alice() -> (Self, Person) {
        let hub = Self::start();
        let alice = Person::join(&hub, hub.admin_link(), "alice");
        (hub, alice)
    }

    /// The same with the room `#general`.
    #[must_use]
    pub(crate) fn with_general() -> (Self, Person) {
        let (hub, alice) = Self::with_alice();
        alice.run(["room", "create", "#general"]).succeeds();
        (hub, alice)
    }

    /// The link with which the first person becomes admin.
    #[must_use]
    pub(crate) fn admin_link(&self) -> &str {
        &self.link
    }

    /// What the ready file says.
    #[must_use]
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// The address that it is bound to, `host:port`.
    #[must_use]
    pub(crate) fn address(&self) -> &str {
        self.ready["addresses"][0].as_str().unwrap()
    }

    /// The data directory.
    #[must_use]
    pub(crate) fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// The process.
    #[must_use]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the hub has written to its standard error so far.
    #[must_use]
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.place.path().join("stderr")).unwrap()
    }

    /// What the hub has printed so far.
    #[must_use]
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(self.place.path().join("stdout")).unwrap()
    }

    /// Sends the hub a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until the hub has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends the hub in the middle of whatever it does, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the hub to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }

    /// Starts the hub again after [`kill`](Self::kill) or [`stop`](Self::stop): same data, same address.
    pub(crate) fn start_again(&mut self) {
        self.start_again_in(&[], &[]);
    }

    /// The same with more variables in its environment, and more arguments.
    pub(crate) fn start_again_in(&mut self, environment: &[(&str, &str)], arguments: &[&str]) {
        let address = self.address().to_owned();
        (self.child, self.ready) = Self::serve(self.place.path(), &address, environment, arguments);
    }

    fn serve(place: &Path, listen: &str, environment: &[(&str, &str)], arguments: &[&str]) -> (Child, Value) {
        let mut command = landline(place);
        command
            .envs(environment.iter().copied())
            .arg("serve")
            .args(["--listen", listen])
            .arg("--data")
            .arg(place.join("data"))
            .args(arguments)
            .stdout(File::create(place.join("stdout")).unwrap());
        serve(place, &mut command)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // It may have been ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the hub's standard error\n{}", self.errors());
        }
    }
}

impl Person {
    /// Follows a link and becomes `name`.
    #[must_use]
    pub(crate) fn join(_hub: &Hub, link: &str, name: &str) -> Self {
        let person = Self::stranger();
        person.run(["join", link, "--name", name]).succeeds();
        person
    }

    /// Somebody whom the admin brings in with this role.
    #[must_use]
    pub(crate) fn invited(&self, hub: &Hub, role: &str, name: &str) -> Self {
        Self::join(hub, &self.invitation(&["--role", role]), name)
    }

    /// A link from this admin, made with these options of `invite`.
    #[must_use]
    pub(crate) fn invitation(&self, options: &[&str]) -> String {
        let link = self.run(["invite"].iter().chain(options)).succeeds();
        link.trim_end().to_owned()
    }

    /// Somebody who has joined no hub.
    #[must_use]
    pub(crate) fn stranger() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("work")).unwrap();
        Self { place }
    }

    /// The directory in which this person's commands run.
    #[must_use]
    pub(crate) fn work(&self) -> PathBuf {
        self.place.path().join("work")
    }

    /// Where this person's client keeps its hubs.
    #[must_use]
    pub(crate) fn configuration(&self) -> PathBuf {
        self.place.path().join("config/landline")
    }

    /// Logs in by name and password, as on a machine that does not know the hub yet.
    pub(crate) fn logs_in(&self, hub: &Hub, name: &str, password: &str) -> Output {
        let fingerprint = hub.ready["fingerprint"].as_str().unwrap();
        let place = ["login", hub.address(), "--fingerprint", fingerprint];
        let arguments = [&place[..], &["--name", name, "--password-stdin"]].concat();
        self.run_with(arguments, format!("{password}\n"))
    }

    /// Who this is, by the hub.
    #[must_use]
    pub(crate) fn account(&self) -> Value {
        serde_json::from_str(&self.run(["whoami", "--json"]).succeeds()).unwrap()
    }

    /// Gives this person, who has none yet, a password.
    pub(crate) fn takes_password(&self, password: &str) {
        self.run_with(["password", "--password-stdin"], format!("\n{password}\n"))
            .succeeds();
    }

    /// The secret of this person's session, as the client keeps it.
    #[must_use]
    pub(crate) fn session_secret(&self) -> String {
        let hubs = fs::read_to_string(self.configuration().join("hubs.toml")).unwrap();
        let secret = hubs.lines().find_map(|line| line.strip_prefix("secret = "));
        secret
            .expect("somebody who is logged in")
            .trim_matches('"')
            .to_owned()
    }

    /// The program as this person runs it, with nothing on its standard input.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = landline(self.place.path());
        command
            .current_dir(self.work())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let mut command = self.command(arguments);
        let output = command.output().unwrap();
        Output::of(&command, output)
    }

    /// Runs the program to its end with this on its standard input.
    pub(crate) fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: impl AsRef<[u8]>,
    ) -> Output {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may have ended without reading; then its end is what the test looks at.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        Output::of(&command, child.wait_with_output().unwrap())
    }
}

impl Output {
    /// Standard output of a command that must end with 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, 0, "{}: {}", self.command, self.stderr);
        String::from_utf8(self.stdout).unwrap()
    }

    /// Standard error of a command that must end with this code, say so in the program's way, and have no character
    /// in its message that acts on a terminal.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}: {}", self.command, self.stderr);
        assert!(!self.stderr.is_empty(), "{} says nothing", self.command);
        let plain = self
            .stderr
            .chars()
            .all(|character| character == '\n' || !character.is_control());
        assert!(plain, "{}: {:?}", self.command, self.stderr);
        self.stderr
    }

    pub(crate) fn of(command: &Command, output: std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let code = output
            .status
            .code()
            .unwrap_or_else(|| 128 + output.status.signal().unwrap());
        Self {
            command: format!("{:?}", command.get_args().collect::<Vec<_>>()),
            code,
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program with nothing of the environment but its path, and a home below `place`.
fn landline(place: &Path) -> Command {
    let mut command = bare(LANDLINE);
    command
        .env("HOME", place.join("home"))
        .env("XDG_CONFIG_HOME", place.join("config"));
    command
        .env("XDG_DATA_HOME", place.join("share"))
        .env("XDG_STATE_HOME", place.join("state"));
    command
}

/// A program with nothing of the environment but its path, and nothing on its standard input.
pub(crate) fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    command
}

/// Starts a server that writes the file `ready` in `place` once it serves, waits for that, and says what is in it. Its
/// standard error goes to the file `stderr` there.
pub(crate) fn serve(place: &Path, command: &mut Command) -> (Child, Value) {
    let ready = place.join("ready");
    // A server that ran here before has left its own.
    let _ = fs::remove_file(&ready);
    let watch = ready::Watch::new(place);
    command.arg("--ready-file").arg(&ready);
    let mut child = command
        .stderr(File::create(place.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    if !watch.appears(OsStr::new("ready"), &child) {
        let status = child.wait().unwrap();
        let errors = fs::read_to_string(place.join("stderr")).unwrap();
        panic!("the server did not start ({status}): {errors}");
    }
    let ready = serde_json::from_slice(&fs::read(ready).unwrap()).unwrap();
    (child, ready)
}

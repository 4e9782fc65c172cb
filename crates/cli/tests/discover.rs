//! Two machines on one cable: a hub on the one is found and joined from the other, by its name and a short code.
//!
//! The machines are network namespaces, the cable a pair of virtual Ethernet devices; both go with the processes that
//! hold them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up fails, loudly"
)]

mod support;

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use support::ready::Watch;
use support::{Output, Person};

/// Where the hub's machine is.
const HUB_ADDRESS: &str = "192.0.2.1";

/// Where everybody else's machine is.
const OTHER_ADDRESS: &str = "192.0.2.2";

/// Long enough for the slowest machine: tests end with the line that they wait for.
const PATIENCE: &str = "60";

/// A machine's network, for as long as this process lives.
struct Machine {
    holder: Child,
}

impl Machine {
    fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test makes networks: run it as root"
        );
        let mut holder = Command::new("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // What comes back shows that the network is there.
        holder.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "\n", "a network namespace is needed");
        Self { holder }
    }

    /// Two machines on one cable.
    fn two() -> (Self, Self) {
        let (hubs, others) = (Self::new(), Self::new());
        let peer = others.holder.id().to_string();
        hubs.ip(&[
            "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &peer,
        ]);
        for (machine, address) in [(&hubs, HUB_ADDRESS), (&others, OTHER_ADDRESS)] {
            machine.ip(&["address", "add", &format!("{address}/24"), "dev", "cable"]);
            machine.ip(&["link", "set", "lo", "up"]);
            machine.ip(&["link", "set", "cable", "up"]);
        }
        (hubs, others)
    }

    fn ip(&self, arguments: &[&str]) {
        let mut command = Command::new("ip");
        command.args(arguments).env_clear();
        let done = self.on(&command).output().unwrap();
        assert!(done.status.success(), "ip {arguments:?}: {done:?}");
    }

    /// The same command on this machine's network, and nothing of our environment but what the command says.
    fn on(&self, command: &Command) -> Command {
        let network = format!("--net=/proc/{}/ns/net", self.holder.id());
        let mut inside = Command::new("nsenter");
        inside.arg(network).arg("--").arg(command.get_program());
        inside.args(command.get_args()).env_clear();
        inside.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        inside.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        if let Some(directory) = command.get_current_dir() {
            inside.current_dir(directory);
        }
        inside.stdin(Stdio::null());
        inside
    }

    fn run(&self, person: &Person, arguments: &[&str]) -> Output {
        let mut command = self.on(&person.command(arguments));
        let output = command.output().unwrap();
        Output::of(&command, output)
    }

    /// The next `count` hubs that this machine hears of.
    fn hears_of(&self, count: usize) -> Vec<Value> {
        let person = Person::stranger();
        let mut command = self.on(&person.command(["discover", "--json", "--seconds", PATIENCE]));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(count);
        let found = lines
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        found
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A hub on a machine of its own, at every address.
struct Hub {
    keeper: Person,
    child: Child,
    ready: Value,
}

impl Hub {
    fn start(machine: &Machine, name: &str, environment: &[(&str, &str)]) -> Self {
        let keeper = Person::stranger();
        let place = keeper.work();
        let watch = Watch::new(&place);
        let arguments = ["serve", "--listen", "0.0.0.0:0"];
        let files = ["--data", "data", "--ready-file", "ready"];
        let mut command = machine.on(&keeper.command(arguments.iter().chain(&files)));
        command
            .env("LANDLINE_NAME", name)
            .envs(environment.iter().copied());
        command
            .stdout(Stdio::null())
            .stderr(fs::File::create(place.join("stderr")).unwrap());
        let mut child = command.spawn().unwrap();
        if !watch.appears(OsStr::new("ready"), &child) {
            child.wait().unwrap();
            panic!("{}", fs::read_to_string(place.join("stderr")).unwrap());
        }
        let ready = serde_json::from_slice(&fs::read(place.join("ready")).unwrap()).unwrap();
        Self { keeper, child, ready }
    }

    /// A code of this hub, from its first admin.
    fn code(&self, machine: &Machine) -> String {
        let link = self.ready["invite"].as_str().unwrap();
        machine
            .run(&self.keeper, &["join", link, "--name", "alice"])
            .succeeds();
        let line = machine
            .run(&self.keeper, &["invite", "--code", "--role", "guest", "--json"])
            .succeeds();
        let made: Value = serde_json::from_str(&line).unwrap();
        made["code"].as_str().unwrap().to_owned()
    }

    fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_hub_is_found_and_joined_by_its_name_and_a_code_and_one_that_is_silent_is_not() {
    let (hubs, others) = Machine::two();
    let _silent = Hub::start(&hubs, "silent", &[("LANDLINE_DISCOVERY", "off")]);
    let hub = Hub::start(&hubs, "Dr. Who's hub", &[]);
    let found = others.hears_of(1).remove(0);
    assert_eq!(found["name"], "Dr. Who's hub");
    assert_eq!(found["addresses"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["addresses"][0], hub.ready["addresses"][0]);
    let fingerprint = hub.ready["fingerprint"].as_str().unwrap();
    let said = found["fingerprint"].as_str().unwrap();
    assert_eq!(said, fingerprint.replace(':', "").to_lowercase());

    let code = hub.code(&hubs);
    let bob = Person::stranger();
    let arguments = [
        "join",
        "dr. who's HUB",
        "--code",
        &code,
        "--name",
        "bob",
        "--json",
    ];
    let joined: Value = serde_json::from_str(&others.run(&bob, &arguments).succeeds()).unwrap();
    assert_eq!(
        (&joined["name"], &joined["role"]),
        (&"bob".into(), &"guest".into())
    );
    assert!(others.run(&bob, &["whoami"]).succeeds().contains("bob"));
    let known: Value = serde_json::from_str(&others.run(&bob, &["hubs", "--json"]).succeeds()).unwrap();
    assert_eq!(known["fingerprint"], said);

    let carol = Person::stranger();
    let again = others.run(
        &carol,
        &["join", "Dr. Who's hub", "--code", &code, "--name", "carol"],
    );
    assert!(again.fails(1).contains("not taken"));
    let all = others.run(&carol, &["discover", "--seconds", "2"]).succeeds();
    assert!(
        all.starts_with("Dr. Who's hub  192.0.2.1:") && all.lines().count() == 1,
        "{all}"
    );
}

#[test]
fn two_hubs_of_one_name_are_both_shown_and_neither_is_joined_by_it() {
    let (hubs, others) = Machine::two();
    let _first = Hub::start(&hubs, "lab", &[]);
    let _second = Hub::start(&hubs, "lab", &[]);
    let found = others.hears_of(2);
    assert_eq!(
        (&found[0]["name"], &found[1]["name"]),
        (&"lab".into(), &"lab".into())
    );
    assert_ne!(found[0]["fingerprint"], found[1]["fingerprint"]);
    let bob = Person::stranger();
    let refused = others.run(&bob, &["join", "lab", "--code", "417-2984-6071", "--name", "bob"]);
    assert!(refused.fails(1).contains("more than one hub"));
}

#[test]
fn a_name_that_nobody_has_is_said_to_be_nobodys() {
    let (_hubs, others) = Machine::two();
    let bob = Person::stranger();
    let refused = others.run(
        &bob,
        &["join", "no such hub", "--code", "417-2984-6071", "--name", "bob"],
    );
    assert!(
        refused
            .fails(1)
            .contains("no hub on this network announces itself as no such hub")
    );
    let none = others.run(&bob, &["discover", "--seconds", "1"]);
    assert!(
        none.stderr.contains("no hub announced itself within 1 s"),
        "{}",
        none.stderr
    );
    assert_eq!(none.succeeds(), "");
}

#[test]
fn a_hub_that_stops_says_goodbye() {
    /// Waits for a pointer to an instance (type 12, class 1) whose time to live is 0 (RFC 6762, section 10.1).
    const LISTENER: &str = r#"
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("224.0.0.251", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
             socket.inet_aton("224.0.0.251") + socket.inet_aton(sys.argv[1]))
print("listening", flush=True)
while True:
    packet = s.recv(9000)
    if b"_landline" in packet and b"\x00\x0c\x00\x01\x00\x00\x00\x00" in packet:
        print("goodbye", flush=True)
        break
"#;
    let (hubs, others) = Machine::two();
    let mut hub = Hub::start(&hubs, "lab", &[]);
    assert_eq!(others.hears_of(1).len(), 1);
    let mut command = Command::new("python3");
    command.args(["-c", LISTENER, OTHER_ADDRESS]);
    let mut listener = others.on(&command).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "listening");
    hub.stop();
    assert_eq!(lines.next().unwrap().unwrap(), "goodbye");
    assert!(listener.wait().unwrap().success());
}

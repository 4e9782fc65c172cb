//! A server that runs out of descriptors. The limit is a process's, so the server runs in one of its own: this program
//! once more, running one test only, and led through its standard input and output.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use landline_engine::Kind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::client::{Client, PATIENCE};
use super::isolated::marked;
use super::lab::Lab;

/// The descriptors that the child may have.
const DESCRIPTORS: u64 = 48;
/// The most connections that it can ever have with those.
const CONNECTIONS_MAX: usize = 48;
const MARK: &str = "short-of-descriptors:";

pub(super) fn without_descriptors_newcomers_wait_without_spinning(kind: Kind) {
    let mut server = Server::start(kind);
    let mut open = Vec::new();
    let mut turned_away = 0;
    let mut rest = None;
    // Until one is turned away, and then for long enough that a loop that spins would be seen to.
    while turned_away < 12
        && rest.is_none_or(|(_, since): (f64, Instant)| since.elapsed() < Duration::from_millis(600))
    {
        let mut client = Client::connect(server.port);
        if client.stream.get_mut().write_all(b"echo here\n").is_ok() && answers(&mut client) {
            open.push(client);
            assert!(open.len() <= CONNECTIONS_MAX, "there is a limit");
        } else {
            turned_away += 1;
            rest.get_or_insert_with(|| (server.cpu_seconds(), Instant::now()));
        }
    }
    let (before, since) = rest.expect("somebody was turned away");
    let (spent, passed) = (server.cpu_seconds() - before, since.elapsed().as_secs_f64());
    assert!(spent < passed / 3.0 + 0.1, "{spent} s of CPU in {passed} s");
    for client in &mut open {
        client.is_served();
    }
    for client in &mut open.split_off(open.len() / 4) {
        client.finish();
        client.ends();
    }
    // Whoever comes now is let in, once the rest is over.
    Client::connect(server.port).is_served();
    server.stop();
}

/// Whether the server answers; else it has closed the connection, or lets it wait.
fn answers(client: &mut Client) -> bool {
    client
        .socket()
        .set_read_timeout(Some(Duration::from_secs(1)))
        .expect("an option");
    let mut line = String::new();
    client.stream.read_line(&mut line).is_ok_and(|count| count > 0)
}

struct Server {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    fn start(kind: Kind) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "conformance::descriptors::a_child_is_short_of_descriptors",
                "--nocapture",
            ])
            .arg(format!("{MARK}{kind}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program once more");
        let orders = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut server = Self {
            child,
            orders,
            answers,
            port: 0,
        };
        server.port = server.answer("port").parse().expect("a port");
        server
    }

    /// The CPU time that the server has taken until now.
    fn cpu_seconds(&mut self) -> f64 {
        self.orders.write_all(b"cpu\n").expect("it listens");
        self.answer("cpu").parse().expect("a number")
    }

    fn answer(&mut self, name: &str) -> String {
        let mut lines = self.answers.by_ref().lines().map(|line| line.expect("it speaks"));
        // The harness has something to say, too.
        lines
            .find_map(|line| {
                line.split_once(&format!("{name}="))
                    .map(|(_, value)| value.to_owned())
            })
            .expect("an answer")
    }

    fn stop(mut self) {
        drop(self.orders);
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// In an ordinary run there is nothing to do here.
#[test]
fn a_child_is_short_of_descriptors() {
    let Some(kind) = marked(MARK) else {
        return;
    };
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(DESCRIPTORS),
            maximum,
        },
    )
    .expect("a lower limit");
    let lab = Lab::start(kind.parse::<Kind>().expect("an engine"), |setting| {
        setting.options.grace = PATIENCE
    });
    println!("port={}", lab.port());
    for order in std::io::stdin().lines() {
        assert_eq!(order.expect("an order"), "cpu");
        println!("cpu={}", cpu_seconds());
    }
    drop(lab);
    std::process::exit(0);
}

/// User and system time of this process. It takes no descriptor to read.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

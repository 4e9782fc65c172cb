//! Every example does what its first line says, seen by a plain socket program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use landline_wire::gate::{Digest, answer};
use rustix::process::{Pid, Signal, kill_process};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Cargo puts the examples beside the directory of the tests.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let directory = test
        .parent()
        .and_then(std::path::Path::parent)
        .expect("target/debug/deps");
    let program = directory.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is built by `cargo build --examples`",
        program.display()
    );
    program
}

struct Example {
    child: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Example {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program(name))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .expect("an address")
            .parse()
            .expect("an address");
        Self {
            child,
            output,
            address,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        stream
    }

    /// Asks it to stop, and gives back what else it said.
    fn stop(mut self) -> String {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process");
        kill_process(pid, Signal::TERM).expect("it runs");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        assert!(self.child.wait().expect("it ends").success());
        rest
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Where it has been stopped already there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn take(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).expect("as many bytes");
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(expected));
}

fn ends(stream: &mut TcpStream) {
    assert_eq!(stream.read(&mut [0; 1]).expect("an end"), 0);
}

#[test]
fn hello_says_hi() {
    let example = Example::start("hello", &["127.0.0.1:0"]);
    let mut stream = example.connect();
    stream.write_all(b"anything").expect("sent");
    take(&mut stream, b"hi");
    ends(&mut stream);
    drop(stream);
    example.stop();
}

#[test]
fn upper_answers_in_capitals() {
    let example = Example::start("upper", &["127.0.0.1:0"]);
    let mut stream = example.connect();
    for (said, heard) in [("hello", "HELLO"), ("Grüße 1", "GRüßE 1")] {
        stream.write_all(said.as_bytes()).expect("sent");
        take(&mut stream, heard.as_bytes());
    }
    drop(stream);
    example.stop();
}

#[test]
fn ten_lines_speak_every_framing_on_every_engine() {
    let engines = [
        "auto",
        "select",
        "poll",
        "epoll",
        "epoll-edge",
        "threads",
        "sharded:2",
    ];
    let framings: [(&str, &[u8]); 5] = [
        ("lines", b"hello\n"),
        ("raw", b"hello"),
        ("prefix", b"\0\0\0\x05hello"),
        ("cobs", b"\x06hello\0"),
        ("slip", b"hello\xc0"),
    ];
    for (engine, (framing, frame)) in engines.iter().zip(framings.iter().cycle()) {
        let example = Example::start("ten_lines", &["127.0.0.1:0", engine, framing]);
        let mut stream = example.connect();
        stream.write_all(frame).expect("sent");
        let mut buffer = [0; 64];
        let mut heard = Vec::new();
        while !heard.ends_with(frame) {
            let count = stream.read(&mut buffer).expect("an answer");
            assert!(count > 0 && heard.len() < 64, "{engine} {framing}: {heard:?}");
            heard.extend_from_slice(&buffer[..count]);
        }
        drop(stream);
        assert!(
            example.stop().starts_with("1 accepted, 0 refused, 1 finished"),
            "{engine} {framing}"
        );
    }
}

#[test]
fn relay_passes_on_what_each_says_until_its_bye() {
    let example = Example::start("relay", &["127.0.0.1:0"]);
    let mut one = example.connect();
    one.write_all(b"alone").expect("sent");
    take(&mut one, b"alone");
    let mut two = example.connect();
    two.write_all(b"together").expect("sent");
    take(&mut two, b"together");
    take(&mut one, b"together");
    two.write_all(b"bye").expect("sent");
    ends(&mut two);
    one.write_all(b"alone again").expect("sent");
    take(&mut one, b"alone again");
    drop((one, two));
    example.stop();
}

#[test]
fn remote_command_gives_errors_then_output() {
    let example = Example::start("remote_command", &["0"]);
    let mut stream = example.connect();
    stream.write_all(b"echo out; echo err >&2").expect("sent");
    take(&mut stream, b"err\nout\n");
    stream.write_all(b"seq 1 100000 | tail -n 1").expect("sent");
    take(&mut stream, b"100000\n");
    drop(stream);
    example.stop();
}

#[test]
fn file_receiver_takes_one_file_after_the_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("text");
    let example = Example::start("file_receiver", &["127.0.0.1:0", path]);
    let content: Vec<u8> = (0..251_u8).cycle().take(3_000_000).collect();
    let mut stream = example.connect();
    stream
        .write_all(format!("{} ../a/big one.bin\n", content.len()).as_bytes())
        .expect("sent");
    stream.write_all(&content).expect("sent");
    stream.write_all(b"0 empty\n5 small\nhello").expect("sent");
    take(&mut stream, b"stored\nstored\nstored\n");
    assert!(std::fs::read(directory.path().join("big one.bin")).expect("it is there") == content);
    assert_eq!(
        std::fs::read(directory.path().join("empty")).expect("it is there"),
        b""
    );
    assert_eq!(
        std::fs::read(directory.path().join("small")).expect("it is there"),
        b"hello"
    );
    // Half a file is none.
    let mut half = example.connect();
    half.write_all(b"10 half\nhello").expect("sent");
    half.shutdown(std::net::Shutdown::Write).expect("shut down");
    assert!(matches!(half.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert!(!directory.path().join("half").exists());
    drop(stream);
    example.stop();
}

#[test]
fn gate_lets_in_who_knows_the_secret() {
    let example = Example::start("gate", &["127.0.0.1:0"]);
    let mut challenge = [0; 32];
    let mut friend = example.connect();
    friend.read_exact(&mut challenge).expect("a challenge");
    friend
        .write_all(&answer(Digest::Sha256, b"egg", &challenge))
        .expect("sent");
    take(&mut friend, b"welcome\n");
    let mut stranger = example.connect();
    stranger.read_exact(&mut challenge).expect("another challenge");
    stranger
        .write_all(&answer(Digest::Sha256, b"ham", &challenge))
        .expect("sent");
    assert!(
        matches!(stranger.read(&mut [0; 1]), Ok(0) | Err(_)),
        "closed without a word"
    );
    drop(friend);
    example.stop();
}

#[test]
fn clock_answers_an_empty_datagram() {
    let example = Example::start("clock", &["127.0.0.1:0"]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(PATIENCE)).expect("an option");
    socket.send_to(b"", example.address).expect("sent");
    let mut buffer = [0; 64];
    let (count, from) = socket.recv_from(&mut buffer).expect("the time");
    assert_eq!(from, example.address);
    let time = String::from_utf8_lossy(&buffer[..count]);
    assert_eq!((time.len(), &time[8..]), (12, " UTC"), "{time}");
    assert!(example.stop().starts_with("1 accepted"));
}

#[test]
fn select_waits_for_the_socket_and_for_standard_input() {
    let server = Example::start("upper", &["127.0.0.1:0"]);
    let mut client = Command::new(program("select_sockets_and_stdin"))
        .arg(server.address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut input = client.stdin.take().expect("a pipe");
    let mut output = BufReader::new(client.stdout.take().expect("a pipe"));
    for (typed, shown) in [("one\n", "ONE\n"), ("two\n", "TWO\n")] {
        input.write_all(typed.as_bytes()).expect("it reads");
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line, shown);
    }
    input.write_all(b"last").expect("it reads");
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "LAST");
    assert!(client.wait().expect("it ends").success());
    server.stop();
}

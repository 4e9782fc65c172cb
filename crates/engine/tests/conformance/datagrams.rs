//! Datagrams: whole or not at all, and each answer from the address that was asked.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use landline_engine::protocol::datagram::DATAGRAM_MAX;
use landline_engine::protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};
use landline_engine::{Kind, Options, Reply, Running, Worker, serve_datagrams};

use super::client::{PATIENCE, pattern};

/// Sends back what it is sent, but for a few orders.
struct Oracle {
    answers: VecDeque<(Path, Vec<u8>, Option<usize>)>,
    events: VecDeque<DatagramEvent<(Path, SocketAddr)>>,
    /// Who asked for a port, by the number of the request.
    requests: Vec<Path>,
    /// Calls that are not answered.
    calls: usize,
    deadline: Option<(Instant, Path)>,
    draining: Sender<()>,
}

impl DatagramProtocol for Oracle {
    type Work = (Path, SocketAddr);
    type Command = (Path, String);

    fn received(&mut self, path: Path, payload: &[u8], now: Instant) {
        let text = String::from_utf8_lossy(payload);
        if text == "port" {
            self.events.push_back(DatagramEvent::Bind {
                request: self.requests.len() as u64,
                beside: path,
            });
            self.requests.push(path);
        } else if text == "unbind" {
            self.events.push_back(DatagramEvent::Unbind(path.socket));
        } else if text == "segments" {
            self.answers
                .push_back((path, [[b'1'; 500], [b'2'; 500], [b'3'; 500]].concat(), Some(600)));
        } else if text == "long segments" {
            let all = [[b'1'; 40_000], [b'2'; 40_000]].concat();
            self.answers.push_back((path, all, Some(40_000)));
        } else if let Some(whom) = text.strip_prefix("call ") {
            self.calls += 1;
            self.events
                .push_back(DatagramEvent::Work((path, whom.parse().expect("an address"))));
        } else if let Some(millis) = text.strip_prefix("wait ") {
            self.deadline = Some((
                now + Duration::from_millis(millis.parse().expect("a number")),
                path,
            ));
        } else {
            self.answers.push_back((path, payload.to_vec(), None));
        }
    }

    fn poll_transmit(&mut self, _: usize, buffer: &mut Vec<u8>, _: Instant) -> Option<Transmit> {
        let (path, payload, segment) = self.answers.pop_front()?;
        buffer.extend_from_slice(&payload);
        Some(Transmit { path, segment })
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<Self::Work>> {
        self.events.pop_front()
    }

    fn bound(&mut self, request: u64, socket: Option<SocketId>, _: Instant) {
        let path = self.requests[usize::try_from(request).expect("a small number")];
        let socket = socket.expect("there are free ports");
        self.answers
            .push_back((Path { socket, ..path }, b"here".to_vec(), None));
    }

    fn commanded(&mut self, (path, words): (Path, String), _: Instant) {
        self.calls -= 1;
        self.answers.push_back((path, words.into_bytes(), None));
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|(at, _)| at)
    }

    fn deadline_reached(&mut self, _: Instant) {
        let (_, path) = self.deadline.take().expect("it was set");
        self.answers.push_back((path, b"waited".to_vec(), None));
    }

    fn drain(&mut self, _: Instant) {
        // A second time nobody listens.
        let _ = self.draining.send(());
    }

    fn is_drained(&self) -> bool {
        self.calls == 0
    }
}

struct Telephone;

impl Worker<(Path, SocketAddr), (Path, String)> for Telephone {
    fn start(&self, (path, whom): (Path, SocketAddr), reply: Reply<(Path, String)>) {
        std::thread::spawn(move || {
            let call = std::net::TcpStream::connect(whom).expect("the test listens");
            let answer = std::io::read_to_string(call).expect("an answer or nothing");
            if !answer.is_empty() {
                reply.answer((path, answer));
            }
        });
    }
}

struct Server {
    running: Option<Running>,
    port: u16,
    draining: Receiver<()>,
}

impl Server {
    fn start(kind: Kind, address: impl Into<SocketAddr>) -> Self {
        let (sender, draining) = mpsc::channel();
        let oracle = Oracle {
            answers: VecDeque::new(),
            events: VecDeque::new(),
            requests: Vec::new(),
            calls: 0,
            deadline: None,
            draining: sender,
        };
        let socket = UdpSocket::bind(address.into()).expect("a free port");
        let options = Options {
            kind,
            grace: PATIENCE,
            ..Options::default()
        };
        let running = serve_datagrams(socket, oracle, Telephone, &options).expect("it starts");
        Self {
            port: running.address().port(),
            running: Some(running),
            draining,
        }
    }

    fn stop(&self) {
        self.running.as_ref().expect("it runs").stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
            running.stop();
            let _ = running.join();
        }
    }
}

fn client() -> UdpSocket {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    client.set_read_timeout(Some(PATIENCE)).expect("an option");
    client
}

fn receive(client: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (count, from) = client.recv_from(&mut buffer).expect("a datagram");
    buffer.truncate(count);
    (buffer, from)
}

fn ask(client: &UdpSocket, payload: &[u8], to: SocketAddr) -> Vec<u8> {
    client.send_to(payload, to).expect("it is sent");
    let (answer, from) = receive(client);
    assert_eq!(from, to, "the answer comes from where the question went");
    answer
}

fn local(ip: [u8; 4], port: u16) -> SocketAddr {
    (ip, port).into()
}

pub(super) fn every_size_comes_back(kind: Kind) {
    let server = Server::start(kind, ([127, 0, 0, 1], 0));
    let client = client();
    for size in [0, 1, 1472, 1473, 0, DATAGRAM_MAX, 0] {
        let payload = pattern(size);
        assert!(
            ask(&client, &payload, local([127, 0, 0, 1], server.port)) == payload,
            "{size} bytes"
        );
    }
}

pub(super) fn many_peers_each_get_their_own(kind: Kind) {
    let server = Server::start(kind, ([127, 0, 0, 1], 0));
    let clients: Vec<UdpSocket> = (0..150).map(|_| client()).collect();
    for (number, client) in clients.iter().enumerate() {
        client
            .send_to(
                format!("to {number}").as_bytes(),
                local([127, 0, 0, 1], server.port),
            )
            .expect("sent");
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(receive(client).0, format!("to {number}").into_bytes());
    }
}

/// On a socket for every address the system would choose one, mostly another than the one that was asked.
pub(super) fn an_answer_leaves_from_the_address_that_was_asked(kind: Kind) {
    let server = Server::start(kind, (Ipv4Addr::UNSPECIFIED, 0));
    let client = client();
    for last in [2, 1, 99] {
        assert_eq!(
            ask(&client, b"you", local([127, 0, 0, last], server.port)),
            b"you"
        );
    }
    let server = Server::start(kind, (Ipv6Addr::UNSPECIFIED, 0));
    let six = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).expect("a free port");
    six.set_read_timeout(Some(PATIENCE)).expect("an option");
    assert_eq!(
        ask(&six, b"six", (Ipv6Addr::LOCALHOST, server.port).into()),
        b"six"
    );
    // The same socket has IPv4 peers as well.
    assert_eq!(ask(&client, b"four", local([127, 0, 0, 2], server.port)), b"four");
}

pub(super) fn a_fresh_port_has_the_address_that_was_asked(kind: Kind) {
    let server = Server::start(kind, (Ipv4Addr::UNSPECIFIED, 0));
    let client = client();
    client
        .send_to(b"port", local([127, 0, 0, 3], server.port))
        .expect("it is sent");
    let (answer, fresh) = receive(&client);
    assert_eq!(answer, b"here");
    assert_eq!(fresh.ip(), Ipv4Addr::new(127, 0, 0, 3));
    assert_ne!(fresh.port(), server.port);
    assert_eq!(ask(&client, b"on the fresh one", fresh), b"on the fresh one");
    client.send_to(b"unbind", fresh).expect("it is sent");
    // Acted upon before this is read, or in the same turn, after which the port is free.
    assert_eq!(
        ask(&client, b"first", local([127, 0, 0, 3], server.port)),
        b"first"
    );
    assert_eq!(
        ask(&client, b"again", local([127, 0, 0, 3], server.port)),
        b"again"
    );
    drop(UdpSocket::bind(fresh).expect("the port is free again"));
}

pub(super) fn segments_of_one_buffer_are_datagrams(kind: Kind) {
    let server = Server::start(kind, ([127, 0, 0, 1], 0));
    let client = client();
    client
        .send_to(b"segments", local([127, 0, 0, 1], server.port))
        .expect("it is sent");
    let all: Vec<u8> = [[b'1'; 500], [b'2'; 500], [b'3'; 500]].concat();
    for part in all.chunks(600) {
        assert_eq!(receive(&client).0, part);
    }
}

/// Together they are longer than any datagram.
pub(super) fn segments_that_the_kernel_does_not_cut_are_datagrams_too(kind: Kind) {
    // On a socket for every address, so that the address that was asked goes with each.
    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
        let server = Server::start(kind, (address, 0));
        let client = client();
        let to = local([127, 0, 0, 1], server.port);
        client.send_to(b"long segments", to).expect("it is sent");
        for byte in [b'1', b'2'] {
            assert!(receive(&client) == (vec![byte; 40_000], to), "segment {byte}");
        }
    }
}

pub(super) fn slow_work_is_answered_and_others_meanwhile(kind: Kind) {
    let server = Server::start(kind, ([127, 0, 0, 1], 0));
    let to = local([127, 0, 0, 1], server.port);
    let phone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let client = client();
    let order = format!("call {}", phone.local_addr().expect("an address"));
    client.send_to(order.as_bytes(), to).expect("it is sent");
    let (mut call, _) = phone.accept().expect("a call");
    assert_eq!(ask(&client, b"meanwhile", to), b"meanwhile");
    call.write_all(b"at last").expect("it listens");
    drop(call);
    assert_eq!(receive(&client).0, b"at last");
    // Work that comes to nothing ends nothing.
    client.send_to(order.as_bytes(), to).expect("it is sent");
    drop(phone.accept().expect("a call"));
    assert_eq!(ask(&client, b"still there", to), b"still there");
    assert_eq!(ask(&client, b"wait 50", to), b"waited");
    assert!(server.draining.try_recv().is_err(), "nobody has stopped it");
}

pub(super) fn a_stop_waits_for_what_is_under_way(kind: Kind) {
    let mut server = Server::start(kind, ([127, 0, 0, 1], 0));
    let to = local([127, 0, 0, 1], server.port);
    let phone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let client = client();
    let order = format!("call {}", phone.local_addr().expect("an address"));
    client.send_to(order.as_bytes(), to).expect("it is sent");
    let (mut call, _) = phone.accept().expect("a call");
    server.stop();
    server
        .draining
        .recv_timeout(PATIENCE)
        .expect("the protocol is told");
    call.write_all(b"the last").expect("it listens");
    drop(call);
    assert_eq!(receive(&client).0, b"the last");
    let report = server.running.take().expect("it runs").join();
    assert_eq!(report.accepted, 1, "{report}");
}

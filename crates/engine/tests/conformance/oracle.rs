//! A server of datagrams to try the rules on, and its peers, on sockets or simulated.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use landline_engine::protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};
use landline_engine::sim::{Datagram, DatagramSim, DatagramSimOptions};
use landline_engine::{Options, Reply, Report, Running, Worker, serve_datagrams};

use super::client::PATIENCE;
use super::engine::Engine;
use super::phone::{Answer, Phone, Switchboard};

/// The port of the first simulated socket; each further one has the next.
const SIMULATED_PORT: u16 = 7777;
/// The port of the first simulated peer.
const FIRST_PORT: u16 = 20_000;

/// Where it runs.
enum Host {
    /// On a thread of its own, until it is joined.
    Running(Option<Running>),
    /// In the test's own thread.
    Simulated(Rc<World>),
}

/// A running server, and what can be seen of it from within.
pub(super) struct Server {
    host: Host,
    pub(super) port: u16,
    /// How often it was told to stop.
    pub(super) draining: Receiver<()>,
}

impl Server {
    pub(super) fn start(engine: Engine, address: impl Into<SocketAddr>) -> Self {
        let (sender, draining) = mpsc::channel();
        let oracle = Oracle::new(sender);
        let (host, port) = match engine {
            Engine::Real(kind) => {
                let socket = UdpSocket::bind(address.into()).expect("a free port");
                let options = Options {
                    kind,
                    grace: PATIENCE,
                    ..Options::default()
                };
                let running = serve_datagrams(socket, oracle, Telephone, &options).expect("it starts");
                let port = running.address().port();
                (Host::Running(Some(running)), port)
            }
            Engine::Simulated { seed, .. } => (Host::Simulated(World::new(seed, oracle)), SIMULATED_PORT),
        };
        Self { host, port, draining }
    }

    pub(super) fn client(&self) -> Client {
        match &self.host {
            Host::Running(_) => Client::bind(Ipv4Addr::LOCALHOST),
            Host::Simulated(world) => Client::Simulated(Rc::clone(world), world.address()),
        }
    }

    /// What it calls.
    pub(super) fn phone(&self) -> Phone {
        match &self.host {
            Host::Running(_) => Phone::new(),
            Host::Simulated(world) => Phone::Simulated(Rc::<World>::clone(world)),
        }
    }

    pub(super) fn stop(&self) {
        match &self.host {
            Host::Running(running) => running.as_ref().expect("it runs").stop(),
            Host::Simulated(world) => world.sim.borrow_mut().stop(),
        }
    }

    /// Waits until it has stopped. A simulated one counts nothing.
    pub(super) fn join(mut self) -> Option<Report> {
        match &mut self.host {
            Host::Running(running) => Some(running.take().expect("joined once").join()),
            Host::Simulated(world) => {
                world.wait("it has stopped", |sim| sim.is_stopped());
                None
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Host::Running(running) = &mut self.host
            && let Some(running) = running.take()
        {
            running.stop();
            running.stop();
            let _ = running.join();
        }
    }
}

/// A peer.
pub(super) enum Client {
    /// On a socket.
    Real(UdpSocket),
    /// Simulated, with this address.
    Simulated(Rc<World>, SocketAddr),
}

impl Client {
    pub(super) fn bind(ip: impl Into<std::net::IpAddr>) -> Self {
        let socket = UdpSocket::bind((ip.into(), 0)).expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("an option");
        Self::Real(socket)
    }

    pub(super) fn send(&self, payload: &[u8], to: SocketAddr) {
        match self {
            Self::Real(socket) => {
                socket.send_to(payload, to).expect("it is sent");
            }
            Self::Simulated(world, own) => {
                let socket = SocketId(u32::from(to.port() - SIMULATED_PORT));
                world.sim.borrow_mut().send(*own, socket, payload);
            }
        }
    }

    /// Waits for a datagram, and says from where it came.
    pub(super) fn receive(&self) -> (Vec<u8>, SocketAddr) {
        match self {
            Self::Real(socket) => {
                let mut buffer = vec![0; 65_536];
                let (count, from) = socket.recv_from(&mut buffer).expect("a datagram");
                buffer.truncate(count);
                (buffer, from)
            }
            Self::Simulated(world, own) => {
                let datagram = world.receive(*own);
                let port = SIMULATED_PORT + u16::try_from(datagram.from.0).expect("few sockets");
                (datagram.payload, (Ipv4Addr::LOCALHOST, port).into())
            }
        }
    }

    pub(super) fn ask(&self, payload: &[u8], to: SocketAddr) -> Vec<u8> {
        self.send(payload, to);
        let (answer, from) = self.receive();
        assert_eq!(from, to, "the answer comes from where the question went");
        answer
    }
}

/// A simulation that a server and its peers share. As on one machine nothing is lost, and nothing is overtaken.
pub(super) struct World {
    sim: RefCell<DatagramSim<Oracle>>,
    /// What peers have received and not yet taken.
    received: RefCell<Vec<Datagram>>,
    peers: RefCell<u16>,
}

impl World {
    fn new(seed: u64, oracle: Oracle) -> Rc<Self> {
        let options = DatagramSimOptions {
            seed,
            latency: Duration::ZERO,
            grace: PATIENCE,
            ..DatagramSimOptions::default()
        };
        Rc::new(Self {
            sim: RefCell::new(DatagramSim::new(oracle, options)),
            received: RefCell::default(),
            peers: RefCell::default(),
        })
    }

    /// A new peer's.
    fn address(&self) -> SocketAddr {
        let mut peers = self.peers.borrow_mut();
        *peers += 1;
        (Ipv4Addr::LOCALHOST, FIRST_PORT + *peers).into()
    }

    fn wait(&self, what: &str, done: impl FnMut(&mut DatagramSim<Oracle>) -> bool) {
        let came = self.sim.borrow_mut().run_until(PATIENCE, done);
        assert!(came, "{what}: nothing happens any more, or only later");
    }

    fn receive(&self, to: SocketAddr) -> Datagram {
        let mut received = self.received.borrow_mut();
        let mut place = None;
        self.wait("a datagram", |sim| {
            received.extend(std::iter::from_fn(|| sim.receive()));
            place = received.iter().position(|datagram| datagram.to == to);
            place.is_some()
        });
        received.remove(place.expect("it was waited for"))
    }
}

impl Switchboard for World {
    fn call(self: Rc<Self>) -> Answer {
        let mut work = None;
        self.wait("a call", |sim| {
            work = sim.work();
            work.is_some()
        });
        let (path, _) = work.expect("it was waited for");
        Box::new(move |words| {
            if let Some(words) = words {
                self.sim.borrow_mut().answer((path, words));
            }
        })
    }

    fn rings(&self) -> bool {
        let mut sim = self.sim.borrow_mut();
        sim.run();
        sim.work().is_some()
    }
}

/// Sends back what it is sent, but for a few orders.
pub(super) struct Oracle {
    answers: VecDeque<(Path, Vec<u8>, Option<usize>)>,
    events: VecDeque<DatagramEvent<(Path, SocketAddr)>>,
    /// Who asked for a port, by the number of the request.
    requests: Vec<Path>,
    /// Calls that are not answered.
    calls: usize,
    deadline: Option<(Instant, Path)>,
    draining: Sender<()>,
}

impl Oracle {
    fn new(draining: Sender<()>) -> Self {
        Self {
            answers: VecDeque::new(),
            events: VecDeque::new(),
            requests: Vec::new(),
            calls: 0,
            deadline: None,
            draining,
        }
    }
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
                reply.answer((path, answer.trim_end().to_owned()));
            }
        });
    }
}

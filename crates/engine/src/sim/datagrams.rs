//! A protocol of datagrams under simulation: they are lost, doubled and overtaken as the seed has it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use landline_protocol::datagram::DATAGRAM_MAX;
use landline_protocol::{DatagramEvent, DatagramProtocol, Path, SocketId};

use super::pace::{Turning, soonest};
use super::random::Random;

/// The address that the simulated sockets share.
const LOCAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Segments that one transmission may carry, as many as with UDP_SEGMENT (udp(7)).
const SEGMENTS: usize = 64;

/// How a [`DatagramSim`] is run. [`Default`] is a network without loss.
#[derive(Clone, Copy, Debug)]
pub struct DatagramSimOptions {
    /// What is random follows from this.
    pub seed: u64,
    /// How many of a thousand datagrams are lost.
    pub loss: u16,
    /// How many of a thousand that are not lost come twice.
    pub duplication: u16,
    /// The longest that a datagram, or a result of work, is on its way; each takes between nothing and this, so that
    /// one may overtake another.
    pub latency: Duration,
    /// How many sockets the protocol may have beside its first.
    pub sockets_max: usize,
    /// How long a stopping server waits for what is under way.
    pub grace: Duration,
}

impl Default for DatagramSimOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            loss: 0,
            duplication: 0,
            latency: Duration::from_millis(20),
            sockets_max: 10_000,
            grace: Duration::from_secs(5),
        }
    }
}

/// A datagram that a peer received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// When it arrived, since the simulation's beginning.
    pub at: Duration,
    /// The socket that it left by.
    pub from: SocketId,
    /// The peer.
    pub to: SocketAddr,
    /// What it says.
    pub payload: Vec<u8>,
}

enum Travelling<C> {
    ToProtocol(Path, Vec<u8>),
    ToPeer(SocketId, SocketAddr, Vec<u8>),
    Result(C),
}

/// Does the slow work at once, or leaves it to the test.
type OnWork<W, C> = Box<dyn FnMut(W) -> Result<C, W>>;

/// A protocol of datagrams, simulated peers, and a clock that only the test moves. A peer is its address.
pub struct DatagramSim<D: DatagramProtocol> {
    protocol: D,
    options: DatagramSimOptions,
    random: Random,
    origin: Instant,
    now: Instant,
    /// By the moment of their arrival; the number tells apart those of one moment.
    travelling: BTreeMap<(Instant, u64), Travelling<D::Command>>,
    count: u64,
    received: VecDeque<Datagram>,
    sockets: BTreeSet<SocketId>,
    last: SocketId,
    on_work: Option<OnWork<D::Work, D::Command>>,
    work: VecDeque<D::Work>,
    /// Whether the protocol is to be asked for what it has at the beginning.
    fresh: bool,
    stopping: Option<Instant>,
    stopped: bool,
}

impl<D: DatagramProtocol> DatagramSim<D> {
    /// A protocol on one socket. Slow work waits for [`work`](Self::work).
    #[must_use]
    pub fn new(protocol: D, options: DatagramSimOptions) -> Self {
        let origin = Instant::now();
        Self {
            protocol,
            options,
            random: Random::new(options.seed),
            origin,
            now: origin,
            travelling: BTreeMap::new(),
            count: 0,
            received: VecDeque::new(),
            sockets: BTreeSet::from([SocketId(0)]),
            last: SocketId(0),
            on_work: None,
            work: VecDeque::new(),
            fresh: true,
            stopping: None,
            stopped: false,
        }
    }

    /// Has slow work done by `worker`; its result is on its way for a time. Work that it gives back as `Err` waits for
    /// [`work`](Self::work).
    #[must_use]
    pub fn on_work(mut self, worker: impl FnMut(D::Work) -> Result<D::Command, D::Work> + 'static) -> Self {
        self.on_work = Some(Box::new(worker));
        self
    }

    /// A peer sends one datagram to a socket.
    pub fn send(&mut self, peer: SocketAddr, to: SocketId, payload: &[u8]) {
        let path = Path {
            socket: to,
            peer,
            local: Some(LOCAL.into()),
        };
        self.travel(|| Travelling::ToProtocol(path, payload.to_vec()));
    }

    /// The next datagram that a peer received, in the order of their arrival.
    pub fn receive(&mut self) -> Option<Datagram> {
        self.received.pop_front()
    }

    /// Does all that needs no waiting but for datagrams and results on their way. Deadlines on the way are met.
    ///
    /// # Panics
    /// Where the protocol goes on for ever at one moment.
    pub fn run(&mut self) {
        self.run_while(None, |_| false);
    }

    /// Lets so much time pass, with all that happens in it.
    ///
    /// # Panics
    /// Where the protocol goes on for ever at one moment.
    pub fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_while(Some(until), |_| false);
        self.now = until;
    }

    /// Lets happen what happens, deadlines as well, turn by turn until `done`: for whoever waits for something. Says
    /// whether it came to that within `patience`; else nothing more happens in that time, and it has not passed.
    ///
    /// # Panics
    /// Where the protocol goes on for ever at one moment.
    pub fn run_until(&mut self, patience: Duration, done: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now + patience;
        self.run_while(Some(until), done)
    }

    /// Stops it: the first time in order, the second time at once.
    pub fn stop(&mut self) {
        self.protocol.drain(self.now);
        self.stopping = Some(self.stopping.map_or(self.now + self.options.grace, |_| self.now));
        self.fresh = true;
    }

    /// The oldest slow work that nobody has begun.
    pub fn work(&mut self) -> Option<D::Work> {
        self.work.pop_front()
    }

    /// The result of slow work; it is on its way for a time.
    pub fn answer(&mut self, command: D::Command) {
        let at = self.now + self.random.time(self.options.latency);
        self.enter(at, Travelling::Result(command));
    }

    /// The protocol, to look at.
    #[must_use]
    pub fn protocol(&self) -> &D {
        &self.protocol
    }

    /// The sockets that there are.
    pub fn sockets(&self) -> impl Iterator<Item = SocketId> + '_ {
        self.sockets.iter().copied()
    }

    /// How much time has passed since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now - self.origin
    }

    /// Whether it was stopped and nothing is under way, or the time for that is over.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn arrive(&mut self, travelling: Travelling<D::Command>) {
        match travelling {
            Travelling::ToPeer(from, to, payload) => {
                self.received.push_back(Datagram {
                    at: self.now - self.origin,
                    from,
                    to,
                    payload,
                });
            }
            Travelling::ToProtocol(path, payload) if !self.stopped && self.sockets.contains(&path.socket) => {
                self.protocol.received(path, &payload, self.now);
                self.transmit();
            }
            Travelling::Result(command) if !self.stopped => self.protocol.commanded(command, self.now),
            Travelling::ToProtocol(..) | Travelling::Result(_) => {}
        }
    }

    fn transmit(&mut self) {
        let mut buffer = Vec::new();
        while let Some(transmit) = self.protocol.poll_transmit(SEGMENTS, &mut buffer, self.now) {
            let Path { socket, peer, .. } = transmit.path;
            let segments: Vec<&[u8]> = match transmit.segment {
                Some(length) => buffer.chunks(length.max(1)).collect(),
                None => vec![&buffer],
            };
            for segment in segments {
                if self.sockets.contains(&socket) && segment.len() <= DATAGRAM_MAX {
                    self.travel(|| Travelling::ToPeer(socket, peer, segment.to_vec()));
                }
            }
            buffer.clear();
        }
    }

    fn act(&mut self) {
        while let Some(event) = self.protocol.poll_event() {
            match event {
                DatagramEvent::Work(work) => self.begin(work),
                DatagramEvent::Unbind(socket) => {
                    self.sockets.remove(&socket);
                }
                DatagramEvent::Bind { request, beside } => {
                    let socket = self.bind(beside);
                    self.protocol.bound(request, socket, self.now);
                    self.transmit();
                }
            }
        }
    }

    fn begin(&mut self, work: D::Work) {
        let result = match &mut self.on_work {
            Some(begin) => begin(work),
            None => Err(work),
        };
        match result {
            Ok(command) => self.answer(command),
            Err(work) => self.work.push_back(work),
        }
    }

    fn bind(&mut self, beside: Path) -> Option<SocketId> {
        if self.sockets.len() > self.options.sockets_max || !self.sockets.contains(&beside.socket) {
            return None;
        }
        self.last = SocketId(self.last.0.checked_add(1)?);
        self.sockets.insert(self.last);
        Some(self.last)
    }

    /// Sends a datagram on its way: never, once or twice.
    fn travel(&mut self, datagram: impl Fn() -> Travelling<D::Command>) {
        if self.random.happens(self.options.loss) {
            return;
        }
        let copies = if self.random.happens(self.options.duplication) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let at = self.now + self.random.time(self.options.latency);
            self.enter(at, datagram());
        }
    }

    fn enter(&mut self, at: Instant, travelling: Travelling<D::Command>) {
        self.count += 1;
        self.travelling.insert((at, self.count), travelling);
    }
}

impl<D: DatagramProtocol> Turning for DatagramSim<D> {
    fn moment(&mut self) -> &mut Instant {
        &mut self.now
    }

    fn upcoming(&mut self, until: Option<Instant>) -> Option<Instant> {
        if self.fresh {
            return Some(self.now);
        }
        let traffic = self.travelling.keys().next().map(|(at, _)| *at);
        let timers = [self.protocol.deadline(), self.stopping].into_iter().flatten();
        let timer = timers.min().filter(|_| !self.stopped);
        soonest(traffic, timer, until)
    }

    fn turn_once(&mut self) {
        self.fresh = false;
        let later = self.travelling.split_off(&(self.now, u64::MAX));
        for travelling in std::mem::replace(&mut self.travelling, later).into_values() {
            self.arrive(travelling);
        }
        if self.stopped {
            return;
        }
        if self
            .protocol
            .deadline()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.protocol.deadline_reached(self.now);
        }
        self.transmit();
        self.act();
        self.stopped = self
            .stopping
            .is_some_and(|until| until <= self.now || self.protocol.is_drained());
    }
}

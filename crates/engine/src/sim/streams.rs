//! A service under simulation: what a test does with it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use landline_protocol::{Admissions, CommandOf, Conn, ConnId, ConnLimits, Effects, Ended, Service};

use super::line::{Chance, Line, Seen};
use super::pace::Turning as _;
use super::random::Random;
use super::{SimOptions, Step, What};
use crate::mailbox::Message;
use crate::report::{Counters, Report};
use crate::slab::Slab;
use crate::timers::Timers;

/// Where the simulated server listens.
const LISTENING: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 7777);
/// From where peers come unless the test says otherwise; each has a port of its own.
const PEERS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The first of the ports that peers have.
const FIRST_PORT: u16 = 1024;

/// One peer of a [`Sim`], in the order of their coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerId(pub(super) usize);

/// Does the slow work at once, or leaves it to the test.
type OnWork<W, C> = Box<dyn FnMut(ConnId, W) -> Result<C, W>>;

/// A service, simulated peers, and a clock that only the test moves.
pub struct Sim<S: Service> {
    pub(super) service: S,
    pub(super) limits: Arc<ConnLimits>,
    pub(super) grace: Duration,
    pub(super) send_buffer: usize,
    pub(super) chance: Chance,
    pub(super) origin: Instant,
    pub(super) now: Instant,
    pub(super) peers: Vec<SimPeer>,
    /// Who knocks, and when that is heard.
    pub(super) knocking: VecDeque<(Instant, PeerId)>,
    pub(super) links: Slab<SimLink<S::Connection>>,
    pub(super) timers: Timers,
    pub(super) busy: Vec<ConnId>,
    pub(super) touched: Vec<ConnId>,
    pub(super) effects: Effects<CommandOf<S>, S::Work>,
    /// Messages on their way to the loop; the number keeps those of one moment in order.
    pub(super) mail: BTreeMap<(Instant, u64), Message<CommandOf<S>>>,
    pub(super) mails: u64,
    pub(super) on_work: Option<OnWork<S::Work, CommandOf<S>>>,
    pub(super) work: VecDeque<(ConnId, S::Work)>,
    pub(super) admissions: Admissions,
    pub(super) counters: Counters,
    pub(super) spare: Vec<u8>,
    pub(super) stopping: Option<Instant>,
    pub(super) stopped: bool,
    pub(super) trace: Vec<Step>,
}

/// A peer, with its connection.
#[derive(Debug)]
pub(super) struct SimPeer {
    pub(super) line: Line,
    pub(super) address: SocketAddr,
    /// Known once it was let in.
    pub(super) id: Option<ConnId>,
    pub(super) ended: Option<Ended>,
}

/// What a server has for each connection, as [`Link`](crate::link::Link) is with a real socket.
pub(super) struct SimLink<P: landline_protocol::StreamProtocol> {
    pub(super) conn: Conn<P>,
    pub(super) peer: PeerId,
    /// Whether the last write would have blocked.
    pub(super) blocked: bool,
    /// Whether it has its place among those that go on in the next turn: nobody has two.
    pub(super) is_busy: bool,
    pub(super) scheduled: Option<Instant>,
}

impl<S: Service> Sim<S> {
    /// A server that listens, with nobody there yet. Slow work waits for [`work`](Self::work).
    #[must_use]
    pub fn new(service: S, options: SimOptions) -> Self {
        let origin = Instant::now();
        Self {
            service,
            limits: Arc::new(options.conn),
            grace: options.grace,
            send_buffer: options.send_buffer.max(1),
            chance: Chance {
                random: Random::new(options.seed),
                split: options.split,
                latency: options.latency,
            },
            origin,
            now: origin,
            peers: Vec::new(),
            knocking: VecDeque::new(),
            links: Slab::new(0),
            timers: Timers::default(),
            busy: Vec::new(),
            touched: Vec::new(),
            effects: Effects::default(),
            mail: BTreeMap::new(),
            mails: 0,
            on_work: None,
            work: VecDeque::new(),
            admissions: Admissions::new(options.admission),
            counters: Counters::default(),
            spare: Vec::new(),
            stopping: None,
            stopped: false,
            trace: Vec::new(),
        }
    }

    /// Has slow work done by `worker`; its result is on its way for a time. Work that it gives back as `Err` waits for
    /// [`work`](Self::work).
    #[must_use]
    pub fn on_work(
        mut self,
        worker: impl FnMut(ConnId, S::Work) -> Result<CommandOf<S>, S::Work> + 'static,
    ) -> Self {
        self.on_work = Some(Box::new(worker));
        self
    }

    /// A peer comes.
    pub fn connect(&mut self) -> PeerId {
        let port = u16::try_from(self.peers.len())
            .unwrap_or(u16::MAX)
            .saturating_add(FIRST_PORT);
        self.connect_from((PEERS, port).into())
    }

    /// A peer comes from `address`.
    pub fn connect_from(&mut self, address: SocketAddr) -> PeerId {
        let peer = PeerId(self.peers.len());
        self.peers.push(SimPeer {
            line: Line::default(),
            address,
            id: None,
            ended: None,
        });
        let at = self.chance.arrival(self.now);
        let at = self.knocking.back().map_or(at, |(last, _)| at.max(*last));
        self.knocking.push_back((at, peer));
        peer
    }

    /// A peer sends. After its end or a reset nothing happens.
    pub fn send(&mut self, peer: PeerId, bytes: &[u8]) {
        self.peers[peer.0]
            .line
            .peer_sends(bytes, &mut self.chance, self.now);
    }

    /// A peer sends its end, and goes on reading.
    pub fn finish(&mut self, peer: PeerId) {
        self.peers[peer.0].line.peer_finishes(&mut self.chance, self.now);
    }

    /// A peer breaks its connection off.
    pub fn reset(&mut self, peer: PeerId) {
        self.peers[peer.0].line.peer_resets(&mut self.chance, self.now);
    }

    /// A peer stops reading, or goes on.
    pub fn stall(&mut self, peer: PeerId, stalled: bool) {
        self.peers[peer.0].line.stall(stalled);
    }

    /// Lets a stalled peer read so many bytes more.
    pub fn allow(&mut self, peer: PeerId, bytes: usize) {
        self.peers[peer.0].line.allow(bytes);
    }

    /// What a peer sends stays where it is, or goes on; also what it sent already and has not arrived.
    pub fn hold(&mut self, peer: PeerId, held: bool) {
        self.peers[peer.0].line.held = held;
    }

    /// Does all that needs no waiting but for bytes and results on their way: until everybody waits for somebody else
    /// or for a deadline. Deadlines on the way are met.
    ///
    /// # Panics
    /// Where the service and its connections go on for ever at one moment.
    pub fn run(&mut self) {
        self.run_while(None, |_| false);
    }

    /// Lets so much time pass, with all that happens in it.
    ///
    /// # Panics
    /// Where the service and its connections go on for ever at one moment.
    pub fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_while(Some(until), |_| false);
        self.now = until;
    }

    /// Lets happen what happens, deadlines as well, turn by turn until `done`: for whoever waits for something. Says
    /// whether it came to that within `patience`; else nothing more happens in that time, and it has not passed.
    ///
    /// # Panics
    /// Where the service and its connections go on for ever at one moment.
    pub fn run_until(&mut self, patience: Duration, done: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now + patience;
        self.run_while(Some(until), done)
    }

    /// Stops the server: the first time in order, the second time at once. It happens in the next turn.
    pub fn stop(&mut self) {
        self.post(self.now, Message::Stop);
    }

    /// Tells a connection something, as another part of the program may. Nothing happens to one that is not in.
    pub fn command(&mut self, peer: PeerId, command: CommandOf<S>) {
        if let Some(id) = self.peers[peer.0].id {
            self.post(self.now, Message::Command(id, command));
        }
    }

    /// The oldest slow work that nobody has begun.
    pub fn work(&mut self) -> Option<(ConnId, S::Work)> {
        self.work.pop_front()
    }

    /// The result of slow work; it is on its way for a time.
    pub fn answer(&mut self, id: ConnId, command: CommandOf<S>) {
        let at = self.chance.arrival(self.now);
        self.post(at, Message::Answer(id, command));
    }

    /// Slow work that came to nothing: its connection is broken off.
    pub fn give_up(&mut self, id: ConnId) {
        let at = self.chance.arrival(self.now);
        self.post(at, Message::Abort(id));
    }

    /// Everything that a peer has read.
    #[must_use]
    pub fn received(&self, peer: PeerId) -> &[u8] {
        &self.peers[peer.0].line.received
    }

    /// Takes what a peer has read since the last time.
    #[must_use]
    pub fn take_received(&mut self, peer: PeerId) -> Vec<u8> {
        std::mem::take(&mut self.peers[peer.0].line.received)
    }

    /// How many bytes a peer has sent that the server has not read.
    #[must_use]
    pub fn unread(&self, peer: PeerId) -> usize {
        self.peers[peer.0].line.unread()
    }

    /// How a peer saw its connection end, once it did.
    #[must_use]
    pub fn seen(&self, peer: PeerId) -> Option<Seen> {
        self.peers[peer.0].line.seen
    }

    /// How a peer's connection ended at the server, once it did. `None` also for who was never let in.
    #[must_use]
    pub fn ended(&self, peer: PeerId) -> Option<Ended> {
        self.peers[peer.0].ended
    }

    /// The server's name for a peer that was let in.
    #[must_use]
    pub fn id(&self, peer: PeerId) -> Option<ConnId> {
        self.peers[peer.0].id
    }

    /// The service, to look at.
    #[must_use]
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The protocol of a peer's connection, to look at, as long as it is there.
    pub fn connection(&mut self, peer: PeerId) -> Option<&S::Connection> {
        let id = self.peers[peer.0].id?;
        self.links.find(id).map(|link| link.conn.protocol())
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// How much time has passed since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now - self.origin
    }

    /// Whether it was stopped and everybody has gone.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What became of the connections up to now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.counters.report()
    }

    /// All that happened, in order. The same seed and the same calls give the same trace.
    #[must_use]
    pub fn trace(&self) -> &[Step] {
        &self.trace
    }

    pub(super) fn post(&mut self, at: Instant, message: Message<CommandOf<S>>) {
        self.mails += 1;
        self.mail.insert((at, self.mails), message);
    }

    pub(super) fn note(&mut self, peer: PeerId, what: What) {
        self.trace.push(Step {
            at: self.now - self.origin,
            peer,
            what,
        });
    }

    pub(super) fn local(&self) -> SocketAddr {
        LISTENING.into()
    }
}

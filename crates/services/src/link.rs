//! A server and its clients in one test: connections joined by a fake network with virtual time.
//!
//! Every `Link::run` goes on until nothing moves any more. Bytes that were written between two runs stick together, as
//! they do on a real network; how they are cut into reads is chosen with [`Link::with_pieces`].

mod bare;
mod datagrams;

use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use bare::{Bare, BareServer};
pub(crate) use datagrams::{exchange, path, transmitted, works};
use landline_protocol::{
    Admission, CommandOf, Conn, ConnId, ConnLimits, Effect, Effects, Ended, Load, Peer, Pending, Service,
    StreamProtocol,
};

/// What the network holds in one direction before the writer has to wait.
const WINDOW: usize = 64 * 1024;
/// More moves than this in one run are a conversation without an end.
const MOVES_MAX: usize = 2_000_000;

/// Of the bytes that have arrived: how many the next read takes. Zero counts as one, too many as all.
pub(crate) type Pieces = Box<dyn FnMut(usize) -> usize>;

/// Each read takes all there is.
pub(crate) fn whole() -> Pieces {
    Box::new(|there| there)
}

/// No read takes more than `most`.
pub(crate) fn pieces_of(most: usize) -> Pieces {
    Box::new(move |_| most)
}

/// The first read takes `first`, the others all there is.
pub(crate) fn cut_at(first: usize) -> Pieces {
    let mut next = first;
    Box::new(move |_| std::mem::replace(&mut next, usize::MAX))
}

/// Reads of random lengths, the same ones for the same seed.
pub(crate) fn seeded(seed: u64) -> Pieces {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Box::new(move |there| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let longest = there.max(1) as u64;
        usize::try_from(state % longest).unwrap() + 1
    })
}

/// The moment at which every test begins.
#[allow(
    clippy::disallowed_methods,
    reason = "an origin for virtual time; nothing depends on which one"
)]
pub(crate) fn origin() -> Instant {
    Instant::now()
}

/// One end of a connection.
struct End<P: StreamProtocol> {
    conn: Conn<P>,
    /// On its way to this end.
    inbound: Vec<u8>,
    /// Whether the other end's end comes after `inbound`.
    inbound_end: bool,
    end_told: bool,
    /// Whether this end's program reads at all.
    reads: bool,
}

impl<P: StreamProtocol> End<P> {
    fn new(conn: Conn<P>) -> Self {
        Self {
            conn,
            inbound: Vec::new(),
            inbound_end: false,
            end_told: false,
            reads: true,
        }
    }

    /// Puts what this end sends on its way. Says whether anything moved.
    fn send<Q: StreamProtocol>(&mut self, to: &mut End<Q>, now: Instant) -> bool {
        let mut moved = false;
        loop {
            let room = WINDOW.saturating_sub(to.inbound.len());
            match self.conn.pending() {
                Pending::Shutdown => {
                    to.inbound_end = true;
                    self.conn.shut_down(now);
                }
                Pending::Bytes(bytes) if room > 0 => {
                    let count = bytes.len().min(room);
                    to.inbound.extend_from_slice(&bytes[..count]);
                    self.conn.wrote(count, now);
                }
                Pending::File(slice) if room > 0 => {
                    let count = usize::try_from(slice.length).unwrap_or(room).min(room);
                    let mut bytes = vec![0; count];
                    let count = slice.file.read_at(&mut bytes, slice.offset).unwrap();
                    assert!(count > 0, "a file shorter than was promised");
                    to.inbound.extend_from_slice(&bytes[..count]);
                    self.conn.wrote(count, now);
                }
                Pending::Nothing | Pending::Bytes(_) | Pending::File(_) => return moved,
            }
            moved = true;
        }
    }

    /// One read of this end. Says whether anything moved.
    fn read(&mut self, pieces: &mut Pieces, now: Instant) -> bool {
        if !self.reads || self.conn.ended().is_some() {
            return false;
        }
        let room = self.conn.room().min(self.inbound.len());
        if room > 0 {
            let count = pieces(self.inbound.len()).clamp(1, room);
            let read: Vec<u8> = self.inbound.drain(..count).collect();
            self.conn.feed(&read, now);
            return true;
        }
        if self.inbound.is_empty() && self.inbound_end && !self.end_told {
            self.end_told = true;
            self.conn.end_of_input(now);
            return true;
        }
        false
    }

    /// Lets this end feel that the other one is gone.
    fn feel<Q: StreamProtocol>(&mut self, other: &End<Q>) {
        match other.conn.ended() {
            None => {}
            Some(Ended::Finished) => self.inbound_end = true,
            Some(_) => self.conn.close(Ended::Reset),
        }
    }

    fn turn(&mut self, now: Instant) -> bool {
        let due = self.conn.deadline().is_some_and(|deadline| deadline <= now);
        let works = due || self.conn.has_work();
        if works {
            self.conn.tick(now);
        }
        works
    }
}

struct Pair<C: StreamProtocol, P: StreamProtocol> {
    /// None where the service refused.
    server: Option<End<C>>,
    client: End<P>,
    shown: Vec<P::Event>,
    /// Whether the service knows that the connection has ended.
    left: bool,
}

/// A service, its connections, the clients at their other ends, and the network between.
pub(crate) struct Link<S: Service, P: StreamProtocol> {
    pub(crate) service: S,
    pub(crate) now: Instant,
    limits: Arc<ConnLimits>,
    pairs: Vec<Pair<S::Connection, P>>,
    to_server: Pieces,
    to_client: Pieces,
    worker: Box<dyn FnMut(S::Work) -> Option<CommandOf<S>>>,
}

impl<S: Service, P: StreamProtocol> Link<S, P> {
    /// Nobody is connected; every read takes all there is; work never ends.
    pub(crate) fn new(service: S) -> Self {
        Self {
            service,
            now: origin(),
            limits: Arc::default(),
            pairs: Vec::new(),
            to_server: whole(),
            to_client: whole(),
            worker: Box::new(|_| None),
        }
    }

    /// How the bytes are cut into reads, in either direction.
    pub(crate) fn with_pieces(self, to_server: Pieces, to_client: Pieces) -> Self {
        Self {
            to_server,
            to_client,
            ..self
        }
    }

    pub(crate) fn with_limits(self, limits: ConnLimits) -> Self {
        Self {
            limits: Arc::new(limits),
            ..self
        }
    }

    /// Does the service's work. None: it is under way until [`Link::done`].
    pub(crate) fn with_worker(self, worker: impl FnMut(S::Work) -> Option<CommandOf<S>> + 'static) -> Self {
        Self {
            worker: Box::new(worker),
            ..self
        }
    }

    /// Somebody connects, from a port of its own. Returns its number, which is its `ConnId` too.
    pub(crate) fn connect(&mut self, client: P) -> usize {
        let number = self.join(client);
        self.run();
        number
    }

    /// Somebody connects who does not read.
    pub(crate) fn connect_stalled(&mut self, client: P) -> usize {
        let number = self.join(client);
        self.set_reading(number, false);
        self.run();
        number
    }

    fn join(&mut self, client: P) -> usize {
        let number = self.pairs.len();
        let id = ConnId(number as u64);
        let port = 40_000 + u16::try_from(number).unwrap();
        let peer = Peer {
            remote: ([127, 0, 0, 1], port).into(),
            local: ([127, 0, 0, 1], 9).into(),
        };
        let load = Load {
            connections: number,
            from_this_address: number,
        };
        let mut client = End::new(Conn::open(client, Arc::clone(&self.limits), self.now));
        let server = match self.service.admit(id, &peer, &load, self.now) {
            Admission::Accept(server) => {
                Some(End::new(Conn::open(server, Arc::clone(&self.limits), self.now)))
            }
            Admission::Refuse(bytes) => {
                client.inbound = bytes;
                client.inbound_end = true;
                None
            }
            Admission::Drop => {
                client.inbound_end = true;
                None
            }
        };
        let left = server.is_none();
        self.pairs.push(Pair {
            server,
            client,
            shown: Vec::new(),
            left,
        });
        number
    }

    /// The person at a client types something.
    pub(crate) fn command(&mut self, number: usize, command: P::Command) {
        self.pairs[number].client.conn.command(command, self.now);
    }

    /// The person at a client answers what it asked.
    pub(crate) fn answer(&mut self, number: usize, command: P::Command) {
        self.pairs[number].client.conn.answer(command, self.now);
    }

    /// The server's own program says something to one connection.
    pub(crate) fn server_command(&mut self, number: usize, command: CommandOf<S>) {
        self.pairs[number]
            .server
            .as_mut()
            .unwrap()
            .conn
            .command(command, self.now);
    }

    /// Work that was under way is done.
    pub(crate) fn done(&mut self, number: usize, command: CommandOf<S>) {
        self.pairs[number]
            .server
            .as_mut()
            .unwrap()
            .conn
            .answer(command, self.now);
    }

    /// The client sends all, then its end.
    pub(crate) fn finish(&mut self, number: usize) {
        self.pairs[number].client.conn.finish();
    }

    /// The server sends all, then its end.
    pub(crate) fn server_finish(&mut self, number: usize) {
        self.pairs[number].server.as_mut().unwrap().conn.finish();
    }

    /// The client sends its end, and goes on reading.
    pub(crate) fn half_close(&mut self, number: usize) {
        self.pairs[number].server.as_mut().unwrap().inbound_end = true;
    }

    /// The network breaks: both ends see it, and what was under way is lost.
    pub(crate) fn reset(&mut self, number: usize) {
        let pair = &mut self.pairs[number];
        pair.client.conn.close(Ended::Reset);
        if let Some(server) = &mut pair.server {
            server.conn.close(Ended::Reset);
        }
    }

    /// Whether a client's program reads. One that does not fills its window, and then the server waits.
    pub(crate) fn set_reading(&mut self, number: usize, reads: bool) {
        self.pairs[number].client.reads = reads;
    }

    /// The server stops.
    pub(crate) fn drain(&mut self) {
        for server in self.pairs.iter_mut().filter_map(|pair| pair.server.as_mut()) {
            server.conn.drain(self.now);
        }
    }

    /// What a client has shown since the last call.
    pub(crate) fn shown(&mut self, number: usize) -> Vec<P::Event> {
        std::mem::take(&mut self.pairs[number].shown)
    }

    pub(crate) fn server_ended(&self, number: usize) -> Option<Ended> {
        self.pairs[number]
            .server
            .as_ref()
            .and_then(|server| server.conn.ended())
    }

    pub(crate) fn client_ended(&self, number: usize) -> Option<Ended> {
        self.pairs[number].client.conn.ended()
    }

    /// The server's side of a connection, to look at.
    pub(crate) fn server(&self, number: usize) -> &Conn<S::Connection> {
        &self.pairs[number].server.as_ref().unwrap().conn
    }

    /// Goes on until nothing moves at this moment.
    pub(crate) fn run(&mut self) {
        let mut moves = 0;
        let mut moved = true;
        while moved {
            moved = false;
            for number in 0..self.pairs.len() {
                moved |= self.step(number);
            }
            moves += 1;
            assert!(moves < MOVES_MAX, "a conversation without an end");
        }
    }

    /// Lets time pass, waking whoever wants to be woken at the moment that it asked for.
    pub(crate) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.run();
            let next = self.pairs.iter().flat_map(Pair::deadlines).min();
            match next.filter(|next| *next <= end) {
                Some(next) => self.now = next.max(self.now),
                None => break,
            }
        }
        self.now = end;
        self.run();
    }

    /// One read and one write at each end. Says whether anything moved.
    fn step(&mut self, number: usize) -> bool {
        let now = self.now;
        let Pair { server, client, .. } = &mut self.pairs[number];
        let mut moved = client.turn(now);
        if let Some(server) = server {
            server.feel(client);
            client.feel(server);
            moved |= server.turn(now);
            moved |= client.send(server, now);
            moved |= server.read(&mut self.to_server, now);
        }
        moved |= self.serve();
        let Pair {
            server,
            client,
            shown,
            ..
        } = &mut self.pairs[number];
        if let Some(server) = server {
            moved |= server.send(client, now);
        }
        moved |= client.read(&mut self.to_client, now);
        while let Some(event) = client.conn.event() {
            shown.push(event);
            moved = true;
        }
        moved
    }

    /// Gives the service every event, and does what it wants done, until it wants no more.
    fn serve(&mut self) -> bool {
        let mut moved = false;
        let mut effects = Effects::default();
        loop {
            for number in 0..self.pairs.len() {
                moved |= self.tell(number, &mut effects);
            }
            if effects.is_empty() {
                return moved;
            }
            for effect in effects.drain().collect::<Vec<_>>() {
                self.apply(effect);
            }
        }
    }

    fn tell(&mut self, number: usize, effects: &mut Effects<CommandOf<S>, S::Work>) -> bool {
        let id = ConnId(number as u64);
        let Some(server) = &mut self.pairs[number].server else {
            return false;
        };
        let mut moved = false;
        while let Some(event) = server.conn.event() {
            self.service.event(id, event, effects, self.now);
            moved = true;
        }
        if server.conn.ended().is_some() && !std::mem::replace(&mut self.pairs[number].left, true) {
            self.service.left(id, effects, self.now);
            moved = true;
        }
        moved
    }

    fn apply(&mut self, effect: Effect<CommandOf<S>, S::Work>) {
        let (id, command, answers) = match effect {
            Effect::Command(id, command) => (id, Some(command), false),
            Effect::Answer(id, command) => (id, Some(command), true),
            Effect::Work(id, work) => (id, (self.worker)(work), true),
            Effect::Close(id) => {
                if let Some(server) = self.end_of(id) {
                    server.conn.finish();
                }
                return;
            }
        };
        let now = self.now;
        if let (Some(command), Some(server)) = (command, self.end_of(id)) {
            if answers {
                server.conn.answer(command, now)
            } else {
                server.conn.command(command, now)
            }
        }
    }

    fn end_of(&mut self, id: ConnId) -> Option<&mut End<S::Connection>> {
        self.pairs
            .get_mut(usize::try_from(id.0).unwrap())?
            .server
            .as_mut()
    }
}

impl<C: StreamProtocol, P: StreamProtocol> Pair<C, P> {
    fn deadlines(&self) -> impl Iterator<Item = Instant> + '_ {
        let server = self.server.as_ref().and_then(|server| server.conn.deadline());
        server.into_iter().chain(self.client.conn.deadline())
    }
}

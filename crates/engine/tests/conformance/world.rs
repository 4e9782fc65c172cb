//! A simulated server and its peers, within the test itself. Nothing happens there until somebody waits for something.

use std::cell::{Cell, RefCell, RefMut};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use landline_engine::sim::{PeerId, Seen, Sim, SimOptions, Split};

use super::client::PATIENCE;
use super::experiment::{Experiment, Setting};
use super::phone::{Answer, Switchboard};

/// The port of the first peer.
const FIRST_PORT: u16 = 1024;
/// What a simulated socket takes that its peer has not read: little where everything is cut up anyway, else what
/// tcp_wmem allows.
const SEND_BUFFER_SEEDED: usize = 16 * 1024;
const SEND_BUFFER: usize = 4 * 1024 * 1024;

/// A simulation that a test's server, clients and telephone share.
pub(super) struct World {
    sim: RefCell<Sim<Experiment>>,
    latency: Duration,
    peers: RefCell<Vec<PeerId>>,
    next_port: Cell<u16>,
}

impl World {
    pub(super) fn new(seed: u64, split: Split, setting: &Setting, service: Experiment) -> Rc<Self> {
        let options = SimOptions {
            seed,
            split,
            send_buffer: if split == Split::Seeded {
                SEND_BUFFER_SEEDED
            } else {
                SEND_BUFFER
            },
            admission: setting.options.admission,
            conn: setting.options.conn.clone(),
            grace: setting.options.grace,
            ..SimOptions::default()
        };
        Rc::new(Self {
            latency: options.latency,
            sim: RefCell::new(Sim::new(service, options)),
            peers: RefCell::default(),
            next_port: Cell::new(FIRST_PORT),
        })
    }

    pub(super) fn sim(&self) -> RefMut<'_, Sim<Experiment>> {
        self.sim.borrow_mut()
    }

    /// Lets the world go on until `done`.
    pub(super) fn wait(&self, what: &str, done: impl FnMut(&mut Sim<Experiment>) -> bool) {
        let came = self.sim().run_until(PATIENCE, done);
        assert!(came, "{what}: nothing happens any more, or only later");
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        self.sim().advance(time);
    }

    /// A peer comes, that takes at most `room` bytes before it reads them.
    pub(super) fn connect(self: &Rc<Self>, ip: Ipv4Addr, room: usize) -> SimulatedPeer {
        let port = self.next_port.get();
        self.next_port.set(port + 1);
        let mut sim = self.sim();
        let id = sim.connect_from((ip, port).into());
        sim.stall(id, true);
        sim.allow(id, room);
        self.peers.borrow_mut().push(id);
        SimulatedPeer {
            world: Rc::clone(self),
            id,
            arrived: Vec::new(),
            read: 0,
        }
    }

    /// What is sent from now on stays with its peer.
    pub(super) fn hold(&self) {
        self.hold_all(true);
    }

    /// All that was held arrives at one moment.
    pub(super) fn release(&self) {
        self.pass(self.latency);
        self.hold_all(false);
    }

    fn hold_all(&self, held: bool) {
        for peer in self.peers.borrow().iter() {
            self.sim().hold(*peer, held);
        }
    }
}

impl Switchboard for World {
    fn call(self: Rc<Self>) -> Answer {
        let mut work = None;
        self.wait("a call", |sim| {
            work = sim.work();
            work.is_some()
        });
        let (id, _) = work.expect("it was waited for");
        Box::new(move |words| match words {
            Some(words) => self.sim().answer(id, words),
            None => self.sim().give_up(id),
        })
    }

    fn rings(&self) -> bool {
        let mut sim = self.sim();
        sim.run();
        sim.work().is_some()
    }
}

/// A peer's end of a made-up connection. To read is to wait, as with a blocking socket; to write is not.
pub(super) struct SimulatedPeer {
    world: Rc<World>,
    id: PeerId,
    arrived: Vec<u8>,
    /// How much of that is read.
    read: usize,
}

impl SimulatedPeer {
    pub(super) fn finish(&self) {
        self.world.sim().finish(self.id);
    }

    pub(super) fn reset(&self) {
        self.world.sim().reset(self.id);
    }
}

impl Read for SimulatedPeer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let id = self.id;
        if self.read == self.arrived.len() {
            self.world.wait("something to read", |sim| {
                !sim.received(id).is_empty() || sim.seen(id).is_some()
            });
            let mut sim = self.world.sim();
            self.arrived = sim.take_received(id);
            self.read = 0;
            if self.arrived.is_empty() && sim.seen(id) == Some(Seen::Reset) {
                return Err(ErrorKind::ConnectionReset.into());
            }
        }
        let count = (&self.arrived[self.read..]).read(buffer)?;
        self.read += count;
        // What is read makes room.
        self.world.sim().allow(id, count);
        Ok(count)
    }
}

impl Write for SimulatedPeer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.world.sim().send(self.id, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A peer that goes sends its end, and takes in what still comes.
impl Drop for SimulatedPeer {
    fn drop(&mut self) {
        // It is lent where a rule fails in the middle of it.
        if let Ok(mut sim) = self.world.sim.try_borrow_mut() {
            sim.finish(self.id);
            sim.stall(self.id, false);
        }
    }
}

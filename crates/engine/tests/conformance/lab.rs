//! A server to try the rules on, and all that is around it, on sockets or simulated.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use landline_engine::protocol::ConnId;
use landline_engine::{Kind, Options, ProcessCommand, Report, Running, listen, serve};

use super::client::{Client, Connection, Ending, LITTLE_ROOM, PATIENCE, ROOM};
use super::engine::Engine;
use super::experiment::{Experiment, Gate, Observed, Setting, Telephone};
use super::phone::Phone;
use super::world::World;

/// Where a lab's server runs.
enum Host {
    /// On threads of its own, until it is joined.
    Running(Option<Running>),
    /// In the test's own thread.
    Simulated(Rc<World>),
}

/// A running server, and what can be seen of it from within.
pub(super) struct Lab {
    engine: Engine,
    host: Host,
    pub(super) observed: Arc<Observed>,
    /// Who has left.
    left: Receiver<ConnId>,
}

impl Lab {
    pub(super) fn start(engine: impl Into<Engine>, change: impl FnOnce(&mut Setting)) -> Self {
        let engine = engine.into();
        let mut setting = Setting {
            options: Options::default(),
            handshake: false,
            refuses: None,
        };
        change(&mut setting);
        let (leaves, left) = mpsc::channel();
        let service = Experiment::new(&setting, leaves, engine == Kind::Process);
        let observed = Arc::clone(&service.observed);
        let host = match engine {
            Engine::Real(kind) => Host::Running(Some(run(kind, setting, service))),
            Engine::Simulated { seed, split } => Host::Simulated(World::new(seed, split, &setting, service)),
        };
        Self {
            engine,
            host,
            observed,
            left,
        }
    }

    /// Where it listens, for rules that are not simulated.
    pub(super) fn port(&self) -> u16 {
        match &self.host {
            Host::Running(running) => joinable(running).address().port(),
            Host::Simulated(_) => panic!("a simulated server has no port"),
        }
    }

    pub(super) fn connect(&self) -> Client {
        self.connect_as(Ipv4Addr::LOCALHOST, None)
    }

    /// Any address of 127.0.0.0/8 is this machine's.
    pub(super) fn connect_from(&self, ip: Ipv4Addr) -> Client {
        self.connect_as(ip, None)
    }

    /// For who does not read: the kernel takes little in its place, here [`LITTLE_ROOM`], and there what tcp_wmem
    /// allows: 4 MiB.
    pub(super) fn connect_with_little_room(&self) -> Client {
        self.connect_as(Ipv4Addr::LOCALHOST, Some(LITTLE_ROOM))
    }

    fn connect_as(&self, ip: Ipv4Addr, room: Option<usize>) -> Client {
        match &self.host {
            Host::Running(_) => Client::connect_as(ip, self.port(), room),
            Host::Simulated(world) => {
                Client::over(Connection::Simulated(world.connect(ip, room.unwrap_or(ROOM))))
            }
        }
    }

    /// Whether nobody new comes in.
    pub(super) fn is_closed(&self) -> bool {
        match &self.host {
            Host::Running(_) => {
                let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port()));
                refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
            }
            Host::Simulated(_) => self.connect().ends() == Ending::Cut,
        }
    }

    /// Somebody in each loop of the engine, and perhaps more.
    pub(super) fn connect_to_every_loop(&self) -> Vec<Client> {
        let Engine::Real(Kind::Sharded(shards)) = self.engine else {
            return vec![self.connect()];
        };
        let mut clients: Vec<(u64, Client)> = Vec::new();
        while (0..shards as u64).any(|shard| clients.iter().all(|(of, _)| *of != shard)) {
            assert!(
                clients.len() < 200,
                "the kernel spreads connections among the shards"
            );
            let mut client = self.connect();
            clients.push((client.id() >> 56, client));
        }
        clients.into_iter().map(|(_, client)| client).collect()
    }

    /// What the lab calls.
    pub(super) fn phone(&self) -> Phone {
        match &self.host {
            Host::Running(_) => Phone::new(),
            Host::Simulated(world) => Phone::Simulated(Rc::<World>::clone(world)),
        }
    }

    /// Has `holder` stop its whole loop, with `behind` already waiting behind it, until that is released. What others
    /// send meanwhile is all there then.
    pub(super) fn hold(&self, holder: &mut Client, behind: &str) -> Held {
        if let Host::Simulated(world) = &self.host {
            world.hold();
            holder.send(behind);
            return Held::Simulated(Rc::clone(world));
        }
        let (arrived, arrival) = mpsc::channel();
        let (opener, go_on) = mpsc::channel();
        *self.observed.gate.lock().expect("nobody panicked") = Some(Gate { arrived, go_on });
        holder.send(format!("gate\n{behind}"));
        arrival.recv_timeout(PATIENCE).expect("the loop is held");
        Held::Real(opener)
    }

    /// Something that lets time pass.
    pub(super) fn clock(&self) -> Clock {
        match &self.host {
            Host::Running(_) => {
                let lab = Self::start(Kind::Epoll, |_| {});
                let client = lab.connect();
                Clock::Real(Box::new((client, lab)))
            }
            Host::Simulated(world) => Clock::Simulated(Rc::clone(world)),
        }
    }

    /// The next one who has left.
    pub(super) fn left(&self) -> u64 {
        if let Host::Simulated(world) = &self.host {
            let mut left = None;
            world.wait("somebody leaves", |_| {
                left = self.left.try_recv().ok();
                left.is_some()
            });
            return left.expect("it was waited for").0;
        }
        self.left.recv_timeout(PATIENCE).expect("somebody leaves").0
    }

    pub(super) fn stop(&self) {
        match &self.host {
            Host::Running(running) => joinable(running).stop(),
            Host::Simulated(world) => world.sim().stop(),
        }
    }

    pub(super) fn join(mut self) -> Report {
        match &mut self.host {
            Host::Running(running) => running.take().expect("joined once").join(),
            Host::Simulated(world) => {
                world.wait("the server has stopped", |sim| sim.is_stopped());
                world.sim().report()
            }
        }
    }

    /// Stops and joins.
    pub(super) fn end(self) -> Report {
        self.stop();
        self.join()
    }
}

fn run(kind: Kind, mut setting: Setting, service: Experiment) -> Running {
    setting.options.kind = kind;
    setting.options.process = Some(ProcessCommand {
        program: std::env::current_exe().expect("this program"),
        arguments: super::isolated::arguments(&setting),
    });
    let address = SocketAddr::from(([0, 0, 0, 0], 0));
    let listener = listen(address, &setting.options).expect("a free port");
    serve(listener, service, Telephone, &setting.options).expect("the engine starts")
}

fn joinable(running: &Option<Running>) -> &Running {
    running.as_ref().expect("it runs until it is joined")
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Host::Running(Some(running)) = &self.host {
            running.stop();
            running.stop();
        }
    }
}

/// A loop that stands still.
pub(super) enum Held {
    /// In its gate.
    Real(Sender<()>),
    /// With everything that is sent still on its way.
    Simulated(Rc<World>),
}

impl Held {
    pub(super) fn release(self) {
        match self {
            Self::Real(opener) => opener.send(()).expect("it waits"),
            Self::Simulated(world) => world.release(),
        }
    }
}

/// Lets time pass: told by a server of its own, or in virtual time.
pub(super) enum Clock {
    Real(Box<(Client, Lab)>),
    Simulated(Rc<World>),
}

impl Clock {
    pub(super) fn pass(&mut self, millis: u32) {
        match self {
            Self::Real(server) => assert_eq!(server.0.ask(&format!("wait {millis}")), "waited"),
            Self::Simulated(world) => world.pass(Duration::from_millis(millis.into())),
        }
    }
}

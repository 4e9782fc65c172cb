//! A link that can be cut: a proxy between a person and the hub that counts what it carries.

use super::{Hub, Person};
use std::collections::VecDeque;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToHub,
    FromHub,
}

/// What becomes of a connection when it has carried so many bytes one way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It ends.
    Cut(Way, u64),
    /// Nothing goes on that way until the test says so; that is told first.
    Stall(Way, u64),
}

/// What is told of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Stalled,
    Ended,
}

/// A link to a hub. Each connection has the next fate; when there are no more, nothing happens to it.
pub(crate) struct Link {
    address: String,
    shared: Arc<Shared>,
    told: mpsc::Receiver<Told>,
    go_on: mpsc::Sender<()>,
}

struct Shared {
    hub: String,
    fates: Mutex<VecDeque<Fate>>,
    carried: AtomicU64,
    connections: AtomicU64,
    tell: mpsc::Sender<Told>,
    wait: Mutex<mpsc::Receiver<()>>,
}

impl Link {
    /// A link to a hub, which somebody uses from now on.
    pub(crate) fn between(person: &Person, hub: &Hub, fates: impl IntoIterator<Item = Fate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, told) = mpsc::channel();
        let (go_on, wait) = mpsc::channel();
        let shared = Arc::new(Shared {
            hub: hub.address().to_owned(),
            fates: Mutex::new(fates.into_iter().collect()),
            carried: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            tell,
            wait: Mutex::new(wait),
        });
        let accepting = Arc::clone(&shared);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.carry(client.unwrap()));
            }
        });
        let hubs = person.configuration().join("hubs.toml");
        let text = fs::read_to_string(&hubs).unwrap();
        assert!(text.contains(hub.address()), "{text}");
        fs::write(&hubs, text.replace(hub.address(), &address)).unwrap();
        Self {
            address,
            shared,
            told,
            go_on,
        }
    }

    /// The bytes that went to the hub.
    pub(crate) fn carried(&self) -> u64 {
        self.shared.carried.load(Ordering::SeqCst)
    }

    /// The connections that were made.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Returns when a connection stalls.
    pub(crate) fn is_stalled(&self) {
        while self.told.recv().unwrap() != Told::Stalled {}
    }

    /// Returns when the first connection stalls, or has ended without.
    pub(crate) fn stalls_before_it_ends(&self) -> bool {
        self.told.recv().unwrap() == Told::Stalled
    }

    /// Lets a connection that stalls go on.
    pub(crate) fn goes_on(&self) {
        self.go_on.send(()).unwrap();
    }

    /// The person reaches the hub without it again.
    pub(crate) fn is_left_by(&self, person: &Person) {
        let hubs = person.configuration().join("hubs.toml");
        let text = fs::read_to_string(&hubs).unwrap();
        fs::write(&hubs, text.replace(&self.address, &self.shared.hub)).unwrap();
    }
}

impl Shared {
    fn carry(self: &Arc<Self>, client: TcpStream) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let fate = self.fates.lock().unwrap().pop_front();
        let Ok(hub) = TcpStream::connect(&self.hub) else {
            return;
        };
        let (from_hub, to_client) = (hub.try_clone().unwrap(), client.try_clone().unwrap());
        let shared = Arc::clone(self);
        let back = std::thread::spawn(move || shared.carry_one_way(Way::FromHub, from_hub, to_client, fate));
        self.carry_one_way(Way::ToHub, client, hub, fate);
        let _ = back.join();
        // Nobody may listen any more.
        let _ = self.tell.send(Told::Ended);
    }

    fn carry_one_way(&self, way: Way, mut from: TcpStream, mut to: TcpStream, fate: Option<Fate>) {
        match fate {
            Some(Fate::Cut(cut, bytes)) if cut == way => {
                self.forward(way, &mut from, &mut to, bytes);
                // What was carried arrives; nothing more comes back.
                let _ = from.shutdown(Shutdown::Both);
            }
            Some(Fate::Stall(stalled, bytes)) if stalled == way => {
                if self.forward(way, &mut from, &mut to, bytes) {
                    let _ = self.tell.send(Told::Stalled);
                    let _ = self.wait.lock().unwrap().recv();
                    self.forward(way, &mut from, &mut to, u64::MAX);
                }
            }
            _ => {
                self.forward(way, &mut from, &mut to, u64::MAX);
            }
        }
        match way {
            Way::ToHub => drop(to.shutdown(Shutdown::Write)),
            Way::FromHub => {
                let _ = to.shutdown(Shutdown::Both);
                // What was carried to the hub must not be lost by closing before it was read.
                let _ = std::io::copy(&mut from, &mut std::io::sink());
            }
        }
    }

    /// Carries so many bytes; false: it ended before.
    fn forward(&self, way: Way, from: &mut TcpStream, to: &mut TcpStream, limit: u64) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        let mut left = limit;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let Ok(read @ 1..) = from.read(&mut buffer[..wanted]) else {
                return false;
            };
            if to.write_all(&buffer[..read]).is_err() {
                return false;
            }
            if way == Way::ToHub {
                self.carried.fetch_add(read as u64, Ordering::SeqCst);
            }
            left -= read as u64;
        }
        true
    }
}

//! The hub of a seed, and its people's ways in: how it dies, loses what was not synced, and comes back.

use crate::disk::Disk;
use crate::luck::Luck;
use crate::people::{ADMIN, GUEST, NAMES};
use crate::running::{DATA, Running, is_shared_memory};
use crate::support::Hub;
use crate::trace;
use landline_client::hubs::{KnownAccount, Session};
use landline_client::{Connection, Heads};
use landline_model::link::JoinLink;
use landline_model::protocol::people::{Invite, Join};
use landline_model::role::Role;
use rustix::process::Pid;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// A hub that can lose power, and everybody's way into it.
pub(crate) struct House {
    hub: Hub,
    recorded: Option<Recorded>,
    people: Vec<landline_client::Hub>,
    configuration: TempDir,
}

/// The hub under strace, on a data directory of which nothing is known to be synced.
struct Recorded {
    disk: Disk,
    // Before its place: where a test has failed, the hub is found and ended by a file there.
    running: Running,
    place: TempDir,
}

impl House {
    /// A hub with so many people.
    pub(crate) async fn new(people: usize) -> Self {
        let hub = Hub::start_at(directory(), &[], &[]);
        let link: JoinLink = hub.admin_link().parse().unwrap();
        let (connection, first) = joined(&link, NAMES[ADMIN]).await;
        let mut all = vec![first];
        for (person, name) in NAMES.iter().enumerate().take(people).skip(1) {
            let invite = Invite {
                role: if person == GUEST {
                    Role::Guest
                } else {
                    Role::Member
                },
                uses: 1,
                expires: 600,
            };
            let token = connection.call(&invite).await.unwrap().token;
            let link = JoinLink {
                token,
                ..link.clone()
            };
            all.push(joined(&link, name).await.1);
        }
        Self {
            hub,
            recorded: None,
            people: all,
            configuration: tempfile::tempdir().unwrap(),
        }
    }

    /// Everybody's account and way in.
    pub(crate) fn people(&self) -> &[landline_client::Hub] {
        &self.people
    }

    /// A fresh connection of somebody.
    pub(crate) async fn connect(&self, person: usize) -> Connection {
        landline_client::connect(&self.people[person]).await.unwrap()
    }

    /// The heads that somebody's program remembers.
    pub(crate) fn heads(&self, person: usize) -> Heads {
        let hub = &self.people[person];
        Heads::load_from(self.configuration.path(), &hub.pin, hub.head_key, hub.account.id).unwrap()
    }

    /// The hub's process.
    pub(crate) fn pid(&self) -> Pid {
        match &self.recorded {
            Some(recorded) => recorded.running.hub().expect("it runs"),
            None => Pid::from_raw(i32::try_from(self.hub.pid()).unwrap()).unwrap(),
        }
    }

    /// The databases of a hub that is not running.
    pub(crate) fn databases(&self) -> PathBuf {
        self.hub.data().join("db")
    }

    /// `kill -9`, unless somebody was faster. What the kernel has, it keeps.
    pub(crate) fn kill(&mut self) {
        match self.recorded.take() {
            None => self.hub.kill(),
            Some(recorded) => {
                recorded.running.kill();
                let root = recorded.place.path().join("root");
                std::fs::rename(root.join(DATA), self.hub.data()).unwrap();
            }
        }
    }

    /// The hub stops in order.
    pub(crate) fn stop(&mut self) {
        match self.recorded.take() {
            None => assert!(self.hub.stop().success()),
            Some(recorded) => {
                recorded.running.stop();
                let root = recorded.place.path().join("root");
                std::fs::rename(root.join(DATA), self.hub.data()).unwrap();
            }
        }
    }

    /// The hub dies, and of what was not synced only some is left, as this seed has it: a third of them nothing.
    pub(crate) fn cut_the_power(&mut self, seed: u64) {
        let Recorded {
            place,
            mut disk,
            running,
        } = self.recorded.take().expect("a hub that is recorded");
        let trace = running.kill();
        let mut calls = trace::parse(&trace, 1);
        calls.sort_by_key(trace::Call::effect);
        calls.iter().for_each(|call| disk.apply(call));
        let mut luck = match seed % 3 {
            0 => Luck::None,
            _ => Luck::seeded(seed),
        };
        let left = directory();
        disk.crash(left.path(), &mut luck, is_shared_memory);
        std::fs::rename(left.path().join(DATA), self.hub.data()).unwrap();
        drop(place);
    }

    /// Starts the hub again at the same address, on what is left.
    pub(crate) fn start_again(&mut self) {
        self.hub.start_again();
    }

    /// The same, recorded, so that the power can be cut.
    pub(crate) fn start_again_recorded(&mut self) {
        let place = directory();
        let root = place.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::rename(self.hub.data(), root.join(DATA)).unwrap();
        let disk = Disk::found(&root);
        let running = Running::start(place.path(), self.hub.address());
        self.recorded = Some(Recorded { place, disk, running });
    }
}

/// In memory where there is such a place: what is tested is not this machine's disk.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    place.unwrap()
}

/// Follows a link.
async fn joined(link: &JoinLink, name: &str) -> (Connection, landline_client::Hub) {
    let call = Join {
        token: link.token.clone(),
        name: name.parse().unwrap(),
        password: None,
        device: String::new(),
        secret: Some(landline_client::join::fresh_secret().unwrap()),
    };
    let joined = landline_client::join::join(link, &call, Duration::from_secs(10)).await;
    let (connection, welcome, login) = joined.unwrap();
    let hub = landline_client::Hub {
        name: name.to_owned(),
        addresses: vec![link.address.clone()],
        pin: link.pin,
        head_key: welcome.head_key,
        account: KnownAccount {
            id: login.account.id,
            name: login.account.name,
        },
        session: Some(Session {
            id: login.session,
            secret: login.secret,
            token: false,
        }),
    };
    (connection, hub)
}

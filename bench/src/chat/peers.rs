//! The servers, all of them running, and how somebody gets into each.

use super::ground;
use crate::clients::hub::HubDoor;
use crate::clients::{Dialect, Link, irc, nats};
use crate::cores::Cores;
use crate::servers::Server;
use crate::servers::landline::LandlineHub;
use crate::servers::nats::NatsServer;
use crate::servers::ngircd::Ngircd;
use anyhow::{Result, bail};
use std::fs;
use std::path::Path;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Landline,
    Nats,
    Ngircd,
}

impl Peer {
    pub(super) const ALL: [Self; 3] = [Self::Landline, Self::Nats, Self::Ngircd];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Landline => "landline",
            Self::Nats => "nats-server core",
            Self::Ngircd => "ngircd",
        }
    }
}

/// Somebody who is in.
pub(super) type Client = (Link, Box<dyn Dialect>);

/// All servers.
pub(super) struct Peers {
    hub: LandlineHub,
    door: HubDoor,
    nats: NatsServer,
    ngircd: Ngircd,
}

impl Peers {
    pub(super) async fn start(home: &Path, cores: Cores) -> Result<Self> {
        let homes = ["landline", "nats", "ngircd"].map(|name| home.join(name));
        homes.iter().try_for_each(fs::create_dir)?;
        let hub = LandlineHub::start(&homes[0], cores, &[])?;
        let door = ground::open(&hub).await?;
        let nats = NatsServer::start(&homes[1], cores)?;
        nats::make_stream(nats.address).await?;
        let ngircd = Ngircd::start(&homes[2], cores)?;
        Ok(Self {
            hub,
            door,
            nats,
            ngircd,
        })
    }

    pub(super) fn server(&self, peer: Peer) -> &Server {
        match peer {
            Peer::Landline => &self.hub.server,
            Peer::Nats => &self.nats.server,
            Peer::Ngircd => &self.ngircd.server,
        }
    }

    /// Somebody who reads the room.
    pub(super) async fn member(&self, peer: Peer, number: u16) -> Result<Client> {
        match peer {
            Peer::Landline => self.door.member(&format!("member{number}")).await.map(boxed),
            Peer::Nats => nats::member(self.nats.address).await.map(boxed),
            Peer::Ngircd => irc::member(self.ngircd.address, &format!("m{number}"))
                .await
                .map(boxed),
        }
    }

    /// Somebody who speaks in the room and does not read it.
    pub(super) async fn sender(&self, peer: Peer) -> Result<Client> {
        match peer {
            Peer::Landline => self.door.sender("speaker").await.map(boxed),
            Peer::Nats => nats::sender(self.nats.address).await.map(boxed),
            Peer::Ngircd => irc::sender(self.ngircd.address, "speaker").await.map(boxed),
        }
    }

    /// Somebody whose messages are stored and acknowledged.
    pub(super) async fn stored_sender(&self, peer: Peer, number: usize) -> Result<Client> {
        match peer {
            Peer::Landline => self.door.sender(&format!("sender{number}")).await.map(boxed),
            Peer::Nats => nats::stored_sender(self.nats.address, number).await.map(boxed),
            Peer::Ngircd => bail!("ngircd stores nothing"),
        }
    }
}

fn boxed<D: Dialect + 'static>((link, dialect): (Link, D)) -> Client {
    (link, Box::new(dialect))
}

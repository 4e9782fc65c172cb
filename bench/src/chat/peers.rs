//! The servers, all of them running, and how somebody gets into each.

use crate::clients::hub::HubDoor;
use crate::clients::{Dialect, Link, irc, nats};
use crate::cores::Cores;
use crate::servers::Server;
use crate::servers::landline::LandlineHub;
use crate::servers::nats::NatsServer;
use crate::servers::ngircd::Ngircd;
use anyhow::{Context as _, Result, bail};
use landline_client::Connection;
use landline_model::protocol::chat::RoomCreate;
use landline_model::protocol::people::Invite;
use landline_model::role::Role;
use landline_model::target::Target;
use std::fs;
use std::path::Path;

/// What is not as it is shipped.
pub(super) const LIFTED_AT_THE_HUB: &str = "landline: connections per address (everybody comes from one)";

/// The setting of that.
const CONNECTIONS_PER_ADDRESS: (&str, &str) = ("LANDLINE_LIMITS_CONNECTIONS_PER_ADDRESS", "20000");

/// The room that everybody reads.
const ROOM: &str = "bench";

/// How many the invitation brings in, and for how many seconds.
const INVITE_USES: u32 = 10_000;
const INVITE_SECONDS: u64 = 24 * 60 * 60;

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
        let (variable, value) = CONNECTIONS_PER_ADDRESS;
        let hub = LandlineHub::start(&homes[0], cores, &[(variable, value.to_owned())])?;
        let door = open_room(&hub, &hub.join().await?)
            .await
            .context("the hub did not make a room")?;
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

async fn open_room(hub: &LandlineHub, admin: &Connection) -> Result<HubDoor> {
    let room = admin.call(&RoomCreate { name: ROOM.parse()? }).await?;
    let invite = Invite {
        role: Role::Member,
        uses: INVITE_USES,
        expires: INVITE_SECONDS,
    };
    let invitation = admin.call(&invite).await?;
    let target: Target = room.target;
    HubDoor::new(hub.invite.clone(), invitation.token, target)
}

//! A hub with a room that everybody may enter, and nothing beside it.

use crate::clients::hub::HubDoor;
use crate::clients::visitor::Visitor;
use crate::cores::Cores;
use crate::servers::landline::LandlineHub;
use anyhow::{Context as _, Result};
use landline_client::Connection;
use landline_model::event::RoomKind;
use landline_model::protocol::chat::RoomCreate;
use landline_model::protocol::people::Invite;
use landline_model::role::Role;
use std::path::Path;
use std::rc::Rc;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// The room that everybody reads.
const ROOM: &str = "bench";

/// How many the invitation brings in, and for how many seconds.
const INVITE_USES: u32 = 10_000;
const INVITE_SECONDS: u64 = 24 * 60 * 60;

/// How many do at once what nobody measures: enough that the hub's commits are shared.
const AT_ONCE: usize = 64;

/// The hub, and its door.
pub(crate) struct Ground {
    pub(crate) hub: LandlineHub,
    pub(crate) door: Rc<HubDoor>,
    /// Behind the others: it goes when everything that is in it has ended.
    home: TempDir,
}

impl Ground {
    /// A new hub, which keeps everything in a directory of its own on `disk`.
    pub(crate) async fn start(disk: &Path, cores: Cores) -> Result<Self> {
        let home = home(disk)?;
        let hub = LandlineHub::start(home.path(), cores, &[])?;
        let door = Rc::new(open(&hub).await?);
        Ok(Self { hub, door, home })
    }

    /// The same hub in a new process.
    pub(crate) fn start_again(self) -> Result<Self> {
        let hub = self.hub.start_again()?;
        let mut door = Rc::into_inner(self.door).context("somebody is still at the door")?;
        door.moved(hub.address);
        Ok(Self {
            hub,
            door: Rc::new(door),
            home: self.home,
        })
    }

    /// So many people, with accounts and sessions; nobody is connected.
    pub(crate) async fn people(&self, count: usize) -> Result<Vec<Rc<Visitor>>> {
        let joining = (0..count).map(|number| {
            let door = Rc::clone(&self.door);
            async move { Ok(Rc::new(Visitor::join(&door, &format!("visitor{number}")).await?)) }
        });
        a_few_at_once(joining).await
    }
}

/// A directory for servers. It goes when it is dropped.
pub(super) fn home(disk: &Path) -> Result<TempDir> {
    let home = tempfile::Builder::new()
        .prefix("landline-bench-")
        .tempdir_in(disk);
    home.with_context(|| format!("could not work in {}", disk.display()))
}

/// Makes the room on a new hub, and an invitation for all who come.
pub(super) async fn open(hub: &LandlineHub) -> Result<HubDoor> {
    let admin = hub.join().await?;
    open_as(hub, &admin).await
}

/// The same on a hub that has this admin already.
pub(crate) async fn open_as(hub: &LandlineHub, admin: &Connection) -> Result<HubDoor> {
    let create = RoomCreate {
        name: ROOM.parse()?,
        kind: RoomKind::Public,
    };
    let room = admin.call(&create).await.context("the hub did not make a room")?;
    let invite = Invite {
        role: Role::Member,
        uses: INVITE_USES,
        expires: INVITE_SECONDS,
    };
    let invitation = admin.call(&invite).await?;
    HubDoor::new(&hub.invite, invitation.token, room.target)
}

/// Does all of this, a bounded number at once. The answers come in whatever order.
pub(super) async fn a_few_at_once<T: 'static>(
    mut work: impl Iterator<Item = impl Future<Output = Result<T>> + 'static>,
) -> Result<Vec<T>> {
    let (mut tasks, mut done) = (JoinSet::new(), Vec::new());
    for work in work.by_ref().take(AT_ONCE) {
        tasks.spawn_local(work);
    }
    while let Some(one) = tasks.join_next().await {
        done.push(one??);
        if let Some(work) = work.next() {
            tasks.spawn_local(work);
        }
    }
    Ok(done)
}

//! Bringing a room here from another hub, as its log was exported.
//!
//! The events are verified while they arrive. Their rows are there, but nobody sees the room before it is whole; what is
//! not whole is dropped when the hub starts, or after [`IMPORT_IDLE_MAX`].

mod begin;
mod events;
mod finish;
mod sweep;

pub(super) use finish::Finishing;
pub(super) use sweep::{Sweeping, drop_all};

use super::room::Room;
use crate::error::StoreError;
use landline_model::chain::{Broken, Walk};
use landline_model::event::{Event, Genesis};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::name::{AccountName, RoomName};
use landline_model::time::Timestamp;
use rusqlite::Connection;
use std::collections::HashMap;
use std::time::Duration;

pub(super) use begin::begin;
pub(super) use events::append;

/// The most rooms that are brought here at a time: each keeps in memory what its walk has to remember.
pub const IMPORTS_MAX: usize = 4;

/// How long an import may rest before it is dropped.
pub const IMPORT_IDLE_MAX: Duration = Duration::from_secs(60 * 60);

/// The most events of one step of an import.
pub const IMPORT_EVENTS_MAX: usize = 4_096;

/// How far ahead of the hub's clock what is brought here may be. A room's time is never before its last event: with one
/// far ahead, nobody would be muted or slowed down there for as long as the room is asked to wait.
pub const IMPORT_AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The most names of people of other hubs that are kept.
pub const SENDER_NAMES_MAX: usize = 100_000;

/// A room to bring here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// What its chain begins with. Its id must be new here, and its kind one that [`super::NewRoom`] may have.
    pub genesis: Genesis,
    /// What it is called here.
    pub name: RoomName,
}

/// The next events of a room that is brought here.
#[derive(Clone, Debug)]
pub struct ImportedEvents {
    /// The room.
    pub room: RoomId,
    /// At most [`IMPORT_EVENTS_MAX`], in order. Those that came before are left out, so that the same may come again.
    pub events: Vec<Event>,
    /// What people in them were called.
    pub names: Vec<(AccountId, AccountName)>,
}

/// A room that is all there.
#[derive(Clone, Copy, Debug)]
pub struct FinishedImport {
    /// The room.
    pub room: RoomId,
    /// How many events there were.
    pub sequence: u64,
    /// The head behind the last one.
    pub hash: Hash,
    /// Who brought it here, and owns it from now on.
    pub admin: AccountId,
    /// What they call the event that says so.
    pub client_id: ClientId,
}

/// Why a log is not one that can be brought here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// The room is here.
    #[error("the room is here already")]
    RoomKnown,
    /// What the room began with is nothing that a room begins with.
    #[error("no room begins like this")]
    Genesis,
    /// An event is not the next one.
    #[error("{0}")]
    Event(Broken),
    /// An event has what no hub writes: a text that is too long, a time or a target that cannot be.
    #[error("event {0} is not one that a hub writes")]
    Shape(u64),
    /// The event (0: the making of the room) is later than the hub's clock by more than [`IMPORT_AHEAD_MAX`].
    #[error("event {0} is more than a day ahead of this hub's clock (event 0: the making of the room)")]
    Ahead(u64),
    /// The event's client id was used here.
    #[error("event {0} is in another room here already")]
    ClientId(u64),
    /// The log ends elsewhere than was said, or otherwise.
    #[error(
        "the log ends with event {found}, and not as was said with event {expected}, or with another hash"
    )]
    End {
        /// As was said.
        expected: u64,
        /// As it arrived.
        found: u64,
    },
}

/// Refuses an event that is too far ahead of the hub's clock.
fn require_past(event: u64, time: Timestamp, now: Timestamp) -> Result<(), ImportFault> {
    if time > now.plus(IMPORT_AHEAD_MAX) {
        return Err(ImportFault::Ahead(event));
    }
    Ok(())
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        ImportFault::Event(broken).into()
    }
}

/// A room that is being brought here.
#[derive(Clone)]
pub(super) struct Import {
    pub(super) room: Room,
    walk: Walk,
    /// When something came last.
    touched: Timestamp,
}

/// All rooms that are being brought here.
#[derive(Default)]
pub(super) struct Imports {
    committed: HashMap<RoomId, Import>,
    /// What the group in hand makes of them; none: it is finished.
    pending: HashMap<RoomId, Option<Import>>,
    /// Names that the group in hand has written.
    names: Vec<(AccountId, AccountName)>,
    /// The keys of rooms that are not brought here any more, and whose rows go little by little.
    dropped: Vec<i64>,
}

impl Imports {
    fn find(&self, room: &RoomId) -> Option<&Import> {
        match self.pending.get(room) {
            Some(pending) => pending.as_ref(),
            None => self.committed.get(room),
        }
    }

    fn set(&mut self, room: RoomId, import: Option<Import>) {
        self.pending.insert(room, import);
    }

    /// How many there are, whatever becomes of the group in hand.
    fn len(&self) -> usize {
        let fresh = self
            .pending
            .keys()
            .filter(|room| !self.committed.contains_key(room));
        self.committed.len() + fresh.count() + self.dropped.len()
    }

    /// The group is on the disk; returns the names that are known now.
    pub(super) fn committed(&mut self) -> Vec<(AccountId, AccountName)> {
        for (room, import) in self.pending.drain() {
            match import {
                Some(import) => drop(self.committed.insert(room, import)),
                None => drop(self.committed.remove(&room)),
            }
        }
        std::mem::take(&mut self.names)
    }

    pub(super) fn rolled_back(&mut self) {
        self.pending.clear();
        self.names.clear();
    }
}

/// The names of people of other hubs.
pub(super) fn names(connection: &Connection) -> Result<HashMap<AccountId, AccountName>, StoreError> {
    let mut statement = connection.prepare("SELECT account, name FROM sender_names")?;
    let mut rows = statement.query([])?;
    let mut names = HashMap::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        let name = name
            .parse()
            .map_err(|_| StoreError::Corrupt("a name of a sender is none".to_owned()))?;
        names.insert(AccountId::from_bytes(row.get(0)?), name);
    }
    Ok(names)
}

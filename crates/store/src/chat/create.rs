//! Making a room.

use super::members::Known;
use super::room::{Head, People, Room, RoomRecord, pair};
use super::state::State;
use crate::error::StoreError;
use crate::integer;
use crate::writer::{Done, Job};
use landline_model::chain::genesis_hash;
use landline_model::event::{Genesis, RoomKind};
use landline_model::id::{AccountId, RoomId};
use landline_model::name::RoomName;
use landline_model::room::{Membership, RoomRole, Standing};
use rusqlite::{Connection, OptionalExtension as _};
use std::sync::Arc;

/// A room to make. Who makes it is its first owner.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Its id, random.
    pub id: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Who makes it.
    pub creator: AccountId,
    /// Who may be in it: [`RoomKind::Public`], [`RoomKind::Private`] or [`RoomKind::Approval`].
    pub kind: RoomKind,
}

/// Who made a room.
pub(super) const OWNER: Known = Known {
    membership: Membership {
        standing: Standing::Member(RoomRole::Owner),
        muted_until: None,
    },
    spoke: None,
};

pub(super) struct Creating {
    new: NewRoom,
    done: Done<RoomRecord>,
}

impl Creating {
    pub(super) fn new(new: NewRoom, done: Done<RoomRecord>) -> Self {
        Self { new, done }
    }
}

impl Job<State> for Creating {
    fn apply(&mut self, transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
        check(transaction, self.new.kind, &self.new.name)?;
        state.one_more_room(self.new.creator, false)?;
        let genesis = Genesis {
            room: self.new.id,
            created: state.now(),
            creator: self.new.creator,
            kind: self.new.kind,
            name: self.new.name.as_str().to_owned(),
            peer: None,
        };
        let mut room = insert(transaction, genesis, Some(self.new.name.clone()), false)?;
        room.people.add(OWNER);
        state.change(room);
        state.stand(self.new.id, self.new.creator, OWNER);
        Ok(())
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, state: &mut State) {
        (self.done)(result.and_then(|()| made(state, &self.new.id)));
    }

    fn stopped(self: Box<Self>) {
        (self.done)(Err(StoreError::Stopped));
    }
}

/// A room that was made by the last commit.
pub(super) fn made(state: &State, room: &RoomId) -> Result<RoomRecord, StoreError> {
    let room = state.committed_room(room);
    room.map(|room| state.shared().record(&room))
        .ok_or_else(|| StoreError::Internal("a room that was made is not there".to_owned()))
}

/// The conversation of two people that somebody wants to follow before the first message.
pub(super) struct Opening {
    pub(super) opener: AccountId,
    pub(super) peer: AccountId,
    pub(super) fresh: RoomId,
    pub(super) done: Done<RoomRecord>,
}

impl Job<State> for Opening {
    fn apply(&mut self, transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
        if find_direct(transaction, self.opener, self.peer)?.is_none() {
            let room = direct(transaction, state, self.opener, self.peer, self.fresh)?;
            state.change(room);
        }
        Ok(())
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, state: &mut State) {
        let record = result.and_then(|()| {
            let room = state.shared().direct(self.opener, self.peer);
            room.ok_or_else(|| StoreError::Internal("a conversation that was opened is not there".to_owned()))
        });
        (self.done)(record);
    }

    fn stopped(self: Box<Self>) {
        (self.done)(Err(StoreError::Stopped));
    }
}

/// The id of the conversation of two people, as the transaction sees it.
pub(super) fn find_direct(
    transaction: &Connection,
    one: AccountId,
    other: AccountId,
) -> Result<Option<RoomId>, StoreError> {
    let found = transaction
        .prepare_cached("SELECT id FROM rooms WHERE pair = ?1")?
        .query_row([pair_bytes(one, other)], |row| row.get(0).map(RoomId::from_bytes));
    Ok(found.optional()?)
}

/// The conversation of two people, which the first message or the first follower makes.
pub(super) fn direct(
    transaction: &Connection,
    state: &State,
    sender: AccountId,
    peer: AccountId,
    fresh: RoomId,
) -> Result<Room, StoreError> {
    state.one_more_room(sender, true)?;
    let genesis = Genesis {
        room: fresh,
        created: state.now(),
        creator: sender,
        kind: RoomKind::Direct,
        name: String::new(),
        peer: Some(peer),
    };
    insert(transaction, genesis, None, false)
}

/// Both accounts of a conversation, as the database has them.
fn pair_bytes(one: AccountId, other: AccountId) -> Vec<u8> {
    pair(one, other)
        .iter()
        .flat_map(|account| *account.as_bytes())
        .collect()
}

/// Whether there may be a room of this kind and name.
///
/// # Errors
/// [`StoreError::Invalid`], [`StoreError::NameTaken`].
pub(super) fn check(transaction: &Connection, kind: RoomKind, name: &RoomName) -> Result<(), StoreError> {
    if !matches!(kind, RoomKind::Public | RoomKind::Private | RoomKind::Approval) {
        return Err(StoreError::Invalid("a room is public, private or approval"));
    }
    let taken = transaction
        .prepare_cached("SELECT 1 FROM rooms WHERE name_key = ?1")?
        .exists([name.key()])?;
    if taken { Err(StoreError::NameTaken) } else { Ok(()) }
}

pub(super) fn insert(
    transaction: &Connection,
    genesis: Genesis,
    name: Option<RoomName>,
    importing: bool,
) -> Result<Room, StoreError> {
    let hash = genesis_hash(&genesis);
    transaction
        .prepare_cached(
            "INSERT INTO rooms (id, created, creator, kind, original_name, peer, genesis_hash, name, name_key, pair,
                                importing, head_sequence, head_hash, head_time)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?7, ?2)",
        )?
        .execute((
            genesis.room.as_bytes(),
            integer(genesis.created.0),
            genesis.creator.as_bytes(),
            genesis.kind.name(),
            &genesis.name,
            genesis.peer.as_ref().map(AccountId::as_bytes),
            hash.as_bytes(),
            name.as_ref().map(RoomName::as_str),
            name.as_ref().map(RoomName::key),
            genesis.peer.map(|peer| pair_bytes(genesis.creator, peer)),
            importing,
        ))?;
    let head = Head {
        sequence: 0,
        hash,
        time: genesis.created,
    };
    Ok(Room {
        key: transaction.last_insert_rowid(),
        genesis: Arc::new(genesis),
        name: name.map(Arc::new),
        head,
        topic: Arc::from(""),
        slow_seconds: 0,
        people: People::default(),
    })
}

//! What the writer of messages keeps beside its database.

use super::room::{Committed, Room, Shared};
use super::{DIRECT_ROOMS_PER_CREATOR_MAX, PUBLIC_ROOMS_PER_CREATOR_MAX, ROOMS_MAX};
use crate::error::StoreError;
use crate::{Clock, INTEGER_MAX, integer, read, write, writer};
use landline_model::event::{Event, RoomKind, Salt, SignedHead};
use landline_model::id::{AccountId, RoomId};
use landline_model::time::Timestamp;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::Arc;

/// Rooms as of the last commit, and what the group in hand has changed of them.
pub(super) struct State {
    shared: Arc<Shared>,
    clock: Clock,
    salt: Box<dyn FnMut() -> Salt + Send>,
    deliver: Box<dyn FnMut(&Event) + Send>,
    /// The rooms that the group in hand has made or written to, as they will be once it is committed. A group that
    /// fails leaves nothing behind but this, and this is forgotten.
    pending: HashMap<RoomId, Room>,
    /// How many of them are new, by creator and kind.
    made: HashMap<(AccountId, RoomKind), usize>,
}

impl State {
    pub(super) fn new(
        shared: Arc<Shared>,
        clock: Clock,
        salt: Box<dyn FnMut() -> Salt + Send>,
        deliver: Box<dyn FnMut(&Event) + Send>,
    ) -> Self {
        Self {
            shared,
            clock,
            salt,
            deliver,
            pending: HashMap::new(),
            made: HashMap::new(),
        }
    }

    /// The hub's time, never before `last`.
    pub(super) fn now(&self, last: Timestamp) -> Timestamp {
        // What the database cannot hold would come back as another time, and break the chain.
        Timestamp((self.clock)().max(last).0.min(INTEGER_MAX))
    }

    pub(super) fn salt(&mut self) -> Salt {
        (self.salt)()
    }

    pub(super) fn deliver(&mut self, event: &Event) {
        (self.deliver)(event);
    }

    /// A room as the jobs before this one leave it.
    pub(super) fn room(&self, room: &RoomId) -> Option<Room> {
        let pending = self.pending.get(room).cloned();
        pending.or_else(|| self.shared.room(room).map(|room| room.room.clone()))
    }

    /// Whether there may be one more room of this kind and creator.
    ///
    /// # Errors
    /// [`StoreError::TooMany`].
    pub(super) fn one_more_room(&self, creator: AccountId, kind: RoomKind) -> Result<(), StoreError> {
        let rooms = read(&self.shared.rooms);
        let all = rooms.len() + self.made.values().sum::<usize>();
        let made = self.made.get(&(creator, kind)).copied().unwrap_or(0);
        let (max, what) = match kind {
            RoomKind::Direct => (
                DIRECT_ROOMS_PER_CREATOR_MAX,
                "conversations that one account began",
            ),
            _ => (PUBLIC_ROOMS_PER_CREATOR_MAX, "public rooms that one account made"),
        };
        if rooms.made_by(creator, kind) + made >= max {
            return Err(StoreError::TooMany { what, max });
        }
        if all >= ROOMS_MAX {
            let (what, max) = ("rooms of one hub", ROOMS_MAX);
            return Err(StoreError::TooMany { what, max });
        }
        Ok(())
    }

    /// Remembers a room as this job leaves it.
    pub(super) fn change(&mut self, room: Room) {
        let id = room.genesis.room;
        if self.shared.room(&id).is_none() && !self.pending.contains_key(&id) {
            *self
                .made
                .entry((room.genesis.creator, room.genesis.kind))
                .or_default() += 1;
        }
        self.pending.insert(id, room);
    }

    /// A room as of the commit that was just made.
    pub(super) fn committed_room(&self, room: &RoomId) -> Option<Arc<Committed>> {
        self.shared.room(room)
    }

    pub(super) fn signed(&self, room: &RoomId) -> Option<SignedHead> {
        self.shared.room(room).map(|room| self.shared.signed(&room))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl writer::State for State {
    fn before_commit(&mut self, transaction: &Connection) -> Result<(), StoreError> {
        let mut update = transaction.prepare_cached(
            "UPDATE rooms SET head_sequence = ?2, head_hash = ?3, head_time = ?4 WHERE room = ?1",
        )?;
        for room in self.pending.values() {
            let head = &room.head;
            update.execute((
                room.key,
                integer(head.sequence),
                head.hash.as_bytes(),
                integer(head.time.0),
            ))?;
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.made.clear();
        if self.pending.is_empty() {
            return;
        }
        let mut rooms = write(&self.shared.rooms);
        for (_, room) in self.pending.drain() {
            rooms.insert(room);
        }
    }

    fn rolled_back(&mut self) {
        self.made.clear();
        self.pending.clear();
    }
}

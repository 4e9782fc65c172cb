//! What the writer of messages keeps beside its database.

use super::import::Imports;
use super::members::{self, Known};
use super::room::{Room, Shared};
use super::seal::Committed;
use super::{DIRECT_ROOMS_PER_CREATOR_MAX, ROOMS_MAX, ROOMS_PER_CREATOR_MAX};
use crate::error::StoreError;
use crate::{Clock, INTEGER_MAX, integer, read, write, writer};
use landline_model::event::{Event, RoomKind, Salt};
use landline_model::head::SignedHead;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::AccountName;
use landline_model::room::RoomFacts;
use landline_model::time::Timestamp;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Rooms as of the last commit, and what the group in hand has changed of them.
pub(super) struct State {
    shared: Arc<Shared>,
    clock: Clock,
    salt: Box<dyn FnMut() -> Salt + Send>,
    deliver: Box<dyn FnMut(&Event) + Send>,
    settled: Box<dyn FnMut() + Send>,
    /// The rooms that the group in hand has made or written to, as they will be once it is committed. A group that
    /// fails leaves nothing behind but this, and this is forgotten.
    pending: HashMap<RoomId, Room>,
    /// How many of them are new: conversations (true) and others, by creator.
    made: HashMap<(AccountId, bool), usize>,
    /// Those of them whose topic or slow mode is another one.
    settings: HashSet<RoomId>,
    /// Whom the group in hand has made known to a room in another way. Written at the end of the group.
    people: HashMap<(RoomId, AccountId), Known>,
    /// The rooms that are being brought here.
    pub(super) imports: Imports,
    /// The rooms whose last event is later than the clock.
    behind: HashMap<RoomId, Behind>,
}

/// A clock that was set back. A room's time goes on all the same, at half the clock's speed: it never goes back, nobody
/// stays muted for as long as the clock was ahead, and one day the two meet.
struct Behind {
    /// When this was seen last by a clock that was set back since.
    clock: Timestamp,
    /// What time it was in the room.
    room: Timestamp,
}

impl State {
    pub(super) fn new(
        shared: Arc<Shared>,
        clock: Clock,
        salt: Box<dyn FnMut() -> Salt + Send>,
        deliver: Box<dyn FnMut(&Event) + Send>,
        settled: Box<dyn FnMut() + Send>,
    ) -> Self {
        Self {
            shared,
            clock,
            salt,
            deliver,
            settled,
            pending: HashMap::new(),
            made: HashMap::new(),
            settings: HashSet::new(),
            people: HashMap::new(),
            imports: Imports::default(),
            behind: HashMap::new(),
        }
    }

    /// The hub's time.
    pub(super) fn now(&self) -> Timestamp {
        // What the database cannot hold would come back as another time, and break the chain.
        Timestamp((self.clock)().0.min(INTEGER_MAX))
    }

    /// The time in a room: never before its last event.
    pub(super) fn now_in(&mut self, room: &Room) -> Timestamp {
        let (clock, last) = (self.now(), room.head.time);
        if clock >= last {
            if !self.behind.is_empty() {
                self.behind.remove(&room.genesis.room);
            }
            return clock;
        }
        let fresh = || Behind { clock, room: last };
        let behind = self.behind.entry(room.genesis.room).or_insert_with(fresh);
        if clock < behind.clock {
            *behind = fresh();
        }
        let passed = (clock.0 - behind.clock.0) / 2;
        Timestamp(behind.room.0.saturating_add(passed).min(INTEGER_MAX)).max(last)
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

    /// What a room knows of somebody, as the jobs before this one leave it.
    pub(super) fn known(&self, room: &RoomId, account: &AccountId) -> Known {
        let pending = (!self.people.is_empty())
            .then(|| self.people.get(&(*room, *account)))
            .flatten();
        pending
            .copied()
            .unwrap_or_else(|| read(&self.shared.rooms).known(room, account))
    }

    /// What there is to know when `me` wants to do something in `room`, to `other` where it is to somebody.
    pub(super) fn facts(&self, room: &Room, me: &AccountId, other: Option<AccountId>) -> RoomFacts {
        let id = &room.genesis.room;
        let other = other.map(|other| (other, self.known(id, &other).membership));
        room.facts(self.known(id, me), other)
    }

    /// Whether there may be one more room of this creator.
    ///
    /// # Errors
    /// [`StoreError::TooMany`].
    pub(super) fn one_more_room(&self, creator: AccountId, direct: bool) -> Result<(), StoreError> {
        let made = self.made.get(&(creator, direct)).copied().unwrap_or(0);
        let (max, what) = if direct {
            (
                DIRECT_ROOMS_PER_CREATOR_MAX,
                "conversations that one account began",
            )
        } else {
            (ROOMS_PER_CREATOR_MAX, "rooms that one account made")
        };
        if read(&self.shared.rooms).made_by(creator, direct) + made >= max {
            return Err(StoreError::TooMany { what, max });
        }
        self.one_more()
    }

    /// Whether the hub may have one more room.
    ///
    /// # Errors
    /// [`StoreError::TooMany`].
    pub(super) fn one_more(&self) -> Result<(), StoreError> {
        let all = read(&self.shared.rooms).len() + self.made.values().sum::<usize>();
        if all >= ROOMS_MAX {
            let (what, max) = ("rooms of one hub", ROOMS_MAX);
            return Err(StoreError::TooMany { what, max });
        }
        Ok(())
    }

    /// Remembers a room as this job leaves it.
    pub(super) fn change(&mut self, room: Room) {
        let id = room.genesis.room;
        let same = |before: &Room| {
            before.slow_seconds == room.slow_seconds && Arc::ptr_eq(&before.topic, &room.topic)
        };
        let before = self.pending.get(&id).map(same);
        match before.or_else(|| self.shared.room(&id).map(|before| same(&before.room))) {
            Some(true) => {}
            Some(false) => drop(self.settings.insert(id)),
            None => {
                let direct = room.genesis.kind == RoomKind::Direct;
                *self.made.entry((room.genesis.creator, direct)).or_default() += 1;
            }
        }
        self.pending.insert(id, room);
    }

    /// Remembers what a room knows of somebody, as this job leaves it.
    pub(super) fn stand(&mut self, room: RoomId, account: AccountId, known: Known) {
        self.people.insert((room, account), known);
    }

    /// A room as of the commit that was just made.
    pub(super) fn committed_room(&self, room: &RoomId) -> Option<Arc<Committed>> {
        self.shared.room(room)
    }

    pub(super) fn signed(&self, room: &RoomId) -> Option<SignedHead> {
        self.shared.room(room).map(|room| self.shared.signed(&room))
    }

    /// What somebody of another hub was called, as of the last commit.
    pub(super) fn sender_name(&self, account: &AccountId) -> Option<AccountName> {
        read(&self.shared.names).get(account).cloned()
    }

    /// How many of them there are.
    pub(super) fn sender_names(&self) -> usize {
        read(&self.shared.names).len()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl writer::State for State {
    fn completed(&mut self) {
        (self.settled)();
    }

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
        for room in self.settings.iter().filter_map(|room| self.pending.get(room)) {
            transaction
                .prepare_cached("UPDATE rooms SET topic = ?2, slow_seconds = ?3 WHERE room = ?1")?
                .execute((room.key, &*room.topic, room.slow_seconds))?;
        }
        for ((room, account), known) in &self.people {
            if let Some(room) = self.room(room) {
                members::write(transaction, room.key, account, known)?;
            }
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.made.clear();
        self.settings.clear();
        let names = self.imports.committed();
        if !names.is_empty() {
            write(&self.shared.names).extend(names);
        }
        if self.pending.is_empty() {
            return;
        }
        // Hashed before the lock is taken.
        let changed = Committed::together(self.pending.drain().map(|(_, room)| room).collect());
        let mut rooms = write(&self.shared.rooms);
        for room in changed {
            rooms.insert(room);
        }
        for ((room, account), known) in self.people.drain() {
            rooms.stand(room, account, known);
        }
    }

    fn rolled_back(&mut self) {
        self.made.clear();
        self.settings.clear();
        self.pending.clear();
        self.people.clear();
        self.imports.rolled_back();
    }
}

//! What is read of rooms: most of it from memory.

use super::message::{self, Fold};
use super::room::RoomRecord;
use super::{Chat, event};
use crate::error::StoreError;
use crate::read;
use landline_model::event::{Event, RoomKind};
use landline_model::id::{AccountId, RoomId};
use landline_model::name::{AccountName, RoomName};
use landline_model::room::{Membership, RoomFacts};
use std::collections::HashMap;
use std::ops::ControlFlow;

impl Chat {
    /// A room. From memory.
    #[must_use]
    pub fn room(&self, room: &RoomId) -> Option<RoomRecord> {
        let room = read(&self.shared.rooms).by_id(room).cloned()?;
        Some(self.shared.record(&room))
    }

    /// A room by its name. From memory.
    #[must_use]
    pub fn room_by_name(&self, name: &RoomName) -> Option<RoomRecord> {
        let room = read(&self.shared.rooms).by_name(name).cloned()?;
        Some(self.shared.record(&room))
    }

    /// Which room has a name, and of what kind it is: all that who says something there needs to know. From memory.
    #[must_use]
    pub fn room_id(&self, name: &RoomName) -> Option<(RoomId, RoomKind)> {
        let rooms = read(&self.shared.rooms);
        let genesis = &rooms.by_name(name)?.room.genesis;
        Some((genesis.room, genesis.kind))
    }

    /// The conversation of two people, where they have one. From memory.
    #[must_use]
    pub fn find_direct(&self, one: AccountId, other: AccountId) -> Option<RoomRecord> {
        self.shared.direct(one, other)
    }

    /// The rooms that `account` may know of, in the order of their ids: public ones, those that one asks to join,
    /// private ones that it is in or invited to, and its own conversations. From memory.
    #[must_use]
    pub fn rooms_for(&self, account: &AccountId, after: Option<RoomId>, limit: usize) -> Vec<RoomRecord> {
        let page = read(&self.shared.rooms).page(account, after, limit);
        page.iter().map(|room| self.shared.record(room)).collect()
    }

    /// The first events of a room after `since`, oldest first: at most `limit`, and no more than fit into
    /// `byte_limit` bytes of bodies, but at least one where there is one. Blocks for the disk.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such room, [`StoreError::Corrupt`], and those of the disk.
    pub fn events(
        &self,
        room: &RoomId,
        since: u64,
        limit: usize,
        byte_limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let key = self.key(room)?;
        self.readers
            .read(|connection| event::first(connection, (key, *room), since, limit, byte_limit))
    }

    /// As [`events`](Self::events), but the last ones after `since`, still oldest first.
    ///
    /// # Errors
    /// As [`events`](Self::events).
    pub fn last_events(
        &self,
        room: &RoomId,
        since: u64,
        limit: usize,
        byte_limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        let key = self.key(room)?;
        self.readers
            .read(|connection| event::last(connection, (key, *room), since, limit, byte_limit))
    }

    /// What became of messages since they were said, as `reader` sees it; those of which nothing became are left out,
    /// and so are deleted ones. Blocks for the disk.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such room, and those of the disk.
    pub fn folds(
        &self,
        room: &RoomId,
        reader: &AccountId,
        messages: &[u64],
    ) -> Result<HashMap<u64, Fold>, StoreError> {
        let key = self.key(room)?;
        self.readers
            .read(|connection| message::folds(connection, key, reader, messages))
    }

    /// Messages as they are now, as `reader` sees them: each with its place in `messages`, and what became of it. Those
    /// that are deleted or not there, and events that are no messages, are left out. All of them as of one moment, until
    /// `each` has enough. Blocks for the disk.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], and those of the disk.
    pub fn messages_now(
        &self,
        reader: &AccountId,
        messages: impl IntoIterator<Item = (RoomId, u64)>,
        mut each: impl FnMut(usize, Event, Option<Fold>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.readers.read(|connection| {
            // Without it each statement would take the database's locks, and give them back.
            let transaction = connection.unchecked_transaction()?;
            for (place, (room, sequence)) in messages.into_iter().enumerate() {
                let Ok(key) = self.key(&room) else { continue };
                let Some(event) = event::message(&transaction, (key, room), sequence)? else {
                    continue;
                };
                let fold = message::fold(&transaction, key, reader, sequence)?;
                if each(place, event, fold).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// What there is to know when `me` wants to do something in a room, to `other` where it is to somebody. From
    /// memory, as of the last commit.
    #[must_use]
    pub fn facts(&self, room: &RoomId, me: &AccountId, other: Option<AccountId>) -> Option<RoomFacts> {
        let rooms = read(&self.shared.rooms);
        let other = other.map(|other| (other, rooms.known(room, &other).membership));
        Some(rooms.by_id(room)?.room.facts(rooms.known(room, me), other))
    }

    /// How somebody stands to a room. From memory.
    #[must_use]
    pub fn membership(&self, room: &RoomId, account: &AccountId) -> Membership {
        read(&self.shared.rooms).known(room, account).membership
    }

    /// The members of a room, or else whom it knows beside them (who asked, was invited, put out or silenced), in the
    /// order of their ids. From memory.
    #[must_use]
    pub fn members(
        &self,
        room: &RoomId,
        members: bool,
        after: Option<AccountId>,
        limit: usize,
    ) -> Vec<(AccountId, Membership)> {
        let rooms = read(&self.shared.rooms);
        let roster = rooms.roster(room);
        roster.map_or_else(Vec::new, |roster| roster.page(members, after, limit))
    }

    /// Marks a room as read up to and with an event, or to its end where there is no such event yet; false where the
    /// mark stands there or further. In memory: [`flush_marks`](Self::flush_marks) writes it.
    #[must_use]
    pub fn mark_read(&self, account: AccountId, room: RoomId, sequence: u64) -> bool {
        let head = read(&self.shared.rooms)
            .by_id(&room)
            .map(|room| room.room.head.sequence);
        head.is_some_and(|head| self.marks.advance(account, room, sequence.min(head)))
    }

    /// Up to where somebody has read a room. From memory.
    #[must_use]
    pub fn read_mark(&self, account: &AccountId, room: &RoomId) -> Option<u64> {
        self.marks.find(account, room)
    }

    /// What somebody of another hub was called, whose events were brought here. From memory.
    #[must_use]
    pub fn sender_name(&self, account: &AccountId) -> Option<AccountName> {
        read(&self.shared.names).get(account).cloned()
    }

    fn key(&self, room: &RoomId) -> Result<i64, StoreError> {
        read(&self.shared.rooms)
            .by_id(room)
            .map(|room| room.room.key)
            .ok_or(StoreError::NotFound)
    }
}

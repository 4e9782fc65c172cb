//! Rooms and their events.
//!
//! What is here holds the contracts on messages: acknowledged means committed and synced; a room's events are numbered
//! 1, 2, 3, ...; a client id is used once for ever; each event is chained to the one before it.

mod append;
mod audit;
mod barrier;
mod create;
mod event;
mod load;
mod room;
mod schema;
mod state;
#[cfg(test)]
mod tests;

pub use append::{Append, Appended, Place};
pub use audit::{Audit, AuditFault, RoomAudit, audit};
pub use create::NewRoom;
pub use room::RoomRecord;

use crate::database::Readers;
use crate::error::StoreError;
use crate::writer::{Done, Job, Writer};
use crate::{Clock, database, read};
use landline_model::event::{Event, Salt};
use landline_model::hash::Signature;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::RoomName;
use room::Shared;
use schema::SCHEMA;
use state::State;
use std::path::Path;
use std::sync::Arc;

/// The most rooms of a hub: all are kept in memory, each with some hundred bytes.
pub const ROOMS_MAX: usize = 100_000;

/// The most public rooms that one account makes: nobody fills the hub alone.
pub const PUBLIC_ROOMS_PER_CREATOR_MAX: usize = 1_000;

/// The most direct conversations that one account begins. Those that others begin with it do not count.
pub const DIRECT_ROOMS_PER_CREATOR_MAX: usize = 10_000;

/// Signs a statement with the hub's head key. Called on whatever thread asks for a head first.
pub type Sign = Box<dyn Fn(&[u8]) -> Signature + Send + Sync>;

/// What the store of messages needs from outside.
pub struct ChatOptions {
    /// The hub's clock.
    pub clock: Clock,
    /// Fresh random salts. Called on the writer's thread.
    pub salt: Box<dyn FnMut() -> Salt + Send>,
    /// Signs a head's statement with the hub's head key.
    pub sign: Sign,
    /// Takes each event once it is committed and its sender has been told, in the order of the log. Called on the
    /// writer's thread: it must not block.
    pub deliver: Box<dyn FnMut(&Event) + Send>,
}

/// The store of messages. Clones share it.
#[derive(Clone)]
pub struct Chat {
    // In this order: the connection that closes last moves the write-ahead log into the database, and one that only
    // reads cannot.
    readers: Arc<Readers>,
    writer: Writer<State>,
    shared: Arc<Shared>,
}

impl Chat {
    /// Opens `chat.db` in `directory`; makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a room's record and its last event disagree, [`StoreError::NewerVersion`], and
    /// those of the disk.
    pub fn open(directory: &Path, options: ChatOptions) -> Result<Self, StoreError> {
        let connection = database::open(directory, &SCHEMA)?;
        let rooms = load::rooms(&connection)?;
        let shared = Arc::new(Shared::new(rooms, options.sign));
        let readers = Arc::new(Readers::new(directory, &SCHEMA)?);
        let state = State::new(Arc::clone(&shared), options.clock, options.salt, options.deliver);
        let writer = Writer::start("chat", connection, state)?;
        Ok(Self {
            writer,
            shared,
            readers,
        })
    }

    /// Makes a public room. Waits only while the queue is full.
    ///
    /// `done` is told [`StoreError::NameTaken`], [`StoreError::TooMany`] and those of the disk.
    pub async fn create_room(&self, new: NewRoom, done: Done<RoomRecord>) {
        self.submit(Box::new(create::Creating::new(new, done))).await;
    }

    /// Writes an event. Waits only while the queue is full. `done` is called once, before the event is delivered to
    /// anybody.
    ///
    /// `done` is told [`StoreError::NotFound`] where the room or the target event does not exist,
    /// [`StoreError::TooLarge`], [`StoreError::TooMany`] and those of the disk.
    pub async fn append(&self, append: Append, done: Done<Appended>) {
        self.submit(Box::new(append::Appending::new(append, done))).await;
    }

    /// Finds the conversation of two people, or makes it with the id `fresh`. Waits only while the queue is full.
    ///
    /// `done` is told [`StoreError::TooMany`] and those of the disk.
    pub async fn open_direct(
        &self,
        opener: AccountId,
        peer: AccountId,
        fresh: RoomId,
        done: Done<RoomRecord>,
    ) {
        self.submit(Box::new(create::Opening {
            opener,
            peer,
            fresh,
            done,
        }))
        .await;
    }

    /// Calls `done` when everything that was queued before is committed (or refused) and delivered. It fails only
    /// where the store is stopping.
    pub async fn barrier(&self, done: Done<()>) {
        self.submit(Box::new(barrier::Barrier(done))).await;
    }

    /// A room. From memory.
    #[must_use]
    pub fn room(&self, room: &RoomId) -> Option<RoomRecord> {
        let room = read(&self.shared.rooms).by_id(room).cloned()?;
        Some(self.shared.record(&room))
    }

    /// A public room by its name. From memory.
    #[must_use]
    pub fn room_by_name(&self, name: &RoomName) -> Option<RoomRecord> {
        let room = read(&self.shared.rooms).by_name(name).cloned()?;
        Some(self.shared.record(&room))
    }

    /// The conversation of two people, where they have one. From memory.
    #[must_use]
    pub fn find_direct(&self, one: AccountId, other: AccountId) -> Option<RoomRecord> {
        self.shared.direct(one, other)
    }

    /// The rooms that `account` may read, in the order of their ids: public ones and its own conversations. From
    /// memory.
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

    fn key(&self, room: &RoomId) -> Result<i64, StoreError> {
        read(&self.shared.rooms)
            .by_id(room)
            .map(|room| room.room.key)
            .ok_or(StoreError::NotFound)
    }

    async fn submit(&self, job: Box<dyn Job<State>>) {
        // Where it fails, the job has told whoever waits.
        let _ = self.writer.submit(job).await;
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Chat(..)")
    }
}

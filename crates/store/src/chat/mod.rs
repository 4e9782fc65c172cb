//! Rooms and their events.
//!
//! What is here holds the contracts on messages: acknowledged means committed and synced; a room's events are numbered
//! 1, 2, 3, ...; a client id is used once for ever; each event is chained to the one before it.

mod act;
mod append;
mod audit;
mod barrier;
mod create;
mod draft;
mod effect;
mod event;
mod import;
mod load;
mod marks;
mod members;
mod message;
mod reactions;
mod reading;
mod room;
pub(crate) mod schema;
mod seal;
mod standing;
mod state;
#[cfg(test)]
mod tests;

pub use append::{Append, Appended, Permit, Place};
pub use audit::{Audit, AuditFault, RoomAudit, audit};
pub use create::NewRoom;
pub use import::{
    FinishedImport, IMPORT_AHEAD_MAX, IMPORT_EVENTS_MAX, IMPORT_IDLE_MAX, IMPORTS_MAX, ImportFault,
    ImportedEvents, NewImport, SENDER_NAMES_MAX,
};
pub use message::Fold;
pub use room::RoomRecord;

use crate::database::Readers;
use crate::error::StoreError;
use crate::writer::{Done, Job, Writer, completion};
use crate::{Clock, database};
use landline_model::event::{Event, Salt};
use landline_model::hash::Signature;
use landline_model::id::{AccountId, RoomId};
use marks::{Flushing, Marks};
use room::Shared;
use schema::SCHEMA;
use state::State;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The most rooms of a hub: all are kept in memory, each with some hundred bytes.
pub const ROOMS_MAX: usize = 100_000;

/// The most rooms that one account makes: nobody fills the hub alone.
pub const ROOMS_PER_CREATOR_MAX: usize = 1_000;

/// The most direct conversations that one account begins. Those that others begin with it do not count.
pub const DIRECT_ROOMS_PER_CREATOR_MAX: usize = 10_000;

/// The most people whom one room knows: members, and those who were invited, asked, were put out, silenced or slowed.
pub const PEOPLE_PER_ROOM_MAX: usize = 100_000;

/// The most different reactions to one message; each may come from everybody.
pub const REACTIONS_PER_MESSAGE_MAX: usize = 64;

/// How long the emptying of the write-ahead log waits for who reads.
const SCRUB_PATIENCE: Duration = Duration::from_secs(2);

/// Signs a statement with the hub's head key. Called on whatever thread asks for a head first.
pub type Sign = Box<dyn Fn(&[u8]) -> Signature + Send + Sync>;

/// What the store of messages needs from outside.
pub struct ChatOptions {
    /// The hub's clock.
    pub clock: Clock,
    /// Fresh random salts. Called on the writer's thread.
    pub salt: Box<dyn FnMut() -> Salt + Send>,
    /// Signs what stands for the heads of a commit with the hub's head key.
    pub sign: Sign,
    /// Takes each event once it is committed and its sender has been told, in the order of the log. Called on the
    /// writer's thread: it must not block.
    pub deliver: Box<dyn FnMut(&Event) + Send>,
    /// Called on the writer's thread when all of a commit, or a good part of a large one, were told and delivered: the
    /// time to wake whoever is concerned.
    pub settled: Box<dyn FnMut() + Send>,
}

/// What one connection has asked for and the writer has not heard of yet, in order.
#[derive(Default)]
pub struct Batch {
    jobs: Vec<Box<dyn Job<State>>>,
}

impl Batch {
    /// As [`Chat::append`].
    pub fn append(&mut self, append: Append, done: Done<Appended>) {
        self.jobs.push(Box::new(append::Appending::new(append, done)));
    }

    /// As [`Chat::barrier`].
    pub fn barrier(&mut self, done: Done<()>) {
        self.jobs.push(Box::new(barrier::Barrier(done)));
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Batch({})", self.jobs.len())
    }
}

/// The store of messages. Clones share it.
#[derive(Clone)]
pub struct Chat {
    // In this order: the connection that closes last moves the write-ahead log into the database, and one that only
    // reads cannot.
    readers: Arc<Readers>,
    writer: Writer<State>,
    shared: Arc<Shared>,
    marks: Arc<Marks>,
    directory: Arc<Path>,
}

impl Chat {
    /// Opens `chat.db` in `directory`; makes it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a room's record and its last event disagree, [`StoreError::NewerVersion`], and
    /// those of the disk.
    pub fn open(directory: &Path, options: ChatOptions) -> Result<Self, StoreError> {
        let mut connection = database::open(directory, &SCHEMA)?;
        // What is erased is overwritten, and not only forgotten.
        connection.pragma_update(None, "secure_delete", true)?;
        import::drop_all(&mut connection)?;
        let rooms = load::rooms(&connection)?;
        let marks = Arc::new(Marks::load(&connection)?);
        let shared = Arc::new(Shared::new(rooms, import::names(&connection)?, options.sign));
        let readers = Arc::new(Readers::new(directory, &SCHEMA)?);
        let state = State::new(
            Arc::clone(&shared),
            options.clock,
            options.salt,
            options.deliver,
            options.settled,
        );
        let writer = Writer::start("chat", connection, state)?;
        Ok(Self {
            writer,
            shared,
            marks,
            directory: Arc::from(directory),
            readers,
        })
    }

    /// Makes a room. Waits only while the queue is full.
    ///
    /// `done` is told [`StoreError::NameTaken`], [`StoreError::Invalid`] (the kind), [`StoreError::TooMany`] and those of the disk.
    pub async fn create_room(&self, new: NewRoom, done: Done<RoomRecord>) {
        self.submit(Box::new(create::Creating::new(new, done))).await;
    }

    /// Does something in a room and writes the event that it becomes. Waits only while the queue is full. `done` is
    /// called once, before the event is delivered to anybody.
    ///
    /// `done` is told [`StoreError::Denied`] where the permit says no; [`StoreError::NotFound`] where the room does not
    /// exist, or the message on which it acts does not, or was deleted; [`StoreError::NoChange`] where it is so already;
    /// [`StoreError::LastOwner`], [`StoreError::NotAsked`], [`StoreError::Banned`] where it makes no sense for whom it
    /// acts on; [`StoreError::TooLarge`], [`StoreError::Invalid`], [`StoreError::TooMany`],
    /// [`StoreError::Importing`] (the client id stands in such a room), and those of the disk.
    pub async fn append(&self, append: Append, done: Done<Appended>) {
        self.submit(Box::new(append::Appending::new(append, done))).await;
    }

    /// Brings what a batch has to the writer at once, so that it comes into one commit where it can, and empties it.
    pub async fn submit_batch(&self, batch: &mut Batch) {
        // Where it fails, the jobs have told whoever waits.
        let _ = self.writer.submit_all(&mut batch.jobs).await;
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

    /// Writes the read marks that moved, and drops imports that have rested for too long. To be called every few
    /// seconds, and before the hub stops.
    ///
    /// `done` is told those of the disk; what was not written is written next time.
    pub async fn flush_marks(&self, done: Done<()>) {
        self.submit(Box::new(import::Sweeping)).await;
        let chunks = self.marks.unwritten().div_ceil(marks::CHUNK);
        for _ in 1..chunks {
            self.submit(Box::new(Flushing::new(Arc::clone(&self.marks), None)))
                .await;
        }
        self.submit(Box::new(Flushing::new(Arc::clone(&self.marks), Some(done))))
            .await;
    }

    /// Empties the write-ahead log where a text was erased since the last time: the log still has what was there before.
    /// To be called every minute or so. Blocks for the disk, and holds the writer up meanwhile.
    ///
    /// # Errors
    /// Those of the disk. What could not be emptied is emptied next time.
    pub fn scrub(&self) -> Result<(), StoreError> {
        if !self.shared.erased.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let emptied = database::open(&self.directory, &SCHEMA).and_then(|connection| {
            // While it waits for who reads, nobody writes: a writer has to have more patience than this.
            connection.busy_timeout(SCRUB_PATIENCE)?;
            let busy =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?;
            Ok(!busy)
        });
        if emptied != Ok(true) {
            self.shared.erased.store(true, Ordering::Release);
        }
        emptied.map(drop)
    }

    /// Begins to bring a room here. The same again goes on where it was.
    ///
    /// # Errors
    /// [`StoreError::Import`], [`StoreError::Importing`] where another import of the same room has not ended,
    /// [`StoreError::NameTaken`], [`StoreError::Invalid`] (the kind), [`StoreError::TooMany`] and those of the disk.
    pub async fn import_begin(&self, new: NewImport) -> Result<(), StoreError> {
        self.writer
            .run(move |transaction, state| import::begin(transaction, state, new))
            .await
    }

    /// Brings events here; says how many there are then. Where one of them is refused, all are.
    ///
    /// # Errors
    /// [`StoreError::Import`], [`StoreError::NotFound`] where the import was not begun or was dropped,
    /// [`StoreError::TooLarge`], [`StoreError::TooMany`] and those of the disk.
    pub async fn import_events(&self, events: ImportedEvents) -> Result<u64, StoreError> {
        self.writer
            .run(move |transaction, state| import::append(transaction, state, &events))
            .await
    }

    /// Opens a room whose events are all here. The event that says so is delivered; those that were brought are not.
    ///
    /// # Errors
    /// [`StoreError::Import`], [`StoreError::NotFound`] where the import was not begun or was dropped,
    /// [`StoreError::TooMany`] and those of the disk.
    pub async fn import_finish(&self, finished: FinishedImport) -> Result<RoomRecord, StoreError> {
        let (done, outcome) = completion();
        self.submit(Box::new(import::Finishing::new(finished, done)))
            .await;
        outcome.await
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

//! What the writer of people keeps beside its database.

use super::contacts::ContactRow;
use super::directory::{Directory, Entry, Session};
use crate::error::StoreError;
use crate::{Clock, INTEGER_MAX, integer, number, write, writer};
use landline_model::id::{AccountId, SessionId};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// A time that never runs backwards.
pub(super) struct Time {
    clock: Clock,
    latest: AtomicU64,
}

/// People as of the last commit, and what the group in hand changes of them.
pub(super) struct State {
    directory: Arc<RwLock<Directory>>,
    time: Arc<Time>,
    /// In the order in which they were made.
    pending: Vec<Change>,
    /// Whether the group in hand has written anything at all.
    written: bool,
}

/// A change of the directory.
pub(super) enum Change {
    Account(Entry),
    Password(AccountId, String),
    Role(AccountId, Role),
    Disabled(AccountId, bool),
    Status(AccountId, String),
    Session(Session),
    Seen(SessionId, Timestamp),
    Ended(SessionId),
    Contact(ContactRow),
}

/// The latest time that this database has seen.
pub(super) fn latest(connection: &Connection) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(connection.query_row(
        "SELECT latest FROM time",
        [],
        |row| number(row.get(0)?),
    )?))
}

impl Time {
    pub(super) fn new(clock: Clock, latest: Timestamp) -> Self {
        Self {
            clock,
            latest: AtomicU64::new(latest.0),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        let now = (self.clock)().0.min(INTEGER_MAX);
        // Alone in its memory, hence no ordering with anything else.
        Timestamp(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

impl State {
    pub(super) fn new(directory: Arc<RwLock<Directory>>, time: Arc<Time>) -> Self {
        Self {
            directory,
            time,
            pending: Vec::new(),
            written: false,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// The job in hand has written to the database.
    pub(super) fn wrote(&mut self) {
        self.written = true;
    }

    /// The job in hand has written `change` to the database.
    pub(super) fn change(&mut self, change: Change) {
        self.written = true;
        self.pending.push(change);
    }
}

impl writer::State for State {
    fn before_commit(&mut self, transaction: &Connection) -> Result<(), StoreError> {
        if self.written {
            transaction
                .prepare_cached("UPDATE time SET latest = ?1")?
                .execute([integer(self.time.now().0)])?;
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.written = false;
        if self.pending.is_empty() {
            return;
        }
        let mut directory = write(&self.directory);
        for change in self.pending.drain(..) {
            directory.apply(change);
        }
    }

    fn rolled_back(&mut self) {
        self.written = false;
        self.pending.clear();
    }
}

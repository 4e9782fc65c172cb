//! Up to where everybody has read. Kept in memory and written now and then: what a crash takes away is read again.

use super::state::State;
use crate::error::StoreError;
use crate::writer::{Done, Job};
use crate::{integer, lock, number};
use landline_model::id::{AccountId, RoomId};
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// How many marks one job writes: nobody's message waits for all of them.
pub(super) const CHUNK: usize = 1_000;

/// All marks.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    marks: HashMap<AccountId, HashMap<RoomId, u64>>,
    /// Those that are not written.
    unwritten: HashSet<(AccountId, RoomId)>,
}

impl Marks {
    /// From the database.
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut marks: HashMap<AccountId, HashMap<RoomId, u64>> = HashMap::new();
        let mut statement = connection
            .prepare("SELECT account, rooms.id, sequence FROM read_marks JOIN rooms USING (room)")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let room = RoomId::from_bytes(row.get(1)?);
            let of = marks.entry(AccountId::from_bytes(row.get(0)?)).or_default();
            of.insert(room, number(row.get(2)?)?);
        }
        Ok(Self(Mutex::new(Inner {
            marks,
            unwritten: HashSet::new(),
        })))
    }

    pub(super) fn find(&self, account: &AccountId, room: &RoomId) -> Option<u64> {
        lock(&self.0).marks.get(account)?.get(room).copied()
    }

    /// Moves a mark; false where it stands there or further.
    pub(super) fn advance(&self, account: AccountId, room: RoomId, sequence: u64) -> bool {
        let mut inner = lock(&self.0);
        let mark = inner.marks.entry(account).or_default().entry(room).or_insert(0);
        if *mark >= sequence {
            return false;
        }
        *mark = sequence;
        inner.unwritten.insert((account, room));
        true
    }

    /// How many are not written.
    pub(super) fn unwritten(&self) -> usize {
        lock(&self.0).unwritten.len()
    }

    /// Some of those that are not written; they count as written from now on.
    fn take(&self) -> Vec<(AccountId, RoomId)> {
        let mut inner = lock(&self.0);
        let taken: Vec<_> = inner.unwritten.iter().take(CHUNK).copied().collect();
        for mark in &taken {
            inner.unwritten.remove(mark);
        }
        taken
    }

    /// They were not written after all.
    fn put_back(&self, marks: Vec<(AccountId, RoomId)>) {
        lock(&self.0).unwritten.extend(marks);
    }
}

/// Writes some marks.
pub(super) struct Flushing {
    marks: Arc<Marks>,
    taken: Vec<(AccountId, RoomId)>,
    /// None: another job behind this one tells whoever waits.
    done: Option<Done<()>>,
}

impl Flushing {
    pub(super) fn new(marks: Arc<Marks>, done: Option<Done<()>>) -> Self {
        let taken = Vec::new();
        Self { marks, taken, done }
    }
}

impl Job<State> for Flushing {
    fn apply(&mut self, transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
        self.taken = self.marks.take();
        let mut write = transaction.prepare_cached(
            "INSERT INTO read_marks (account, room, sequence) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, room) DO UPDATE SET sequence = excluded.sequence",
        )?;
        for (account, id) in &self.taken {
            if let (Some(room), Some(sequence)) = (state.room(id), self.marks.find(account, id)) {
                write.execute((account.as_bytes(), room.key, integer(sequence)))?;
            }
        }
        Ok(())
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, _state: &mut State) {
        if result.is_err() {
            self.marks.put_back(self.taken);
        }
        if let Some(done) = self.done {
            done(result);
        }
    }

    fn stopped(self: Box<Self>) {
        if let Some(done) = self.done {
            done(Err(StoreError::Stopped));
        }
    }
}

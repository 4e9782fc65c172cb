//! Writing an event.

use super::create;
use super::event;
use super::room::{Head, Room};
use super::state::State;
use crate::error::StoreError;
use crate::writer::{Done, Job};
use crate::{INTEGER_MAX, number};
use landline_model::chain::{content_hash, event_hash};
use landline_model::event::{Content, Event, EventKind, SignedHead, TEXT_MAX};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

/// An event to write.
#[derive(Clone, Debug)]
pub struct Append {
    /// Where.
    pub place: Place,
    /// Who.
    pub sender: AccountId,
    /// What the sender calls it: the same again, wherever to, gives the first result.
    pub client_id: ClientId,
    /// What is done.
    pub kind: EventKind,
    /// The event of the same room that it acts on.
    pub target: Option<u64>,
    /// What is said, at most [`TEXT_MAX`] bytes.
    pub body: String,
}

/// Where an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A room that exists.
    Room(RoomId),
    /// The conversation of the sender and `peer`. Where there is none, it is made.
    Direct {
        /// The other person.
        peer: AccountId,
        /// The id, random, of the conversation if it has to be made.
        fresh: RoomId,
    },
}

/// What became of an event: it is committed and synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The room.
    pub room: RoomId,
    /// The event's place in it.
    pub sequence: u64,
    /// When the hub took it.
    pub time: Timestamp,
    /// The room's head when it was acknowledged: at or after the event.
    pub head: SignedHead,
    /// True where the client id was known and nothing new was written.
    pub duplicate: bool,
}

pub(super) struct Appending {
    /// `None` once it has been applied.
    append: Option<Append>,
    written: Option<Written>,
    done: Done<Appended>,
}

enum Written {
    Event(Event),
    Before {
        room: RoomId,
        sequence: u64,
        time: Timestamp,
    },
}

impl Appending {
    pub(super) fn new(append: Append, done: Done<Appended>) -> Self {
        Self {
            append: Some(append),
            written: None,
            done,
        }
    }
}

impl Job<State> for Appending {
    fn apply(&mut self, transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
        let append = self
            .append
            .take()
            .ok_or_else(|| StoreError::Internal("an event was applied twice".to_owned()))?;
        self.written = Some(write(transaction, state, append)?);
        Ok(())
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, state: &mut State) {
        let Self { written, done, .. } = *self;
        match result
            .and_then(|()| written.ok_or_else(|| StoreError::Internal("an event was not applied".to_owned())))
        {
            Err(error) => done(Err(error)),
            Ok(Written::Before { room, sequence, time }) => done(appended(state, room, sequence, time, true)),
            Ok(Written::Event(event)) => {
                // The sender sees its acknowledgement before its event.
                done(appended(state, event.room, event.sequence, event.time, false));
                state.deliver(&event);
            }
        }
    }

    fn stopped(self: Box<Self>) {
        (self.done)(Err(StoreError::Stopped));
    }
}

fn appended(
    state: &State,
    room: RoomId,
    sequence: u64,
    time: Timestamp,
    duplicate: bool,
) -> Result<Appended, StoreError> {
    let head = state.signed(&room);
    let head =
        head.ok_or_else(|| StoreError::Internal("a room that was written to is not there".to_owned()))?;
    Ok(Appended {
        room,
        sequence,
        time,
        head,
        duplicate,
    })
}

fn write(transaction: &Connection, state: &mut State, append: Append) -> Result<Written, StoreError> {
    if append.body.len() > TEXT_MAX {
        return Err(StoreError::TooLarge);
    }
    if let Some(before) = find(transaction, &append)? {
        return Ok(before);
    }
    let mut room = place(transaction, state, &append)?;
    if append
        .target
        .is_some_and(|target| target == 0 || target > room.head.sequence)
    {
        return Err(StoreError::NotFound);
    }
    let event = chained(state, &room, append)?;
    event::insert(transaction, room.key, &event)?;
    room.head = Head {
        sequence: event.sequence,
        hash: event.hash,
        time: event.time,
    };
    state.change(room);
    Ok(Written::Event(event))
}

/// The first result of a client id that is known.
fn find(transaction: &Connection, append: &Append) -> Result<Option<Written>, StoreError> {
    let found = transaction
        .prepare_cached(
            "SELECT rooms.id, sequence, time FROM events JOIN rooms USING (room) WHERE sender = ?1 AND client_id = ?2",
        )?
        .query_row((append.sender.as_bytes(), append.client_id.as_bytes()), |row| {
            Ok(Written::Before {
                room: RoomId::from_bytes(row.get(0)?),
                sequence: number(row.get(1)?)?,
                time: Timestamp(number(row.get(2)?)?),
            })
        });
    Ok(found.optional()?)
}

fn place(transaction: &Connection, state: &State, append: &Append) -> Result<Room, StoreError> {
    match append.place {
        Place::Room(room) => state.room(&room).ok_or(StoreError::NotFound),
        Place::Direct { peer, fresh } => match create::find_direct(transaction, append.sender, peer)? {
            Some(room) => state.room(&room).ok_or(StoreError::NotFound),
            None => create::direct(transaction, state, append.sender, peer, fresh),
        },
    }
}

/// The next event of `room`.
fn chained(state: &mut State, room: &Room, append: Append) -> Result<Event, StoreError> {
    let sequence = room.head.sequence + 1;
    if sequence > INTEGER_MAX {
        let max = usize::try_from(INTEGER_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::TooMany {
            what: "events of one room",
            max,
        });
    }
    let content = Content {
        salt: state.salt(),
        body: append.body,
    };
    let mut event = Event {
        room: room.genesis.room,
        sequence,
        time: state.now(room.head.time),
        sender: append.sender,
        client_id: append.client_id,
        kind: append.kind,
        target: append.target,
        content_hash: content_hash(&content.salt, &content.body),
        content: Some(content),
        hash: Hash::ZERO,
    };
    event.hash = event_hash(&room.head.hash, &event);
    Ok(event)
}

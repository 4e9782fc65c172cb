//! Writing an event.

use super::act;
use super::create;
use super::draft::Draft;
use super::effect;
use super::message;
use super::room::Room;
use super::state::State;
use crate::error::StoreError;
use crate::number;
use crate::writer::{Done, Job};
use landline_model::denied::Denied;
use landline_model::event::{Event, EventKind};
use landline_model::head::SignedHead;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::room::{Act, RoomFacts};
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use std::sync::atomic::Ordering;

/// Says whether the sender may do it, with the facts as they are when it is about to be done, and the room's time then.
/// Called on the writer's thread: it must not block.
pub type Permit = Box<dyn FnOnce(&RoomFacts, Timestamp) -> Result<(), Denied> + Send>;

/// Something to do in a room: it becomes an event.
pub struct Append {
    /// Where.
    pub place: Place,
    /// Who.
    pub sender: AccountId,
    /// What the sender calls it: the same again, whatever it is and wherever to, gives the first result.
    pub client_id: ClientId,
    /// What is done.
    pub act: Act,
    /// The text of a message, at most [`TEXT_MAX`](landline_model::event::TEXT_MAX) bytes, of an edit or of a topic;
    /// else unused.
    pub text: String,
    /// Whether they may. Not asked where the client id is known.
    pub permit: Permit,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
                if event.kind == EventKind::DELETE {
                    state.shared().erased.store(true, Ordering::Release);
                }
                // The sender sees its acknowledgement before its event.
                done(appended(state, event.room, event.sequence, event.time, false));
                state.deliver(&event);
            }
        }
    }

    fn is_one_step(&self) -> bool {
        let append = self.append.as_ref();
        append.is_some_and(|append| matches!(append.place, Place::Room(_)) && act::only_adds(&append.act))
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
    act::check(&append.act, &append.text)?;
    let name = (append.sender, append.client_id);
    // Nearly every message is new, and one that is not breaks the rule that a client id stands in the log once. So it is
    // looked for only where the message cannot be written, for whatever reason.
    let is_message = matches!((&append.act, append.place), (Act::Say { .. }, Place::Room(_)));
    if !is_message && let Some(before) = find(transaction, name)? {
        return Ok(before);
    }
    match add(transaction, state, append) {
        Err(error) if is_message && !error.is_of_the_disk() => find(transaction, name)?.ok_or(error),
        added => added,
    }
}

fn add(transaction: &Connection, state: &mut State, append: Append) -> Result<Written, StoreError> {
    let mut room = place(transaction, state, &append)?;
    let Append {
        sender,
        client_id,
        act,
        text,
        permit,
        ..
    } = append;
    let now = state.now_in(&room);
    let author = match act.message() {
        Some(message) => Some(message::author(transaction, room.key, message)?),
        None => None,
    };
    // Who may not know what stands there does not learn whether it does.
    let other = act
        .who()
        .copied()
        .or_else(|| author.map(|author| author.unwrap_or(sender)));
    permit(&state.facts(&room, &sender, other), now)?;
    if author == Some(None) {
        return Err(StoreError::NotFound);
    }
    let person = effect::apply(transaction, state, &mut room, sender, &act, &text, now)?;
    let draft = Draft {
        time: now,
        sender,
        client_id,
        kind: act::kind(&act),
        target: act.message(),
        body: act::body(act, text, now)?,
    };
    let event = draft.write(transaction, state, &mut room)?;
    state.change(room);
    if let Some((account, known)) = person {
        state.stand(event.room, account, known);
    }
    Ok(Written::Event(event))
}

/// The first result of a client id that is known.
fn find(
    transaction: &Connection,
    (sender, client_id): (AccountId, ClientId),
) -> Result<Option<Written>, StoreError> {
    let found = transaction
        .prepare_cached(
            "SELECT rooms.id, sequence, time, importing
             FROM events JOIN rooms USING (room) WHERE sender = ?1 AND client_id = ?2",
        )?
        .query_row((sender.as_bytes(), client_id.as_bytes()), |row| {
            let before = Written::Before {
                room: RoomId::from_bytes(row.get(0)?),
                sequence: number(row.get(1)?)?,
                time: Timestamp(number(row.get(2)?)?),
            };
            Ok((before, row.get::<_, bool>(3)?))
        });
    match found.optional()? {
        Some((_, true)) => Err(StoreError::Importing),
        found => Ok(found.map(|(before, _)| before)),
    }
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

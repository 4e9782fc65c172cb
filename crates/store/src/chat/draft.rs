//! The next event of a room.

use super::event;
use super::room::{Head, Room};
use super::state::State;
use crate::INTEGER_MAX;
use crate::error::StoreError;
use landline_model::chain::{content_hash, event_hash};
use landline_model::event::{Content, Event, EventKind};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, ClientId};
use landline_model::time::Timestamp;
use rusqlite::Connection;

/// An event that is not chained yet.
pub(super) struct Draft {
    /// Not before the room's head.
    pub(super) time: Timestamp,
    pub(super) sender: AccountId,
    pub(super) client_id: ClientId,
    pub(super) kind: EventKind,
    pub(super) target: Option<u64>,
    pub(super) body: String,
}

impl Draft {
    /// Chains the event to the room, writes it and moves the room's head to it.
    pub(super) fn write(
        self,
        transaction: &Connection,
        state: &mut State,
        room: &mut Room,
    ) -> Result<Event, StoreError> {
        let event = self.chained(state, room)?;
        event::insert(transaction, room.key, &event)?;
        room.head = Head {
            sequence: event.sequence,
            hash: event.hash,
            time: event.time,
        };
        Ok(event)
    }

    fn chained(self, state: &mut State, room: &Room) -> Result<Event, StoreError> {
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
            body: self.body,
        };
        let mut event = Event {
            room: room.genesis.room,
            sequence,
            time: self.time,
            sender: self.sender,
            client_id: self.client_id,
            kind: self.kind,
            target: self.target,
            content_hash: content_hash(&content.salt, &content.body),
            content: Some(content),
            hash: Hash::ZERO,
        };
        event.hash = event_hash(&room.head.hash, &event);
        Ok(event)
    }
}

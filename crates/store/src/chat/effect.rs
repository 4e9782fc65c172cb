//! What an act changes beside the log.

use super::PEOPLE_PER_ROOM_MAX;
use super::act::is_done_in;
use super::members::Known;
use super::message;
use super::reactions;
use super::room::Room;
use super::standing;
use super::state::State;
use crate::error::StoreError;
use landline_model::denied::Denied;
use landline_model::id::AccountId;
use landline_model::room::Act;
use landline_model::time::Timestamp;
use rusqlite::Connection;
use std::sync::Arc;

/// Somebody, and what the room knows of them from now on.
pub(super) type Person = (AccountId, Known);

/// Does what `act` does to the database and to `room`, and says whom the room knows otherwise afterwards. The act's
/// message, where it has one, is there.
///
/// # Errors
/// [`StoreError::NoChange`], and why it makes no sense as things are.
pub(super) fn apply(
    transaction: &Connection,
    state: &State,
    room: &mut Room,
    sender: AccountId,
    act: &Act,
    text: &str,
    now: Timestamp,
) -> Result<Option<Person>, StoreError> {
    if !is_done_in(act, room.genesis.kind) {
        return Err(Denied::RoomKind.into());
    }
    match act {
        Act::Say { .. } if room.slow_seconds > 0 => return spoke(state, room, sender, now).map(Some),
        Act::Say { .. } | Act::Edit { .. } => {}
        Act::Delete { message } => message::erase(transaction, room.key, *message)?,
        Act::React { message, reaction } => {
            reactions::add(transaction, (room.key, *message), &sender, reaction)?;
        }
        Act::Unreact { message, reaction } => {
            reactions::remove(transaction, (room.key, *message), &sender, reaction)?;
        }
        Act::Topic {} if *room.topic == *text => return Err(StoreError::NoChange),
        Act::Topic {} => room.topic = Arc::from(text),
        Act::Slow { seconds } if room.slow_seconds == *seconds => return Err(StoreError::NoChange),
        Act::Slow { seconds } => room.slow_seconds = *seconds,
        _ => return stand(state, room, act.who().copied().unwrap_or(sender), act, now),
    }
    Ok(None)
}

/// Somebody spoke in slow mode.
fn spoke(state: &State, room: &mut Room, sender: AccountId, now: Timestamp) -> Result<Person, StoreError> {
    let before = state.known(&room.genesis.room, &sender);
    let known = Known {
        spoke: Some(now),
        ..before
    };
    count(room, before, known)?;
    Ok((sender, known))
}

fn stand(
    state: &State,
    room: &mut Room,
    who: AccountId,
    act: &Act,
    now: Timestamp,
) -> Result<Option<Person>, StoreError> {
    let before = state.known(&room.genesis.room, &who);
    let Some(membership) = standing::after(act, room, before.membership, now)? else {
        return Ok(None);
    };
    let known = Known { membership, ..before };
    count(room, before, known)?;
    Ok(Some((who, known)))
}

/// Counts somebody as they are from now on instead of as they were.
///
/// # Errors
/// [`StoreError::TooMany`].
fn count(room: &mut Room, before: Known, after: Known) -> Result<(), StoreError> {
    if before.is_nothing() && !after.is_nothing() && room.people.known as usize >= PEOPLE_PER_ROOM_MAX {
        return Err(StoreError::TooMany {
            what: "people that one room knows",
            max: PEOPLE_PER_ROOM_MAX,
        });
    }
    room.people.remove(before);
    room.people.add(after);
    Ok(())
}

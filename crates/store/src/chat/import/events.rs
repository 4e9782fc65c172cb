use super::{IMPORT_EVENTS_MAX, Import, ImportFault, ImportedEvents, SENDER_NAMES_MAX, require_past};
use crate::chat::room::Head;
use crate::chat::state::State;
use crate::chat::{event, message, reactions};
use crate::error::StoreError;
use crate::{INTEGER_MAX, integer};
use landline_model::chain::Broken;
use landline_model::event::{Event, EventKind, TEXT_MAX};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, RoomId};
use landline_model::name::AccountName;
use landline_model::room::{REACTION_MAX, SLOW_SECONDS_MAX, TOPIC_MAX};
use rusqlite::Connection;
use std::sync::Arc;

/// Verifies events and writes them; returns how many there are. Where one is refused, all of them are, and the import
/// stands where it stood.
pub(in crate::chat) fn append(
    transaction: &Connection,
    state: &mut State,
    new: &ImportedEvents,
) -> Result<u64, StoreError> {
    if new.events.len() > IMPORT_EVENTS_MAX || new.names.len() > 2 * IMPORT_EVENTS_MAX {
        return Err(StoreError::TooLarge);
    }
    let mut import = state
        .imports
        .find(&new.room)
        .cloned()
        .ok_or(StoreError::NotFound)?;
    let now = state.now();
    for event in &new.events {
        check(new.room, event)?;
        require_past(event.sequence, event.time, now)?;
        if event.sequence <= import.walk.sequence() {
            came_before(transaction, &import, event)?;
            continue;
        }
        import.walk.next(event)?;
        write(transaction, &mut import, event)?;
    }
    let names = write_names(transaction, state, &new.names)?;
    let sequence = import.walk.sequence();
    import.touched = state.now();
    state.imports.set(new.room, Some(import));
    state.imports.names.extend(names);
    Ok(sequence)
}

/// Whether a hub writes such an event. What the walk looks at is not looked at here.
fn check(room: RoomId, event: &Event) -> Result<(), StoreError> {
    let short = event
        .content
        .as_ref()
        .is_none_or(|content| content.body.len() <= TEXT_MAX);
    let target = event
        .target
        .is_none_or(|target| (1..event.sequence).contains(&target));
    if event.room == room && short && target && event.time.0 <= INTEGER_MAX {
        Ok(())
    } else {
        Err(ImportFault::Shape(event.sequence).into())
    }
}

fn came_before(transaction: &Connection, import: &Import, event: &Event) -> Result<(), StoreError> {
    let stored: [u8; 32] = transaction
        .prepare_cached("SELECT hash FROM events WHERE room = ?1 AND sequence = ?2")?
        .query_row((import.room.key, integer(event.sequence)), |row| row.get(0))?;
    if Hash::from_bytes(stored) == event.hash {
        Ok(())
    } else {
        Err(Broken::Chain(event.sequence).into())
    }
}

fn write(transaction: &Connection, import: &mut Import, event: &Event) -> Result<(), StoreError> {
    let known = transaction
        .prepare_cached("SELECT 1 FROM events WHERE sender = ?1 AND client_id = ?2")?
        .exists((event.sender.as_bytes(), event.client_id.as_bytes()))?;
    if known {
        return Err(ImportFault::ClientId(event.sequence).into());
    }
    event::insert(transaction, import.room.key, event)?;
    import.room.head = Head {
        sequence: event.sequence,
        hash: event.hash,
        time: event.time,
    };
    let body = event.content.as_ref().map_or("", |content| &content.body);
    if event.kind == EventKind::TOPIC && is_plain(body, TOPIC_MAX) {
        import.room.topic = Arc::from(body);
    } else if event.kind == EventKind::SLOW {
        let seconds = body.parse().ok().filter(|seconds| *seconds <= SLOW_SECONDS_MAX);
        import.room.slow_seconds = seconds.unwrap_or(import.room.slow_seconds);
    }
    act_on_message(transaction, import.room.key, event, body)
}

/// What the event does to a message: what it did where it was written.
fn act_on_message(transaction: &Connection, room: i64, event: &Event, body: &str) -> Result<(), StoreError> {
    let Some(message) = event.target else {
        return Ok(());
    };
    if event.kind == EventKind::DELETE {
        return message::erase(transaction, room, message);
    }
    let adds = event.kind == EventKind::REACT;
    let reacts = adds || event.kind == EventKind::UNREACT;
    if !reacts || body.is_empty() || !is_plain(body, REACTION_MAX) {
        return Ok(());
    }
    if message::author(transaction, room, message)?.is_none() {
        return Ok(());
    }
    let act = if adds { reactions::add } else { reactions::remove };
    match act(transaction, (room, message), &event.sender, body) {
        // The log stays as it is; what it says twice is counted once.
        Err(StoreError::NoChange | StoreError::TooMany { .. }) => Ok(()),
        result => result,
    }
}

/// Whether it is short, and without control characters, as what is written here is.
fn is_plain(text: &str, max: usize) -> bool {
    text.len() <= max && !text.chars().any(char::is_control)
}

fn write_names(
    transaction: &Connection,
    state: &State,
    names: &[(AccountId, AccountName)],
) -> Result<Vec<(AccountId, AccountName)>, StoreError> {
    let news: Vec<_> = names
        .iter()
        .filter(|(account, name)| state.sender_name(account).as_ref() != Some(name))
        .cloned()
        .collect();
    if state.sender_names() + state.imports.names.len() + news.len() > SENDER_NAMES_MAX {
        return Err(StoreError::TooMany {
            what: "names of people of other hubs",
            max: SENDER_NAMES_MAX,
        });
    }
    for (account, name) in &news {
        transaction
            .prepare_cached(
                "INSERT INTO sender_names (account, name) VALUES (?1, ?2)
                 ON CONFLICT (account) DO UPDATE SET name = excluded.name",
            )?
            .execute((account.as_bytes(), name.as_str()))?;
    }
    Ok(news)
}

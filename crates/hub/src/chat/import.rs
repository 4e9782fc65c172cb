//! Bringing a room here from another hub.

use super::describe::describe;
use super::rooms::name_taken;
use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::random;
use crate::refusals::{denied, from_store, name_refused};
use crate::services::{Services, blocking};
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::Genesis;
use landline_model::id::{AccountId, ClientId};
use landline_model::name::AccountName;
use landline_model::protocol::Done;
use landline_model::protocol::chat::{ImportBegin, ImportEvents, ImportFinish, Room, RoomEvent};
use landline_store::StoreError;
use landline_store::chat::{FinishedImport, IMPORT_EVENTS_MAX, ImportedEvents, NewImport};
use std::collections::HashMap;

/// Begins to bring a room here.
pub(super) async fn begin(services: &Services, who: &Identity, call: ImportBegin) -> Answered<Done> {
    allowed(services, who)?;
    call.name.check_new().map_err(name_refused)?;
    let genesis = Genesis {
        room: call.room,
        created: call.created,
        creator: call.creator,
        kind: call.kind,
        name: call.original_name,
        peer: None,
    };
    let name = call.name.clone();
    services
        .chat
        .import_begin(NewImport { genesis, name })
        .await
        .map_err(|error| name_taken(&error, &call.name))?;
    Ok(Done {}.into())
}

/// Takes the next events.
pub(super) async fn events(
    services: &Services,
    who: &Identity,
    call: &ImportEvents,
    body: &Bytes,
) -> Answered<Done> {
    allowed(services, who)?;
    let (room, body) = (call.room, body.clone());
    let lines = blocking(move || read(&body)).await?;
    let mut names = HashMap::new();
    let mut events = Vec::with_capacity(lines.len());
    for line in lines {
        let sequence = line.sequence;
        events.push(line.to_event().ok_or_else(|| {
            bad_request(format!(
                "event {sequence} has no proof: its salt and its hash are missing"
            ))
        })?);
        names.extend(people_in(line));
    }
    let imported = ImportedEvents {
        room,
        events,
        names: names.into_iter().collect(),
    };
    services
        .chat
        .import_events(imported)
        .await
        .map_err(|error| refused(&error))?;
    Ok(Done {}.into())
}

/// Opens the room.
pub(super) async fn finish(services: &Services, who: &Identity, call: ImportFinish) -> Answered<Room> {
    allowed(services, who)?;
    let finished = FinishedImport {
        room: call.room,
        sequence: call.sequence,
        hash: call.hash,
        admin: who.account,
        client_id: ClientId::from_bytes(random::bytes()),
    };
    let record = services
        .chat
        .import_finish(finished)
        .await
        .map_err(|error| refused(&error))?;
    tracing::info!(room = %call.room, events = call.sequence, "a room was brought here from another hub");
    Ok(describe(services, &who.account, &record).into())
}

fn allowed(services: &Services, who: &Identity) -> Result<(), Refusal> {
    authorise(who, Action::ImportRoom, Resource::Hub, services.now())
        .map_err(|why| denied(why, "bringing rooms here"))
}

/// The events of a body, a JSON line each.
fn read(body: &Bytes) -> Result<Vec<RoomEvent>, Refusal> {
    let mut events = Vec::new();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if events.len() == IMPORT_EVENTS_MAX {
            let message = format!("at most {IMPORT_EVENTS_MAX} events are brought at a time");
            return Err(Refusal::new(ErrorCode::TooLarge, message));
        }
        let event = serde_json::from_slice(line).map_err(|error| {
            let error = error.to_string();
            let error = landline_model::text::escape(&error);
            bad_request(format!("line {} is no event: {error:.200}", events.len() + 1))
        })?;
        events.push(event);
    }
    Ok(events)
}

/// Who is named in an event, as they were called where it comes from.
fn people_in(line: RoomEvent) -> impl Iterator<Item = (AccountId, AccountName)> {
    let subject = line.subject.zip(line.subject_name);
    [Some((line.sender, line.sender_name)), subject]
        .into_iter()
        .flatten()
}

fn refused(error: &StoreError) -> Refusal {
    match error {
        StoreError::NotFound => Refusal::new(
            ErrorCode::NotFound,
            "no room with this id is being brought here, or it was dropped because it rested too long",
        )
        .with_hint("begin again"),
        error => from_store(error),
    }
}

fn bad_request(message: String) -> Refusal {
    Refusal::new(ErrorCode::BadRequest, message)
}

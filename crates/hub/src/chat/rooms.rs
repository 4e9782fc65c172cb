//! Making rooms, and listing them.

use super::describe::describe;
use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::outbox::{About, News};
use crate::random;
use crate::refusals::{denied, from_store, name_refused};
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::RoomKind;
use landline_model::id::RoomId;
use landline_model::name::RoomName;
use landline_model::protocol::chat::{Room, RoomCreate, RoomList, RoomPage};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use landline_store::StoreError;
use landline_store::chat::NewRoom;
use landline_store::writer::completion;

/// Makes a room; who makes it is its first owner.
pub(super) async fn create(
    services: &Services,
    who: &Identity,
    call: RoomCreate,
    connection: u64,
) -> Answered<Room> {
    authorise(who, Action::CreateRoom, Resource::Hub, services.now())
        .map_err(|why| denied(why, "making rooms"))?;
    if !matches!(
        call.kind,
        RoomKind::Public | RoomKind::Private | RoomKind::Approval
    ) {
        let kind = landline_model::text::escape(call.kind.name());
        let message = format!("a room is public, private or approval, not {kind:.64}");
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    }
    call.name.check_new().map_err(name_refused)?;
    let new = NewRoom {
        id: RoomId::from_bytes(random::bytes()),
        name: call.name.clone(),
        creator: who.account,
        kind: call.kind,
    };
    let (done, outcome) = completion();
    services.chat.create_room(new, done).await;
    let record = outcome.await.map_err(|error| name_taken(&error, &call.name))?;
    // Its maker is in it on all devices; this connection hears so by the answer.
    let standing = About::Standing(record.genesis.room);
    services
        .live
        .tell(&who.account, Some(connection), standing, &News::Look);
    Ok(describe(services, &who.account, &record).into())
}

/// Why a room of this name was not made.
pub(super) fn name_taken(error: &StoreError, name: &RoomName) -> Refusal {
    match error {
        StoreError::NameTaken => Refusal::new(ErrorCode::Exists, format!("there is a room #{name} already"))
            .with_hint("landline room ls"),
        error => from_store(error),
    }
}

/// A page of the rooms that one may know of.
pub(super) fn list(services: &Services, who: &Identity, call: &RoomList) -> Answered<RoomPage> {
    authorise(who, Action::ListRooms, Resource::Hub, services.now())
        .map_err(|why| denied(why, "the list of rooms"))?;
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let found = services.chat.rooms_for(&who.account, call.after, limit);
    let rooms: Vec<Room> = found
        .iter()
        .map(|record| describe(services, &who.account, record))
        .collect();
    let (body, count) = json_lines(&rooms, PAGE_BYTES_MAX)?;
    let full = count < rooms.len() || rooms.len() == limit;
    let next = rooms[..count].last().filter(|_| full).map(|room| room.id);
    Ok(Answer {
        reply: RoomPage { next },
        body,
    })
}

//! Rooms: making, listing, reading, following, and what goes into their logs.

pub(crate) mod feed;

use crate::answer::{Answer, Answered, encode_event, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::doors::{answered, arguments};
use crate::outbox::Outbox;
use crate::random;
use crate::refusals::{denied, from_store};
use crate::services::{Services, blocking};
use bytes::Bytes;
use feed::Cursor;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::{Event, EventKind, Genesis, RoomKind, TEXT_MAX};
use landline_model::id::{AccountId, RoomId};
use landline_model::name::AccountName;
use landline_model::protocol::chat::{
    History, HistoryPage, Room, RoomCreate, RoomEvent, RoomList, RoomPage, Send, Sent, Subscribe,
};
use landline_model::protocol::{Call as _, PAGE_BYTES_MAX, PAGE_MAX, RequestHeader};
use landline_model::target::Target;
use landline_store::StoreError;
use landline_store::chat::{Append, Appended, NewRoom, Place, RoomRecord};
use landline_store::people::People;
use landline_store::writer::completion;
use std::sync::Arc;

/// How many events one replay reads from the store at most, and how many bytes of text.
const REPLAY_EVENTS: usize = 256;
const REPLAY_BYTES: usize = 256 * 1024;

/// Answers a request about rooms by somebody who is logged in; none: it is not one.
pub(crate) async fn answer(services: &Services, who: &Identity, header: &RequestHeader<'_>) -> Option<Bytes> {
    let id = header.id;
    Some(match &*header.name {
        RoomCreate::NAME => answered(id, async { create(services, who, arguments(header)?).await }).await,
        RoomList::NAME => answered(id, async { list(services, who, &arguments(header)?) }).await,
        History::NAME => answered(id, async { history(services, who, arguments(header)?).await }).await,
        _ => return None,
    })
}

async fn create(services: &Services, who: &Identity, call: RoomCreate) -> Answered<Room> {
    authorise(who, Action::CreateRoom, Resource::Hub, services.now())
        .map_err(|why| denied(why, "making rooms"))?;
    let new = NewRoom {
        id: RoomId::from_bytes(random::bytes()),
        name: call.name.clone(),
        creator: who.account,
    };
    let (done, outcome) = completion();
    let refused = |error: StoreError| match error {
        StoreError::NameTaken => Refusal::new(
            ErrorCode::Exists,
            format!("there is a room #{} already", call.name),
        )
        .with_hint("landline room ls"),
        error => from_store(&error),
    };
    services.chat.create_room(new, done).await;
    Ok(describe(services, who, &outcome.await.map_err(refused)?).into())
}

fn list(services: &Services, who: &Identity, call: &RoomList) -> Answered<RoomPage> {
    authorise(who, Action::ListRooms, Resource::Hub, services.now())
        .map_err(|why| denied(why, "the list of rooms"))?;
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let found = services.chat.rooms_for(&who.account, call.after, limit);
    let rooms: Vec<Room> = found
        .iter()
        .map(|record| describe(services, who, record))
        .collect();
    let (body, count) = json_lines(&rooms, PAGE_BYTES_MAX)?;
    let full = count < rooms.len() || rooms.len() == limit;
    let next = rooms[..count].last().filter(|_| full).map(|room| room.id);
    Ok(Answer {
        reply: RoomPage { next },
        body,
    })
}

async fn history(services: &Services, who: &Identity, call: History) -> Answered<HistoryPage> {
    let record = find(services, who, Action::ReadRoom, &call.target)?;
    let (chat, room) = (services.chat.clone(), record.genesis.room);
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let events = blocking(move || {
        let found = if call.last {
            chat.last_events(&room, call.since, limit, PAGE_BYTES_MAX / 2)
        } else {
            chat.events(&room, call.since, limit, PAGE_BYTES_MAX / 2)
        };
        found.map_err(|error| from_store(&error))
    })
    .await?;
    let lines: Vec<RoomEvent> = events
        .into_iter()
        .map(|event| line(&services.people, event, call.proof))
        .collect();
    let (body, count) = json_lines(&lines, PAGE_BYTES_MAX)?;
    let room = describe(services, who, &record);
    // The head was read before the events, so it may lie behind them; then there is nothing more to say.
    let more = lines[..count]
        .last()
        .is_some_and(|last| last.sequence < room.head.sequence);
    Ok(Answer {
        reply: HistoryPage { room, more },
        body,
    })
}

/// An event as a line of a listing.
fn line(people: &People, event: Event, proof: bool) -> RoomEvent {
    let mut line = RoomEvent::new(&event, name_of(people, &event.sender));
    if proof {
        line.salt = event.content.as_ref().map(|content| content.salt);
        line.content_hash = Some(event.content_hash);
    }
    line.text = event.content.map(|content| content.body);
    line
}

/// Checks a send and makes it ready for the store.
pub(crate) async fn prepare(
    services: &Services,
    who: &Identity,
    call: Send,
    text: &Bytes,
) -> Result<Append, Refusal> {
    if text.len() > TEXT_MAX {
        return Err(Refusal::new(
            ErrorCode::TooLarge,
            format!(
                "the message has {} bytes; at most {TEXT_MAX} are allowed",
                text.len()
            ),
        )
        .with_hint("put it into a file: landline put FILE :/rooms/NAME/"));
    }
    let text = std::str::from_utf8(text)
        .map_err(|_| Refusal::new(ErrorCode::BadRequest, "the message is not UTF-8 text"))?;
    if text.is_empty() {
        return Err(Refusal::new(ErrorCode::BadRequest, "the message is empty"));
    }
    let place = match &call.target {
        Target::Room(_) => Place::Room(find(services, who, Action::Speak, &call.target)?.genesis.room),
        Target::Person(name) => {
            let peer = person(services, name)?;
            let resource = Resource::DirectRoom(who.account, peer);
            authorise(who, Action::Speak, resource, services.now())
                .map_err(|why| denied(why, &call.target.to_string()))?;
            Place::Direct {
                peer,
                fresh: RoomId::from_bytes(random::bytes()),
            }
        }
    };
    Ok(Append {
        place,
        sender: who.account,
        client_id: call.client_id,
        kind: EventKind::MESSAGE,
        target: None,
        body: text.to_owned(),
    })
}

/// What the sender hears.
pub(crate) fn acknowledge(result: Result<Appended, StoreError>) -> Answered<Sent> {
    let Appended {
        room,
        sequence,
        time,
        head,
        duplicate,
    } = result.map_err(|error| from_store(&error))?;
    Ok(Sent {
        room,
        sequence,
        time,
        head,
        duplicate,
    }
    .into())
}

/// Follows a room. The ring is entered on the store's thread, in the order of its work, so that what is committed
/// before is replayed, what is committed after is live, and nothing is both or neither.
pub(crate) async fn subscribe(
    services: &Services,
    who: &Identity,
    call: Subscribe,
    outbox: &Arc<Outbox>,
) -> Result<(Room, Cursor), Refusal> {
    let room = match (&call.target, find(services, who, Action::ReadRoom, &call.target)) {
        (Target::Person(name), Err(refusal)) if refusal.code == ErrorCode::NotFound => {
            open_direct(services, who, person(services, name)?)
                .await?
                .genesis
                .room
        }
        (_, found) => found?.genesis.room,
    };
    let (done, outcome) = completion();
    let (chat, feeds, outbox) = (services.chat.clone(), services.feeds.clone(), Arc::clone(outbox));
    let enter = Box::new(move |result: Result<(), StoreError>| {
        let entered = result.and_then(|()| {
            let record = chat.room(&room).ok_or(StoreError::NotFound)?;
            let cursor = feeds.follow(room, record.head.sequence, call.since, &outbox);
            Ok((record, cursor))
        });
        done(entered);
    });
    services.chat.barrier(enter).await;
    let (record, cursor) = outcome.await.map_err(|error| from_store(&error))?;
    let head = record.head.sequence;
    if let Some(since) = call.since.filter(|since| *since > head) {
        let message = format!(
            "{} ends with event {head}; there is no event {since}",
            call.target
        );
        return Err(Refusal::new(ErrorCode::Conflict, message)
            .with_hint("if there was one, the hub was restored from an older copy: landline audit"));
    }
    Ok((describe(services, who, &record), cursor))
}

/// Reads events that the ring has forgotten, encoded, and moves the cursor behind them. Empty: the store did not
/// answer; the log says why, and the cursor stays.
pub(crate) async fn replay(
    services: &Services,
    cursor: &mut Cursor,
    since: u64,
    delivered: u64,
) -> Vec<Bytes> {
    let (chat, room) = (services.chat.clone(), cursor.room());
    let found = blocking(move || {
        chat.events(&room, since, REPLAY_EVENTS, REPLAY_BYTES)
            .map_err(|error| from_store(&error))
    })
    .await;
    let events = found.unwrap_or_else(|refusal| {
        tracing::error!(%room, why = %refusal.message, "events cannot be read for a follower");
        Vec::new()
    });
    let events = events.into_iter().take_while(|event| event.sequence <= delivered);
    events
        .map(|event| {
            cursor.passed(event.sequence);
            encode(&services.people, &event)
        })
        .collect()
}

/// An event as a frame: what followers get.
pub(crate) fn encode(people: &People, event: &Event) -> Bytes {
    let header = RoomEvent::new(event, name_of(people, &event.sender));
    let text = event
        .content
        .as_ref()
        .map_or(&b""[..], |content| content.body.as_bytes());
    encode_event(RoomEvent::NAME, &header, text)
}

async fn open_direct(services: &Services, who: &Identity, peer: AccountId) -> Result<RoomRecord, Refusal> {
    let resource = Resource::DirectRoom(who.account, peer);
    authorise(who, Action::Speak, resource, services.now()).map_err(|why| denied(why, "the conversation"))?;
    let (done, outcome) = completion();
    services
        .chat
        .open_direct(who.account, peer, RoomId::from_bytes(random::bytes()), done)
        .await;
    outcome.await.map_err(|error| from_store(&error))
}

/// The room that a target names for `who`, if `who` may do `action` there.
fn find(services: &Services, who: &Identity, action: Action, target: &Target) -> Result<RoomRecord, Refusal> {
    let (record, resource) = match target {
        Target::Room(name) => {
            let record = services
                .chat
                .room_by_name(name)
                .ok_or_else(|| no_such_room(target))?;
            let resource = resource(&record.genesis).ok_or_else(|| of_unknown_kind(&target.to_string()))?;
            (record, resource)
        }
        Target::Person(name) => {
            let peer = person(services, name)?;
            let record = services.chat.find_direct(who.account, peer).ok_or_else(|| {
                Refusal::new(
                    ErrorCode::NotFound,
                    format!("nothing was said between you and {target} yet"),
                )
            })?;
            let resource = resource(&record.genesis).ok_or_else(|| of_unknown_kind(&target.to_string()))?;
            (record, resource)
        }
    };
    authorise(who, action, resource, services.now()).map_err(|why| denied(why, &target.to_string()))?;
    Ok(record)
}

/// What rights are asked of for a room; none: a newer version made it, and who may be in it is not known here.
fn resource(genesis: &Genesis) -> Option<Resource> {
    match (genesis.kind, genesis.peer) {
        (RoomKind::Public, _) => Some(Resource::PublicRoom),
        (RoomKind::Direct, Some(peer)) => Some(Resource::DirectRoom(genesis.creator, peer)),
        _ => None,
    }
}

/// The refusal of a room of which nobody here knows who may be in it.
pub(crate) fn of_unknown_kind(what: &str) -> Refusal {
    let what = landline_model::text::escape(what);
    Refusal::new(
        ErrorCode::Forbidden,
        format!("{what}: the room is of a kind that this hub does not know"),
    )
    .with_hint("a newer version of Landline made it; run that one on the hub")
}

fn no_such_room(target: &Target) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no room {target}"))
        .with_hint("landline room ls shows the rooms, landline room create NAME makes one")
}

fn person(services: &Services, name: &AccountName) -> Result<AccountId, Refusal> {
    let account = services.people.account_by_name(name);
    Ok(account
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, format!("there is nobody called @{name}")))?
        .id)
}

/// A room as `who` sees it.
fn describe(services: &Services, who: &Identity, record: &RoomRecord) -> Room {
    let genesis = &record.genesis;
    let target = match &record.name {
        Some(name) => Target::Room(name.clone()),
        None => {
            let other = if genesis.creator == who.account {
                genesis.peer
            } else {
                Some(genesis.creator)
            };
            Target::Person(name_of(&services.people, &other.unwrap_or(genesis.creator)))
        }
    };
    debug_assert!(record.name.is_some() == (genesis.kind == RoomKind::Public));
    Room {
        id: genesis.room,
        target,
        kind: genesis.kind,
        created: genesis.created,
        creator: genesis.creator,
        original_name: genesis.name.clone(),
        peer: genesis.peer,
        head: record.head,
    }
}

/// What an account is called now. Accounts do not go away; should one be missing, its id stands in.
fn name_of(people: &People, id: &AccountId) -> AccountName {
    people
        .account(id)
        .map(|account| account.name)
        .unwrap_or_else(|| id.to_string().parse().expect("32 hexadecimal digits are a name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::time::Timestamp;

    #[test]
    fn the_kind_of_a_room_says_what_rights_are_asked_of() {
        let [creator, peer] = [1, 2].map(|id| AccountId::from_bytes([id; 16]));
        let of = |kind: &str, peer| {
            resource(&Genesis {
                room: RoomId::from_bytes([3; 16]),
                created: Timestamp(1),
                creator,
                kind: RoomKind::try_from(kind.to_owned()).unwrap(),
                name: "general".to_owned(),
                peer,
            })
        };
        assert_eq!(of("public", None), Some(Resource::PublicRoom));
        assert_eq!(
            of("direct", Some(peer)),
            Some(Resource::DirectRoom(creator, peer))
        );
        assert_eq!(of("direct", None), None);
        assert_eq!(of("secret", None), None);
        assert_eq!(of("secret", Some(peer)), None);
    }
}

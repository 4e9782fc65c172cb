//! Following a room: from the store where one is behind, from the ring where one is not.

use super::act::allowed;
use super::describe::{Names, as_seen, describe};
use super::event::encode;
use super::feed::{Cursor, Feeds};
use super::place::{direct_facts, find, person};
use crate::answer::encode_event;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::outbox::Outbox;
use crate::random;
use crate::refusals::{denied, from_store, no_such_room};
use crate::services::{Services, blocking};
use bytes::Bytes;
use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::{AccountId, RoomId};
use landline_model::protocol::chat::{Room, Signal, Subscribe};
use landline_model::target::Target;
use landline_model::time::Timestamp;
use landline_store::StoreError;
use landline_store::chat::{Chat, RoomRecord};
use landline_store::people::People;
use landline_store::writer::completion;
use std::sync::Arc;

/// How many events one replay reads from the store at most, and how many bytes of text.
const REPLAY_EVENTS: usize = 256;
const REPLAY_BYTES: usize = 256 * 1024;

/// Follows a room. The ring is entered on the store's thread, in the order of its work, so that what is committed
/// before is replayed, what is committed after is live, and nothing is both or neither; and so that whoever was put out
/// a moment ago does not come in.
pub(crate) async fn subscribe(
    services: &Services,
    who: &Identity,
    call: Subscribe,
    outbox: &Arc<Outbox>,
) -> Result<(Room, Cursor), Refusal> {
    let room = match (&call.target, find(services, who, Action::ReadRoom, &call.target)) {
        (Target::Person(name), Err(refusal)) if refusal.code == ErrorCode::NotFound => {
            open_direct(services, who, person(services, name)?).await?
        }
        (_, found) => found?.0.genesis.room,
    };
    let (done, outcome) = completion();
    let entrance = Entrance {
        chat: services.chat.clone(),
        people: services.people.clone(),
        feeds: services.feeds.clone(),
        who: *who,
        outbox: Arc::clone(outbox),
    };
    let since = call.since;
    let enter = Box::new(move |result: Result<(), StoreError>| {
        done(result.and_then(|()| entrance.enter(room, since)));
    });
    services.chat.barrier(enter).await;
    let (record, cursor) = outcome.await.map_err(|error| match (error, &call.target) {
        (StoreError::Denied(Denied::NotInvited), Target::Room(name)) => no_such_room(name),
        (StoreError::Denied(why), target) => denied(why, &target.to_string()),
        (error, _) => from_store(&error),
    })?;
    let (head, target) = (record.head.sequence, &call.target);
    let Some(cursor) = cursor else {
        let since = since.unwrap_or_default();
        let message = format!("{target} ends with event {head}; there is no event {since}");
        return Err(Refusal::new(ErrorCode::Conflict, message)
            .with_hint("if there was one, the hub was restored from an older copy: landline audit"));
    };
    Ok((describe(services, &who.account, &record), cursor))
}

/// What goes to the store's thread to enter a room's ring there.
struct Entrance {
    chat: Chat,
    people: People,
    feeds: Feeds,
    who: Identity,
    outbox: Arc<Outbox>,
}

impl Entrance {
    /// The room, and the cursor; none: there is no event `since`.
    fn enter(self, room: RoomId, since: Option<u64>) -> Result<(RoomRecord, Option<Cursor>), StoreError> {
        let Self { chat, .. } = self;
        // The session's time is the hub's, and was asked about; the room's may be ahead of it for as long as a clock once
        // was.
        let who = Identity {
            session_ends: Timestamp(u64::MAX),
            ..self.who
        };
        let record = chat.room(&room).ok_or(StoreError::NotFound)?;
        let facts = chat
            .facts(&room, &who.account, None)
            .ok_or(StoreError::NotFound)?;
        allowed(&self.people, who, Action::ReadRoom, &facts, record.time)?;
        let head = record.head.sequence;
        let cursor = since
            .is_none_or(|since| since <= head)
            .then(|| self.feeds.follow(room, head, since, who.account, &self.outbox));
        Ok((record, cursor))
    }
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
            encode(Names::all(services), &event)
        })
        .collect()
}

/// Asks again whether a room that is followed may be: the account's role has changed. What follows from an event of the
/// room itself is not asked here: see [`super::delivery`].
pub(crate) fn judge(services: &Services, who: Option<&Identity>, room: &RoomId) -> Result<(), Bytes> {
    let verdict = who.ok_or(Denied::SessionEnded).and_then(|who| {
        let facts = services.chat.facts(room, &who.account, None);
        let facts = facts.ok_or(Denied::NotMember)?;
        authorise(who, Action::ReadRoom, Resource::Room(facts), services.now())
    });
    verdict.map_err(|why| closed(*room, denied(why, "the room")))
}

/// What a connection hears whose room is not followed any more, encoded.
pub(super) fn closed(room: RoomId, refusal: Refusal) -> Bytes {
    encode_event(Signal::NAME, &Signal::Closed { room, refusal }, b"")
}

/// How one stands to a room now, encoded.
pub(crate) fn standing(services: &Services, who: &Identity, id: RoomId) -> Bytes {
    let room = as_seen(services, who, &id).map(Box::new);
    encode_event(Signal::NAME, &Signal::Standing { room, id }, b"")
}

async fn open_direct(services: &Services, who: &Identity, peer: AccountId) -> Result<RoomId, Refusal> {
    let facts = direct_facts(who.account, peer);
    allowed(&services.people, *who, Action::Speak, &facts, services.now())
        .map_err(|why| denied(why, "the conversation"))?;
    let (done, outcome) = completion();
    services
        .chat
        .open_direct(who.account, peer, RoomId::from_bytes(random::bytes()), done)
        .await;
    let record = outcome.await.map_err(|error| from_store(&error))?;
    Ok(record.genesis.room)
}

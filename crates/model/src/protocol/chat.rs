//! Rooms and what is said in them.

use super::{Done, calls};
use crate::event::{Content, Event, EventKind, Genesis, RoomKind, Salt, SignedHead};
use crate::hash::Hash;
use crate::id::{AccountId, ClientId, RoomId};
use crate::name::{AccountName, RoomName};
use crate::target::Target;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Makes a public room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomCreate {
    /// Its name.
    pub name: RoomName,
}

/// Lists the rooms that one may read: public ones and one's own direct conversations. The body is JSON lines of
/// [`Room`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomList {
    /// Where to begin: what the page before said under `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RoomId>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of rooms; they are in the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomPage {
    /// Where the next page begins; none: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<RoomId>,
}

/// A room, as one of its readers sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// It never changes.
    pub id: RoomId,
    /// What the reader calls it: `#name`, or `@name` of the other person.
    pub target: Target,
    /// Who may be in it.
    pub kind: RoomKind,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub creator: AccountId,
    /// The name it was made with: part of what the chain begins with; empty for a direct conversation.
    pub original_name: String,
    /// The other person of a direct conversation, seen from its creator: part of what the chain begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<AccountId>,
    /// How far it is.
    pub head: SignedHead,
}

impl Room {
    /// What the room's chain begins with.
    #[must_use]
    pub fn genesis(&self) -> Genesis {
        Genesis {
            room: self.id,
            created: self.created,
            creator: self.creator,
            kind: self.kind,
            name: self.original_name.clone(),
            peer: self.peer,
        }
    }
}

/// Says something. The text is the body, UTF-8, at most [`crate::event::TEXT_MAX`] bytes. The first message to a
/// person makes the conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Send {
    /// Where.
    pub target: Target,
    /// What the sender calls it; the same again returns the first result.
    pub client_id: ClientId,
}

/// An acknowledgement: the event is committed and synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The room.
    pub room: RoomId,
    /// The event's place in it.
    pub sequence: u64,
    /// When the hub took it.
    pub time: Timestamp,
    /// The room's head at the time of the answer: at or after the event.
    pub head: SignedHead,
    /// True where the client id was known and nothing new was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// Follows a room: all its events after `since`, in order, as [`RoomEvent`]s, for as long as the connection lives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subscribe {
    /// Which.
    pub target: Target,
    /// The last event that the client has; none: only what comes from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// Stops following a room.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// Which.
    pub room: RoomId,
}

/// Reads a room's log, oldest first. The body is JSON lines of [`RoomEvent`] with `text`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    /// Which room.
    pub target: Target,
    /// Events after this one.
    #[serde(default)]
    pub since: u64,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
    /// The last ones instead of the first ones behind `since` (still oldest first).
    #[serde(default)]
    pub last: bool,
    /// With what an audit needs: salts and content hashes.
    #[serde(default)]
    pub proof: bool,
}

/// A page of a room's log; the events are in the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The room, with its head.
    pub room: Room,
    /// True where more events stand behind the last one of this page.
    pub more: bool,
}

/// Asks for an answer; when it comes, everything sent before on this connection is stored and queued to its readers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ping {}

/// An event as it travels. As an event of its own, the text is the body; in a listing it is the member `text`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEvent {
    /// The room.
    pub room: RoomId,
    /// The event's place in it.
    pub sequence: u64,
    /// When the hub took it.
    pub time: Timestamp,
    /// Who did it.
    pub sender: AccountId,
    /// What that account is called now.
    pub sender_name: AccountName,
    /// What the sender calls the event.
    pub client_id: ClientId,
    /// What was done.
    pub kind: EventKind,
    /// The event that this one acts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u64>,
    /// True where salt and text were erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// What was said, in a listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// In a proof: the salt, unless erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// In a proof: H(salt, body).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<Hash>,
    /// The room's head after this event.
    pub hash: Hash,
}

impl RoomEvent {
    /// The name of the event that carries it.
    pub const NAME: &'static str = "room";

    /// From the log. `text` and proof are left out: a listing adds them.
    #[must_use]
    pub fn new(event: &Event, sender_name: AccountName) -> Self {
        Self {
            room: event.room,
            sequence: event.sequence,
            time: event.time,
            sender: event.sender,
            sender_name,
            client_id: event.client_id,
            kind: event.kind.clone(),
            target: event.target,
            erased: event.content.is_none(),
            text: None,
            salt: None,
            content_hash: None,
            hash: event.hash,
        }
    }

    /// The event of the log that this one, with proof, stands for; none without proof.
    #[must_use]
    pub fn to_event(&self) -> Option<Event> {
        let content = match (self.erased, &self.salt, &self.text) {
            (true, _, _) => None,
            (false, Some(salt), Some(text)) => Some(Content {
                salt: *salt,
                body: text.clone(),
            }),
            (false, _, _) => return None,
        };
        Some(Event {
            room: self.room,
            sequence: self.sequence,
            time: self.time,
            sender: self.sender,
            client_id: self.client_id,
            kind: self.kind.clone(),
            target: self.target,
            content,
            content_hash: self.content_hash?,
            hash: self.hash,
        })
    }
}

calls! {
    "room_create": RoomCreate => Room;
    "room_list": RoomList => RoomPage;
    "send": Send => Sent;
    "subscribe": Subscribe => Room;
    "unsubscribe": Unsubscribe => Done;
    "history": History => HistoryPage;
    "ping": Ping => Done;
}

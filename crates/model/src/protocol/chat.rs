//! Rooms and what is said in them.

use super::{Done, calls};
use crate::event::{Content, Event, EventKind, Genesis, RoomKind, Salt};
use crate::hash::Hash;
use crate::head::SignedHead;
use crate::id::{AccountId, ClientId, RoomId};
use crate::name::{AccountName, RoomName};
use crate::room::{Act, Membership};
use crate::target::Target;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Makes a room; who makes it is its owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomCreate {
    /// Its name.
    pub name: RoomName,
    /// Who may be in it: [`RoomKind::Public`], [`RoomKind::Private`] or [`RoomKind::Approval`].
    #[serde(default = "public", skip_serializing_if = "is_public")]
    pub kind: RoomKind,
}

fn public() -> RoomKind {
    RoomKind::Public
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_public(kind: &RoomKind) -> bool {
    *kind == RoomKind::Public
}

/// Lists the rooms that one may know of: public ones, those that one may ask to join, private ones that one is in or
/// invited to, and one's own direct conversations. The body is JSON lines of [`Room`].
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
    /// What it is about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// Seconds that everybody waits between two messages; 0: no slow mode.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slow_seconds: u32,
    /// How many members it has. Public rooms are read and written by others as well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub members: u32,
    /// How the reader stands to it.
    #[serde(default)]
    pub me: Membership,
    /// The last event that the reader has marked as read, on whatever device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
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
    /// The message that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
}

/// Does something else in a room: whatever [`Act`] has, messages too. Where the act has a text (a message, an edit, a
/// topic), it is the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Do {
    /// Where.
    pub target: Target,
    /// What the sender calls it; the same again returns the first result.
    pub client_id: ClientId,
    /// What.
    #[serde(flatten)]
    pub act: Act<AccountName>,
}

/// An acknowledgement: the event is committed and synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// True for a private room: it is not listed any more for whoever leaves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
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
    /// With what an audit needs: salts and content hashes. Texts are then as they were written.
    #[serde(default)]
    pub proof: bool,
    /// Without a proof: messages as they are now, with the text of their last edit and with their reactions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fold: bool,
}

/// Searches what was said: messages as they are now, newest first. The body is JSON lines of [`RoomEvent`] with `text`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Search {
    /// The text that a message has in it, whatever the case; at most [`SEARCH_MAX`] bytes. Empty: every message.
    pub text: String,
    /// Only in this room; none: in all that one may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Only by this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<AccountName>,
    /// Only what was said at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only what was said before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
    /// Where to go on: what the page before said under `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A page of what was found; the messages are in the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Where the next page begins; none: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// How many messages wait to be indexed, and so are not found yet.
    #[serde(default, skip_serializing_if = "is_none_behind")]
    pub behind: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none_behind(behind: &u64) -> bool {
    *behind == 0
}

/// Lists who stands how to a room. The body is JSON lines of [`Member`], in the order of their accounts' ids.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Members {
    /// Which room.
    pub target: Target,
    /// Those who asked, were invited, kicked or banned, instead of members; for moderators.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// Where to begin: what the page before said under `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AccountId>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of members; they are in the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MembersPage {
    /// Where the next page begins; none: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AccountId>,
}

/// Somebody, as a room knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// What it is called now.
    pub name: AccountName,
    /// How it stands to the room.
    #[serde(flatten)]
    pub membership: Membership,
    /// Whether it has a connection to the hub now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
}

/// Marks a room as read up to and with an event, on all devices. A mark never moves back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Read {
    /// Which room.
    pub target: Target,
    /// The event.
    pub sequence: u64,
}

/// Tells those who follow a room that one is writing something. It is not stored; the hub passes on one in
/// [`TYPING_SECONDS`] from each person and room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Typing {
    /// Which room.
    pub target: Target,
}

/// How long somebody counts as writing after the hub said so.
pub const TYPING_SECONDS: u64 = 5;

/// The longest text to search for, in bytes.
pub const SEARCH_MAX: usize = 256;

/// Begins to bring a room here from another hub, as its log was exported. Admins only. Until it is finished, nobody
/// sees it; an import that does not go on for an hour is dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportBegin {
    /// What the room's chain begins with. Its id must be new here.
    pub room: RoomId,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub creator: AccountId,
    /// Who may be in it.
    pub kind: RoomKind,
    /// The name it was made with.
    pub original_name: String,
    /// The name that it gets here, which must be free.
    pub name: RoomName,
}

/// The next events of a room that is brought here: the body is JSON lines of [`RoomEvent`] with proof, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportEvents {
    /// The room.
    pub room: RoomId,
}

/// All events are there: the room opens. Who brought it here becomes its owner, by an event behind the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportFinish {
    /// The room.
    pub room: RoomId,
    /// How many events there were.
    pub sequence: u64,
    /// The head behind the last one.
    pub hash: Hash,
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
    /// On whom it acts, where it does: see [`crate::room::Subject`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<AccountId>,
    /// What that account is called now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_name: Option<AccountName>,
    /// Who is mentioned in the text, by `@name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
    /// In a folded listing: the last edit, whose text stands in the place of the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<u64>,
    /// In a folded listing: who reacted how.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reactions>,
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

/// All reactions of one kind to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactions {
    /// The reaction.
    pub reaction: String,
    /// How many people.
    pub count: u32,
    /// Whether the reader is one of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mine: bool,
}

/// The most people whose mention in one message is passed on.
pub const MENTIONS_MAX: usize = 64;

/// Something that is not stored, pushed to whom it concerns. A slow reader may miss the older of two that speak of the
/// same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// Somebody is writing something in a room that one follows.
    Typing {
        /// The room.
        room: RoomId,
        /// Who.
        account: AccountId,
        /// What that account is called.
        name: AccountName,
    },
    /// Somebody came, went, or changed their status text. To connections that asked with
    /// [`super::people::Presence`].
    Presence(super::people::Present),
    /// Another device of the same account marked a room as read.
    Read {
        /// The room.
        room: RoomId,
        /// Up to and with this event.
        sequence: u64,
    },
    /// One's standing to a room changed: invited, let in, put out, given another role. Or a conversation with one began.
    Standing {
        /// The room, as one sees it now; none: one does not see it any more.
        room: Option<Box<Room>>,
        /// Its id.
        id: RoomId,
    },
    /// A room that this connection followed is not followed any more: one was put out of it or left it.
    Closed {
        /// The room.
        room: RoomId,
        /// What happened.
        refusal: crate::error::Refusal,
    },
    /// Somebody asks to be a contact, or became one.
    Contact(super::people::Contact),
    /// There were more signals than this connection took: ask again for what matters.
    Missed {},
}

impl Signal {
    /// The name of the event that carries it.
    pub const NAME: &'static str = "signal";
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
            subject: None,
            subject_name: None,
            mentions: Vec::new(),
            edited: None,
            reactions: Vec::new(),
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
    "do": Do => Sent;
    "search": Search => Found;
    "members": Members => MembersPage;
    "read": Read => Done;
    "typing": Typing => Done;
    "import_begin": ImportBegin => Done;
    "import_events": ImportEvents => Done;
    "import_finish": ImportFinish => Room;
    "subscribe": Subscribe => Room;
    "unsubscribe": Unsubscribe => Done;
    "history": History => HistoryPage;
    "ping": Ping => Done;
}

//! What happens in a room, and what proves it.

use crate::hash::{Hash, hexadecimal};
use crate::id::{AccountId, ClientId, RoomId};
use crate::room::Subject;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest text of a message, in bytes.
pub const TEXT_MAX: usize = 16 * 1024;

/// The longest name of a kind of event or room, in bytes.
pub const KIND_MAX: usize = 32;

/// One event of a room's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The room.
    pub room: RoomId,
    /// Its place: 1, 2, 3, ... without a gap.
    pub sequence: u64,
    /// When the hub took it; never before the event in front of it.
    pub time: Timestamp,
    /// Who did it.
    pub sender: AccountId,
    /// What the sender calls it.
    pub client_id: ClientId,
    /// What was done.
    pub kind: EventKind,
    /// The sequence number of the event that this one acts on.
    pub target: Option<u64>,
    /// What was said; `None` once it has been erased.
    pub content: Option<Content>,
    /// H(salt, body): stays when the content is erased, so that the chain still verifies.
    pub content_hash: Hash,
    /// The room's head after this event: see [`crate::chain`].
    pub hash: Hash,
}

impl Event {
    /// On whom the event acts, where it does and the body is what this program writes.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        if !self.kind.has_subject() {
            return None;
        }
        serde_json::from_str(&self.content.as_ref()?.body).ok()
    }
}

/// The part of an event that can be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Random: without it a short text could be guessed from its hash after it was erased.
    pub salt: Salt,
    /// What it says is the kind's business; for a message, its text. At most [`TEXT_MAX`] bytes.
    pub body: String,
}

/// 16 random bytes, of the hub's choice, kept beside a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 16]);
hexadecimal!(Salt, 16);

/// What an event does. The set grows; a program passes on and verifies kinds that it does not know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EventKind(Cow<'static, str>);

macro_rules! kinds {
    ($($(#[$meta:meta])* $constant:ident = $name:literal;)*) => {
        impl EventKind {
            $($(#[$meta])* pub const $constant: Self = Self(Cow::Borrowed($name));)*

            const KNOWN: &'static [Self] = &[$(Self::$constant),*];
        }
    };
}

kinds! {
    /// Somebody said something; the body is the text, the target the message that it replies to.
    MESSAGE = "message";
    /// Somebody changed what they had said; the body is the text from now on, the target the message.
    EDIT = "edit";
    /// Somebody took a message back: the target is erased, and so are its edits.
    DELETE = "delete";
    /// Somebody reacted to a message, the target; the body is the reaction.
    REACT = "react";
    /// Somebody took a reaction back.
    UNREACT = "unreact";
    /// Somebody joined.
    JOIN = "join";
    /// Somebody left, or took back that they had asked to join, or declined an invitation.
    LEAVE = "leave";
    /// Somebody asked to join.
    ASK = "ask";
    /// A moderator invited somebody: see [`crate::room::Subject`], as for all that follow.
    INVITE = "invite";
    /// A moderator let somebody in who had asked.
    APPROVE = "approve";
    /// A moderator turned somebody down who had asked, or took an invitation back.
    DECLINE = "decline";
    /// A moderator put somebody out.
    KICK = "kick";
    /// A moderator put somebody out for good.
    BAN = "ban";
    /// A moderator took a ban back.
    UNBAN = "unban";
    /// A moderator silenced somebody until a time.
    MUTE = "mute";
    /// A moderator let somebody speak again.
    UNMUTE = "unmute";
    /// An owner gave somebody another role in the room.
    ROLE = "role";
    /// Somebody changed the room's topic; the body is the topic.
    TOPIC = "topic";
    /// Somebody changed how long everybody waits between two messages; the body is the number of seconds.
    SLOW = "slow";
    /// An admin brought the room here from another hub, up to and with the event before this one.
    IMPORT = "import";
}

impl EventKind {
    /// Whether events of this kind act on somebody: their body is a [`Subject`].
    #[must_use]
    pub fn has_subject(&self) -> bool {
        [
            Self::INVITE,
            Self::APPROVE,
            Self::DECLINE,
            Self::KICK,
            Self::BAN,
            Self::UNBAN,
            Self::MUTE,
            Self::UNMUTE,
            Self::ROLE,
        ]
        .contains(self)
    }

    /// The kind's name: lower-case letters and `_`, at most [`KIND_MAX`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EventKind {
    type Error = KindError;

    fn try_from(name: String) -> Result<Self, KindError> {
        if !is_kind(&name) {
            return Err(KindError);
        }
        let known = Self::KNOWN.iter().find(|kind| kind.0 == name);
        Ok(known.cloned().unwrap_or(Self(Cow::Owned(name))))
    }
}

fn is_kind(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= KIND_MAX
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The text names no kind of event or room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kind is 1 to {KIND_MAX} lower-case letters or '_'")]
pub struct KindError;

/// What a room began with. Its hash is what the first event is chained to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The room.
    pub room: RoomId,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it; for a direct conversation, who spoke first.
    pub creator: AccountId,
    /// What kind of room it is.
    pub kind: RoomKind,
    /// The name it was given; empty for a direct conversation.
    pub name: String,
    /// The other person of a direct conversation.
    pub peer: Option<AccountId>,
}

/// Who may be in a room. The set grows; a program lists and verifies rooms of kinds that it does not know, and lets
/// nobody into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum RoomKind {
    /// Everybody with an account.
    Public,
    /// Who was invited. Nobody else knows of it.
    Private,
    /// Who was let in after asking. Everybody knows of it.
    Approval,
    /// Two people.
    Direct,
    /// What a newer program made.
    Other(KindName),
}

/// The name of a kind of room that this program does not know: lower-case letters and `_`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindName {
    /// The name, then zeros.
    bytes: [u8; KIND_MAX],
    /// At most [`KIND_MAX`].
    length: usize,
}

impl RoomKind {
    /// Its name on disk and on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Approval => "approval",
            Self::Direct => "direct",
            Self::Other(name) => name.as_str(),
        }
    }
}

impl TryFrom<String> for RoomKind {
    type Error = KindError;

    fn try_from(name: String) -> Result<Self, KindError> {
        match name.as_str() {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            "approval" => Ok(Self::Approval),
            "direct" => Ok(Self::Direct),
            other if is_kind(other) => {
                let mut bytes = [0; KIND_MAX];
                bytes[..other.len()].copy_from_slice(other.as_bytes());
                let length = other.len();
                Ok(Self::Other(KindName { bytes, length }))
            }
            _ => Err(KindError),
        }
    }
}

impl From<RoomKind> for String {
    fn from(kind: RoomKind) -> Self {
        kind.name().to_owned()
    }
}

impl KindName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).expect("only ASCII letters and '_' were let in")
    }
}

impl std::fmt::Debug for KindName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_room_of_a_later_version_comes_through_as_it_is() {
        let long = "x".repeat(KIND_MAX);
        for name in ["public", "private", "approval", "direct", "secret_club", &long] {
            let text = format!("\"{name}\"");
            let kind: RoomKind = serde_json::from_str(&text).unwrap();
            assert_eq!(kind.name(), name);
            assert_eq!(serde_json::to_string(&kind).unwrap(), text);
        }
        for name in ["", "Public", "a b", "ä", &"x".repeat(KIND_MAX + 1)] {
            assert_eq!(RoomKind::try_from(name.to_owned()), Err(KindError), "{name}");
        }
    }
}

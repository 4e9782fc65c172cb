//! Who is what in a room, and what people do there.

use crate::event::RoomKind;
use crate::id::AccountId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest topic of a room, in bytes.
pub const TOPIC_MAX: usize = 512;

/// The longest reaction, in bytes: an emoji with all its joiners, or a word.
pub const REACTION_MAX: usize = 64;

/// The longest reason that a moderator gives, in bytes.
pub const REASON_MAX: usize = 512;

/// The longest time for which somebody is muted: a year.
pub const MUTE_SECONDS_MAX: u64 = 365 * 24 * 60 * 60;

/// The longest wait between two messages that slow mode asks for: six hours.
pub const SLOW_SECONDS_MAX: u32 = 6 * 60 * 60;

/// The role of a member in a room, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// Speaks.
    Member,
    /// Keeps order among members.
    Moderator,
    /// Says who is a moderator. Who made the room is its first owner.
    Owner,
}

impl RoomRole {
    /// All, least first.
    pub const ALL: [Self; 3] = [Self::Member, Self::Moderator, Self::Owner];

    /// The name by which people and files know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }
}

impl std::fmt::Display for RoomRole {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for RoomRole {
    type Err = UnknownRoomRole;

    fn from_str(text: &str) -> Result<Self, UnknownRoomRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(UnknownRoomRole)
    }
}

/// The text names no role in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role in a room is owner, moderator or member")]
pub struct UnknownRoomRole;

/// How somebody stands to a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Never was there, or left. In a public room they may read and speak all the same.
    #[default]
    Stranger,
    /// May join, because a moderator said so.
    Invited,
    /// Waits for a moderator.
    Asked,
    /// Is in it.
    Member(RoomRole),
    /// Was put out, and may join again where that needs no invitation.
    Kicked,
    /// Was put out for good.
    Banned,
}

impl Standing {
    /// The role of a member.
    #[must_use]
    pub const fn role(self) -> Option<RoomRole> {
        match self {
            Self::Member(role) => Some(role),
            _ => None,
        }
    }
}

/// What a room knows of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// How they stand to it.
    pub standing: Standing,
    /// Until when they may not speak; it outlives leaving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

/// What there is to know of a room when somebody wants to do something there, as of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomFacts {
    /// Who may be in it.
    pub kind: RoomKind,
    /// The two of a direct conversation.
    pub pair: Option<[AccountId; 2]>,
    /// How the one who asks stands to it.
    pub me: Membership,
    /// Slow mode: when the one who asks may speak again.
    pub next_message: Option<Timestamp>,
    /// On whom it is to act, or who wrote the message on which it is to act; and how they stand to the room.
    pub other: Option<(AccountId, Membership)>,
}

/// What a person does in a room. `W` says how people are named: by account inside the hub, by name on the way there.
///
/// Each becomes one event of the room's log. Texts (of a message, an edit, a topic) travel beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act<W = AccountId> {
    /// Says the text.
    Say {
        /// The message that it replies to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
    },
    /// Puts the text in the place of one's own message.
    Edit {
        /// The message.
        message: u64,
    },
    /// Takes a message back: one's own, or as a moderator somebody's of a lower role.
    Delete {
        /// The message.
        message: u64,
    },
    /// Reacts to a message.
    React {
        /// The message.
        message: u64,
        /// With this, at most [`REACTION_MAX`] bytes.
        reaction: String,
    },
    /// Takes a reaction back.
    Unreact {
        /// The message.
        message: u64,
        /// The reaction.
        reaction: String,
    },
    /// Joins.
    Join {},
    /// Leaves; takes back that one asked; declines an invitation.
    Leave {},
    /// Asks to join.
    Ask {},
    /// Invites somebody.
    Invite {
        /// Whom.
        who: W,
    },
    /// Lets somebody in who has asked.
    Approve {
        /// Whom.
        who: W,
    },
    /// Turns somebody down who has asked; takes an invitation back.
    Decline {
        /// Whom.
        who: W,
    },
    /// Puts somebody out.
    Kick {
        /// Whom.
        who: W,
        /// Why, for everybody to read; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Puts somebody out for good.
    Ban {
        /// Whom.
        who: W,
        /// Why, for everybody to read; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Takes a ban back.
    Unban {
        /// Whose.
        who: W,
    },
    /// Silences somebody.
    Mute {
        /// Whom.
        who: W,
        /// For how long, in seconds: 1 to [`MUTE_SECONDS_MAX`].
        seconds: u64,
        /// Why, for everybody to read; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Lets somebody speak again.
    Unmute {
        /// Whom.
        who: W,
    },
    /// Gives a member another role.
    Grant {
        /// Whom.
        who: W,
        /// Which.
        role: RoomRole,
    },
    /// Makes the text, at most [`TOPIC_MAX`] bytes, the room's topic.
    Topic {},
    /// Sets how long everybody waits between two messages.
    Slow {
        /// Seconds, at most [`SLOW_SECONDS_MAX`]; 0 ends it.
        seconds: u32,
    },
}

impl<W> Act<W> {
    /// On whom it acts, where it acts on somebody by name.
    #[must_use]
    pub const fn who(&self) -> Option<&W> {
        match self {
            Self::Invite { who }
            | Self::Approve { who }
            | Self::Decline { who }
            | Self::Kick { who, .. }
            | Self::Ban { who, .. }
            | Self::Unban { who }
            | Self::Mute { who, .. }
            | Self::Unmute { who }
            | Self::Grant { who, .. } => Some(who),
            _ => None,
        }
    }

    /// The message that it acts on, or replies to.
    #[must_use]
    pub const fn message(&self) -> Option<u64> {
        match self {
            Self::Say { reply_to } => *reply_to,
            Self::Edit { message }
            | Self::Delete { message }
            | Self::React { message, .. }
            | Self::Unreact { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// The same with people named in another way.
    ///
    /// # Errors
    /// Those of `name`.
    pub fn named<V, E>(self, mut name: impl FnMut(W) -> Result<V, E>) -> Result<Act<V>, E> {
        Ok(match self {
            Self::Say { reply_to } => Act::Say { reply_to },
            Self::Edit { message } => Act::Edit { message },
            Self::Delete { message } => Act::Delete { message },
            Self::React { message, reaction } => Act::React { message, reaction },
            Self::Unreact { message, reaction } => Act::Unreact { message, reaction },
            Self::Join {} => Act::Join {},
            Self::Leave {} => Act::Leave {},
            Self::Ask {} => Act::Ask {},
            Self::Invite { who } => Act::Invite { who: name(who)? },
            Self::Approve { who } => Act::Approve { who: name(who)? },
            Self::Decline { who } => Act::Decline { who: name(who)? },
            Self::Kick { who, reason } => Act::Kick {
                who: name(who)?,
                reason,
            },
            Self::Ban { who, reason } => Act::Ban {
                who: name(who)?,
                reason,
            },
            Self::Unban { who } => Act::Unban { who: name(who)? },
            Self::Mute { who, seconds, reason } => Act::Mute {
                who: name(who)?,
                seconds,
                reason,
            },
            Self::Unmute { who } => Act::Unmute { who: name(who)? },
            Self::Grant { who, role } => Act::Grant {
                who: name(who)?,
                role,
            },
            Self::Topic {} => Act::Topic {},
            Self::Slow { seconds } => Act::Slow { seconds },
        })
    }
}

/// The body of an event that acts on somebody (`invite` to `role`): JSON. Members that a program does not know are
/// ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// On whom.
    pub account: AccountId,
    /// `mute`: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// `role`: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoomRole>,
    /// Why, where a reason was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::AccountName;

    #[test]
    fn an_act_travels_as_a_tagged_object() {
        let act: Act<AccountName> =
            serde_json::from_str(r#"{"act":"mute","who":"bob","seconds":600,"later":1}"#).unwrap();
        let bob: AccountName = "bob".parse().unwrap();
        assert_eq!(act.who(), Some(&bob));
        assert_eq!(
            serde_json::to_string(&act).unwrap(),
            r#"{"act":"mute","who":"bob","seconds":600}"#
        );
        let id = AccountId::from_bytes([1; 16]);
        let named = act.named(|_| Ok::<_, ()>(id)).unwrap();
        assert_eq!(named.who(), Some(&id));
        assert_eq!(
            serde_json::to_string(&Act::<AccountId>::Say { reply_to: None }).unwrap(),
            r#"{"act":"say"}"#
        );
    }

    #[test]
    fn owners_are_more_than_moderators_and_those_more_than_members() {
        assert!(RoomRole::ALL.is_sorted());
        for role in RoomRole::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
    }
}

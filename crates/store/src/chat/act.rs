//! Acts as events.

use super::standing::mute;
use crate::error::StoreError;
use landline_model::event::{EventKind, RoomKind, TEXT_MAX};
use landline_model::id::AccountId;
use landline_model::room::{
    Act, MUTE_SECONDS_MAX, REACTION_MAX, REASON_MAX, RoomRole, SLOW_SECONDS_MAX, Subject, TOPIC_MAX,
};
use landline_model::time::Timestamp;

/// Whether an act and its text are within their limits.
///
/// # Errors
/// [`StoreError::TooLarge`], [`StoreError::Invalid`].
pub(super) fn check(act: &Act, text: &str) -> Result<(), StoreError> {
    match act {
        Act::Say { .. } | Act::Edit { .. } if text.is_empty() => {
            Err(StoreError::Invalid("a message needs a text"))
        }
        Act::Say { .. } | Act::Edit { .. } => short(text, TEXT_MAX),
        Act::React { reaction, .. } | Act::Unreact { reaction, .. } if reaction.is_empty() => {
            Err(StoreError::Invalid("a reaction needs a text"))
        }
        Act::React { reaction, .. } | Act::Unreact { reaction, .. } => plain(reaction, REACTION_MAX),
        Act::Topic {} => plain(text, TOPIC_MAX),
        Act::Mute { seconds, .. } if !(1..=MUTE_SECONDS_MAX).contains(seconds) => Err(StoreError::Invalid(
            "somebody is muted for at least a second and at most a year",
        )),
        Act::Kick { reason, .. } | Act::Ban { reason, .. } | Act::Mute { reason, .. } => {
            plain(reason, REASON_MAX)
        }
        Act::Slow { seconds } if *seconds > SLOW_SECONDS_MAX => {
            Err(StoreError::Invalid("slow mode asks for six hours at most"))
        }
        _ => Ok(()),
    }
}

fn short(text: &str, max: usize) -> Result<(), StoreError> {
    if text.len() > max {
        Err(StoreError::TooLarge)
    } else {
        Ok(())
    }
}

fn plain(text: &str, max: usize) -> Result<(), StoreError> {
    short(text, max)?;
    if text.chars().any(char::is_control) {
        return Err(StoreError::Invalid(
            "reactions, topics and reasons have no control characters",
        ));
    }
    Ok(())
}

/// The kind of event that an act becomes.
pub(super) const fn kind(act: &Act) -> EventKind {
    match act {
        Act::Say { .. } => EventKind::MESSAGE,
        Act::Edit { .. } => EventKind::EDIT,
        Act::Delete { .. } => EventKind::DELETE,
        Act::React { .. } => EventKind::REACT,
        Act::Unreact { .. } => EventKind::UNREACT,
        Act::Join {} => EventKind::JOIN,
        Act::Leave {} => EventKind::LEAVE,
        Act::Ask {} => EventKind::ASK,
        Act::Invite { .. } => EventKind::INVITE,
        Act::Approve { .. } => EventKind::APPROVE,
        Act::Decline { .. } => EventKind::DECLINE,
        Act::Kick { .. } => EventKind::KICK,
        Act::Ban { .. } => EventKind::BAN,
        Act::Unban { .. } => EventKind::UNBAN,
        Act::Mute { .. } => EventKind::MUTE,
        Act::Unmute { .. } => EventKind::UNMUTE,
        Act::Grant { .. } => EventKind::ROLE,
        Act::Topic {} => EventKind::TOPIC,
        Act::Slow { .. } => EventKind::SLOW,
    }
}

/// The body of the event that an act at `now` becomes.
///
/// # Errors
/// [`StoreError::Internal`].
pub(super) fn body(act: Act, text: String, now: Timestamp) -> Result<String, StoreError> {
    match act {
        Act::Say { .. } | Act::Edit { .. } | Act::Topic {} => Ok(text),
        Act::React { reaction, .. } | Act::Unreact { reaction, .. } => Ok(reaction),
        Act::Slow { seconds } => Ok(seconds.to_string()),
        Act::Kick { who, reason } | Act::Ban { who, reason } => subject(who, None, None, reason),
        Act::Mute { who, seconds, reason } => subject(who, Some(mute(now, seconds)), None, reason),
        Act::Grant { who, role } => subject(who, None, Some(role), String::new()),
        Act::Invite { who }
        | Act::Approve { who }
        | Act::Decline { who }
        | Act::Unban { who }
        | Act::Unmute { who } => subject(who, None, None, String::new()),
        Act::Delete { .. } | Act::Join {} | Act::Leave {} | Act::Ask {} => Ok(String::new()),
    }
}

fn subject(
    account: AccountId,
    until: Option<Timestamp>,
    role: Option<RoomRole>,
    reason: String,
) -> Result<String, StoreError> {
    let subject = Subject {
        account,
        until,
        role,
        reason,
    };
    serde_json::to_string(&subject).map_err(|error| StoreError::Internal(error.to_string()))
}

/// Whether rooms of this kind have such acts.
pub(super) const fn is_done_in(act: &Act, kind: RoomKind) -> bool {
    match kind {
        RoomKind::Public | RoomKind::Private | RoomKind::Approval => true,
        RoomKind::Direct => matches!(
            act,
            Act::Say { .. } | Act::Edit { .. } | Act::Delete { .. } | Act::React { .. } | Act::Unreact { .. }
        ),
        _ => false,
    }
}

/// Whether the act changes nothing in the database but that its event is added.
pub(super) const fn only_adds(act: &Act) -> bool {
    !matches!(act, Act::Delete { .. } | Act::React { .. } | Act::Unreact { .. })
}

//! What people do in rooms: checked here, allowed on the store's thread, acknowledged when it is on the disk.

use super::place::{person, visible};
use super::words::text_of;
use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::random;
use crate::refusals::{denied, denied_at, from_store, no_such_room};
use crate::services::Services;
use bytes::Bytes;
use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::RoomKind;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Do, Send, Sent};
use landline_model::room::{Act, RoomFacts};
use landline_model::target::Target;
use landline_model::time::Timestamp;
use landline_store::StoreError;
use landline_store::chat::{Append, Appended, Permit, Place};
use landline_store::people::People;

/// What somebody asks to do.
pub(crate) struct Asked {
    /// Where.
    pub(crate) target: Target,
    /// What they call it.
    pub(crate) client_id: ClientId,
    /// What.
    pub(crate) act: Act<AccountName>,
}

/// What is needed to tell somebody what became of it.
pub(crate) struct Teller {
    target: Target,
    /// Whether that is a private room.
    private: bool,
    /// Whether that is a room that there is not.
    is_missing: bool,
    /// When it was asked.
    now: Timestamp,
}

impl From<Send> for Asked {
    fn from(call: Send) -> Self {
        let reply_to = call.reply_to;
        Self {
            target: call.target,
            client_id: call.client_id,
            act: Act::Say { reply_to },
        }
    }
}

impl From<Do> for Asked {
    fn from(call: Do) -> Self {
        Self {
            target: call.target,
            client_id: call.client_id,
            act: call.act,
        }
    }
}

/// Checks what somebody asks to do, and makes it ready for the store.
///
/// Whether they may is asked when everything in front of it has been done: a message queued behind a mute is refused.
pub(crate) fn prepare(
    services: &Services,
    who: &Identity,
    asked: Asked,
    text: &Bytes,
) -> Result<(Append, Teller), Refusal> {
    let Asked {
        target,
        client_id,
        act,
    } = asked;
    let now = services.now();
    // The session's time is the hub's; a room's may be ahead of it.
    if now >= who.session_ends {
        return Err(denied(Denied::SessionEnded, &target.to_string()));
    }
    let text = text_of(&act, text)?;
    let act = act.named(|name| person(services, &name))?;
    let kind = match &target {
        Target::Room(name) => services.chat.room_id(name),
        Target::Person(_) => None,
    };
    let place = match (&target, kind) {
        (Target::Room(name), Some((room, kind))) => {
            if !matches!(kind, RoomKind::Public | RoomKind::Private) {
                visible(services, who, name)?;
            }
            Place::Room(room)
        }
        // Not refused here, but where one is refused who may not know of a private room: behind what was asked before,
        // and only where it was not done when one still might. The room is one that there never was.
        (Target::Room(_), None) => Place::Room(RoomId::from_bytes(random::bytes())),
        (Target::Person(name), _) => Place::Direct {
            peer: person(services, name)?,
            fresh: RoomId::from_bytes(random::bytes()),
        },
    };
    let append = Append {
        place,
        sender: who.account,
        client_id,
        permit: permit(services.people.clone(), who, action(&act), now),
        act,
        text,
    };
    let teller = Teller {
        is_missing: kind.is_none() && matches!(target, Target::Room(_)),
        private: matches!(kind, Some((_, RoomKind::Private))),
        target,
        now,
    };
    Ok((append, teller))
}

/// The right that an act needs.
const fn action(act: &Act) -> Action {
    match act {
        Act::Say { .. } => Action::Speak,
        Act::Edit { .. } => Action::EditMessage,
        Act::Delete { .. } => Action::DeleteMessage,
        Act::React { .. } | Act::Unreact { .. } => Action::React,
        Act::Join {} => Action::JoinRoom,
        Act::Leave {} => Action::LeaveRoom,
        Act::Ask {} => Action::AskToJoin,
        Act::Invite { .. } => Action::InviteToRoom,
        Act::Approve { .. } | Act::Decline { .. } => Action::LetIn,
        Act::Kick { .. } | Act::Ban { .. } | Act::Unban { .. } | Act::Mute { .. } | Act::Unmute { .. } => {
            Action::Moderate
        }
        Act::Grant { role, .. } => Action::GrantRoomRole(*role),
        Act::Topic {} | Act::Slow { .. } => Action::SetRoom,
    }
}

/// What is asked on the store's thread, with the facts of then; it was asked at `asked` by the hub's clock.
fn permit(people: People, who: &Identity, action: Action, asked: Timestamp) -> Permit {
    let who = Identity {
        session_ends: Timestamp(u64::MAX),
        ..*who
    };
    Box::new(move |facts, now| {
        allowed(&people, who, action, facts, now).map_err(|why| by_the_hubs_clock(why, now, asked))
    })
}

/// A room may be far ahead of a clock that was set back; how long somebody has to wait is what is left in the room.
fn by_the_hubs_clock(why: Denied, room: Timestamp, hub: Timestamp) -> Denied {
    let shifted = |until: Timestamp| Timestamp(hub.0.saturating_add(until.0.saturating_sub(room.0)));
    match why {
        Denied::Muted { until } => Denied::Muted {
            until: shifted(until),
        },
        Denied::TooSoon { until } => Denied::TooSoon {
            until: shifted(until),
        },
        why => why,
    }
}

/// Whether somebody may do this as of now: with the role that the account has by now, and unless the other one of a
/// conversation does not want to hear from them.
pub(super) fn allowed(
    people: &People,
    who: Identity,
    action: Action,
    facts: &RoomFacts,
    now: Timestamp,
) -> Result<(), Denied> {
    let role = people.role(&who.account).ok_or(Denied::SessionEnded)?;
    let who = Identity { role, ..who };
    if facts.kind == RoomKind::Private {
        authorise(&who, Action::SeeRoom, Resource::Room(*facts), now).map_err(|_| Denied::NotInvited)?;
    }
    authorise(&who, action, Resource::Room(*facts), now)?;
    let is_heard = matches!(action, Action::Speak | Action::EditMessage | Action::React);
    match other_of(facts, &who.account) {
        Some(other) if is_heard && people.has_blocked(other, who.account) => Err(Denied::Blocked),
        _ => Ok(()),
    }
}

/// The other one of a conversation; none: it is a room, or one talks to oneself.
fn other_of(facts: &RoomFacts, me: &AccountId) -> Option<AccountId> {
    facts.pair?.into_iter().find(|account| account != me)
}

impl Teller {
    /// What the one who asked hears.
    pub(crate) fn tell(&self, result: Result<Appended, StoreError>) -> Answered<Sent> {
        let Appended {
            room,
            sequence,
            time,
            head,
            duplicate,
        } = result.map_err(|error| self.refusal(&error))?;
        Ok(Sent {
            room,
            sequence,
            time,
            head,
            duplicate,
            private: self.private,
        }
        .into())
    }

    fn refusal(&self, error: &StoreError) -> Refusal {
        let what = &self.target;
        match (error, what) {
            // Only who may not know of a room is told this.
            (StoreError::Denied(Denied::NotInvited), Target::Room(name)) => no_such_room(name),
            (StoreError::NotFound, Target::Room(name)) if self.is_missing => no_such_room(name),
            (StoreError::Denied(why), _) => denied_at(*why, &what.to_string(), self.now),
            (StoreError::NotFound, _) => Refusal::new(
                ErrorCode::NotFound,
                format!("{what}: there is no such message, or it was taken back"),
            ),
            (error, _) => from_store(error),
        }
    }
}

//! What people do in rooms: checked here, allowed on the store's thread, acknowledged when it is on the disk.

use super::notice::{Knowing, Notice};
use super::pace::Pace;
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
use landline_model::id::{AccountId, ClientId, RoomId, SessionId};
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Do, Send, Sent};
use landline_model::room::{Act, RoomFacts};
use landline_model::target::Target;
use landline_model::time::Timestamp;
use landline_store::StoreError;
use landline_store::chat::{Append, Appended, Place};
use landline_store::people::People;
use std::time::Instant;

/// What somebody asks to do.
pub(crate) struct Asked {
    /// Where.
    pub(crate) target: Target,
    /// What they call it.
    pub(crate) client_id: ClientId,
    /// What.
    pub(crate) act: Act<AccountName>,
}

/// What is needed to tell somebody what became of it, and those whom it concerns.
pub(crate) struct Teller {
    target: Target,
    /// Whether that is a private room.
    private: bool,
    /// Whether that is a room that there is not.
    is_missing: bool,
    /// When it was asked.
    now: Timestamp,
    /// Whom it concerns beside; as with most of what is said, nobody.
    notice: Option<Notice>,
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
    let notice = match place {
        Place::Direct { peer, .. } => Some(Notice::in_conversation(&services.live, who.account, peer)),
        Place::Room(_) => Notice::in_room(&services.live, &act),
    };
    let permit = Permission {
        people: services.people.clone(),
        who: Identity {
            session_ends: Timestamp(u64::MAX),
            ..*who
        },
        action: action(&act),
        asked: now,
        pace: comes_or_goes(&act).then(|| services.pace.clone()),
        knowing: notice.as_ref().and_then(Notice::knowing),
    };
    let append = Append {
        place,
        sender: who.account,
        client_id,
        permit: Box::new(move |facts, now| permit.ask(facts, now)),
        act,
        text,
    };
    let teller = Teller {
        is_missing: kind.is_none() && matches!(target, Target::Room(_)),
        private: matches!(kind, Some((_, RoomKind::Private))),
        target,
        now,
        notice,
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

/// What takes no role in the room and no word from anybody there, and is an event for all of them all the same.
const fn comes_or_goes(act: &Act) -> bool {
    matches!(act, Act::Join {} | Act::Leave {} | Act::Ask {})
}

/// What is asked on the store's thread, with the facts of then. It is not asked where the same was done before.
struct Permission {
    people: People,
    /// The session's time was asked about by the hub's clock.
    who: Identity,
    action: Action,
    /// When it was asked for, by the hub's clock.
    asked: Timestamp,
    /// Where it is something that is not done too often.
    pace: Option<Pace>,
    /// Where it has to be found out.
    knowing: Option<Knowing>,
}

impl Permission {
    fn ask(&self, facts: &RoomFacts, now: Timestamp) -> Result<(), Denied> {
        allowed(&self.people, self.who, self.action, facts, now)
            .map_err(|why| by_the_hubs_clock(why, now, self.asked))?;
        if let Some(pace) = &self.pace {
            pace.step(self.who.account, Instant::now())
                .map_err(|wait| Denied::TooOften {
                    until: self.asked.plus(wait),
                })?;
        }
        if let Some(knowing) = &self.knowing {
            knowing.find_out(&self.people, facts);
        }
        Ok(())
    }
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

/// Whether an account that stands to a room like this may know of it.
pub(super) fn sees(people: &People, account: AccountId, facts: &RoomFacts) -> bool {
    let Some(role) = people.role(&account) else {
        return false;
    };
    // Only who is there is told anything: it is not the session that is asked about.
    let who = Identity {
        account,
        role,
        session: SessionId::from_bytes([0; 16]),
        session_ends: Timestamp(u64::MAX),
    };
    authorise(&who, Action::SeeRoom, Resource::Room(*facts), Timestamp(0)).is_ok()
}

/// The other one of a conversation; none: it is a room, or one talks to oneself.
fn other_of(facts: &RoomFacts, me: &AccountId) -> Option<AccountId> {
    facts.pair?.into_iter().find(|account| account != me)
}

impl Teller {
    /// What the one who asked hears. Called on the store's thread, when it is committed or refused.
    pub(crate) fn tell(&self, result: Result<Appended, StoreError>) -> Answered<Sent> {
        let done = result.map_err(|error| self.refusal(&error))?;
        if let Some(notice) = &self.notice {
            notice.tell(&done);
        }
        let Appended {
            room,
            sequence,
            time,
            head,
            duplicate,
        } = done;
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

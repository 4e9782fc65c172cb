//! What an act makes of somebody's standing to a room. Whether it is allowed was asked before; what is here holds
//! whoever does it.

use super::room::Room;
use crate::INTEGER_MAX;
use crate::error::StoreError;
use landline_model::denied::Denied;
use landline_model::event::RoomKind;
use landline_model::room::{Act, Membership, RoomRole, Standing};
use landline_model::time::Timestamp;
use std::time::Duration;

/// How somebody stands to `room` after an act at `now`: the sender for `join`, `leave` and `ask`, else the one on whom
/// it acts. None: the act is about something else.
///
/// # Errors
/// [`StoreError::NoChange`], and why it makes no sense for somebody who stands like this.
pub(super) fn after(
    act: &Act,
    room: &Room,
    before: Membership,
    now: Timestamp,
) -> Result<Option<Membership>, StoreError> {
    let stood = before.standing;
    // A silence that is over need not be remembered.
    let mut muted_until = before.muted_until.filter(|until| *until > now);
    let mut standing = stood;
    match act {
        Act::Join {} => standing = joined(stood)?,
        Act::Leave {} => standing = left(room, stood)?,
        Act::Ask {} => standing = asked(stood)?,
        Act::Invite { .. } => standing = invited(stood)?,
        Act::Approve { .. } => standing = approved(stood)?,
        Act::Decline { .. } => standing = declined(stood)?,
        Act::Kick { .. } => standing = kicked(room, stood)?,
        Act::Ban { .. } if stood != Standing::Banned => standing = Standing::Banned,
        Act::Unban { .. } if stood == Standing::Banned => standing = Standing::Stranger,
        Act::Grant { role, .. } => standing = granted(room, stood, *role)?,
        Act::Mute { seconds, .. } if muted_until != Some(mute(now, *seconds)) => {
            muted_until = Some(mute(now, *seconds));
        }
        Act::Unmute { .. } if muted_until.is_some() => muted_until = None,
        Act::Ban { .. } | Act::Unban { .. } | Act::Mute { .. } | Act::Unmute { .. } => {
            return Err(StoreError::NoChange);
        }
        Act::Say { .. }
        | Act::Edit { .. }
        | Act::Delete { .. }
        | Act::React { .. }
        | Act::Unreact { .. }
        | Act::Topic {}
        | Act::Slow { .. } => return Ok(None),
    }
    Ok(Some(Membership {
        standing,
        muted_until,
    }))
}

/// Until when somebody is silent.
pub(super) fn mute(now: Timestamp, seconds: u64) -> Timestamp {
    Timestamp(now.plus(Duration::from_secs(seconds)).0.min(INTEGER_MAX))
}

fn joined(stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Member(_) => Err(StoreError::NoChange),
        _ => Ok(Standing::Member(RoomRole::Member)),
    }
}

fn left(room: &Room, stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Member(RoomRole::Owner) if is_last_owner(room) => Err(StoreError::LastOwner),
        Standing::Member(_) | Standing::Invited | Standing::Asked => Ok(Standing::Stranger),
        Standing::Stranger | Standing::Kicked | Standing::Banned => Err(StoreError::NoChange),
    }
}

fn asked(stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Stranger | Standing::Kicked => Ok(Standing::Asked),
        Standing::Banned => Err(Denied::Banned.into()),
        Standing::Asked | Standing::Invited | Standing::Member(_) => Err(StoreError::NoChange),
    }
}

fn invited(stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Stranger | Standing::Kicked | Standing::Asked => Ok(Standing::Invited),
        Standing::Banned => Err(StoreError::Banned),
        Standing::Invited | Standing::Member(_) => Err(StoreError::NoChange),
    }
}

fn approved(stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Asked => Ok(Standing::Member(RoomRole::Member)),
        Standing::Member(_) => Err(StoreError::NoChange),
        _ => Err(StoreError::NotAsked),
    }
}

fn declined(stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Asked | Standing::Invited => Ok(Standing::Stranger),
        _ => Err(StoreError::NotAsked),
    }
}

/// Strangers read and speak in a public room; elsewhere there is nothing to put them out of.
fn kicked(room: &Room, stood: Standing) -> Result<Standing, StoreError> {
    match stood {
        Standing::Member(_) | Standing::Invited | Standing::Asked => Ok(Standing::Kicked),
        Standing::Stranger if room.genesis.kind == RoomKind::Public => Ok(Standing::Kicked),
        Standing::Stranger | Standing::Kicked | Standing::Banned => Err(StoreError::NoChange),
    }
}

fn granted(room: &Room, stood: Standing, role: RoomRole) -> Result<Standing, StoreError> {
    match stood {
        Standing::Member(old) if old == role => Err(StoreError::NoChange),
        Standing::Member(RoomRole::Owner) if is_last_owner(room) => Err(StoreError::LastOwner),
        Standing::Member(_) => Ok(Standing::Member(role)),
        _ => Err(Denied::NotMember.into()),
    }
}

/// A room with members always has somebody who can say who is a moderator.
fn is_last_owner(room: &Room) -> bool {
    room.people.owners <= 1 && room.people.members > 1
}

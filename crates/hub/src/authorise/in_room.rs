//! Who may do what in a room.

use super::{Action, Identity};
use landline_model::denied::Denied;
use landline_model::event::RoomKind;
use landline_model::role::Role;
use landline_model::room::{Membership, RoomFacts, RoomRole, Standing};
use landline_model::time::Timestamp;

/// An action on a room by somebody whose role on the hub is enough.
pub(super) fn authorise(
    identity: &Identity,
    action: Action,
    facts: &RoomFacts,
    now: Timestamp,
) -> Result<(), Denied> {
    match action {
        Action::SeeRoom => see(identity, facts),
        Action::ReadRoom => read(identity, facts),
        Action::Speak => speak(identity, facts, now).and_then(|()| slow(identity, facts, now)),
        Action::React => speak(identity, facts, now),
        Action::EditMessage => speak(identity, facts, now).and_then(|()| own(identity, facts)),
        Action::DeleteMessage => read(identity, facts).and_then(|()| delete(identity, facts)),
        Action::JoinRoom => join(facts),
        Action::LeaveRoom => leave(facts),
        Action::AskToJoin => ask(facts),
        Action::InviteToRoom | Action::LetIn => by_role(identity, facts, RoomRole::Moderator),
        Action::SetRoom => set(identity, facts),
        Action::Moderate => moderate(identity, facts),
        Action::GrantRoomRole(_) => grant(identity, facts),
        _ => Err(Denied::Role(identity.role)),
    }
}

fn see(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    match facts.kind {
        RoomKind::Public | RoomKind::Approval => Ok(()),
        RoomKind::Private => match facts.me.standing {
            Standing::Member(_) | Standing::Invited => Ok(()),
            _ => Err(Denied::NotInvited),
        },
        RoomKind::Direct => read(identity, facts),
        _ => Err(Denied::RoomKind),
    }
}

pub(super) fn read(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    match (facts.kind, facts.me.standing) {
        (RoomKind::Direct, _) => match facts.pair {
            Some(pair) if pair.contains(&identity.account) => Ok(()),
            _ => Err(Denied::NotYours),
        },
        (_, Standing::Banned) => Err(Denied::Banned),
        (RoomKind::Public | RoomKind::Private | RoomKind::Approval, Standing::Member(_)) => Ok(()),
        (RoomKind::Public, Standing::Kicked) => Err(Denied::Kicked),
        (RoomKind::Public, _) => Ok(()),
        (RoomKind::Private, _) => Err(Denied::NotMember),
        (RoomKind::Approval, _) => Err(Denied::NotApproved),
        _ => Err(Denied::RoomKind),
    }
}

fn speak(identity: &Identity, facts: &RoomFacts, now: Timestamp) -> Result<(), Denied> {
    read(identity, facts)?;
    match facts.me.muted_until {
        Some(until) if now < until => Err(Denied::Muted { until }),
        _ => Ok(()),
    }
}

/// Slow mode is for members: who keeps order has to be able to answer.
fn slow(identity: &Identity, facts: &RoomFacts, now: Timestamp) -> Result<(), Denied> {
    match facts.next_message {
        Some(until) if now < until && rank(identity, facts) < Some(RoomRole::Moderator) => {
            Err(Denied::TooSoon { until })
        }
        _ => Ok(()),
    }
}

fn own(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    match facts.other {
        Some((author, _)) if author == identity.account => Ok(()),
        _ => Err(Denied::NotYours),
    }
}

fn delete(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    match own(identity, facts) {
        Err(denied) if facts.kind == RoomKind::Direct => Err(denied),
        Err(_) => moderate(identity, facts),
        own => own,
    }
}

fn join(facts: &RoomFacts) -> Result<(), Denied> {
    match (facts.kind, facts.me.standing) {
        (_, Standing::Banned) => Err(Denied::Banned),
        (RoomKind::Public, _)
        | (RoomKind::Private | RoomKind::Approval, Standing::Invited | Standing::Member(_)) => Ok(()),
        (RoomKind::Private, _) => Err(Denied::NotInvited),
        (RoomKind::Approval, _) => Err(Denied::NotApproved),
        _ => Err(Denied::RoomKind),
    }
}

fn leave(facts: &RoomFacts) -> Result<(), Denied> {
    match (facts.kind, facts.me.standing) {
        (
            RoomKind::Public | RoomKind::Private | RoomKind::Approval,
            Standing::Member(_) | Standing::Invited | Standing::Asked,
        ) => Ok(()),
        (RoomKind::Public | RoomKind::Private | RoomKind::Approval, _) => Err(Denied::NotMember),
        _ => Err(Denied::RoomKind),
    }
}

fn ask(facts: &RoomFacts) -> Result<(), Denied> {
    match (facts.kind, facts.me.standing) {
        (_, Standing::Banned) => Err(Denied::Banned),
        (RoomKind::Approval, _) => Ok(()),
        _ => Err(Denied::RoomKind),
    }
}

/// Those who keep order in a room set the rights on its directories.
pub(super) fn keep(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    by_role(identity, facts, RoomRole::Moderator)
}

fn set(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    by_role(identity, facts, RoomRole::Moderator)
}

/// Only on somebody of a lower role than one's own.
fn moderate(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    by_role(identity, facts, RoomRole::Moderator)?;
    let (_, other) = facts.other.ok_or(Denied::NotMember)?;
    if rank(identity, facts) > other.standing.role() {
        Ok(())
    } else {
        Err(Denied::Rank)
    }
}

/// Owners give roles; an owner's role is taken by that owner alone.
fn grant(identity: &Identity, facts: &RoomFacts) -> Result<(), Denied> {
    by_role(identity, facts, RoomRole::Owner)?;
    match facts.other {
        Some((
            other,
            Membership {
                standing: Standing::Member(RoomRole::Owner),
                ..
            },
        )) if other != identity.account => Err(Denied::Rank),
        Some((
            _,
            Membership {
                standing: Standing::Member(_),
                ..
            },
        )) => Ok(()),
        _ => Err(Denied::NotMember),
    }
}

fn by_role(identity: &Identity, facts: &RoomFacts, least: RoomRole) -> Result<(), Denied> {
    match facts.kind {
        RoomKind::Public | RoomKind::Private | RoomKind::Approval => {}
        _ => return Err(Denied::RoomKind),
    }
    match rank(identity, facts) {
        Some(role) if role >= least => Ok(()),
        Some(_) => Err(Denied::RoomRole(least)),
        None if facts.me.standing == Standing::Banned => Err(Denied::Banned),
        None => Err(Denied::NotMember),
    }
}

/// Whoever looks after the hub has an owner's say in the rooms that everybody knows of: a room whose owners are gone can
/// be put in order again. What is said behind closed doors stays there.
fn rank(identity: &Identity, facts: &RoomFacts) -> Option<RoomRole> {
    match facts.kind {
        RoomKind::Public | RoomKind::Approval if identity.role == Role::Admin => Some(RoomRole::Owner),
        _ => facts.me.standing.role(),
    }
}

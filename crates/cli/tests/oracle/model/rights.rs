//! Who may do what.

use super::{Message, No, Person, Room};
use landline_model::event::RoomKind;
use landline_model::room::{Act, RoomRole, Standing};
use std::collections::BTreeSet;

impl Room {
    /// Why `who` may not do this now; empty: they may.
    pub(crate) fn refuses(&self, who: Person, act: &Act<Person>, text: &str, now: u64) -> BTreeSet<No> {
        if !self.sees(who) {
            return BTreeSet::from([No::Hidden]);
        }
        let mut no = BTreeSet::new();
        let mut unless = |allowed: bool, why: No| {
            if !allowed {
                no.insert(why);
            }
        };
        match act {
            Act::Say { reply_to } => {
                unless(self.may_speak(who, now), No::Right);
                unless(self.is_not_too_soon(who, now), No::Slow);
                unless(
                    reply_to.is_none_or(|message| self.live(message).is_some()),
                    No::Missing,
                );
            }
            Act::Edit { message } | Act::Delete { message } => {
                let taken_back = matches!(act, Act::Delete { .. });
                let message = self.live(*message);
                unless(message.is_some(), No::Missing);
                let mine = message.is_none_or(|message| message.author == who);
                if taken_back {
                    let over = message.is_none_or(|message| self.is_over(who, message.author));
                    unless(self.reads(who) && (mine || over), No::Right);
                } else {
                    unless(self.may_speak(who, now) && mine, No::Right);
                }
            }
            Act::React { message, reaction } | Act::Unreact { message, reaction } => {
                let message = self.live(*message);
                unless(message.is_some(), No::Missing);
                unless(self.may_speak(who, now), No::Right);
                let there = message.is_some_and(|message| has_reacted(message, who, reaction));
                unless(
                    message.is_none() || there == matches!(act, Act::Unreact { .. }),
                    No::Same,
                );
            }
            Act::Join {} | Act::Leave {} | Act::Ask {} => self.goes(who, act, &mut unless),
            Act::Topic {} => {
                unless(self.rank(who) >= Some(RoomRole::Moderator), No::Right);
                unless(self.topic != text, No::Same);
            }
            Act::Slow { seconds } => {
                unless(self.rank(who) >= Some(RoomRole::Moderator), No::Right);
                unless(self.slow != *seconds, No::Same);
            }
            _ => self.acts_on_somebody(who, act, now, &mut unless),
        }
        no
    }

    /// Whether they may know of the room.
    pub(crate) fn sees(&self, who: Person) -> bool {
        match self.kind {
            RoomKind::Private => matches!(self.people[who].standing, Standing::Member(_) | Standing::Invited),
            RoomKind::Direct => self.pair.is_some_and(|pair| pair.contains(&who)),
            _ => true,
        }
    }

    /// Whether they may read what was said and what is being said.
    pub(crate) fn reads(&self, who: Person) -> bool {
        let standing = self.people[who].standing;
        match self.kind {
            RoomKind::Direct => self.sees(who),
            RoomKind::Public => !matches!(standing, Standing::Kicked | Standing::Banned),
            _ => standing.role().is_some(),
        }
    }

    fn may_speak(&self, who: Person, now: u64) -> bool {
        self.reads(who) && self.people[who].muted_until.is_none_or(|until| until <= now)
    }

    /// Moderators need not wait.
    fn is_not_too_soon(&self, who: Person, now: u64) -> bool {
        let wait = u64::from(self.slow) * 1000;
        wait == 0
            || self.rank(who) >= Some(RoomRole::Moderator)
            || self.people[who].spoke.is_none_or(|spoke| spoke + wait <= now)
    }

    /// The message, unless it was taken back.
    fn live(&self, message: u64) -> Option<&Message> {
        self.messages.get(&message).filter(|message| !message.deleted)
    }

    /// What they may do there: who looks after the hub has an owner's say wherever everybody may know of the room.
    fn rank(&self, who: Person) -> Option<RoomRole> {
        let known = &self.people[who];
        match self.kind {
            RoomKind::Public | RoomKind::Approval if known.admin => Some(RoomRole::Owner),
            RoomKind::Direct => None,
            _ => known.standing.role(),
        }
    }

    /// Whether they keep order, and over this one.
    fn is_over(&self, who: Person, other: Person) -> bool {
        self.rank(who) >= Some(RoomRole::Moderator) && self.rank(who) > self.people[other].standing.role()
    }

    fn goes(&self, who: Person, act: &Act<Person>, unless: &mut impl FnMut(bool, No)) {
        let standing = self.people[who].standing;
        let banned = standing == Standing::Banned;
        let allowed = match (act, self.kind) {
            (_, RoomKind::Direct) => false,
            (Act::Join {}, RoomKind::Public) => !banned,
            (Act::Join {}, _) => matches!(standing, Standing::Invited | Standing::Member(_)),
            (Act::Leave {}, _) => {
                matches!(
                    standing,
                    Standing::Invited | Standing::Asked | Standing::Member(_)
                )
            }
            (_, kind) => kind == RoomKind::Approval && !banned,
        };
        unless(allowed, No::Right);
        unless(moved(self.kind, standing, act).is_some(), No::Same);
        let leaves = matches!(act, Act::Leave {});
        unless(!(leaves && self.is_last_owner(who)), No::LastOwner);
    }

    fn acts_on_somebody(&self, who: Person, act: &Act<Person>, now: u64, unless: &mut impl FnMut(bool, No)) {
        let Some(other) = act.who().copied() else { return };
        let there = &self.people[other];
        let rank = self.rank(who);
        let allowed = match act {
            Act::Invite { .. } | Act::Approve { .. } | Act::Decline { .. } => {
                rank >= Some(RoomRole::Moderator)
            }
            Act::Grant { .. } => {
                let anothers = there.standing == Standing::Member(RoomRole::Owner) && other != who;
                rank >= Some(RoomRole::Owner) && there.standing.role().is_some() && !anothers
            }
            _ => self.is_over(who, other),
        };
        unless(allowed, No::Right);
        match act {
            Act::Mute { seconds, .. } => {
                unless(there.muted_until != Some(now + seconds * 1000), No::Same);
            }
            Act::Unmute { .. } => unless(there.muted_until.is_some_and(|until| until > now), No::Same),
            Act::Grant { role, .. } => {
                unless(there.standing != Standing::Member(*role), No::Same);
                unless(
                    *role == RoomRole::Owner || !self.is_last_owner(other),
                    No::LastOwner,
                );
            }
            _ => {
                unless(moved(self.kind, there.standing, act).is_some(), No::Same);
            }
        }
    }

    /// Whether the other members would be left without an owner.
    fn is_last_owner(&self, who: Person) -> bool {
        let owner = Standing::Member(RoomRole::Owner);
        let owners = self.people.iter().filter(|known| known.standing == owner).count();
        self.people[who].standing == owner && owners == 1 && self.members() > 1
    }
}

fn has_reacted(message: &Message, who: Person, reaction: &str) -> bool {
    message
        .reactions
        .get(reaction)
        .is_some_and(|people| people.contains(&who))
}

/// How somebody stands to the room after an act, of their own or on them; none: as before.
pub(super) fn moved(kind: RoomKind, standing: Standing, act: &Act<Person>) -> Option<Standing> {
    let member = Standing::Member(RoomRole::Member);
    let to = match (act, standing) {
        (Act::Join {}, Standing::Member(_)) => standing,
        (Act::Join {}, _) => member,
        (Act::Leave {}, _) => Standing::Stranger,
        (Act::Ask {}, Standing::Member(_) | Standing::Invited) => standing,
        (Act::Ask {}, _) => Standing::Asked,
        (Act::Invite { .. }, Standing::Member(_) | Standing::Banned) => standing,
        (Act::Invite { .. }, _) => Standing::Invited,
        (Act::Approve { .. }, Standing::Asked) => member,
        (Act::Decline { .. }, Standing::Asked | Standing::Invited) => Standing::Stranger,
        (Act::Kick { .. }, Standing::Banned) => standing,
        (Act::Kick { .. }, Standing::Stranger) if kind != RoomKind::Public => standing,
        (Act::Kick { .. }, _) => Standing::Kicked,
        (Act::Ban { .. }, _) => Standing::Banned,
        (Act::Unban { .. }, Standing::Banned) => Standing::Stranger,
        (Act::Grant { role, .. }, Standing::Member(_)) => Standing::Member(*role),
        _ => standing,
    };
    (to != standing).then_some(to)
}

//! What a room is, by the design alone: no line of the hub is asked. It takes the log in the order of its sequence and
//! says for every act, at every place of the log, whether it is allowed there, and what it changes.
//!
//! It repeats on purpose what the store's `chat/act.rs` says, in its own words: shared rules would agree with themselves.
//!
//! Where several reasons speak against an act, the hub may give any of them: the model returns all. One thing is not
//! free: who may not know of a private room hears that there is no such room, and nothing else.

#[path = "model/rights.rs"]
mod rights;
#[cfg(test)]
#[path = "model/tests.rs"]
mod tests;

use landline_model::event::{EventKind, RoomKind};
use landline_model::room::{Act, RoomRole, Standing};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody, by number.
pub(crate) type Person = usize;

/// Why an act is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum No {
    /// They may not know that the room exists.
    Hidden,
    /// There is no such message (any more).
    Missing,
    /// They have no right to it.
    Right,
    /// Slow mode.
    Slow,
    /// It would change nothing, or makes no sense as they stand to the room.
    Same,
    /// The room would have members but no owner.
    LastOwner,
}

/// A room after some event.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Who may be in it.
    pub(crate) kind: RoomKind,
    /// The two of a direct conversation.
    pub(crate) pair: Option<[Person; 2]>,
    /// Everybody on the hub.
    pub(crate) people: Vec<Known>,
    /// What was said, by sequence number; what was deleted stays as a tombstone.
    pub(crate) messages: BTreeMap<u64, Message>,
    /// What it is about.
    pub(crate) topic: String,
    /// Seconds between two messages of one person; 0: as they like.
    pub(crate) slow: u32,
}

/// What a room knows of a person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Whether they look after the hub.
    pub(crate) admin: bool,
    /// How they stand to the room.
    pub(crate) standing: Standing,
    /// Until when they are mute, in milliseconds since 1970.
    pub(crate) muted_until: Option<u64>,
    /// When they spoke last while slow mode was on.
    pub(crate) spoke: Option<u64>,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Who said it.
    pub(crate) author: Person,
    /// As it is now.
    pub(crate) text: String,
    /// The last edit.
    pub(crate) edited: Option<u64>,
    /// Whether it was taken back.
    pub(crate) deleted: bool,
    /// Who reacted, by reaction.
    pub(crate) reactions: BTreeMap<String, BTreeSet<Person>>,
}

impl Room {
    /// A room that `creator` has just made.
    pub(crate) fn new(kind: RoomKind, creator: Person, admins: &[bool]) -> Self {
        let mut room = Self::direct([creator, creator], admins);
        (room.kind, room.pair) = (kind, None);
        room.people[creator].standing = Standing::Member(RoomRole::Owner);
        room
    }

    /// A conversation of two people in which nothing was said yet.
    pub(crate) fn direct(pair: [Person; 2], admins: &[bool]) -> Self {
        let known = |admin: &bool| Known {
            admin: *admin,
            ..Known::default()
        };
        Self {
            kind: RoomKind::Direct,
            pair: Some(pair),
            people: admins.iter().map(known).collect(),
            messages: BTreeMap::new(),
            topic: String::new(),
            slow: 0,
        }
    }

    /// How many members it has.
    pub(crate) fn members(&self) -> usize {
        let is_member = |known: &&Known| known.standing.role().is_some();
        self.people.iter().filter(is_member).count()
    }

    /// Does what the event `sequence` says. It was allowed there.
    pub(crate) fn apply(&mut self, sequence: u64, who: Person, act: &Act<Person>, text: &str, time: u64) {
        match act {
            Act::Say { .. } => self.said(sequence, who, text, time),
            Act::Edit { message } => {
                let message = self.message(*message);
                (message.text, message.edited) = (text.to_owned(), Some(sequence));
            }
            Act::Delete { message } => {
                let message = self.message(*message);
                message.deleted = true;
                message.text.clear();
                message.reactions.clear();
            }
            Act::React { message, reaction } => {
                let reactions = &mut self.message(*message).reactions;
                reactions.entry(reaction.clone()).or_default().insert(who);
            }
            Act::Unreact { message, reaction } => {
                let reactions = &mut self.message(*message).reactions;
                if let Some(people) = reactions.get_mut(reaction) {
                    people.remove(&who);
                }
                reactions.retain(|_, people| !people.is_empty());
            }
            Act::Mute { who, seconds, .. } => {
                self.people[*who].muted_until = Some(time + seconds * 1000);
            }
            Act::Unmute { who } => self.people[*who].muted_until = None,
            Act::Topic {} => text.clone_into(&mut self.topic),
            Act::Slow { seconds } => self.slow = *seconds,
            _ => {
                let subject = act.who().copied().unwrap_or(who);
                if let Some(standing) = rights::moved(self.kind, self.people[subject].standing, act) {
                    self.people[subject].standing = standing;
                }
            }
        }
    }

    fn said(&mut self, sequence: u64, who: Person, text: &str, time: u64) {
        if self.slow > 0 {
            self.people[who].spoke = Some(time);
        }
        let message = Message {
            author: who,
            text: text.to_owned(),
            edited: None,
            deleted: false,
            reactions: BTreeMap::new(),
        };
        self.messages.insert(sequence, message);
    }

    fn message(&mut self, sequence: u64) -> &mut Message {
        self.messages.get_mut(&sequence).expect("it was allowed")
    }
}

/// The kind of the event that an act becomes.
pub(crate) fn kind_of<W>(act: &Act<W>) -> EventKind {
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

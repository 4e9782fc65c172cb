//! Whom something done in a room concerns beside those who follow it, known only when it is done: told with the answer.

use super::act::sees;
use crate::live::Live;
use crate::outbox::{About, News};
use landline_model::id::AccountId;
use landline_model::room::{Act, RoomFacts};
use landline_store::chat::Appended;
use landline_store::people::People;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody to tell of what was asked, if it is done.
pub(super) struct Notice {
    live: Live,
    concerns: Concerns,
}

enum Concerns {
    /// A conversation, if it begins with this: it is new to both.
    Conversation([AccountId; 2]),
    /// Somebody on whom it acts.
    Subject(AccountId, Knowing),
}

/// Whether somebody on whom an act was done may know of the room: found out in front of it, for it may end that.
///
/// Who is banned from, or muted in, a private room that they never heard of does not hear of it so.
#[derive(Clone, Default)]
pub(super) struct Knowing(Arc<AtomicBool>);

impl Notice {
    /// Who is to be told of something between `sender` and the other one of a conversation.
    pub(super) fn in_conversation(live: &Live, sender: AccountId, peer: AccountId) -> Self {
        Self {
            live: live.clone(),
            concerns: Concerns::Conversation([sender, peer]),
        }
    }

    /// Who is to be told of an act in a room; none: nobody, or [`Delivery`](super::Delivery) does.
    pub(super) fn in_room(live: &Live, act: &Act) -> Option<Self> {
        let who = match act {
            Act::Ban { who, .. } | Act::Unban { who } | Act::Mute { who, .. } | Act::Unmute { who } => *who,
            _ => return None,
        };
        Some(Self {
            live: live.clone(),
            concerns: Concerns::Subject(who, Knowing::default()),
        })
    }

    /// What has to be found out before it is done.
    pub(super) fn knowing(&self) -> Option<Knowing> {
        match &self.concerns {
            Concerns::Subject(_, knowing) => Some(knowing.clone()),
            Concerns::Conversation(_) => None,
        }
    }

    /// It is done. By now the store's memory has it, so that who looks finds what it has made.
    pub(super) fn tell(&self, done: &Appended) {
        if done.duplicate {
            return;
        }
        let standing = About::Standing(done.room);
        match &self.concerns {
            Concerns::Conversation(both) if done.sequence == 1 => {
                for account in both {
                    self.live.tell(account, None, standing, &News::Look);
                }
            }
            Concerns::Conversation(_) => {}
            Concerns::Subject(who, Knowing(knowing)) => {
                if knowing.load(Ordering::Relaxed) {
                    self.live.tell(who, None, standing, &News::Look);
                }
            }
        }
    }
}

impl Knowing {
    /// Takes note of how the one on whom it acts stands.
    pub(super) fn find_out(&self, people: &People, facts: &RoomFacts) {
        let knows = facts.other.is_some_and(|(other, membership)| {
            let facts = RoomFacts {
                me: membership,
                ..*facts
            };
            sees(people, other, &facts)
        });
        self.0.store(knows, Ordering::Relaxed);
    }
}

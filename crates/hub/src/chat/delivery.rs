//! What follows from an event: who gets it, who gets nothing more, and who is told that something has changed for them.

use super::describe::Names;
use super::event::encode;
use super::feed::Feeds;
use super::follow::closed;
use crate::live::Live;
use crate::outbox::{About, News};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::{Event, EventKind};
use landline_model::id::AccountId;
use landline_model::text::escape;
use landline_store::people::People;

/// Takes each event of every room once it is committed and its sender has been told. It is called on the store's thread,
/// in the order of each room's log.
pub(crate) struct Delivery {
    pub(crate) feeds: Feeds,
    pub(crate) people: People,
    pub(crate) live: Live,
}

impl Delivery {
    /// Delivers an event.
    pub(crate) fn deliver(&self, event: &Event) {
        // Nearly all are messages, and nothing else follows from those.
        if event.kind != EventKind::MESSAGE {
            self.prepare(event);
        }
        let names = Names {
            people: &self.people,
            elsewhere: None,
        };
        self.feeds
            .deliver(event.room, event.sequence, || encode(names, event));
    }

    /// Does what has to be done before anybody gets the event, or anything behind it.
    fn prepare(&self, event: &Event) {
        if event.kind == EventKind::DELETE {
            self.feeds.forget(&event.room);
        }
        let Some(about) = concerned(event) else { return };
        if let Some(refusal) = put_out(event) {
            self.feeds.cut(event.room, &about, || closed(event.room, refusal));
        }
        if may_be_of_a_stranger(&event.kind) {
            return;
        }
        // By now the store's memory has the commit, so that who looks finds what this event has made of it.
        self.live
            .tell(&about, None, About::Standing(event.room), &News::Look);
    }
}

/// Whose standing to the room an event has changed.
fn concerned(event: &Event) -> Option<AccountId> {
    let own = [
        EventKind::JOIN,
        EventKind::LEAVE,
        EventKind::ASK,
        EventKind::IMPORT,
    ];
    if own.contains(&event.kind) {
        return Some(event.sender);
    }
    event.subject().map(|subject| subject.account)
}

/// What is done to people who may never have heard of the room. They are told with the answer, by [`super::notice`], for
/// that knows how they stood before; the others joined, were invited, or asked.
fn may_be_of_a_stranger(kind: &EventKind) -> bool {
    [
        EventKind::BAN,
        EventKind::UNBAN,
        EventKind::MUTE,
        EventKind::UNMUTE,
    ]
    .contains(kind)
}

/// Why somebody follows the room no more; none: it is not for this event that they do not.
fn put_out(event: &Event) -> Option<Refusal> {
    let (what, hint) = if event.kind == EventKind::LEAVE {
        ("you left the room", None)
    } else if event.kind == EventKind::KICK {
        ("you were put out of the room", Some("landline room join"))
    } else if event.kind == EventKind::BAN {
        ("you were banned from the room", None)
    } else {
        return None;
    };
    let reason = event.subject().map(|subject| subject.reason);
    let message = match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{what}: {}", escape(&reason)),
        None => what.to_owned(),
    };
    let refusal = Refusal::new(ErrorCode::Forbidden, message);
    Some(match hint {
        Some(hint) => refusal.with_hint(hint),
        None => refusal,
    })
}

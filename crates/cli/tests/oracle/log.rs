//! A room's log as the hub has it, played on the model event by event.

use crate::deed::Deed;
use crate::model::{Room, kind_of};
use crate::shared::Moment;
use landline_model::event::EventKind;
use landline_model::id::AccountId;
use landline_model::protocol::chat::RoomEvent;
use landline_model::room::{Act, Subject};
use landline_model::time::Timestamp;

/// A room's log.
#[derive(Debug)]
pub(crate) struct Log {
    /// Which of the seed's rooms.
    pub(crate) room: usize,
    /// The events, from the first on.
    pub(crate) entries: Vec<Entry>,
    /// The room after each number of events: one more than there are events.
    pub(crate) states: Vec<Room>,
}

/// An event, and the deed that it is.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// As the log has it, with its proof.
    pub(crate) event: RoomEvent,
    /// Which deed.
    pub(crate) deed: usize,
}

impl Log {
    pub(crate) fn new(room: usize, state: Room) -> Self {
        Self {
            room,
            entries: Vec::new(),
            states: vec![state],
        }
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The room as it is now.
    pub(crate) fn now(&self) -> &Room {
        self.states.last().expect("at least the beginning")
    }

    /// The room after so many events.
    pub(crate) fn after(&self, sequence: u64) -> &Room {
        &self.states[usize::try_from(sequence).expect("a short log")]
    }

    /// An event.
    pub(crate) fn entry(&self, sequence: u64) -> &Entry {
        &self.entries[usize::try_from(sequence - 1).expect("a short log")]
    }

    /// Takes the next event: it is a deed that somebody did, that is not in the log yet, and that is allowed here.
    pub(crate) fn take(&mut self, event: RoomEvent, deeds: &mut [Deed], accounts: &[AccountId]) {
        let sequence = self.len() + 1;
        assert_eq!(
            event.sequence, sequence,
            "room {}: the sequence is dense",
            self.room
        );
        let deed = deeds.iter_mut().find(|deed| deed.client_id == event.client_id);
        let deed = deed.unwrap_or_else(|| panic!("nobody did {event:?}"));
        assert_eq!(deed.room, self.room, "{deed} is in another room's log");
        assert_eq!(deed.stored, None, "{deed} is there twice, now as {sequence}");
        assert!(!deed.attempts.is_empty(), "{deed} was never sent");
        deed.stored = Some(sequence);
        is_what_was_done(&event, deed, accounts);
        let time = event.time.0;
        let mut state = self.now().clone();
        let no = state.refuses(deed.who, &deed.act, &deed.text, time);
        assert!(
            no.is_empty(),
            "{deed} is event {sequence}, but {no:?} stand against it"
        );
        state.apply(sequence, deed.who, &deed.act, &deed.text, time);
        self.states.push(state);
        let deed = deed.number;
        self.entries.push(Entry { event, deed });
    }

    /// The same event once more, read later: nothing of it has changed, but that it may have been erased.
    pub(crate) fn compare(&self, event: &RoomEvent) {
        let mut known = self.entry(event.sequence).event.clone();
        if event.erased {
            (known.erased, known.text, known.salt) = (true, None, None);
        }
        known.mentions.clone_from(&event.mentions);
        assert_eq!(&known, event, "room {}: an event has changed", self.room);
        assert_eq!(
            event.erased,
            self.is_erased(event.sequence),
            "room {}: {event:?}",
            self.room
        );
    }

    /// Whether the event's text is gone: of deleted messages, and of their edits.
    pub(crate) fn is_erased(&self, sequence: u64) -> bool {
        self.erased_by(sequence).is_some()
    }

    /// The deletion that took the event's text away.
    pub(crate) fn erased_by(&self, sequence: u64) -> Option<&Entry> {
        let event = &self.entry(sequence).event;
        let message = if event.kind == EventKind::EDIT {
            event.target?
        } else if event.kind == EventKind::MESSAGE {
            sequence
        } else {
            return None;
        };
        let deletes =
            |entry: &&Entry| entry.event.kind == EventKind::DELETE && entry.event.target == Some(message);
        self.entries.iter().find(deletes)
    }

    /// The farthest that the log can have been at a moment: behind that stands what was not sent yet.
    pub(crate) fn farthest(&self, moment: Moment, deeds: &[Deed]) -> u64 {
        let later = |entry: &Entry| deeds[entry.deed].first_sent() > moment.number;
        let first = self.entries.iter().position(later);
        first.unwrap_or(self.entries.len()) as u64
    }
}

/// Sender, kind, target and body are those of the deed.
fn is_what_was_done(event: &RoomEvent, deed: &Deed, accounts: &[AccountId]) {
    let sender = (event.sender, event.kind.clone(), event.target);
    let done = (accounts[deed.who], kind_of(&deed.act), deed.act.message());
    assert_eq!(sender, done, "{deed}");
    let subject = deed.act.who().map(|who| accounts[*who]);
    assert_eq!(event.subject, subject, "{deed}");
    assert!(event.salt.is_some() != event.erased, "{deed}: {event:?}");
    if event.erased {
        return;
    }
    let text = event.text.as_deref().expect("a text that is not erased");
    match subject {
        None => assert_eq!(text, body(deed), "{deed}"),
        Some(account) => {
            let found: Subject = serde_json::from_str(text).unwrap();
            assert_eq!(found, expected(account, &deed.act, event.time), "{deed}");
        }
    }
}

/// The body of a deed that is on nobody.
pub(crate) fn body(deed: &Deed) -> String {
    match &deed.act {
        Act::React { reaction, .. } | Act::Unreact { reaction, .. } => reaction.clone(),
        Act::Slow { seconds } => seconds.to_string(),
        _ => deed.text.clone(),
    }
}

fn expected<W>(account: AccountId, act: &Act<W>, time: Timestamp) -> Subject {
    let (mut until, mut role, mut why) = (None, None, String::new());
    match act {
        Act::Mute { seconds, reason, .. } => {
            until = Some(Timestamp(time.0 + seconds * 1000));
            why.clone_from(reason);
        }
        Act::Kick { reason, .. } | Act::Ban { reason, .. } => why.clone_from(reason),
        Act::Grant { role: granted, .. } => role = Some(*granted),
        _ => {}
    }
    Subject {
        account,
        until,
        role,
        reason: why,
    }
}

//! Whether what a follower saw is right.
//!
//! When a wish to follow a room was granted, the log stood somewhere between what was known before it was asked and what
//! can have been there when the answer came. For one of these places everything has to be right: they could read the
//! room there; the events come from behind where they asked, each once and in order, to the end of the log; and where
//! they left or were put out, nothing comes that was said behind that, and the hub says that it is over.

use crate::deed::Deed;
use crate::log::{Entry, Log, body};
use crate::model::{No, Person};
use crate::people::NAMES;
use crate::stream::{Asked, Episode};
use landline_model::error::ErrorCode;
use landline_model::event::EventKind;
use landline_model::protocol::chat::RoomEvent;
use landline_model::room::Act;

/// How it may stand with a room that somebody wished to follow.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// It may be followed still.
    pub(crate) open: bool,
    /// The hub may have said that it is over.
    pub(crate) closes: bool,
    /// For each place at which the wish may have been granted: behind which event nothing more may be seen.
    limits: Vec<Limit>,
}

#[derive(Debug)]
struct Limit {
    last: u64,
    /// Whether they are put out there, and the hub says so.
    put_out: bool,
}

impl Ends {
    pub(crate) fn of(person: Person, asked: &Asked, log: &Log, deeds: &[Deed]) -> Self {
        let mut ends = Self::default();
        for granted in asked.known..=log.farthest(asked.came, deeds) {
            if !log.after(granted).reads(person) {
                continue;
            }
            let mut behind = log.entries.iter().filter(|entry| entry.event.sequence > granted);
            let cut = behind.find(|entry| puts_out(person, entry, deeds));
            ends.open |= cut.is_none();
            ends.closes |= cut.is_some();
            ends.limits.push(Limit {
                last: cut.map_or(log.len(), |entry| entry.event.sequence),
                put_out: cut.is_some(),
            });
        }
        ends
    }
}

/// Whether the event puts somebody out: they leave, are kicked or banned.
fn puts_out(person: Person, entry: &Entry, deeds: &[Deed]) -> bool {
    let deed = &deeds[entry.deed];
    match &deed.act {
        Act::Leave {} => deed.who == person,
        Act::Kick { who, .. } | Act::Ban { who, .. } => *who == person,
        _ => false,
    }
}

/// What one follower saw of a room.
pub(crate) fn check(episode: &Episode, log: &Log, deeds: &[Deed]) {
    let who = NAMES[episode.person];
    let ends = Ends::of(episode.person, &episode.asked, log, deeds);
    let told = || format!("{who} in room {}: {episode:#?}", episode.room);
    assert!(!ends.limits.is_empty(), "may not read it at any time: {}", told());
    let mut last = episode.since;
    for (moment, event, text) in &episode.seen {
        assert_eq!(event.sequence, last + 1, "each once and in order: {}", told());
        assert!(event.sequence <= log.len(), "it is not in the log: {}", told());
        last = event.sequence;
        is_as_logged(event, log.entry(last), log);
        text_is_right(episode, moment.number, event, text, log, deeds);
    }
    let fits = |limit: &&Limit| {
        let ended = match (episode.closed, episode.cut) {
            (true, _) => limit.put_out,
            (false, true) => true,
            (false, false) => !limit.put_out && last == log.len(),
        };
        ended && last <= limit.last
    };
    // What was seen before they were put out, and asked for from the beginning, is theirs all the same.
    assert!(
        ends.limits.iter().any(|limit| fits(&limit)),
        "{:?} allow this not: {}",
        ends,
        told()
    );
}

/// Every member but the text is as in the log.
fn is_as_logged(event: &RoomEvent, entry: &Entry, log: &Log) {
    let mut logged = entry.event.clone();
    (logged.text, logged.salt, logged.content_hash) = (None, None, None);
    logged.erased = event.erased;
    logged.mentions.clone_from(&event.mentions);
    assert_eq!(event, &logged, "room {}", log.room);
}

/// The text is what was said; it is gone only where it was taken back, and where that was acknowledged before the
/// follower asked, it is.
fn text_is_right(episode: &Episode, came: u64, event: &RoomEvent, text: &str, log: &Log, deeds: &[Deed]) {
    let (sequence, who) = (event.sequence, NAMES[episode.person]);
    let deletion = log.erased_by(sequence).map(|entry| &deeds[entry.deed]);
    if event.erased {
        let sent = deletion.map(Deed::first_sent);
        assert!(
            sent.is_some_and(|sent| sent < came),
            "{who}: nobody has taken event {sequence} back yet"
        );
        assert_eq!(text, "", "{who}: event {sequence}");
        return;
    }
    if let Some((answer, _)) = deletion.and_then(Deed::acknowledged) {
        assert!(
            episode.asked.sent.number < answer.came.number,
            "{who} asked after event {sequence} had been taken back, and read {text:?}"
        );
    }
    let deed = &deeds[log.entry(sequence).deed];
    match log.entry(sequence).event.text.as_deref() {
        Some(logged) if deed.act.who().is_some() => assert_eq!(text, logged, "{who}: {deed}"),
        _ => assert_eq!(text, body(deed), "{who}: {deed}"),
    }
    let takes_text = event.kind != EventKind::DELETE;
    assert!(takes_text || text.is_empty(), "{who}: {deed}");
}

/// A wish to follow a room was refused: right where they could not read it at some place at which it may have been
/// asked.
pub(crate) fn check_refusal(person: Person, asked: &Asked, log: &Log, deeds: &[Deed]) {
    let Some(Err((code, message))) = &asked.says else {
        return;
    };
    let most = log.farthest(asked.came, deeds);
    let right = (asked.known..=most).any(|sequence| {
        let room = log.after(sequence);
        let no = if room.sees(person) { No::Right } else { No::Hidden };
        !room.reads(person) && crate::deed::codes(no).contains(code)
    });
    assert!(
        right || (*code == ErrorCode::NotFound && log.len() == 0),
        "{} was refused to follow room {} ({code:?}, {message:?}), after {} to {most} events",
        NAMES[person],
        log.room,
        asked.known
    );
}

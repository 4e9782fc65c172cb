//! How times and events are written out.

mod deed;

use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;
use landline_model::event::EventKind;
use landline_model::id::AccountId;
use landline_model::name::AccountName;
use landline_model::protocol::chat::{Reactions, RoomEvent};
use landline_model::room::{RoomRole, Subject};
use landline_model::target::Target;
use landline_model::text::escape;
use landline_model::time::Timestamp;
use serde::Serialize;

/// An event as `--json` shows it, one a line.
#[derive(Serialize)]
pub(crate) struct EventLine<'a> {
    room: &'a Target,
    seq: u64,
    time: String,
    sender: &'a str,
    kind: &'a str,
    /// Null where it was erased.
    text: Option<&'a str>,
    /// The event that this one acts on, or replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<u64>,
    /// On whom it acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// `mute`: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// `role`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoomRole>,
    /// Why, where a moderator said so.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Ids of the accounts that the text mentions.
    #[serde(skip_serializing_if = "<[AccountId]>::is_empty")]
    mentions: &'a [AccountId],
    /// Whether the reader is one of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mentions_me: bool,
    /// The event whose text stands here in the place of the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<u64>,
    #[serde(skip_serializing_if = "<[Reactions]>::is_empty")]
    reactions: &'a [Reactions],
}

impl<'a> EventLine<'a> {
    pub(crate) fn new(room: &'a Target, event: &'a RoomEvent, text: &'a str) -> Self {
        let subject = subject(event, text);
        Self {
            room,
            seq: event.sequence,
            time: rfc3339(event.time),
            sender: event.sender_name.as_str(),
            kind: event.kind.as_str(),
            text: (!event.erased).then_some(text),
            target: event.target,
            subject: event.subject_name.as_ref().map(AccountName::as_str),
            until: subject.as_ref().and_then(|subject| subject.until).map(rfc3339),
            role: subject.as_ref().and_then(|subject| subject.role),
            reason: subject.map(|subject| subject.reason).unwrap_or_default(),
            mentions: &event.mentions,
            mentions_me: false,
            edited: event.edited,
            reactions: &event.reactions,
        }
    }

    /// The same for one reader.
    pub(crate) fn read_by(mut self, reader: &AccountId) -> Self {
        self.mentions_me = self.mentions.contains(reader);
        self
    }
}

/// What the body of an event that acts on somebody says.
fn subject(event: &RoomEvent, text: &str) -> Option<Subject> {
    let acts = event.kind.has_subject() && !event.erased;
    acts.then(|| serde_json::from_str(text).ok()).flatten()
}

/// An event for people: `10:59 41 bob: text`, with the number by which one speaks of it.
pub(crate) fn event(event: &RoomEvent, text: &str, with_date: bool) -> String {
    let time = local(event.time, if with_date { "%Y-%m-%d %H:%M" } else { "%H:%M" });
    format!("{time} {} {}", event.sequence, said(event, text))
}

/// An event for people without its time: `bob: text`, or `* bob joined`. A name has no colon and no space in it, so
/// that nobody can say something that looks like either from somebody else.
fn said(event: &RoomEvent, text: &str) -> String {
    if event.kind != EventKind::MESSAGE {
        return format!("* {}", deed::deed(event, text));
    }
    let name = escape(event.sender_name.as_str());
    let reply = event
        .target
        .map_or_else(String::new, |target| format!(" (to {target})"));
    if event.erased {
        return format!("{name}{reply}: (erased)");
    }
    let edited = if event.edited.is_some() { " (edited)" } else { "" };
    format!(
        "{name}{reply}: {}{edited}{}",
        escape(text),
        reactions(&event.reactions)
    )
}

fn reactions(all: &[Reactions]) -> String {
    let mut text = String::new();
    for (index, one) in all.iter().enumerate() {
        text += if index == 0 { "  [" } else { ", " };
        text += &escape(&one.reaction);
        if one.count != 1 {
            text += &format!(" {}", one.count);
        }
    }
    if !all.is_empty() {
        text.push(']');
    }
    text
}

/// A point in time as RFC 3339 in UTC, to the millisecond.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    // Only a peer that invents times is beyond what a calendar has.
    moment(time).map_or_else(
        || "?".to_owned(),
        |moment| moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
    )
}

/// A point in time on this machine's clock.
pub(crate) fn local(time: Timestamp, format: &str) -> String {
    moment(time).map_or_else(
        || "?".to_owned(),
        |moment| moment.to_zoned(TimeZone::system()).strftime(format).to_string(),
    )
}

fn moment(time: Timestamp) -> Option<Moment> {
    i64::try_from(time.0)
        .ok()
        .and_then(|time| Moment::from_millisecond(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(rfc3339(Timestamp(1_800_000_000_007)), "2027-01-15T08:00:00.007Z");
        assert_eq!(rfc3339(Timestamp(u64::MAX)), "?");
    }
}

//! How times and events are written out.

use jiff::Timestamp as Moment;
use jiff::tz::TimeZone;
use landline_model::protocol::chat::RoomEvent;
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
    /// The event that this one acts on.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<u64>,
}

impl<'a> EventLine<'a> {
    pub(crate) fn new(room: &'a Target, event: &'a RoomEvent, text: &'a str) -> Self {
        Self {
            room,
            seq: event.sequence,
            time: rfc3339(event.time),
            sender: event.sender_name.as_str(),
            kind: event.kind.as_str(),
            text: (!event.erased).then_some(text),
            target: event.target,
        }
    }
}

/// An event for people: `10:59 bob: text`.
pub(crate) fn event(event: &RoomEvent, text: &str, with_date: bool) -> String {
    let time = local(event.time, if with_date { "%Y-%m-%d %H:%M" } else { "%H:%M" });
    let name = escape(event.sender_name.as_str());
    if event.erased {
        format!("{time} {name}: (erased)")
    } else if event.kind == landline_model::event::EventKind::MESSAGE {
        format!("{time} {name}: {}", escape(text))
    } else {
        format!("{time} {name} [{}] {}", event.kind.as_str(), escape(text))
    }
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

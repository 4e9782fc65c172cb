//! Times as people write them: `2h` ago, a day, a moment.

use super::not_a_time;
use crate::context::Usage;
use crate::duration;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use landline_model::time::Timestamp;
use std::str::FromStr;
use std::time::Duration;

/// A place in what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Behind the event of this number.
    Event(u64),
    /// This long ago.
    Ago(Duration),
    /// Then.
    Time(Timestamp),
}

impl When {
    /// The point in time.
    pub(super) fn at(self, now: Timestamp) -> Result<Timestamp, Usage> {
        match self {
            Self::Event(_) => Err(not_a_time()),
            Self::Ago(ago) => {
                let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
                Ok(Timestamp(now.0.saturating_sub(ago)))
            }
            Self::Time(time) => Ok(time),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse();
            return number
                .map(Self::Event)
                .map_err(|_| "no event has a number as great as that".to_owned());
        }
        if let Ok(ago) = duration::parse(text) {
            return Ok(Self::Ago(ago));
        }
        let moment = text
            .parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| on_this_clock(text));
        let milliseconds = moment.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
        milliseconds
            .map(|time| Self::Time(Timestamp(time)))
            .ok_or_else(|| {
                "write a time like 2h or 3d (ago), 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z"
                    .to_owned()
            })
    }
}

/// One that is no event's number.
pub(super) fn time(text: &str) -> Result<When, String> {
    match text.parse()? {
        When::Event(_) => Err("write a time like 2h or 3d (ago), or 2026-01-31".to_owned()),
        when => Ok(when),
    }
}

/// A day, which begins at midnight, or a day and a time of day, where this machine is.
fn on_this_clock(text: &str) -> Option<jiff::Timestamp> {
    let time = match text.len() {
        // A date alone; more than a date says of its time what it leaves out.
        10 => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
        _ => text.parse::<DateTime>().ok()?,
    };
    Some(time.to_zoned(TimeZone::system()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn at(text: &str) -> Option<u64> {
        Some(text.parse::<When>().ok()?.at(NOW).ok()?.0)
    }

    #[test]
    fn times_are_ago_or_of_the_calendar() {
        assert_eq!(at("2h"), Some(NOW.0 - 2 * 60 * 60 * 1000));
        assert_eq!(at("3d"), Some(NOW.0 - 3 * 24 * 60 * 60 * 1000));
        assert_eq!(at("100000d"), Some(0));
        assert_eq!(at("2027-01-15T08:00:00.007Z"), Some(1_800_000_000_007));
        assert_eq!(at("2027-01-15T09:00:00+01:00"), Some(1_800_000_000_000));
        let midnight = Date::constant(2027, 1, 15).to_zoned(TimeZone::system()).unwrap();
        let midnight = midnight.timestamp().as_millisecond();
        assert_eq!(at("2027-01-15").map(u64::cast_signed), Some(midnight));
        let noon = midnight + 12 * 60 * 60 * 1000;
        assert_eq!(at("2027-01-15T12:00").map(u64::cast_signed), Some(noon));
        assert_eq!(at("2027-01-15 12:00:00").map(u64::cast_signed), Some(noon));
    }

    #[test]
    fn a_number_is_an_event_and_no_time() {
        assert_eq!("17".parse(), Ok(When::Event(17)));
        assert_eq!(at("17"), None);
        assert!(time("17").is_err());
        assert!(time("17d").is_ok());
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            "yesterday",
            "2h ago",
            "2026-13-01",
            "2026-02-30",
            "1969-01-01",
            "12:00",
            "18446744073709551616",
            "0s",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}

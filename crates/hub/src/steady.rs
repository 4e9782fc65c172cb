//! A clock that does not believe in a leap forward before it has lasted.
//!
//! What has expired is deleted for good: sessions, uploads, trash. A machine whose clock shows next year for a minute
//! must not lose them, so the hub compares the time of day with the time that has passed.

use landline_model::time::Timestamp;
use landline_store::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How far the time of day may get ahead of the time that has passed and be believed at once.
const LEAP: Duration = Duration::from_secs(60 * 60);

/// How long a greater leap has to last until it is believed.
const BELIEVED_AFTER: Duration = Duration::from_secs(60 * 60);

/// The clock of a hub. Clones are one clock.
#[derive(Clone)]
pub(crate) struct Steady {
    judge: Arc<Mutex<Judge>>,
    time_of_day: fn() -> Timestamp,
}

/// Decides what time it is.
#[derive(Default)]
struct Judge {
    /// The time of day that was last believed, and how long after the start of the machine that was.
    believed: Option<(Timestamp, Duration)>,
    leap: Option<Leap>,
}

/// A time of day that is not believed yet.
#[derive(Clone, Copy)]
struct Leap {
    /// How far ahead it is, in milliseconds.
    ahead: u64,
    since: Duration,
}

impl Steady {
    pub(crate) fn new(time_of_day: fn() -> Timestamp) -> Self {
        Self {
            judge: Arc::default(),
            time_of_day,
        }
    }

    /// The same, as stores take it.
    pub(crate) fn clock(&self) -> Clock {
        let steady = self.clone();
        Arc::new(move || steady.now())
    }

    /// The time of day; while that has leapt ahead and the leap has not lasted, what it would be without it.
    pub(crate) fn now(&self) -> Timestamp {
        // The judge is whole after every call, so a panic elsewhere leaves it usable.
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.judge((self.time_of_day)(), since_boot())
    }
}

impl Judge {
    fn judge(&mut self, shown: Timestamp, now: Duration) -> Timestamp {
        let Some((time, at)) = self.believed else {
            return self.believe(shown, now);
        };
        let expected = time.plus(now.saturating_sub(at));
        let ahead = shown.0.saturating_sub(expected.0);
        if ahead <= milliseconds(LEAP) {
            if self.leap.is_some() {
                tracing::info!("the clock of this machine has come back from its leap");
            }
            return self.believe(shown, now);
        }
        match self.leap {
            Some(leap) if leap.ahead.abs_diff(ahead) <= milliseconds(LEAP) => {
                if now.saturating_sub(leap.since) < BELIEVED_AFTER {
                    return expected;
                }
                tracing::warn!("the clock of this machine has stayed where it leapt to, and is believed");
                self.believe(shown, now)
            }
            _ => {
                let (seconds, lasting) = (ahead / 1000, BELIEVED_AFTER.as_secs());
                tracing::warn!(
                    seconds,
                    lasting,
                    "the clock of this machine leapt ahead; nothing expires by it before it has lasted"
                );
                self.leap = Some(Leap { ahead, since: now });
                expected
            }
        }
    }

    fn believe(&mut self, shown: Timestamp, now: Duration) -> Timestamp {
        self.leap = None;
        self.believed = Some((shown, now));
        shown
    }
}

/// How long the machine has been up. Unlike that of `Instant`, this clock goes on while the machine sleeps: a hub on a
/// laptop wakes to a leap that is none.
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    const START: Timestamp = Timestamp(1_800_000_000_000);

    /// A judge who has believed [`START`] at the time beside it.
    fn judge() -> (Judge, Duration) {
        let (mut judge, start) = (Judge::default(), YEAR);
        assert_eq!(judge.judge(START, start), START);
        (judge, start)
    }

    #[test]
    fn time_that_passes_and_small_corrections_are_believed() {
        let (mut judge, start) = judge();
        let late = START.plus(YEAR);
        assert_eq!(judge.judge(late, start + YEAR), late);
        let corrected = late.plus(MINUTE * 30);
        assert_eq!(judge.judge(corrected, start + YEAR), corrected);
        assert_eq!(
            judge.judge(START, start + YEAR),
            START,
            "and a clock that is set back"
        );
    }

    #[test]
    fn a_leap_of_a_year_for_a_minute_is_not_believed() {
        let (mut judge, start) = judge();
        for seconds in 1..60 {
            let passed = Duration::from_secs(seconds);
            let shown = START.plus(YEAR).plus(passed);
            assert_eq!(judge.judge(shown, start + passed), START.plus(passed));
        }
        assert_eq!(
            judge.judge(START.plus(MINUTE), start + MINUTE),
            START.plus(MINUTE)
        );
    }

    #[test]
    fn a_leap_that_lasts_is_believed_in_the_end() {
        let (mut judge, start) = judge();
        let shown = |passed| START.plus(YEAR).plus(passed);
        assert_eq!(judge.judge(shown(MINUTE), start + MINUTE), START.plus(MINUTE));
        let later = MINUTE + BELIEVED_AFTER;
        assert_eq!(
            judge.judge(shown(later - MINUTE), start + later - MINUTE),
            START.plus(later - MINUTE)
        );
        assert_eq!(judge.judge(shown(later), start + later), shown(later));
    }

    #[test]
    fn a_second_leap_has_to_last_by_itself() {
        let (mut judge, start) = judge();
        judge.judge(START.plus(YEAR), start);
        let later = BELIEVED_AFTER + MINUTE;
        let shown = START.plus(YEAR * 2).plus(later);
        assert_eq!(judge.judge(shown, start + later), START.plus(later));
    }
}

//! What to do when a connection cannot be accepted.

use std::time::{Duration, Instant};

/// The first rest after a failed accept.
pub const REST_MIN: Duration = Duration::from_millis(10);
/// The longest.
pub const REST_MAX: Duration = Duration::from_secs(1);

/// Keeps an accept loop from spinning: without free descriptors the listener stays ready, and accepting fails at once.
/// Each failure in a row doubles the rest. Connections that are open go on meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct AcceptBackoff {
    rest: Option<Duration>,
    until: Option<Instant>,
}

impl AcceptBackoff {
    /// An accept failed for want of descriptors or memory. True for the first in a row: say it once.
    pub fn failed(&mut self, now: Instant) -> bool {
        let first = self.rest.is_none();
        let rest = self.rest.map_or(REST_MIN, |rest| (rest * 2).min(REST_MAX));
        self.rest = Some(rest);
        self.until = Some(now + rest);
        first
    }

    /// An accept succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The rest is over, if there was one.
    pub fn tick(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
        }
    }

    /// Until when nothing is accepted.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any moment will do")]
    fn rests_grow_to_a_second_and_are_told_once() {
        let mut now = Instant::now();
        let mut backoff = AcceptBackoff::default();
        assert!(backoff.failed(now));
        for millis in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
            assert_eq!(backoff.deadline(), Some(now + Duration::from_millis(millis)));
            now += Duration::from_millis(millis);
            backoff.tick(now);
            assert_eq!(backoff.deadline(), None);
            assert!(!backoff.failed(now));
        }
        backoff.succeeded();
        assert_eq!(backoff.deadline(), None);
        assert!(backoff.failed(now), "a new shortage is told again");
    }
}

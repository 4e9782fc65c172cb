//! One turn after the other, each at its moment.

use std::time::Instant;

/// The most turns at one moment. Nothing that ends takes as many.
const TURNS_AT_ONCE: u32 = 1_000_000;

/// What happens turn by turn.
pub(super) trait Turning {
    /// The moment at which it is.
    fn moment(&mut self) -> &mut Instant;

    /// The next moment at which something happens, if it is to be simulated; see [`soonest`].
    fn upcoming(&mut self, until: Option<Instant>) -> Option<Instant>;

    /// Does what happens now.
    fn turn_once(&mut self);

    /// Turns until `until`, or for as long as something is on its way, or until it is `done`: says whether it is.
    ///
    /// # Panics
    /// Where it goes on for ever at one moment.
    fn run_while(&mut self, until: Option<Instant>, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let mut turns = 0;
        while !done(self) {
            let Some(at) = self.upcoming(until) else {
                return false;
            };
            let now = self.moment();
            turns = if at > *now { 0 } else { turns + 1 };
            assert!(
                turns < TURNS_AT_ONCE,
                "the simulation goes on and on at one moment"
            );
            *now = at.max(*now);
            self.turn_once();
        }
        true
    }
}

/// The first of what is on its way and of the timers that is not after `until`. Without an end timers are met on the way
/// to what arrives, and not for their own sake.
pub(super) fn soonest(
    traffic: Option<Instant>,
    timer: Option<Instant>,
    until: Option<Instant>,
) -> Option<Instant> {
    let first = [traffic, timer].into_iter().flatten().min();
    match until {
        Some(until) => first.filter(|at| *at <= until),
        None => traffic.and(first),
    }
}

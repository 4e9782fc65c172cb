//! How often an account comes to and goes from rooms: each time is an event for everybody, and nobody need be anybody
//! there to do it.

use landline_model::id::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many comings and goings at once: more than a script has that joins a person's rooms.
const BURST: u32 = 60;

/// After those, one in this time.
const EVERY: Duration = Duration::from_secs(1);

/// With so many accounts it is time to forget those that have their whole burst again.
const FORGET_AT: usize = 4096;

/// Who comes and goes. Cheap to clone. Times are arguments.
#[derive(Clone, Default)]
pub(crate) struct Pace {
    /// When each account will have its whole burst again. It is bounded by how many accounts there are.
    whole_at: Arc<Mutex<HashMap<AccountId, Instant>>>,
}

impl Pace {
    /// Counts once.
    ///
    /// # Errors
    /// How long to wait first; that is not counted.
    pub(crate) fn step(&self, account: AccountId, now: Instant) -> Result<(), Duration> {
        // The map is whole after every line, so a panic elsewhere leaves it usable.
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if whole_at.len() >= FORGET_AT {
            whole_at.retain(|_, whole| *whole > now);
        }
        let whole = whole_at.entry(account).or_insert(now);
        let next = (*whole).max(now) + EVERY;
        match next.checked_duration_since(now + EVERY * BURST) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *whole = next;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: AccountId = AccountId::from_bytes([1; 16]);
    const BOB: AccountId = AccountId::from_bytes([2; 16]);

    #[test]
    fn sixty_at_once_and_then_one_a_second_for_each_account() {
        let (pace, now) = (Pace::default(), Instant::now());
        for _ in 0..BURST {
            assert_eq!(pace.step(ALICE, now), Ok(()));
        }
        assert_eq!(pace.step(ALICE, now), Err(EVERY));
        let half = now + EVERY / 2;
        assert_eq!(
            pace.step(ALICE, half),
            Err(EVERY / 2),
            "the refused one cost nothing"
        );
        assert_eq!(pace.step(BOB, half), Ok(()), "others have their own");
        assert_eq!(pace.step(ALICE, now + EVERY), Ok(()));
        assert_eq!(pace.step(ALICE, now + EVERY), Err(EVERY));
        let later = now + EVERY * 1000;
        for _ in 0..BURST {
            assert_eq!(pace.step(ALICE, later), Ok(()));
        }
        assert_eq!(
            pace.step(ALICE, later),
            Err(EVERY),
            "no more than a burst is saved up"
        );
    }

    #[test]
    fn accounts_that_rest_are_forgotten_and_the_others_are_not() {
        let (pace, now) = (Pace::default(), Instant::now());
        let account = |number: usize| AccountId::from_bytes((number as u128).to_be_bytes());
        (0..FORGET_AT).for_each(|number| pace.step(account(number), now).unwrap());
        let later = now + EVERY;
        for _ in 0..BURST {
            pace.step(BOB, later).unwrap();
        }
        assert_eq!(pace.whole_at.lock().unwrap().len(), 1);
        assert_eq!(pace.step(BOB, later), Err(EVERY));
    }
}

//! How long a connection may go on without getting on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A deadline that moves whenever something is got done.
pub(super) struct Patience {
    deadline: Mutex<Instant>,
}

impl Patience {
    /// From now on.
    pub(super) fn new(time: Duration) -> Self {
        Self {
            deadline: Mutex::new(Instant::now() + time),
        }
    }

    /// Something was got done: there is at least so much time from now on.
    pub(super) fn extend(&self, time: Duration) {
        let mut deadline = self.lock();
        *deadline = (*deadline).max(Instant::now() + time);
    }

    /// Returns when nothing was got done in time.
    pub(super) async fn is_over(&self) {
        loop {
            let deadline = *self.lock();
            if Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_got_done_gives_more_time_and_never_less() {
        let begun = Instant::now();
        let patience = Patience::new(Duration::from_secs(30));
        patience.extend(Duration::from_secs(60));
        patience.extend(Duration::from_secs(1));
        let left = patience.lock().duration_since(begun);
        assert!(
            (Duration::from_secs(60)..Duration::from_secs(70)).contains(&left),
            "{left:?}"
        );
        Patience::new(Duration::ZERO).is_over().await;
    }
}

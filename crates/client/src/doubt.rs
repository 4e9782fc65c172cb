//! Asking again what may have been done or not: its answer was lost with the connection.

use crate::error::ClientError;
use std::time::{Duration, Instant};

/// For how long a program asks again before it gives up: a hub that is started anew is back by then.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The pause before the second try; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Whether something was done, as far as one can know from here. What is asked again must be such that the hub does it
/// once.
#[derive(Debug)]
pub struct Doubt {
    patience: Duration,
    /// When an answer was lost for the first time.
    since: Option<Instant>,
    pause: Duration,
}

impl Doubt {
    /// None so far. Once there is, it is borne for as long as `patience`.
    #[must_use]
    pub const fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: None,
            pause: PAUSE,
        }
    }

    /// True once an answer was lost.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.since.is_some()
    }

    /// How the question itself ended, as opposed to the connecting before it.
    pub fn asked(&mut self, error: &ClientError) {
        if matches!(error, ClientError::Lost { .. }) {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Waits until it is time to ask again.
    ///
    /// # Errors
    /// `error`, where asking again is no use: there is no doubt, it will not pass, or patience is at its end.
    pub async fn ask_again_after(&mut self, error: ClientError) -> Result<(), ClientError> {
        let patient = self
            .since
            .is_some_and(|since| since.elapsed() + self.pause <= self.patience);
        if !patient || !error.is_passing() {
            return Err(error);
        }
        tokio::time::sleep(self.pause).await;
        self.pause = PAUSE_MAX.min(self.pause * 2);
        Ok(())
    }
}

//! Going on after a lost link.

use crate::hubs::{Hub, connect};
use crate::{ClientError, Connection};
use landline_model::error::ErrorCode;
use rustix::rand::{GetRandomFlags, getrandom};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long a lost link is tried again, unless the user says otherwise.
pub const RETRY_TIME: Duration = Duration::from_secs(60);

/// The first wait, and the longest.
const WAIT_FIRST: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How to reach the hub again when a link is lost.
#[derive(Clone, Debug)]
pub struct Retry {
    hub: Box<Hub>,
    time: Duration,
}

/// One outage: it began when the last bytes got through.
#[derive(Debug)]
pub(super) struct Outage {
    until: Instant,
    wait: Duration,
}

impl Retry {
    /// Tries for so long without getting anywhere; not at all for a time of nothing.
    #[must_use]
    pub fn new(hub: &Hub, time: Duration) -> Self {
        Self {
            hub: Box::new(hub.clone()),
            time,
        }
    }

    /// Begins when something failed for the first time since anything was done.
    pub(super) fn outage(&self) -> Outage {
        Outage {
            until: Instant::now() + self.time,
            wait: WAIT_FIRST,
        }
    }

    /// Connects, once.
    pub(super) async fn connect(&self) -> Result<Connection, ClientError> {
        connect(&self.hub).await
    }

    /// Connects again, waiting longer from time to time. `why` is what to say where the time is over.
    ///
    /// # Errors
    /// The last failure, or one that no further try would mend.
    pub(super) async fn reconnect(
        &self,
        outage: &mut Outage,
        mut why: ClientError,
    ) -> Result<Connection, ClientError> {
        loop {
            let wait = jittered(outage.wait);
            outage.wait = (outage.wait * 2).min(WAIT_MAX);
            if Instant::now() + wait >= outage.until {
                return Err(why);
            }
            sleep(wait).await;
            match timeout_at(outage.until, connect(&self.hub)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) if is_passing(&error) => why = error,
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(why),
            }
        }
    }
}

/// Whether the same may work when it is tried again: the link failed, or the hub goes away and comes back.
pub(super) fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. }
        | ClientError::TurnedAway { .. }
        | ClientError::HandshakeDeadline { .. }
        | ClientError::Lost { .. } => true,
        error => error.code() == Some(ErrorCode::Stopping),
    }
}

/// Between half of it and all of it: those that were cut off together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let mut random = [0];
    let part = match getrandom(&mut random, GetRandomFlags::empty()) {
        Ok(_) => u32::from(random[0]),
        Err(_) => 128,
    };
    wait / 2 + wait / 512 * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_spread_and_bounded() {
        for _ in 0..100 {
            let wait = jittered(WAIT_MAX);
            assert!(wait >= WAIT_MAX / 2 && wait <= WAIT_MAX, "{wait:?}");
        }
    }

    #[test]
    fn a_lost_link_passes_and_a_refusal_does_not() {
        let lost = ClientError::Lost {
            address: "hub:1".to_owned(),
            reason: "gone".to_owned(),
        };
        assert!(is_passing(&lost));
        let refusal = |code| ClientError::Refused(landline_model::error::Refusal::new(code, "no"));
        assert!(is_passing(&refusal(ErrorCode::Stopping)));
        assert!(!is_passing(&refusal(ErrorCode::Unauthenticated)));
        assert!(!is_passing(&refusal(ErrorCode::StorageFull)));
    }
}

//! A connection that is made again when it is lost.

use super::retry::{Outage, Retry, is_passing};
use super::{FilesError, Phase, Progress};
use crate::{ClientError, Connection};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Whoever got on for so long before the link was lost again met another outage.
const GETTING_ON: Duration = Duration::from_secs(5);

/// A connection to a hub, and how to get another one.
#[derive(Debug)]
pub struct Link {
    connection: Mutex<Connection>,
    retry: Option<Retry>,
}

impl Link {
    /// Over this connection; without a `retry`, a lost one stays lost.
    #[must_use]
    pub fn new(connection: Connection, retry: Option<Retry>) -> Self {
        Self {
            connection: Mutex::new(connection),
            retry,
        }
    }

    /// The connection as it is now.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A further connection to the same hub; without a `retry` it is the one that is there.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn another(&self) -> Result<Connection, ClientError> {
        match &self.retry {
            Some(retry) => retry.connect().await,
            None => Ok(self.connection()),
        }
    }

    /// Does something that can be done again, until it is not the link that it fails by. It is told whether this is not
    /// the first time.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn persist<T>(
        &self,
        progress: &dyn Progress,
        work: impl AsyncFn(bool) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        let mut outage = None;
        let mut again = false;
        loop {
            let begun = Instant::now();
            match work(again).await {
                Err(FilesError::Hub(why)) if is_passing(&why) => {
                    if begun.elapsed() > GETTING_ON {
                        outage = None;
                    }
                    progress.phase(Phase::Waiting);
                    self.reconnect(&mut outage, why).await?;
                    again = true;
                }
                ended => return ended,
            }
        }
    }

    /// Gets another connection after `why`, within what is left of the outage.
    ///
    /// # Errors
    /// `why`, where there is no other; or what no further try would mend.
    pub(super) async fn reconnect(
        &self,
        outage: &mut Option<Outage>,
        why: ClientError,
    ) -> Result<(), ClientError> {
        let Some(retry) = &self.retry else {
            return Err(why);
        };
        let outage = outage.get_or_insert_with(|| retry.outage());
        let connection = retry.reconnect(outage, why).await?;
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
        Ok(())
    }
}

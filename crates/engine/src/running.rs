//! A server that runs.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::report::{Counters, Report};
use crate::{Error, Signals};

/// A server on threads of its own. It stops when it is told to, not when this is dropped.
pub struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Arc<dyn Fn() + Send + Sync>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Where it listens, with the port that the system chose where none was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it did until now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.counters.report()
    }

    /// The first time: nobody new comes in, everybody is asked to come to an end and has the grace to do so. The
    /// second time: everybody is cut off.
    pub fn stop(&self) {
        (self.stop)();
    }

    /// Something that stops it, for another thread.
    #[must_use]
    pub fn stopper(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.stop)
    }

    /// Serves until SIGINT or SIGTERM: the first ends it in order, the second at once. `serving` is told the address once
    /// a signal would be heeded. Says what it did.
    ///
    /// # Errors
    /// The system's: signals cannot be watched.
    pub fn until_signalled(self, serving: impl FnOnce(SocketAddr)) -> Result<Report, Error> {
        let stop = self.stopper();
        let _signals = Signals::on_stop(move || stop()).map_err(Error::system("watch for signals"))?;
        serving(self.address());
        Ok(self.join())
    }

    /// Waits until it has stopped, and says what it did.
    #[must_use]
    pub fn join(self) -> Report {
        for thread in self.threads {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
        self.counters.report()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

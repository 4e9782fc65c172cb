//! Being asked to stop from outside.

use std::io;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Handle;

/// Calls something at each SIGINT and SIGTERM, as long as this lives.
#[derive(Debug)]
pub struct Signals(Handle);

impl Signals {
    /// Calls `act` on a thread of its own at each signal.
    ///
    /// # Errors
    /// The system's.
    pub fn on_stop(mut act: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _ in &mut signals {
                act();
            }
        })?;
        Ok(Self(handle))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.0.close();
    }
}

//! Runs commands for others, and leaves nothing of them behind.
//!
//! ```text
//!   Commands ── a thread for each command that runs, a bounded queue
//!      │ control socket: its end says "stop"      ▲ how the shell ended
//!      │ stdout, stderr: pipes                    │
//!      ▼                                          │
//!   supervisor ── our own binary again; adopts every orphan below it, knows the time limit
//!      ▼
//!   /bin/sh -c COMMAND, and whatever it starts
//! ```
//!
//! A process may leave its group and its session, but not its ancestors: the supervisor is a child subreaper, so that
//! all that the command ever started stays below it. At the time limit, at the end of the control socket (a cancel, or
//! our own death), and once the command is done, everything below it is stopped, then killed, until nothing is left.

mod collect;
mod pool;
mod report;
mod supervise;
mod tree;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub use landline_services::exec::OUTPUT_MAX;
pub use pool::{Cancel, Commands};
pub use supervise::supervise;
pub use worker::CommandWorker;

/// How long a command may run unless told otherwise.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The longest limit: 30 days. A greater one counts as this.
pub const LIMIT_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many commands run at once unless told otherwise.
pub const RUNNING_MAX: usize = 16;

/// How many commands wait for their turn unless told otherwise.
pub const WAITING_MAX: usize = 64;

/// How a supervisor is started: with these arguments the program must do nothing but call [`supervise()`] with the ones
/// that follow them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    /// Usually `/proc/self/exe`, which is the right one also after an upgrade replaced the file.
    pub program: PathBuf,
    /// What makes it a supervisor.
    pub arguments: Vec<OsString>,
}

/// How commands are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What watches over each command.
    pub supervisor: Supervisor,
    /// How long a command may run, with all that it started. [`LIMIT`]; at most [`LIMIT_MAX`].
    pub limit: Duration,
    /// How many bytes it may print, both streams together. [`OUTPUT_MAX`].
    pub output_max: usize,
    /// How many run at once, at least one. [`RUNNING_MAX`].
    pub running_max: usize,
    /// How many wait; more are refused. [`WAITING_MAX`].
    pub waiting_max: usize,
}

impl Options {
    /// The limits that Landline ships with.
    #[must_use]
    pub fn new(supervisor: Supervisor) -> Self {
        Self {
            supervisor,
            limit: LIMIT,
            output_max: OUTPUT_MAX,
            running_max: RUNNING_MAX,
            waiting_max: WAITING_MAX,
        }
    }
}

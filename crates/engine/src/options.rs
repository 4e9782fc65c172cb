//! How a server is run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use landline_protocol::{AdmissionLimits, ConnLimits};

use crate::kind::Kind;

/// How a server is run. [`Default`] is what Landline ships with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The engine.
    pub kind: Kind,
    /// How many connections there may be.
    pub admission: AdmissionLimits,
    /// How many threads, or processes, may serve connections, where each connection has one: 1,000.
    pub workers_max: usize,
    /// What one connection may take.
    pub conn: ConnLimits,
    /// How long a stopping server waits for its connections to come to their end.
    pub grace: Duration,
    /// What the engine `process` starts for each connection.
    pub process: Option<ProcessCommand>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kind: Kind::default(),
            admission: AdmissionLimits::default(),
            workers_max: 1000,
            conn: ConnLimits::default(),
            grace: Duration::from_secs(5),
            process: None,
        }
    }
}

/// A program that serves the one connection that it finds as its standard input, with
/// [`serve_inherited`](crate::serve_inherited).
#[derive(Clone, Debug)]
pub struct ProcessCommand {
    /// What to start; mostly `/proc/self/exe`.
    pub program: PathBuf,
    /// With these arguments.
    pub arguments: Vec<OsString>,
}

//! One measurement: so many connections, each with so many requests on the way.

use crate::clients::echo::Crowd;
use crate::servers::Running;
use crate::statistics::{Samples, rate};
use anyhow::{Result, ensure};
use std::fmt;
use std::time::Duration;

/// The part of the time of a measurement that the server has to get going before it begins.
const WARM_UP: f64 = 0.2;

/// How much is asked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Requests that each connection has on the way.
    pub(crate) depth: usize,
}

impl Load {
    pub(crate) const fn new(connections: usize, depth: usize) -> Self {
        Self { connections, depth }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} x {}", self.connections, self.depth)
    }
}

/// What one server did under one load, a sample for each turn.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Requests a second.
    pub(crate) rate: Samples,
    /// The server's processor time for a request, in microseconds.
    pub(crate) cost: Samples,
    /// The part of the time in which the server's processor was busy.
    pub(crate) busy: Samples,
}

impl Results {
    /// Measures a server, and ends it.
    pub(crate) fn measure(&mut self, running: Running, load: Load, time: Duration) -> Result<()> {
        let server = running.server;
        let mut crowd = Crowd::connect(running.address, load.connections)?;
        crowd.ask_once()?;
        crowd.fill(load.depth)?;
        crowd.run(time.mul_f64(WARM_UP))?;
        let before = server.processor_time()?;
        let (answers, took) = crowd.run(time)?;
        let used = server.processor_time()?.saturating_sub(before);
        ensure!(answers > 0, "nothing was answered");
        self.rate.push(rate(answers, took));
        self.cost.push(used.as_secs_f64() * 1e6 / answers as f64);
        self.busy.push(used.as_secs_f64() / took.as_secs_f64());
        // A server that ends in order waits for its connections.
        drop(crowd);
        server.stop()
    }
}

//! What it costs to watch many connections of which few have something to say: the same echo service on one engine
//! after the other, against a growing number of idle connections.
//!
//! The server is a process of its own, so that its CPU time can be told from the load's.

mod load;
mod server;

use std::io;
use std::time::Duration;

use landline_engine::{Kind, ProcessCommand};

use load::Load;
use server::Server;
pub use server::serve;

/// The engines that are compared: one thread each, so that only the way of waiting differs.
pub const ENGINES: [Kind; 4] = [Kind::Select, Kind::Poll, Kind::Epoll, Kind::EpollEdge];

/// A request, and its answer, in bytes.
pub const REQUEST: usize = 64;

/// The connections that ask, one request after the other.
pub const ACTIVE: usize = 8;

/// The most idle connections: from one address to one port Linux has 28,232 ports to call from.
pub const IDLE_MAX: usize = 25_000;

/// Descriptors beside the connections, on either side: standard streams, listener, selector, wake-up, shared libraries.
const SPARE_DESCRIPTORS: usize = 64;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What to start for a server: it does what [`serve`] does. The engine's name and the number of connections are
    /// added to its arguments.
    pub server: ProcessCommand,
    /// How many idle connections, each time; rising, at most [`IDLE_MAX`].
    pub idle: Vec<usize>,
    /// How long each point is measured.
    pub duration: Duration,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The server's engine.
    pub engine: Kind,
    /// Idle connections beside the [`ACTIVE`] ones.
    pub idle: usize,
    /// Requests answered.
    pub requests: u64,
    /// In this time.
    pub elapsed: Duration,
    /// The server's CPU time in it, user and system.
    pub cpu: Duration,
}

impl Point {
    /// Requests answered per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The server's CPU time for each request, in microseconds.
    #[must_use]
    pub fn cpu_microseconds(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count()
    }

    /// Exact up to 2^53, which no run reaches; never 0, for every connection asks at least once.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn count(&self) -> f64 {
        self.requests.max(1) as f64
    }
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
#[error("{engine} with {idle} idle connections: {doing}")]
pub struct MultiplexError {
    /// The engine that was measured.
    pub engine: Kind,
    /// With so many.
    pub idle: usize,
    /// What failed.
    pub doing: &'static str,
    /// What the system says.
    pub source: io::Error,
}

/// How many descriptors a side needs for so many idle connections.
#[must_use]
pub fn descriptors(idle: usize) -> usize {
    idle + ACTIVE + SPARE_DESCRIPTORS
}

impl Plan {
    /// Measures every engine with every number of idle connections, one after the other, and hands each point over.
    ///
    /// # Errors
    /// A server does not start, or ends, or does not answer for ten seconds; the system has no more connections.
    pub fn run(&self, mut each: impl FnMut(Point)) -> Result<(), MultiplexError> {
        for engine in ENGINES {
            self.measure(engine, &mut each)?;
        }
        Ok(())
    }

    /// One server meets a growing crowd.
    fn measure(&self, engine: Kind, each: &mut impl FnMut(Point)) -> Result<(), MultiplexError> {
        let failed = |idle, doing| {
            move |source| MultiplexError {
                engine,
                idle,
                doing,
                source,
            }
        };
        let most = self.idle.iter().max().copied().unwrap_or(0);
        let mut server = Server::start(&self.server, engine, most + ACTIVE)
            .map_err(failed(0, "the server does not start"))?;
        let mut load = Load::connect(server.address(), ACTIVE).map_err(failed(0, "it cannot be reached"))?;
        for &idle in &self.idle {
            load.grow(idle)
                .map_err(failed(idle, "no more connections can be made"))?;
            // Every connection is known to answer before the clock starts.
            load.ask(Duration::ZERO)
                .map_err(failed(idle, "it does not answer"))?;
            let before = server
                .cpu()
                .map_err(failed(idle, "the server does not tell its CPU time"))?;
            let (requests, elapsed) = load
                .ask(self.duration)
                .map_err(failed(idle, "it does not answer"))?;
            let after = server
                .cpu()
                .map_err(failed(idle, "the server does not tell its CPU time"))?;
            each(Point {
                engine,
                idle,
                requests,
                elapsed,
                cpu: after.saturating_sub(before),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_says_how_fast_and_at_what_cost() {
        let point = Point {
            engine: Kind::Poll,
            idle: 10,
            requests: 500,
            elapsed: Duration::from_millis(250),
            cpu: Duration::from_millis(5),
        };
        assert!((point.per_second() - 2000.0).abs() < 1e-6);
        assert!((point.cpu_microseconds() - 10.0).abs() < 1e-6);
    }
}

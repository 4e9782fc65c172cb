//! A test's engine: virtual time, seeded splits, loss and stalls.
//!
//! [`Sim`] runs a [`Service`](crate::protocol::Service) as the reactor does, [`DatagramSim`] a
//! [`DatagramProtocol`](crate::protocol::DatagramProtocol) as the datagram engine does; but the sockets, the peers and
//! the clock are made up. The real clock is read once, for an origin. Nothing waits, and the same seed always gives the
//! same trace, so that a test that failed can be replayed.
//!
//! What peers do is queued by the test and happens in [`Sim::run`] and [`Sim::advance`].
//!
//! ```
//! # use landline_engine::{protocol::*, sim::{Sim, SimOptions}};
//! # use std::{convert::Infallible, time::Instant};
//! # struct Upper;
//! # impl StreamProtocol for Upper {
//! #     type Event = Infallible;
//! #     type Command = Infallible;
//! #     fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Infallible>, _: Instant) {
//! #         out.write(&std::mem::take(input).to_ascii_uppercase());
//! #     }
//! #     fn commanded(&mut self, command: Infallible, _: &mut dyn Output<Infallible>, _: Instant) { match command {} }
//! # }
//! # struct Service;
//! # impl landline_engine::protocol::Service for Service {
//! #     type Connection = Upper;
//! #     type Work = Infallible;
//! #     fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Upper> { Admission::Accept(Upper) }
//! #     fn event(&mut self, _: ConnId, event: Infallible, _: &mut Effects<Infallible, Infallible>, _: Instant) {
//! #         match event {}
//! #     }
//! # }
//! let mut sim = Sim::new(Service, SimOptions { seed: 7, ..SimOptions::default() });
//! let peer = sim.connect();
//! sim.send(peer, b"hello");
//! sim.finish(peer);
//! sim.run();
//! assert_eq!(sim.received(peer), b"HELLO");
//! assert_eq!(sim.ended(peer), Some(Ended::Finished));
//! ```

mod datagrams;
mod line;
mod pace;
mod random;
mod streams;
mod turns;

use std::time::Duration;

use landline_protocol::{AdmissionLimits, ConnLimits, Ended};

pub use datagrams::{Datagram, DatagramSim, DatagramSimOptions};
pub use line::Seen;
pub use streams::{PeerId, Sim};

/// How bytes are cut on their way, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// Anywhere, as the seed has it.
    #[default]
    Seeded,
    /// After each byte.
    Bytes,
    /// As they were sent, and as far as there is room.
    Whole,
}

/// How a [`Sim`] is run. [`Default`] has the limits that Landline ships with.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// What is random follows from this.
    pub seed: u64,
    /// How bytes are cut.
    pub split: Split,
    /// The longest that bytes, and results of work, are on their way; each takes between nothing and this.
    pub latency: Duration,
    /// How many bytes a connection's socket takes that its peer has not read. 16 KiB.
    pub send_buffer: usize,
    /// How many connections there may be.
    pub admission: AdmissionLimits,
    /// What one connection may take.
    pub conn: ConnLimits,
    /// How long a stopping server waits for its connections to come to their end.
    pub grace: Duration,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            split: Split::Seeded,
            latency: Duration::from_millis(20),
            send_buffer: 16 * 1024,
            admission: AdmissionLimits::default(),
            conn: ConnLimits::default(),
            grace: Duration::from_secs(5),
        }
    }
}

/// Something that a [`Sim`] did, for its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, since the simulation's beginning.
    pub at: Duration,
    /// On whose connection.
    pub peer: PeerId,
    /// What.
    pub what: What,
}

/// What a [`Step`] was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The peer was let in.
    Accepted,
    /// A limit or the service turned the peer away, or nobody listened any more.
    Refused,
    /// So many bytes were read.
    Read(usize),
    /// The peer's end was read.
    ReadEnd,
    /// The socket took so many bytes.
    Wrote(usize),
    /// The writing side was shut down.
    ShutDown,
    /// The connection ended.
    Ended(Ended),
}

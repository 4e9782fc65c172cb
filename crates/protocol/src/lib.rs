//! What a protocol is, apart from any socket: the traits, the rules of a connection, and the layers between the two.
//!
//! A protocol here is a state machine. It is given bytes (or datagrams), commands and the time, and it answers with
//! bytes, events and the one moment at which it wants to be woken. It never waits and never touches a socket, so the
//! same protocol runs on every engine, and a test can replay every moment of it.
//!
//! ```text
//!   engine ── sockets, readiness, timers, threads
//!     │ bytes, now                    ▲ bytes, events, deadline
//!     ▼                               │
//!   Conn<P> ── backpressure, idle and handshake timeouts, half-close, drain, work budget
//!     │                               ▲
//!     ▼                               │
//!   layers ── Authenticated<Framed<C, P>>, Limited<P>, ...
//!     │                               ▲
//!     ▼                               │
//!   P: StreamProtocol ── what the service says
//! ```
#![forbid(unsafe_code)]

pub mod admission;
pub mod backoff;
pub mod conn;
pub mod datagram;
pub mod layers;
pub mod output;
pub mod service;
pub mod stream;

pub use admission::{AdmissionLimits, Admissions};
pub use backoff::AcceptBackoff;
pub use conn::{Conn, ConnLimits, Ended, Pending};
pub use datagram::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};
/// The framings' trait, for those who put one around a protocol.
pub use landline_wire::Framing;
pub use layers::{Authenticated, Framed, GateKey, Layer, Limited, Pace};
pub use output::{FileSlice, Output};
pub use service::{Admission, CommandOf, ConnId, Effect, Effects, EventOf, Load, Peer, Service};
pub use stream::StreamProtocol;

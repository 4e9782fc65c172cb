//! What drives protocols: sockets, readiness, timers, threads and processes.
//!
//! One service runs unchanged on any engine:
//!
//! | engine | one thread for | waits in |
//! |---|---|---|
//! | `select`, `poll`, `epoll`, `epoll-edge` | all connections | the system call of that name |
//! | `threads` | each connection, in bounded number | `poll` |
//! | `sharded:n` | a share of the connections; the kernel spreads them (SO_REUSEPORT) | `epoll` |
//! | `process` | each connection a process, started afresh | `poll` |
//! | [`sim`] | a test: virtual clock, seeded splits, loss and stalls | nothing |
//!
//! All of them see a connection as [`Conn`](protocol::Conn) alone, so its rules hold everywhere.

pub use landline_protocol as protocol;

mod acceptor;
mod alone;
mod blocking;
mod client;
mod datagram;
mod error;
mod kind;
mod link;
mod mailbox;
mod mmsg;
mod options;
mod process;
mod reactor;
mod report;
mod running;
mod server;
mod shared;
mod signals;
mod slab;
mod socket;
mod solo;
mod threads;
mod timers;
mod worker;

pub mod selector;
pub mod sim;

pub use alone::EachAlone;
pub use blocking::Blocking;
pub use client::{Handle, Inbox, drive, drive_datagrams, drive_datagrams_to_the_end, inbox};
pub use datagram::{serve_datagrams, serve_datagrams_commanded};
pub use error::Error;
pub use kind::Kind;
pub use options::{Options, ProcessCommand};
pub use process::serve_inherited;
pub use report::Report;
pub use running::Running;
pub use server::{SendService, Server, listen, run, serve};
pub use signals::Signals;
pub use worker::{NoWork, Reply, Worker};

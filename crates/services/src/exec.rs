//! Commands for another machine: one side says what to run, the other runs it and answers with what it printed.
//!
//! | service | how the answer looks |
//! |---|---|
//! | `exec` | stderr, then stdout, nothing else |
//! | `exec-udp` | a datagram of stderr, then one of stdout |
//! | `exec-sized` | a length in ASCII, an acknowledgement from the client, then so many bytes |
//! | `exec-struct` | a length as Python's `struct.pack('i', n)`, then so many bytes |
//! | `exec-header` | the length of a JSON header, the header, then as many bytes as it says |
//! | `exec-done` | both streams as one without the last newline, or `Done.` |
//! | `exec-reverse` | the server sends the commands, the client runs them; all of it in GBK |
//!
//! Whoever runs a command runs anything: it is off unless it was allowed, and says so in its own form.

mod client;
mod datagram;
mod intake;
mod outcome;
mod reverse;
mod server;
mod sized;
#[cfg(test)]
mod tests;

pub use client::{ClientEvent, ExecClient, Form, Patience};
pub use datagram::{UNDER_WAY_MAX, UdpClient, UdpClientEvent, UdpOutcome, UdpRun, UdpServer};
pub use intake::{COMMAND_MAX, COMMANDS_ARE_OFF};
pub use outcome::{Ending, Outcome, Run};
pub use reverse::{AtEnd, Order, ReverseClient, ReverseEvent, ReverseServer, transcoded};
pub use server::{Exec, ExecServer, Style, Work};
pub use sized::{ExecSized, SizedServer};

/// The most bytes that a command may print, both streams together: 16 MiB. One more ends it.
pub const OUTPUT_MAX: usize = 16 * 1024 * 1024;

/// The longest answer that a client takes, in bytes: twice what our own servers send, for those that bound it
/// otherwise.
pub const ANSWER_MAX: usize = 2 * OUTPUT_MAX;

//! The small protocols that every socket course builds, both sides of each, and the small services of inetd.
//!
//! Everything here is pure: no I/O, no clock, no randomness of its own. What an engine does for a service (running a
//! command, storing a file) is work that it asks for.
#![forbid(unsafe_code)]

pub mod answering;
pub mod asking;
pub mod asking_datagrams;
pub mod chargen;
pub mod chat_udp;
pub mod clock;
pub mod daytime;
pub mod discard;
pub mod echo;
pub mod hello;
mod http;
pub mod independent;
pub mod listening;
pub mod news;
pub mod not_http;
mod outgoing;
pub mod parting;
pub mod relay;
pub mod replies;
pub mod restrained;
pub mod sink;
pub mod strftime;
pub mod talk;
pub mod time;
mod unsaid;
pub mod upper;

#[cfg(test)]
#[allow(dead_code, reason = "not every test needs all of it")]
mod link;

pub mod exec;

pub mod receive;

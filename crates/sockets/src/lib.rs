//! What stands between the protocols and this machine: commands, files, addresses, and the servers and clients that
//! put services on engines.
#![forbid(unsafe_code)]

pub mod exec;
pub mod files;
pub mod lab;
mod random;
pub mod textbook;

pub use landline_engine as engine;
pub use landline_services as services;
pub use landline_services::replies::Replies;
pub use landline_wire::gate::{self, Digest};
pub use landline_wire::{Decoder, Encoding};
pub use random::challenge;

//! The client library that the command line, agents and tests share.
#![forbid(unsafe_code)]

pub mod audit;
pub mod chat;
pub mod connection;
pub mod discover;
pub mod doubt;
pub mod error;
pub mod files;
pub mod follow;
pub mod heads;
pub mod hubs;
pub mod join;
mod page;
mod private_file;
pub mod receipt;
pub mod tls;
pub mod token;

pub use connection::{Answer, ClientEvent, Connection, Parts, Pending, Streamed};
pub use error::ClientError;
pub use heads::Heads;
pub use hubs::{Hub, Hubs, connect, connect_as};
pub use page::lines;
pub use private_file::configuration_directory;

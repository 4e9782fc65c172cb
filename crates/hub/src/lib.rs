//! The Landline hub: doors in front, [`authorise`] in the middle, the store behind.
#![forbid(unsafe_code)]

pub mod authorise;
pub mod config;
pub mod data_directory;
pub mod log;
pub mod tls;

mod answer;
mod background;
mod chat;
mod discovery;
mod doors;
mod files;
mod housekeeping;
mod hub;
mod live;
mod outbox;
mod people;
mod random;
mod ready;
mod receipts;
mod refusals;
mod services;
mod session;
mod shares;
mod spaces;
mod steady;

pub use hub::{Hub, StartError, Started};
pub use landline_store::chat::{Audit, AuditFault, RoomAudit};
pub use ready::Ready;
pub use tokio_util::sync::CancellationToken;

/// Walks every room of a data directory from its first event to its last, whether a hub is running on it or not.
///
/// # Errors
/// Where the database cannot be read.
pub fn audit(data: &std::path::Path) -> Result<Audit, landline_store::StoreError> {
    landline_store::chat::audit(&data.join("db"))
}

//! Fetching, sending and arranging files.
//!
//! Local names are reached beneath open directories, one name at a time and without following links, so that neither
//! a hub's answer nor somebody who changes the tree meanwhile can lead a transfer anywhere else. Names are bytes on
//! both sides and stay what they are.

mod directory;
mod download;
mod error;
mod fetched;
mod get;
mod kept;
mod listing;
mod manage;
mod progress;
mod put;
mod small;
mod source;
mod temporary;
#[cfg(test)]
mod tests;
mod upload;
mod window;

pub use directory::{Directory, Kind};
pub use download::download;
pub use error::FilesError;
pub use get::{Destination, get};
pub use listing::Listing;
pub use manage::{ensure_directory, make_directory, remove, rename, stat};
pub use progress::{Direction, Progress, Skipped, Tally, Transfer, Unwatched};
pub use put::put;
pub use source::Source;
pub use upload::upload;
pub use window::WINDOW_BLOCKS;

/// Runs `work`, which waits for a disk, where it keeps nobody else waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FilesError> + Send + 'static,
) -> Result<T, FilesError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(FilesError::Stopped))
}

//! Fetching, sending and arranging files.
//!
//! Local names are reached beneath open directories, one name at a time and without following links, so that neither
//! a hub's answer nor somebody who changes the tree meanwhile can lead a transfer anywhere else. Names are bytes on
//! both sides and stay what they are.

mod copy;
mod directory;
mod download;
mod error;
mod fetched;
mod get;
mod glob;
mod kept;
mod link;
mod listing;
mod manage;
mod pipe;
mod progress;
mod put;
mod reading;
mod retry;
mod small;
mod source;
mod sync;
mod temporary;
#[cfg(test)]
mod tests;
mod together;
mod trash;
mod tree;
mod upload;
mod values;
mod window;

pub use copy::{copy, hash_file};
pub use directory::{Directory, Kind};
pub use download::{download, download_over};
pub use error::FilesError;
pub use get::{Destination, get, get_over};
pub use glob::Pattern;
pub use link::Link;
pub use listing::Listing;
pub use manage::{ensure_directory, make_directory, remove, rename, stat};
pub use pipe::get_into;
pub use progress::{Deed, Direction, Phase, Progress, Skipped, Tally, Transfer, Unwatched};
pub use put::{PutOptions, put, put_over};
pub use retry::{RETRY_TIME, Retry};
pub use source::Source;
pub use sync::{Exclude, Lines, SyncOptions, Synced, sync_from_hub, sync_to_hub};
pub use together::together;
pub use trash::{TrashListing, get_trashed};
pub use tree::Tree;
pub use upload::{upload, upload_over};
pub use window::WINDOW_BLOCKS;

/// Runs `work`, which waits for a disk, where it keeps nobody else waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FilesError> + Send + 'static,
) -> Result<T, FilesError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(FilesError::Stopped))
}

//! Making one tree like another: one way, a file at a time, by what differs.
//!
//! Both trees are walked as streams in one order and merged, so that their size does not matter. The hub answers one
//! request at a time on a connection, and tells of its tree for as long as the merging takes: so there are two.

mod down;
mod exclude;
mod hashes;
mod local;
mod merge;
mod places;
mod removal;
mod up;

pub use exclude::Exclude;

use super::{Directory, FilesError, Progress, Tally};
use crate::Connection;
use hashes::LocalHashes;
use landline_model::path::RemotePath;
use std::path::PathBuf;
use std::sync::Arc;

/// How trees are made alike.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// Deletes what is only in the target: at the hub it goes to the trash, here it is gone.
    pub delete: bool,
    /// Changes nothing, and tells what it would change.
    pub dry_run: bool,
    /// Compares contents by their hashes, not sizes and times.
    pub checksum: bool,
    /// What is left out on both sides.
    pub excludes: Vec<Exclude>,
    /// Where hashes of local files are kept between runs; none: nowhere.
    pub hashes: Option<PathBuf>,
}

/// How a sync went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// What was transferred, left out and failed.
    pub tally: Tally,
    /// Files that were alike already.
    pub unchanged: u64,
    /// Things that were deleted; a directory is one.
    pub deleted: u64,
}

/// Two connections to one hub.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// For everything but the listing.
    pub work: &'a Connection,
    /// For the listing of the hub's tree.
    pub listing: &'a Connection,
}

/// Makes a directory at the hub like an open one here. It is made where it is missing, but nothing above it.
///
/// # Errors
/// What leaves no way to go on: the connection is gone, a disk is full, or one of the two directories cannot be read.
pub async fn sync_to_hub(
    lines: Lines<'_>,
    from: Directory,
    to: &RemotePath,
    options: &SyncOptions,
    progress: &dyn Progress,
) -> Result<Synced, FilesError> {
    let hashes = LocalHashes::load_if(options);
    let mut up = up::Up::new(lines, Arc::new(from), to, options, progress, hashes);
    up.run().await
}

/// Makes an open directory here like one at the hub. Links here are never followed.
///
/// # Errors
/// As [`sync_to_hub`].
pub async fn sync_from_hub(
    lines: Lines<'_>,
    from: &RemotePath,
    to: Directory,
    options: &SyncOptions,
    progress: &dyn Progress,
) -> Result<Synced, FilesError> {
    let hashes = LocalHashes::load_if(options);
    let mut down = down::Down::new(lines, from, Arc::new(to), options, progress, hashes);
    down.run().await
}

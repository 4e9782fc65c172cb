//! What somebody who watches a transfer is told.

use super::FilesError;
use landline_model::path::RemotePath;
use std::path::Path;

/// Watches transfers. Calls come one at a time, in the order in which things happen.
pub trait Progress: Send + Sync {
    /// A file is under way; its size is known.
    fn begins(&self, _transfer: &Transfer<'_>) {}
    /// This many bytes of the file under way were there already.
    fn resumed(&self, _bytes: u64) {}
    /// What is done with it from now on.
    fn phase(&self, _phase: Phase) {}
    /// This many more bytes are safe at the other side (sending) or have arrived (fetching).
    fn moved(&self, _bytes: u64) {}
    /// The file stands at its place.
    fn done(&self, _transfer: &Transfer<'_>) {}
    /// Something in a tree was left out.
    fn skipped(&self, _skipped: &Skipped<'_>) {}
    /// A sync does this that is no transfer; without changing anything, it would do this.
    fn deed(&self, _deed: &Deed<'_>) {}
    /// Something in a tree failed; the rest goes on.
    fn failed(&self, _error: &FilesError) {}
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {}

/// One file on its way.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    /// Which way.
    pub direction: Direction,
    /// Its place here.
    pub local: &'a Path,
    /// Its place at the hub.
    pub remote: &'a RemotePath,
    /// In bytes.
    pub size: u64,
}

/// What is done with a file that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// What the other side has already is compared.
    Checking,
    /// Bytes are on their way.
    Sending,
    /// The link was lost; the hub is called again.
    Waiting,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the hub.
    Get,
    /// To the hub.
    Put,
}

/// Something that a sync does.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'a> {
    /// It would send or fetch this.
    Transfer(Transfer<'a>),
    /// It makes a directory here.
    MakeLocal(&'a Path),
    /// It makes a directory at the hub.
    MakeRemote(&'a RemotePath),
    /// It deletes something here.
    DeleteLocal(&'a Path),
    /// It moves something at the hub to the trash.
    DeleteRemote(&'a RemotePath),
}

/// What was left out of a tree, and why: neither a regular file nor a directory.
#[derive(Clone, Copy, Debug)]
pub enum Skipped<'a> {
    /// Something here.
    Local {
        /// Where.
        path: &'a Path,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Something at the hub.
    Remote(&'a RemotePath),
}

/// How a tree went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files that stand at their place.
    pub done: u64,
    /// Links and special files that were left out.
    pub skipped: u64,
    /// Files and directories that failed.
    pub failed: u64,
}

impl Tally {
    /// Counts what another one has counted.
    pub(super) const fn add(&mut self, other: Self) {
        self.done += other.done;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }

    /// Counts a failure and tells of it.
    ///
    /// # Errors
    /// The error itself, where it leaves no way to go on.
    pub(super) fn fail(&mut self, error: FilesError, progress: &dyn Progress) -> Result<(), FilesError> {
        if !error.spares_the_rest() {
            return Err(error);
        }
        self.failed += 1;
        progress.failed(&error);
        Ok(())
    }
}

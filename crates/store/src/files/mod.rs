//! Files: spaces, uploads, the trash.
//!
//! Users' files are ordinary files under `files/`; `db/files.db` is the journal beside them. A file changes its name or
//! its place by one rename, and the journal says before it what is about to happen, so that whatever a crash leaves can
//! be told apart by inodes alone: `open` finishes or undoes it.
//!
//! Every method blocks, for the disk and for the journal's commit.

mod attributes;
mod claims;
mod directory;
mod error;
mod failure;
mod hashes;
mod journal;
mod known;
mod list;
mod make_directory;
mod open_upload;
mod owners;
mod parents;
mod place;
mod publish;
mod read;
mod recover;
mod remove;
mod rename;
mod replacement;
mod small;
mod status;
mod step;
mod sweep;
#[cfg(test)]
mod tests;
mod trash;
mod tree;
mod upload;
mod write;

pub use error::FilesError;
pub use list::{ListRequest, Listing};
pub use open_upload::{CHAINING_VALUES_MAX, FILE_SIZE_MAX, OpenedUpload, UPLOADS_MAX, UploadRequest};
pub use place::{Place, SpaceId};
pub use read::OpenFile;
pub use small::{FILES_TOGETHER, SmallFile};
pub use step::{AfterStep, Step};
pub use sweep::Swept;
pub use write::BATCH_MAX;

use crate::Clock;
use claims::Claims;
use journal::Journal;
use landline_model::time::Timestamp;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tree::Tree;

/// How long after its last block an upload may still go on, unless configured.
pub const UPLOAD_EXPIRY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the trash keeps what came into it, unless configured.
pub const TRASH_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Where fresh ids come from: 16 bytes that nobody can guess.
pub type Random = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// What the store of files needs from outside.
#[derive(Clone)]
pub struct FilesOptions {
    /// The time. It may be set back; then things expire later.
    pub clock: Clock,
    /// Fresh ids.
    pub random: Random,
    /// How long after its last block an upload may still go on.
    pub upload_expiry: Duration,
    /// How long the trash keeps what came into it.
    pub trash_retention: Duration,
    /// For tests: told after every step, and may stop the store there.
    pub after_step: Option<AfterStep>,
}

impl FilesOptions {
    /// The defaults.
    #[must_use]
    pub fn new(clock: Clock, random: Random) -> Self {
        let (upload_expiry, trash_retention) = (UPLOAD_EXPIRY, TRASH_RETENTION);
        Self {
            clock,
            random,
            upload_expiry,
            trash_retention,
            after_step: None,
        }
    }
}

impl std::fmt::Debug for FilesOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FilesOptions")
            .field("upload_expiry", &self.upload_expiry)
            .field("trash_retention", &self.trash_retention)
            .finish_non_exhaustive()
    }
}

/// The store of files. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Files {
    tree: Arc<Tree>,
    journal: Arc<Journal>,
    options: Arc<FilesOptions>,
    /// The uploads that somebody is at right now.
    claims: Arc<Claims>,
    /// Held while names change and what stood under them is looked at, and while the names of directories are synced;
    /// never for a commit. No other lock is taken under it.
    names: Arc<Mutex<()>>,
}

impl Files {
    /// Opens the store, and finishes or undoes what a crash left behind. No other process may have it open.
    ///
    /// # Errors
    /// Those of the disk, and of a database that is not ours; [`FilesError::Unsupported`] on a file system without
    /// `renameat2`'s flags.
    pub fn open(files_dir: &Path, db_dir: &Path, options: FilesOptions) -> Result<Self, FilesError> {
        let files = Self {
            tree: Arc::new(Tree::open(files_dir)?),
            journal: Arc::new(Journal::open(db_dir)?),
            options: Arc::new(options),
            claims: Arc::default(),
            names: Arc::default(),
        };
        files.recover()?;
        Ok(files)
    }

    fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    fn fresh(&self) -> [u8; 16] {
        (self.options.random)()
    }

    fn after(&self, step: Step) -> Result<(), FilesError> {
        self.options
            .after_step
            .as_ref()
            .map_or(Ok(()), |after| after(step))
    }
}

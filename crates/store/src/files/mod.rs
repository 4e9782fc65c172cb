//! Files: spaces, uploads, the trash.
//!
//! Users' files are ordinary files under `files/`; `db/files.db` is the journal beside them. A file changes its name or
//! its place by one rename, and the journal says before it what is about to happen, so that whatever a crash leaves can
//! be told apart by inodes alone: `open` finishes or undoes it.
//!
//! Every method blocks, for the disk and for the journal's commit.

mod access;
mod amend;
mod attributes;
mod batches;
mod boot;
mod claims;
mod copy;
mod crossing;
mod digest;
mod directory;
mod error;
mod failure;
mod hashes;
mod journal;
mod known;
mod list;
mod make_directory;
mod measure;
mod names;
mod open_upload;
mod open_uploads;
mod owners;
mod parents;
mod place;
mod publish;
mod read;
mod records;
mod recount;
mod recover;
mod remove;
mod rename;
mod replacement;
mod restore;
mod shares;
mod small;
mod status;
mod step;
mod sweep;
#[cfg(test)]
mod tests;
mod trash;
mod trash_list;
mod tree;
mod tree_list;
mod upload;
mod usage;
mod write;

pub use access::{ACCESS_RULES_MAX, Access, Rule, Subject};
pub use copy::{COPY_PIECE_BYTES, SMALL_COPY_MAX};
pub use digest::GoOn;
pub use error::FilesError;
pub use list::{ListRequest, Listing, Snapshot};
pub use names::{NAMES_HELD_MAX, NAMES_MAX};
pub use open_upload::{CHAINING_VALUES_MAX, FILE_SIZE_MAX, OpenedUpload, UPLOADS_MAX, UploadRequest};
pub use open_uploads::Turn;
pub use place::{Place, SpaceId};
pub use read::OpenFile;
pub use records::BootId;
pub use recount::Recounted;
pub use restore::Restored;
pub use shares::{NewShare, SHARES_MAX, Share, Shared};
pub use small::{FILES_TOGETHER, SmallFile};
pub use step::{AfterStep, Step};
pub use sweep::Swept;
pub use trash_list::{Emptied, InTrash, TrashPage, TrashRequest};
pub use tree_list::{TreeRequest, TreeWalk};
pub use usage::{Quota, SpaceUsage};
pub use write::{Appended, BATCH_MAX};

use crate::Clock;
use claims::Claims;
use journal::Journal;
use landline_model::time::Timestamp;
use names::NamesHeld;
use open_uploads::OpenUploads;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tree::Tree;
use usage::Usage;

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
    /// Names the time between two starts of the machine: what was written and not synced is there for as long as it is
    /// the same.
    pub boot: BootId,
    /// How many bytes a home may hold where nothing else is set for it; none: no limit.
    pub home_quota: Option<u64>,
    /// For tests: told after every step, and may stop the store there.
    pub after_step: Option<AfterStep>,
}

impl FilesOptions {
    /// The defaults.
    #[must_use]
    pub fn new(clock: Clock, random: Random) -> Self {
        let (upload_expiry, trash_retention) = (UPLOAD_EXPIRY, TRASH_RETENTION);
        Self {
            boot: boot::current(&random),
            clock,
            random,
            upload_expiry,
            trash_retention,
            home_quota: None,
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
            .field("home_quota", &self.home_quota)
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
    /// What is known of them between their blocks.
    open_uploads: Arc<OpenUploads>,
    /// Rights on directories.
    access: Arc<Access>,
    /// What the spaces hold.
    usage: Arc<Usage>,
    /// Held while names change and what stood under them is looked at, and while the names of directories are synced;
    /// never for a commit. No other lock is taken under it.
    names: Arc<Mutex<()>>,
    /// How much of directories is held for whoever lists them.
    names_held: Arc<NamesHeld>,
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
            access: Arc::default(),
            usage: Arc::new(Usage::new(options.home_quota)),
            options: Arc::new(options),
            claims: Arc::default(),
            open_uploads: Arc::default(),
            names: Arc::default(),
            names_held: Arc::default(),
        };
        files.load_access()?;
        files.load_usage()?;
        files.recover()?;
        files.reserve_again()?;
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

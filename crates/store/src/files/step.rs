//! The steps of everything that changes files, in order, so that a test can stop the store after any of them.

use super::error::FilesError;
use std::sync::Arc;

/// Told after every step; where it refuses, the store stops there as a killed process would: nothing is undone.
pub type AfterStep = Arc<dyn Fn(Step) -> Result<(), FilesError> + Send + Sync>;

macro_rules! steps {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// A step that was just done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Step {
            $($(#[$meta])* $name,)*
        }

        impl Step {
            /// Every step.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

steps! {
    /// An upload's partial file was made.
    PartialMade,
    /// The upload is in the journal.
    UploadJournaled,
    /// Blocks were written to the partial file.
    BlocksWritten,
    /// Their chaining values were written beside it.
    BlocksRecorded,
    /// The partial file was synced.
    BlocksSynced,
    /// The block journal's mark vouches for them.
    BlocksMarked,
    /// The block journal was synced.
    BlocksJournaled,
    /// The block journal of an upload was opened.
    RecordsOpened,
    /// Size and hash of an upload matched.
    Verified,
    /// The partial file was synced as a whole.
    PartialSynced,
    /// The journal says that the upload is being published.
    PublishingJournaled,
    /// The file stands under its name; what it replaced stands under the upload's.
    Published,
    /// The directories were synced.
    PublicationSynced,
    /// What was replaced lies in the trash.
    ReplacedBuried,
    /// The trash was synced.
    ReplacedSynced,
    /// The upload's block journal is gone.
    RecordsRemoved,
    /// The journal has forgotten the upload and knows the trash and the hash.
    PublicationJournaled,
    /// A small file was written to the directory of partial files.
    SmallFileWritten,
    /// All of them were synced.
    SmallFilesSynced,
    /// The journal knows whose they are, and which replace another.
    SmallFilesJournaled,
    /// One stands under its name.
    SmallFileAppeared,
    /// One whose name changed hands meanwhile is an upload like any other.
    SmallFileLate,
    /// The directories were synced.
    SmallFilesAppearedSynced,
    /// What one of them replaced lies in the trash.
    SmallFileBuried,
    /// The trash was synced.
    SmallFilesBuriedSynced,
    /// The journal has been told that all is over.
    SmallFilesWrittenOff,
    /// The partial file of a copy was made.
    CopyMade,
    /// The copy has its content.
    CopyWritten,
    /// It was synced.
    CopySynced,
    /// The journal knows of it.
    CopyJournaled,
    /// The partial file of an upload that was given up is gone.
    PartialRemoved,
    /// The journal has forgotten an upload that was given up.
    UploadForgotten,
    /// The journal knows what is about to go to the trash.
    RemovalJournaled,
    /// It lies in the trash.
    Removed,
    /// The directories were synced.
    RemovalSynced,
    /// The figures know what was removed.
    RemovalCounted,
    /// The journal knows what is about to take another's place.
    ReplacementJournaled,
    /// The two have changed places.
    Exchanged,
    /// What was replaced lies in the trash.
    ExchangedBuried,
    /// The directories were synced.
    ReplacementSynced,
    /// The journal has forgotten the replacement and knows the trash.
    ReplacementForgotten,
    /// A name was changed and nothing was replaced.
    Renamed,
    /// The directories were synced.
    RenameSynced,
    /// The journal knows what is about to move to another space.
    CrossingJournaled,
    /// The figures know that it has.
    CrossingCounted,
    /// A directory was made.
    DirectoryMade,
    /// The journal knows what is about to leave the trash.
    RestorationJournaled,
    /// It is where it was to go; what stood there lies in its place.
    Restored,
    /// What stood there lies in the trash.
    RestorationBuried,
    /// The directories were synced.
    RestorationSynced,
    /// The journal has forgotten the restoration.
    RestorationForgotten,
    /// What is to be deleted for good was taken out of the trash.
    TrashTaken,
    /// The journal has forgotten it.
    TrashForgotten,
    /// It is gone.
    TrashDeleted,
    /// A share is in the journal.
    ShareMade,
    /// A share is out of the journal.
    ShareRevoked,
    /// A download by a share was counted.
    ShareCounted,
}

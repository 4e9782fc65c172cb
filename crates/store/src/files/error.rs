//! Why something was not done to files.

use crate::error::StoreError;
use crate::writer::JobError;
use landline_model::error::ErrorCode;

/// What went wrong. Texts are for a person; names in them are escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The path or the upload is not there. Somebody else's upload is not there either.
    #[error("{0}")]
    NotFound(String),
    /// Something stands in the way.
    #[error("{0}")]
    Exists(String),
    /// A directory where a file is needed, or the other way round, or one that is not empty.
    #[error("{0}")]
    WrongKind(String),
    /// What arrived is not what was announced.
    #[error("{0}")]
    Mismatch(String),
    /// It changed, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// Not now: somebody is at it, or there are as many as there may be at a time.
    #[error("{0}")]
    Busy(String),
    /// Larger or longer than files and names can be.
    #[error("{0}")]
    TooLarge(String),
    /// It would pass the limit of the space that it is for. Nothing was taken.
    #[error("{message}")]
    Quota {
        /// What the limit is and what is there.
        message: String,
        /// How many bytes of that lie in the trash of the account whose home it is.
        trash: u64,
    },
    /// The disk is full. Nothing was lost; the same works again when there is space.
    #[error("the disk is full")]
    StorageFull,
    /// The file system cannot do what this program needs of it. Only at the start.
    #[error("{0}")]
    Unsupported(String),
    /// The file system failed, or this program made a mistake. For the log.
    #[error("{0}")]
    Internal(String),
    /// The journal failed. For the log.
    #[error(transparent)]
    Store(StoreError),
}

impl FilesError {
    /// What travels.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Exists(_) => ErrorCode::Exists,
            Self::WrongKind(_) => ErrorCode::WrongKind,
            Self::Mismatch(_) => ErrorCode::Mismatch,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::Busy(_) => ErrorCode::Busy,
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::Quota { .. } => ErrorCode::Quota,
            Self::StorageFull => ErrorCode::StorageFull,
            Self::Store(StoreError::Stopped) => ErrorCode::Stopping,
            Self::Unsupported(_) | Self::Internal(_) | Self::Store(_) => ErrorCode::Internal,
        }
    }
}

impl From<StoreError> for FilesError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::StorageFull => Self::StorageFull,
            error => Self::Store(error),
        }
    }
}

impl From<rusqlite::Error> for FilesError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl JobError for FilesError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::StorageFull => Some(&StoreError::StorageFull),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

//! Why the store did not do what it was asked.

use crate::chat::ImportFault;
use landline_model::denied::Denied;
use rusqlite::ffi;
use std::path::Path;

/// What went wrong. It can be cloned because one failed commit fails every job of its group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk is full. Nothing was changed; the same works again when there is space.
    #[error("the disk is full")]
    StorageFull,
    /// Reading or writing failed for another reason than a full disk.
    #[error("the disk failed: {0}")]
    Io(String),
    /// A database does not hold what this program wrote.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// A newer version of the program has used the database.
    #[error(
        "{database} was written by a newer version of Landline (format {found}; this program knows {known})"
    )]
    NewerVersion {
        /// The file.
        database: String,
        /// The format that it has.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// What was named is not there.
    #[error("it does not exist")]
    NotFound,
    /// Somebody else has the name.
    #[error("the name is taken")]
    NameTaken,
    /// A text is longer than its limit.
    #[error("it is too long")]
    TooLarge,
    /// What was said is not what may be said there, and why.
    #[error("{0}")]
    Invalid(&'static str),
    /// Somebody may not do what they asked for.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is so already.
    #[error("it is so already; nothing was changed")]
    NoChange,
    /// The last owner of a room that others are in would go, or step down.
    #[error("a room with members needs an owner, and there is no other one")]
    LastOwner,
    /// Nobody is let in, or turned down, who does not wait for it.
    #[error("they have not asked to join, and nobody invited them")]
    NotAsked,
    /// Nobody is invited who was put out for good.
    #[error("they are banned from the room; take that back first")]
    Banned,
    /// It belongs to a room that is being brought here from another hub.
    #[error("the room is being brought here, and is not there yet")]
    Importing,
    /// The log of a room that is brought here is not one.
    #[error(transparent)]
    Import(#[from] ImportFault),
    /// There are as many as there may be.
    #[error("{max} {what} are as many as there may be")]
    TooMany {
        /// Of what, in words.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// No such invitation.
    #[error("the invitation does not exist")]
    InviteUnknown,
    /// The invitation's time is over.
    #[error("the invitation has expired")]
    InviteExpired,
    /// The invitation was used as often as it may be.
    #[error("the invitation was used already")]
    InviteUsed,
    /// The invitation gives a role that only a newer program knows: that account would not be what was meant.
    #[error("the invitation gives a role that this hub does not know")]
    InviteRoleUnknown,
    /// The password is not (or no longer) the one that was verified.
    #[error("the password was changed meanwhile")]
    PasswordChanged,
    /// Nobody else who looks after the hub could get in any more.
    #[error("nobody else looks after the hub and can get in")]
    LastAdmin,
    /// Nobody gets into the account.
    #[error("the account is disabled")]
    AccountDisabled,
    /// No such session.
    #[error("the session has ended, or there never was one")]
    SessionUnknown,
    /// The session's time is over, or it was not used for too long.
    #[error("the session has expired")]
    SessionExpired,
    /// The job refused itself, and says why with an error of its own.
    #[error("refused")]
    Refused,
    /// The store is stopping.
    #[error("the store is stopping")]
    Stopped,
    /// A mistake of this program.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Who has to do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Whoever asked: the same will be refused again.
    Caller,
    /// Whoever looks after the machine.
    Environment,
    /// Whoever writes this program.
    Us,
}

impl StoreError {
    /// Who has to do something about it.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::StorageFull
            | Self::Io(_)
            | Self::Corrupt(_)
            | Self::NewerVersion { .. }
            | Self::Stopped => Fault::Environment,
            Self::Internal(_) => Fault::Us,
            _ => Fault::Caller,
        }
    }

    /// Whether it speaks of the disk, not of one job.
    pub(crate) const fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::StorageFull | Self::Io(_))
    }

    /// SQLite does not always say that a write failed for want of space: the file system does.
    pub(crate) fn or_storage_full(self, directory: &Path) -> Self {
        /// With less than this, a write of a few pages fails.
        const SPACE_MIN: u64 = 64 * 1024;
        let full = matches!(self, Self::Io(_))
            && rustix::fs::statvfs(directory)
                .is_ok_and(|system| system.f_bavail.saturating_mul(system.f_frsize) < SPACE_MIN);
        if full { Self::StorageFull } else { self }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ffi::ErrorCode::DiskFull) => Self::StorageFull,
            Some(ffi::ErrorCode::SystemIoFailure | ffi::ErrorCode::CannotOpen | ffi::ErrorCode::ReadOnly) => {
                Self::Io(error.to_string())
            }
            Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            Some(_) => Self::Internal(error.to_string()),
            None => match error {
                // A row that does not have the shape in which it was written.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Corrupt(error.to_string()),
                rusqlite::Error::QueryReturnedNoRows => Self::NotFound,
                error => Self::Internal(error.to_string()),
            },
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::StorageFull,
            _ => Self::Io(error.to_string()),
        }
    }
}

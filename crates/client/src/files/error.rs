//! What keeps a transfer from being done.

use crate::ClientError;
use landline_model::error::ErrorCode;
use landline_model::path::{PathError, RemotePath};
use landline_model::text::escape_bytes;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What keeps a transfer from being done. Messages are escaped: safe to show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The hub refused, or the connection failed.
    #[error(transparent)]
    Hub(#[from] ClientError),
    /// This machine's file system refused.
    #[error("{}: {}", shown(path), reason(error))]
    Local {
        /// What was to be read or written.
        path: PathBuf,
        /// Why it was not. Not a `source`: the message has said it already.
        error: io::Error,
    },
    /// What stands there is no regular file, and so cannot be sent or replaced.
    #[error("{} is {kind}, not a regular file", shown(path))]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// Somebody wrote to the file while it was read. Nothing appeared at the hub.
    #[error("{} changed while it was sent", shown(path))]
    SourceChanged {
        /// Which file.
        path: PathBuf,
    },
    /// What arrived has not the size and hash that the hub names. Nothing was changed here.
    #[error("{path}: what arrived is not the file that the hub has")]
    Mismatch {
        /// Which file.
        path: RemotePath,
    },
    /// The hub cannot tell what is below a directory.
    #[error("{path}: {}", landline_model::text::escape(reason))]
    Unlisted {
        /// Which directory.
        path: RemotePath,
        /// What the hub says.
        reason: String,
    },
    /// Something is a directory on one side and none on the other, and nobody has said which one may go.
    #[error("{path} is {there} at the hub, and {here} here")]
    Unlike {
        /// Where.
        path: RemotePath,
        /// What it is here, with its article.
        here: &'static str,
        /// What it is at the hub, with its article.
        there: &'static str,
    },
    /// A path that the hub cannot have. The caller is at fault.
    #[error("{}: {error}", shown(path))]
    Path {
        /// The local name that was to be part of it.
        path: PathBuf,
        /// What is wrong with it. Not a `source`: the message has said it already.
        error: PathError,
    },
    /// The hub answered what it must not. The hub is at fault.
    #[error("{path}: the hub's answer makes no sense ({what})")]
    Protocol {
        /// What was asked about.
        path: RemotePath,
        /// What is wrong with the answer.
        what: &'static str,
    },
    /// A thread of this program ended early; only ever seen when the program itself ends.
    #[error("the transfer was stopped")]
    Stopped,
}

impl FilesError {
    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Hub(error) => error.hint(),
            Self::SourceChanged { .. } => Some("send it again once nothing writes to it".to_owned()),
            Self::Unlike { .. } => Some("--delete puts the source's in the place of the target's".to_owned()),
            Self::Mismatch { .. } => {
                Some("fetch it again; if it stays so, tell the hub's administrator".to_owned())
            }
            _ => None,
        }
    }

    /// The kind of the hub's refusal, where this is one.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Hub(error) => error.code(),
            _ => None,
        }
    }

    /// True where what is here and what the hub has do not belong together.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::Mismatch { .. }) || self.code() == Some(ErrorCode::Mismatch)
    }

    /// True where other files can still be transferred over the same connection.
    #[must_use]
    pub fn spares_the_rest(&self) -> bool {
        match self {
            Self::Hub(error) => error.code().is_some_and(|code| {
                !matches!(
                    code,
                    ErrorCode::Stopping
                        | ErrorCode::Unauthenticated
                        | ErrorCode::StorageFull
                        | ErrorCode::Quota
                )
            }),
            Self::Local { error, .. } => error.kind() != io::ErrorKind::StorageFull,
            Self::Stopped => false,
            _ => true,
        }
    }

    /// An error of this machine's file system.
    pub(super) fn local(path: &Path, error: impl Into<io::Error>) -> Self {
        Self::Local {
            path: path.to_owned(),
            error: error.into(),
        }
    }
}

fn shown(path: &Path) -> String {
    escape_bytes(path.as_os_str().as_bytes())
}

/// What the system says, without its "(os error 2)".
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_safe_to_show_and_leaves_numbers_out() {
        let error = FilesError::local(Path::new("a\nb"), io::Error::from_raw_os_error(2));
        assert_eq!(error.to_string(), "a\\nb: No such file or directory");
    }

    #[test]
    fn a_full_disk_ends_the_whole_work_and_a_missing_file_does_not() {
        assert!(!FilesError::local(Path::new("a"), rustix::io::Errno::NOSPC).spares_the_rest());
        assert!(FilesError::local(Path::new("a"), rustix::io::Errno::NOENT).spares_the_rest());
    }
}

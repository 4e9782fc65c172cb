//! Where things go at the hub: into a directory, or under a name.

use super::argument::{RemoteArgument, parse_all};
use crate::context::Usage;
use landline_client::Connection;
use landline_client::files::{FilesError, stat};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Where things go at the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Into this directory, under their own names.
    Into(RemotePath),
    /// Under this name.
    As(RemotePath),
}

/// What a command line moves or copies, and where to: its last argument.
pub(super) fn split(arguments: &[OsString]) -> Result<(Vec<RemoteArgument>, RemoteArgument), Usage> {
    let mut parsed = parse_all(arguments)?;
    match parsed.pop() {
        Some(target) if !parsed.is_empty() => Ok((parsed, target)),
        _ => Err(Usage::new(
            "this needs a path and a new one",
            "landline mv :FROM :TO",
        )),
    }
}

impl Target {
    /// Where something goes that stands at `from`. A space, which has no name, gives its content to the target itself.
    pub(super) fn of(&self, from: &RemotePath) -> Result<RemotePath, FilesError> {
        match (self, from.components.last()) {
            (Self::As(path), _) | (Self::Into(path), None) => Ok(path.clone()),
            (Self::Into(path), Some(name)) => path.join(name.clone()).map_err(|error| FilesError::Path {
                path: PathBuf::from(OsStr::from_bytes(name.as_bytes())),
                error,
            }),
        }
    }

    /// Into what ends in '/' or is a directory at the hub; under this name otherwise.
    pub(super) async fn find(connection: &Connection, argument: &RemoteArgument) -> Result<Self, FilesError> {
        let path = argument.path.clone();
        if argument.directory {
            return Ok(Self::Into(path));
        }
        match stat(connection, &path).await {
            Ok(entry) if entry.kind == EntryKind::Directory => Ok(Self::Into(path)),
            Ok(_) => Ok(Self::As(path)),
            // Who may only add files there does not see what is there; the hub says what is not allowed.
            Err(error) if matches!(error.code(), Some(ErrorCode::NotFound | ErrorCode::Forbidden)) => {
                Ok(Self::As(path))
            }
            Err(error) => Err(error),
        }
    }
}

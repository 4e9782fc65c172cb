//! Where things go at the hub: into a directory, or under a name.

use super::argument::RemoteArgument;
use landline_client::Connection;
use landline_client::files::{FilesError, stat};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;

/// Where things go at the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Into this directory, under their own names.
    Into(RemotePath),
    /// Under this name.
    As(RemotePath),
}

impl Target {
    /// Into what ends in '/' or is a directory at the hub; under this name otherwise.
    pub(super) async fn find(connection: &Connection, argument: &RemoteArgument) -> Result<Self, FilesError> {
        let path = argument.path.clone();
        if argument.directory {
            return Ok(Self::Into(path));
        }
        match stat(connection, &path).await {
            Ok(entry) if entry.kind == EntryKind::Directory => Ok(Self::Into(path)),
            Ok(_) => Ok(Self::As(path)),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(Self::As(path)),
            Err(error) => Err(error),
        }
    }
}

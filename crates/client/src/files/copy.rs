//! Copying and hashing at the hub.

use super::FilesError;
use crate::{Connection, Streamed};
use landline_model::path::RemotePath;
use landline_model::protocol::trees::{Algorithm, Copied, Copy, CopyNews, FileHashed, HashFile, HashNews};

/// Copies a file, or with `recursive` a directory with everything in it, at the hub. `told` hears how far it is, and of
/// what failed while the rest went on.
///
/// # Errors
/// [`FilesError::Hub`].
pub async fn copy(
    connection: &Connection,
    call: &Copy,
    mut told: impl FnMut(CopyNews),
) -> Result<Copied, FilesError> {
    let mut parts = connection.stream(call).await?;
    loop {
        match parts.next_as::<CopyNews>().await? {
            Streamed::Part { part, .. } => told(part),
            Streamed::End(answer) => return Ok(answer.reply),
        }
    }
}

/// What a file at the hub hashes to.
///
/// # Errors
/// [`FilesError::Hub`].
pub async fn hash_file(
    connection: &Connection,
    path: &RemotePath,
    algorithm: Algorithm,
) -> Result<FileHashed, FilesError> {
    let call = HashFile {
        path: path.clone(),
        algorithm,
    };
    let mut parts = connection.stream(&call).await?;
    loop {
        if let Streamed::End(answer) = parts.next_as::<HashNews>().await? {
            return Ok(answer.reply);
        }
    }
}

//! What is neither fetching nor sending: looking, making, moving, removing.

use super::FilesError;
use crate::Connection;
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Entry, EntryKind, MakeDirectory, Remove, Rename, Stat};

/// Tells about one file or directory.
///
/// # Errors
/// [`FilesError::Hub`].
pub async fn stat(connection: &Connection, path: &RemotePath) -> Result<Entry, FilesError> {
    Ok(connection.call(&Stat { path: path.clone() }).await?)
}

/// Makes a directory; with `parents`, also what is missing above it, and it may be there already.
///
/// # Errors
/// [`FilesError::Hub`].
pub async fn make_directory(
    connection: &Connection,
    path: &RemotePath,
    parents: bool,
) -> Result<(), FilesError> {
    connection
        .call(&MakeDirectory {
            path: path.clone(),
            parents,
        })
        .await?;
    Ok(())
}

/// Makes a directory unless it is there. What is missing above it stays missing.
///
/// # Errors
/// [`FilesError::Hub`], also where something else stands there.
pub async fn ensure_directory(connection: &Connection, path: &RemotePath) -> Result<(), FilesError> {
    if path.components.is_empty() {
        // A space is always there, and cannot be made.
        return Ok(());
    }
    match make_directory(connection, path, false).await {
        Err(error) if error.code() == Some(ErrorCode::Exists) => {
            let there = stat(connection, path).await?;
            if there.kind == EntryKind::Directory {
                Ok(())
            } else {
                Err(error)
            }
        }
        other => other,
    }
}

/// Moves a file, or with `recursive` also a directory, to its owner's trash.
///
/// # Errors
/// [`FilesError::Hub`].
pub async fn remove(connection: &Connection, path: &RemotePath, recursive: bool) -> Result<(), FilesError> {
    connection
        .call(&Remove {
            path: path.clone(),
            recursive,
        })
        .await?;
    Ok(())
}

/// Gives a file or directory another name or place; with `overwrite` in place of a file that is there.
///
/// # Errors
/// [`FilesError::Hub`].
pub async fn rename(
    connection: &Connection,
    from: &RemotePath,
    to: &RemotePath,
    overwrite: bool,
) -> Result<(), FilesError> {
    connection
        .call(&Rename {
            from: from.clone(),
            to: to.clone(),
            overwrite,
        })
        .await?;
    Ok(())
}

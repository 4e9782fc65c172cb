//! `hash_file`: what a file hashes to.

use super::standing::Standing;
use super::streaming::Streaming;
use crate::authorise::Identity;
use crate::refusals::from_files;
use crate::services::Services;
use landline_model::protocol::trees::{FileHashed, HashFile, HashNews};
use landline_store::files::FilesError;
use std::cell::Cell;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many files are hashed at a time; whoever asks for one more waits.
const AT_ONCE: usize = 4;

/// After so many pieces of a MiB it is told how far the work is.
const NEWS_PIECES: u64 = 64;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Begins to hash a file.
pub(crate) async fn hash_file(
    services: &Arc<Services>,
    who: &Identity,
    call: HashFile,
) -> Streaming<HashNews, FileHashed> {
    let standing = Standing::new(services, who);
    Streaming::begin(&TURNS, move |parts| {
        let place = standing.readable(&call.path)?;
        let files = &standing.services.files;
        let file = files.read(&place).map_err(|error| from_files(&error))?;
        let pieces = Cell::new(0);
        let stopped = Cell::new(None);
        let go_on = || {
            let told = if pieces.get() % NEWS_PIECES == NEWS_PIECES - 1 {
                let bytes = pieces.get() * 1024 * 1024;
                let allowed = standing.readable(&call.path).map(drop);
                allowed.and_then(|()| parts.send(HashNews { bytes }, Vec::new()))
            } else {
                parts.wanted()
            };
            pieces.set(pieces.get() + 1);
            told.map_err(|refusal| {
                stopped.set(Some(refusal));
                FilesError::Conflict("it is not wanted any more".to_owned())
            })
        };
        let digest = files.digest(&file, call.algorithm, &go_on);
        let refusal = |error: FilesError| stopped.take().unwrap_or_else(|| from_files(&error));
        Ok(FileHashed {
            digest: digest.map_err(refusal)?,
            size: file.size(),
        })
    })
    .await
}

//! Uploads that come block by block: from a request to the store, by way of [`authorise`](crate::authorise).

use super::{addable, blocking, still_writable};
use crate::answer::{Answer, Answered};
use crate::authorise::Identity;
use crate::refusals::{denied, from_files};
use crate::services::Services;
use bytes::Bytes;
use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::protocol::Done;
use landline_model::protocol::files::{
    Entry, PutAbort, PutFinish, PutOpen, PutOpened, PutValues, SOURCE_BYTES_MAX,
};
use landline_store::files::{Appended, Turn, UploadRequest};
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take until the blocks are durable that came on a connection that was lost.
const SETTLE_TIME: Duration = Duration::from_secs(5);

/// Begins or resumes an upload, and says whose turn it is from now on.
pub(crate) async fn put_open(
    services: &Services,
    who: &Identity,
    call: PutOpen,
) -> Result<(Answer<PutOpened>, Turn), Refusal> {
    let (place, overwrite) = addable(services, who, &call.path, call.overwrite)?;
    let owner = who.account;
    let request = UploadRequest {
        size: call.size,
        overwrite,
        attributes: call.attributes,
        source: call.source.as_deref().map(source).transpose()?,
        resume: call.resume,
    };
    if request.resume.is_some() {
        let there = place.clone();
        let found = blocking(services, move |files| files.resumable(owner, &there, &request)).await?;
        if let Some(upload) = found {
            // Whoever goes on sending meanwhile is not waited for: it is another one's turn from then on.
            let _ = timeout(SETTLE_TIME, services.underway.settled(upload)).await;
        }
    }
    let opened = blocking(services, move |files| files.open_upload(owner, &place, &request)).await?;
    let answer = Answer {
        reply: PutOpened {
            upload: opened.upload,
            offset: opened.offset,
        },
        body: Bytes::from(opened.chaining_values.concat()),
    };
    Ok((answer, opened.turn))
}

/// What the store knows a source's version by: names of one length.
fn source(name: &str) -> Result<Hash, Refusal> {
    if name.len() > SOURCE_BYTES_MAX {
        return Err(Refusal::new(
            ErrorCode::TooLarge,
            format!(
                "a source of {} bytes; at most {SOURCE_BYTES_MAX} are allowed",
                name.len()
            ),
        ));
    }
    Ok(blake3::hash(name.as_bytes()).into())
}

/// Tells further chaining values.
pub(crate) async fn put_values(services: &Services, who: &Identity, call: PutValues) -> Answered<Done> {
    let owner = still_allowed(services, who, call.upload).await?;
    let values = blocking(services, move |files| {
        files.chaining_values(owner, call.upload, call.first)
    })
    .await?;
    Ok(Answer {
        reply: Done {},
        body: Bytes::from(values.concat()),
    })
}

/// Compares and publishes.
pub(crate) async fn put_finish(services: &Services, who: &Identity, call: PutFinish) -> Answered<Entry> {
    let owner = still_allowed(services, who, call.upload).await?;
    Ok(blocking(services, move |files| {
        files.finish(owner, call.upload, call.size, &call.hash)
    })
    .await?
    .into())
}

/// Gives an upload up.
pub(crate) async fn put_abort(services: &Services, who: &Identity, call: PutAbort) -> Answered<Done> {
    let owner = who.account;
    blocking(services, move |files| files.abort(owner, call.upload)).await?;
    Ok(Done {}.into())
}

/// Appends blocks, if `who` may still write there: asked once more, from memory, in front of the disk. Blocks, for the
/// disk.
pub(crate) fn append(
    services: &Services,
    who: &Identity,
    upload: UploadId,
    turn: Option<Turn>,
    offset: u64,
    blocks: &[Bytes],
) -> Result<Appended, Refusal> {
    let Some(role) = services.role(&who.account) else {
        return Err(denied(Denied::SessionEnded, "the upload"));
    };
    if !services.people.session_is_open(&who.session) {
        return Err(denied(Denied::SessionEnded, "the upload"));
    }
    let who = Identity { role, ..*who };
    let files = &services.files;
    let (place, overwrite) = files
        .upload_target(who.account, upload)
        .map_err(|error| from_files(&error))?;
    still_writable(services, &who, &place, overwrite)?;
    files
        .append(who.account, upload, turn, offset, blocks)
        .map_err(|error| from_files(&error))
}

/// Asks again at every step of an upload whether its owner may still write there.
async fn still_allowed(services: &Services, who: &Identity, upload: UploadId) -> Result<AccountId, Refusal> {
    let owner = who.account;
    let (place, overwrite) = blocking(services, move |files| files.upload_target(owner, upload)).await?;
    still_writable(services, who, &place, overwrite)?;
    Ok(owner)
}

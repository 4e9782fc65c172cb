//! The file requests: from a path on the wire to a place in the store, by way of [`authorise`](crate::authorise).

use crate::answer::{Answer, Answered};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::chat;
use crate::doors::{answered, arguments};
use crate::refusals::{denied, from_files};
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::Refusal;
use landline_model::id::{AccountId, UploadId};
use landline_model::path::{RemotePath, Space};
use landline_model::protocol::files::{
    Entry, List, ListPage, MakeDirectory, PutAbort, PutBlock, PutFinish, PutJournaled, PutOpen, PutOpened,
    Remove, Rename, Stat,
};
use landline_model::protocol::{Call as _, Done, PAGE_BYTES_MAX, PAGE_MAX, RequestHeader};
use landline_store::files::{Files, FilesError, ListRequest, OpenFile, Place, SpaceId, UploadRequest};
use std::sync::Arc;

/// Answers a request about files by somebody who is logged in, but for `get`; none: it is not one.
pub(crate) async fn answer(
    services: &Services,
    who: &Identity,
    header: &RequestHeader<'_>,
    body: Bytes,
) -> Option<Bytes> {
    let id = header.id;
    Some(match &*header.name {
        List::NAME => answered(id, async { list(services, who, arguments(header)?).await }).await,
        Stat::NAME => answered(id, async { stat(services, who, arguments(header)?).await }).await,
        PutOpen::NAME => answered(id, async { put_open(services, who, arguments(header)?).await }).await,
        PutBlock::NAME => {
            answered(id, async {
                put_block(services, who, arguments(header)?, body).await
            })
            .await
        }
        PutFinish::NAME => answered(id, async { put_finish(services, who, arguments(header)?).await }).await,
        PutAbort::NAME => answered(id, async { put_abort(services, who, arguments(header)?).await }).await,
        MakeDirectory::NAME => {
            answered(id, async {
                make_directory(services, who, arguments(header)?).await
            })
            .await
        }
        Remove::NAME => answered(id, async { remove(services, who, arguments(header)?).await }).await,
        Rename::NAME => answered(id, async { rename(services, who, arguments(header)?).await }).await,
        _ => return None,
    })
}

/// Lists a directory.
async fn list(services: &Services, who: &Identity, call: List) -> Answered<ListPage> {
    let place = place(services, who, Action::ReadFiles, &call.path)?;
    let listing = blocking(services, move |files| {
        let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
        files.list(
            &place,
            &ListRequest {
                after: call.after.as_ref(),
                limit,
                byte_limit: PAGE_BYTES_MAX,
            },
        )
    })
    .await?;
    let (body, count) = crate::answer::json_lines(&listing.entries, landline_wire::BODY_MAX)?;
    Ok(Answer {
        reply: ListPage {
            more: listing.more || count < listing.entries.len(),
        },
        body,
    })
}

/// Tells about one file or directory.
async fn stat(services: &Services, who: &Identity, call: Stat) -> Answered<Entry> {
    let place = place(services, who, Action::ReadFiles, &call.path)?;
    Ok(blocking(services, move |files| files.stat(&place)).await?.into())
}

/// Opens a file for reading.
pub(crate) async fn open(
    services: &Services,
    who: &Identity,
    path: &RemotePath,
) -> Result<Arc<OpenFile>, Refusal> {
    let place = place(services, who, Action::ReadFiles, path)?;
    blocking(services, move |files| files.read(&place).map(Arc::new)).await
}

/// Asks again, in the middle of sending it, whether somebody may still read a file there.
pub(crate) fn still_readable(services: &Services, who: &Identity, path: &RemotePath) -> Result<(), Refusal> {
    place(services, who, Action::ReadFiles, path).map(drop)
}

/// Begins or resumes an upload.
async fn put_open(services: &Services, who: &Identity, call: PutOpen) -> Answered<PutOpened> {
    let place = place(services, who, Action::WriteFiles, &call.path)?;
    let owner = who.account;
    let opened = blocking(services, move |files| {
        let request = UploadRequest {
            size: call.size,
            overwrite: call.overwrite,
            resume: call.resume,
        };
        files.open_upload(owner, &place, &request)
    })
    .await?;
    let body = Bytes::from(opened.chaining_values.concat());
    Ok(Answer {
        reply: PutOpened {
            upload: opened.upload,
            offset: opened.offset,
        },
        body,
    })
}

/// Takes one block.
async fn put_block(
    services: &Services,
    who: &Identity,
    call: PutBlock,
    body: Bytes,
) -> Answered<PutJournaled> {
    let owner = still_allowed(services, who, call.upload).await?;
    let offset = blocking(services, move |files| {
        files.write_block(owner, call.upload, call.offset, &body)
    })
    .await?;
    Ok(PutJournaled { offset }.into())
}

/// Compares and publishes.
async fn put_finish(services: &Services, who: &Identity, call: PutFinish) -> Answered<Entry> {
    let owner = still_allowed(services, who, call.upload).await?;
    Ok(blocking(services, move |files| {
        files.finish(owner, call.upload, call.size, &call.hash)
    })
    .await?
    .into())
}

/// Gives an upload up.
async fn put_abort(services: &Services, who: &Identity, call: PutAbort) -> Answered<Done> {
    let owner = who.account;
    blocking(services, move |files| files.abort(owner, call.upload)).await?;
    Ok(Done {}.into())
}

/// Makes a directory.
async fn make_directory(services: &Services, who: &Identity, call: MakeDirectory) -> Answered<Done> {
    let place = place(services, who, Action::WriteFiles, &call.path)?;
    blocking(services, move |files| files.make_directory(&place, call.parents)).await?;
    Ok(Done {}.into())
}

/// Moves to the trash.
async fn remove(services: &Services, who: &Identity, call: Remove) -> Answered<Done> {
    let place = place(services, who, Action::WriteFiles, &call.path)?;
    let actor = who.account;
    blocking(services, move |files| files.remove(actor, &place, call.recursive)).await?;
    Ok(Done {}.into())
}

/// Moves to another name or place.
async fn rename(services: &Services, who: &Identity, call: Rename) -> Answered<Done> {
    let from = place(services, who, Action::WriteFiles, &call.from)?;
    let to = place(services, who, Action::WriteFiles, &call.to)?;
    let actor = who.account;
    blocking(services, move |files| {
        files.rename(actor, &from, &to, call.overwrite)
    })
    .await?;
    Ok(Done {}.into())
}

/// Runs work on the store's files on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    services: &Services,
    work: impl FnOnce(&Files) -> Result<T, FilesError> + Send + 'static,
) -> Result<T, Refusal> {
    let files = services.files.clone();
    crate::services::blocking(move || work(&files).map_err(|error| from_files(&error))).await
}

/// The place in the store that a path names for `who`, if `who` may do `action` there.
fn place(services: &Services, who: &Identity, action: Action, path: &RemotePath) -> Result<Place, Refusal> {
    let (space, resource) = match &path.space {
        Space::Home => (SpaceId::Home(who.account), Resource::Home(who.account)),
        Space::Shared => (SpaceId::Shared, Resource::SharedFiles),
        Space::Room(name) => {
            let (room, facts) = chat::visible(services, who, name)?;
            (SpaceId::Room(room.genesis.room), Resource::RoomFiles(facts))
        }
    };
    authorise(who, action, resource, services.now()).map_err(|why| denied(why, &path.to_string()))?;
    Ok(Place::new(space, path.components.clone()))
}

/// Asks again at every step of an upload whether its owner may still write there.
async fn still_allowed(services: &Services, who: &Identity, upload: UploadId) -> Result<AccountId, Refusal> {
    let owner = who.account;
    let place = blocking(services, move |files| files.upload_place(owner, upload)).await?;
    let resource = match place.space {
        SpaceId::Home(account) => Resource::Home(account),
        SpaceId::Shared => Resource::SharedFiles,
        SpaceId::Room(room) => {
            let facts = services.chat.facts(&room, &who.account, None);
            // Rooms do not go away, and this one was there when the upload was begun.
            Resource::RoomFiles(
                facts.ok_or_else(|| from_files(&FilesError::NotFound("the room".to_owned())))?,
            )
        }
    };
    authorise(who, Action::WriteFiles, resource, services.now()).map_err(|why| denied(why, "the upload"))?;
    Ok(owner)
}

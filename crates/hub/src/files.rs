//! The file requests: from a path on the wire to a place in the store, by way of [`authorise`](crate::authorise).

use crate::answer::{Answer, Answered};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::chat;
use crate::doors::{answered, arguments};
use crate::refusals::{denied, from_files};
use crate::services::Services;
use bytes::Bytes;
use landline_model::denied::Denied;
use landline_model::error::Refusal;
use landline_model::id::{AccountId, UploadId};
use landline_model::path::{RemotePath, Space};
use landline_model::protocol::files::{
    Entry, List, ListPage, MakeDirectory, PutAbort, PutBlock, PutFile, PutFinish, PutJournaled, PutOpen,
    PutOpened, Remove, Rename, Stat,
};
use landline_model::protocol::{Call as _, Done, PAGE_BYTES_MAX, PAGE_MAX, RequestHeader};
use landline_store::files::{Files, FilesError, ListRequest, Place, SmallFile, SpaceId, UploadRequest};
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

/// The place of what `who` may read.
pub(crate) fn readable(services: &Services, who: &Identity, path: &RemotePath) -> Result<Place, Refusal> {
    place(services, who, Action::ReadFiles, path)
}

/// Asks again, in the middle of sending it, whether somebody may still read a file there.
pub(crate) fn still_readable(services: &Services, who: &Identity, path: &RemotePath) -> Result<(), Refusal> {
    readable(services, who, path).map(drop)
}

/// Begins or resumes an upload.
async fn put_open(services: &Services, who: &Identity, call: PutOpen) -> Answered<PutOpened> {
    let place = place(services, who, Action::WriteFiles, &call.path)?;
    let owner = who.account;
    let opened = blocking(services, move |files| {
        let request = UploadRequest {
            size: call.size,
            overwrite: call.overwrite,
            attributes: call.attributes,
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

/// What a small file is to become, if `who` may write there.
pub(crate) fn small_file(
    services: &Services,
    who: &Identity,
    call: &PutFile,
    content: Bytes,
) -> Result<SmallFile<Bytes>, Refusal> {
    let place = place(services, who, Action::WriteFiles, &call.path)?;
    Ok(SmallFile {
        place,
        content,
        hash: call.hash,
        overwrite: call.overwrite,
        parents: call.parents,
        attributes: call.attributes,
    })
}

/// Publishes small files, those that `who` may still write. Says for each what became of it.
pub(crate) async fn put_files(
    services: Arc<Services>,
    who: Result<Identity, Refusal>,
    files: Vec<SmallFile<Bytes>>,
) -> Vec<Result<Entry, Refusal>> {
    let count = files.len();
    let work = {
        let services = Arc::clone(&services);
        move || {
            let who = who?;
            if !services.people.session_is_open(&who.session) {
                return Err(denied(Denied::SessionEnded, "the files"));
            }
            let mut refusals = Vec::with_capacity(files.len());
            let mut allowed = Vec::with_capacity(files.len());
            for file in files {
                let refusal = still_writable(&services, &who, file.place.space).err();
                if refusal.is_none() {
                    allowed.push(file);
                }
                refusals.push(refusal);
            }
            let mut published = services.files.put_files(who.account, &allowed).into_iter();
            let lost = || FilesError::Internal("a file got no answer".to_owned());
            let answer = |refusal: Option<Refusal>| match refusal {
                Some(refusal) => Err(refusal),
                None => published
                    .next()
                    .unwrap_or_else(|| Err(lost()))
                    .map_err(|error| from_files(&error)),
            };
            Ok(refusals.into_iter().map(answer).collect())
        }
    };
    match crate::services::blocking(work).await {
        Ok(answers) => answers,
        Err(refusal) => (0..count).map(|_| Err(refusal.clone())).collect(),
    }
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
    still_writable(services, who, place.space)?;
    Ok(owner)
}

/// Says whether `who` may write to a space now.
fn still_writable(services: &Services, who: &Identity, space: SpaceId) -> Result<(), Refusal> {
    let resource = match space {
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
    authorise(who, Action::WriteFiles, resource, services.now()).map_err(|why| denied(why, "the upload"))
}

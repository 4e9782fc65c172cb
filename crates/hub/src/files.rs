//! The file requests: from a path on the wire to a place in the store, by way of [`authorise`](crate::authorise).

mod copy;
mod digest;
mod listing;
mod standing;
mod streaming;
mod tree;
pub(crate) mod underway;
pub(crate) mod upload;

pub(crate) use copy::copy;
pub(crate) use digest::hash_file;
pub(crate) use listing::Listing;
pub(crate) use streaming::{Streamed, Streaming};
pub(crate) use tree::list_tree;

use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::chat;
use crate::doors::{answered, arguments};
use crate::refusals::{denied, from_files};
use crate::services::Services;
use bytes::Bytes;
use landline_model::denied::Denied;
use landline_model::error::Refusal;
use landline_model::path::{RemotePath, Space};
use landline_model::protocol::files::{Entry, EntryKind, MakeDirectory, PutFile, Remove, Rename, Stat};
use landline_model::protocol::{Call as _, Done, RequestHeader};
use landline_store::files::{Files, FilesError, Place, SmallFile, SpaceId};
use std::sync::Arc;

/// Answers a request about files by somebody who is logged in, but for `get`, `put_file`, `list`, those of uploads and what
/// is answered in parts; none: it is not one.
pub(crate) async fn answer(services: &Services, who: &Identity, header: &RequestHeader<'_>) -> Option<Bytes> {
    let id = header.id;
    Some(match &*header.name {
        Stat::NAME => answered(id, async { stat(services, who, arguments(header)?).await }).await,
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

/// Tells about one file or directory.
async fn stat(services: &Services, who: &Identity, call: Stat) -> Answered<Entry> {
    match place(services, who, Action::ReadFiles, &call.path) {
        Ok(place) => Ok(blocking(services, move |files| files.stat(&place)).await?.into()),
        Err(refusal) => directory_to_add_to(services, who, &call.path, refusal).await,
    }
}

/// Who may only add files may know that a directory is one, and nothing of what is in it.
async fn directory_to_add_to(
    services: &Services,
    who: &Identity,
    path: &RemotePath,
    refusal: Refusal,
) -> Answered<Entry> {
    let Ok(place) = place(services, who, Action::AddFiles, path) else {
        return Err(refusal);
    };
    match blocking(services, move |files| files.stat(&place)).await {
        Ok(entry) if entry.kind == EntryKind::Directory => Ok(entry.into()),
        _ => Err(refusal),
    }
}

/// The place of what `who` may read.
pub(crate) fn readable(services: &Services, who: &Identity, path: &RemotePath) -> Result<Place, Refusal> {
    place(services, who, Action::ReadFiles, path)
}

/// Asks again, in the middle of sending it, whether somebody may still read a file there.
pub(crate) fn still_readable(services: &Services, who: &Identity, path: &RemotePath) -> Result<(), Refusal> {
    readable(services, who, path).map(drop)
}

/// What a small file is to become, if `who` may write there.
pub(crate) fn small_file(
    services: &Services,
    who: &Identity,
    call: &PutFile,
    content: Bytes,
) -> Result<SmallFile<Bytes>, Refusal> {
    let (place, overwrite) = addable(services, who, &call.path, call.overwrite)?;
    // To make directories takes the right to write, as it does by itself.
    let may_write = || allowed_at(services, who, Action::WriteFiles, &place, "").is_ok();
    let parents = call.parents && may_write();
    Ok(SmallFile {
        place,
        content,
        hash: call.hash,
        overwrite,
        parents,
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
                let refusal =
                    still_writable(&services, &who, &file.place, file.overwrite || file.parents).err();
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
pub(crate) fn place(
    services: &Services,
    who: &Identity,
    action: Action,
    path: &RemotePath,
) -> Result<Place, Refusal> {
    let space = match &path.space {
        Space::Home => SpaceId::Home(who.account),
        Space::Shared => SpaceId::Shared,
        Space::Room(name) => SpaceId::Room(chat::visible(services, who, name)?.0.genesis.room),
    };
    let place = Place::new(space, path.components.clone());
    allowed_at(services, who, action, &place, &path.to_string())?;
    Ok(place)
}

/// Says whether `who` may do `action` at a place now, by the rights in its space and the rules on its directories.
pub(crate) fn allowed_at(
    services: &Services,
    who: &Identity,
    action: Action,
    place: &Place,
    shown: &str,
) -> Result<(), Refusal> {
    let rule = services
        .files
        .access()
        .right(place.space, &place.components, &who.account, who.role);
    let resource = match place.space {
        SpaceId::Home(account) => Resource::Home(account),
        SpaceId::Shared => Resource::SharedFiles(rule),
        SpaceId::Room(room) => {
            let facts = services.chat.facts(&room, &who.account, None);
            // Rooms do not go away, and this one was there when it was named.
            let facts = facts.ok_or_else(|| from_files(&FilesError::NotFound("the room".to_owned())))?;
            Resource::RoomFiles(facts, rule)
        }
    };
    authorise(who, action, resource, services.now()).map_err(|why| denied(why, shown))
}

/// The place at which `who` may put a file, and whether one that is there may be replaced: who may only add files,
/// replaces none.
fn addable(
    services: &Services,
    who: &Identity,
    path: &RemotePath,
    overwrite: bool,
) -> Result<(Place, bool), Refusal> {
    let place = place(services, who, Action::AddFiles, path)?;
    let may_write = allowed_at(services, who, Action::WriteFiles, &place, "").is_ok();
    Ok((place, overwrite && may_write))
}

/// Says whether `who` may still put a file there, and replace one where that was asked for.
fn still_writable(
    services: &Services,
    who: &Identity,
    place: &Place,
    overwrite: bool,
) -> Result<(), Refusal> {
    let action = if overwrite {
        Action::WriteFiles
    } else {
        Action::AddFiles
    };
    allowed_at(services, who, action, place, "the upload")
}

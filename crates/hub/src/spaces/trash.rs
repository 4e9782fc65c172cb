//! The trash: everybody sees and empties their own, and nobody else's.

use super::name::path_of;
use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::files::{blocking, place};
use crate::refusals::denied;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::path::RemotePath;
use landline_model::protocol::spaces::{
    TRASH_IDS_MAX, TrashCursor, TrashEmptied, TrashEmpty, TrashList, TrashPage, TrashPiece, TrashRead,
    TrashRestore, TrashRestored, Trashed,
};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use landline_model::time::Timestamp;
use landline_store::files::{Emptied, FilesError, InTrash, TrashRequest};

/// How many things one request deletes for good; who wants more asks again.
const EMPTIED_MAX: usize = 256;

/// A page of one's own trash.
pub(super) async fn list(services: &Services, who: &Identity, call: TrashList) -> Answered<TrashPage> {
    own(services, who, Action::ReadFiles)?;
    let origin = match &call.path {
        Some(path) => Some(place(services, who, Action::ReadFiles, path)?),
        None => None,
    };
    let owner = who.account;
    let page = blocking(services, move |files| {
        files.trash(
            owner,
            &TrashRequest {
                after: call.after.map(|after| (after.deleted, after.id)),
                origin: origin.as_ref(),
                replaced: call.replaced,
                limit: usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1),
            },
        )
    })
    .await?;
    let things: Vec<Trashed> = page
        .things
        .iter()
        .map(|thing| described(services, who, thing))
        .collect();
    let (body, count) = json_lines(&things, PAGE_BYTES_MAX)?;
    let mut next = page.next.map(|(deleted, id)| TrashCursor { deleted, id });
    if let Some(last) = things[..count].last().filter(|_| count < things.len()) {
        next = Some(TrashCursor {
            deleted: last.deleted,
            id: last.id,
        });
    }
    Ok(Answer {
        reply: TrashPage { next },
        body,
    })
}

fn described(services: &Services, who: &Identity, thing: &InTrash) -> Trashed {
    let by = thing.actor.and_then(|actor| services.people.account(&actor));
    Trashed {
        id: thing.id,
        path: thing
            .origin
            .as_ref()
            .and_then(|origin| path_of(services, who, origin)),
        kind: thing.kind,
        size: thing.size,
        modified: thing.modified,
        deleted: thing.deleted,
        expires: thing.expires,
        by: by.map(|by| by.name),
        replaced: thing.replaced,
        hash: thing.hash,
    }
}

/// Takes something out of the trash.
pub(super) async fn restore(
    services: &Services,
    who: &Identity,
    call: TrashRestore,
) -> Answered<TrashRestored> {
    own(services, who, Action::WriteFiles)?;
    let (owner, id) = (who.account, call.id);
    let thing = blocking(services, move |files| files.trashed_thing(owner, id)).await?;
    let path = match call.to {
        Some(path) => path,
        None => came_from(services, who, &thing)?,
    };
    let to = place(services, who, Action::WriteFiles, &path)?;
    blocking(services, move |files| {
        files.restore(owner, id, Some(&to), call.overwrite)
    })
    .await?;
    Ok(TrashRestored { path }.into())
}

fn came_from(services: &Services, who: &Identity, thing: &InTrash) -> Result<RemotePath, Refusal> {
    let path = thing
        .origin
        .as_ref()
        .and_then(|origin| path_of(services, who, origin));
    path.ok_or_else(|| {
        let message = format!("where {} was is no place that you can name", thing.id);
        Refusal::new(ErrorCode::Conflict, message)
            .with_hint("say where it is to go: landline trash restore ID --to :PATH")
    })
}

/// Deletes for good.
pub(super) async fn empty(services: &Services, who: &Identity, call: TrashEmpty) -> Answered<TrashEmptied> {
    own(services, who, Action::WriteFiles)?;
    if call.ids.len() > TRASH_IDS_MAX {
        let message = format!("one request names at most {TRASH_IDS_MAX} things");
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    let owner = who.account;
    let until = Timestamp(services.now().0.saturating_sub(call.older.saturating_mul(1000)));
    let emptied = blocking(services, move |files| {
        if call.ids.is_empty() {
            return files.empty_trash(owner, until, EMPTIED_MAX);
        }
        let mut emptied = Emptied::default();
        for id in call.ids {
            if files.trashed_thing(owner, id)?.deleted > until {
                continue;
            }
            emptied.bytes = emptied.bytes.saturating_add(files.delete_trashed(owner, id)?);
            emptied.things += 1;
        }
        Ok(emptied)
    })
    .await?;
    Ok(TrashEmptied {
        things: emptied.things,
        bytes: emptied.bytes,
        more: emptied.more,
    }
    .into())
}

/// Reads from a file in the trash.
pub(super) async fn read(services: &Services, who: &Identity, call: TrashRead) -> Answered<TrashPiece> {
    own(services, who, Action::ReadFiles)?;
    let owner = who.account;
    let (reply, bytes) = blocking(services, move |files| {
        let file = files.read_trashed(owner, call.id)?;
        let rest = file.size().saturating_sub(call.offset);
        let mut bytes = vec![0; usize::try_from(rest).unwrap_or(usize::MAX).min(PAGE_BYTES_MAX)];
        let read = file.read_at(call.offset, &mut bytes)?;
        bytes.truncate(read);
        let reply = TrashPiece {
            size: file.size(),
            hash: file.known_hash(),
            attributes: file.attributes(),
        };
        Ok::<_, FilesError>((reply, bytes))
    })
    .await?;
    Ok(Answer {
        reply,
        body: Bytes::from(bytes),
    })
}

fn own(services: &Services, who: &Identity, action: Action) -> Result<(), Refusal> {
    authorise(who, action, Resource::Home(who.account), services.now())
        .map_err(|why| denied(why, "the trash"))
}

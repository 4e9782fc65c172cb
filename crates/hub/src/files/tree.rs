//! `list_tree`: a whole tree in one answer.

use super::standing::Standing;
use super::streaming::{Parts, Streaming, TREES};
use crate::authorise::Identity;
use crate::refusals::from_files;
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::trees::{ListTree, Listed, TREE_PART_MAX, TreeEntry, TreePart};
use landline_store::files::TreeRequest;
use std::sync::Arc;

/// The longest line of an entry, about: a name that is not UTF-8, and why it cannot be listed.
const LINE_MAX: usize = 8 * 1024;

/// Begins to walk over a tree.
pub(crate) async fn list_tree(
    services: &Arc<Services>,
    who: &Identity,
    call: ListTree,
) -> Streaming<TreePart, Listed> {
    let standing = Standing::new(services, who);
    Streaming::begin(&TREES, move |parts| walk(&standing, &call, parts)).await
}

fn walk(standing: &Standing, call: &ListTree, parts: &Parts<TreePart, Listed>) -> Result<Listed, Refusal> {
    let place = standing.readable(&call.path)?;
    let request = TreeRequest {
        depth: call.depth,
        details: call.details,
    };
    let files = &standing.services.files;
    let mut walk = files
        .walk_tree(&place, request)
        .map_err(|error| from_files(&error))?;
    let mut listed = Listed::default();
    let mut lines = Lines::default();
    while let Some(mut entry) = walk.next_entry().map_err(|error| from_files(&error))? {
        if entry.kind == EntryKind::Directory && entry.error.is_none() {
            // What lies below may have rules of its own.
            let below = below(&call.path, walk.way(), &entry);
            if let Err(refusal) = below.and_then(|path| standing.readable(&path)) {
                if refusal.code == ErrorCode::Unauthenticated {
                    return Err(refusal);
                }
                entry.error = Some(refusal.message);
                walk.skip();
            }
        }
        listed.entries += 1;
        listed.errors += u64::from(entry.error.is_some());
        lines.push(&entry)?;
        if lines.bytes.len() + LINE_MAX > TREE_PART_MAX {
            lines.send(parts)?;
        }
    }
    lines.send(parts)?;
    Ok(listed)
}

/// The path of an entry that stands at the end of this way.
pub(super) fn below(
    top: &RemotePath,
    way: Vec<landline_model::path::Component>,
    entry: &TreeEntry,
) -> Result<RemotePath, Refusal> {
    let mut path = top.clone();
    path.components.extend(way);
    path.join(entry.name.clone())
        .map_err(|error| Refusal::new(ErrorCode::TooLarge, error.to_string()))
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    entries: u64,
}

impl Lines {
    fn push(&mut self, entry: &TreeEntry) -> Result<(), Refusal> {
        serde_json::to_writer(&mut self.bytes, entry).map_err(|error| {
            tracing::error!(%error, "an entry of a tree cannot be written");
            crate::services::went_wrong()
        })?;
        self.bytes.push(b'\n');
        self.entries += 1;
        Ok(())
    }

    fn send(&mut self, parts: &Parts<TreePart, Listed>) -> Result<(), Refusal> {
        let entries = std::mem::take(&mut self.entries);
        if entries == 0 {
            return Ok(());
        }
        parts.send(TreePart { entries }, std::mem::take(&mut self.bytes))
    }
}

//! Two trees as one stream: what stands here, at the hub, or on both sides.

use super::Lines;
use super::exclude::{Exclude, is_excluded};
use super::hashes::LocalHashes;
use super::local::{Found, LocalTree, Stamp, order};
use super::places::Places;
use crate::files::{Directory, FilesError, Tree, hash_file};
use landline_model::error::ErrorCode;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::{EntryKind, NANOS_PER_MILLISECOND};
use landline_model::protocol::trees::{Algorithm, TreeEntry};
use std::cmp::Ordering;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::Arc;

/// What comes next in the order of both trees.
pub(super) struct Next {
    /// The names that lead there from the tops.
    pub(super) way: Vec<OsString>,
    pub(super) here: Option<Found>,
    pub(super) there: Option<TreeEntry>,
}

/// The two trees.
pub(super) struct Merge {
    local: LocalTree,
    here: Option<Found>,
    remote: Option<Tree>,
    there: Option<TreeEntry>,
    excludes: Arc<[Exclude]>,
}

impl Merge {
    /// Begins to read both. A remote one that is not there is empty where `may_lack`.
    pub(super) async fn open(
        lines: Lines<'_>,
        local: Arc<Directory>,
        remote: &RemotePath,
        options: &super::SyncOptions,
        may_lack: bool,
    ) -> Result<Self, FilesError> {
        let excludes: Arc<[Exclude]> = options.excludes.as_slice().into();
        let tree = Tree::open(lines.listing, remote, None, options.checksum).await?;
        let mut merge = Self {
            local: LocalTree::open(local, Arc::clone(&excludes)),
            here: None,
            remote: Some(tree),
            there: None,
            excludes,
        };
        match merge.next_there().await {
            Ok(()) => {}
            Err(error) if may_lack && error.code() == Some(ErrorCode::NotFound) => merge.remote = None,
            Err(error) => return Err(error),
        }
        merge.next_here().await?;
        Ok(merge)
    }

    /// What comes next; none behind the last one.
    ///
    /// # Errors
    /// Where one of the trees cannot be read any further.
    pub(super) async fn next(&mut self) -> Result<Option<Next>, FilesError> {
        let order = match (&self.here, &self.there) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), Some(_)) => order(self.way_here(), self.way_there()),
        };
        let mut next = Next {
            way: Vec::new(),
            here: None,
            there: None,
        };
        if order.is_le() {
            next.way = self.local.way().to_vec();
            next.here = self.here.take();
        }
        if order.is_gt() {
            let way = self.way_there().map(|name| OsString::from_vec(name.to_vec()));
            next.way = way.collect();
        }
        if order.is_ge() {
            next.there = self.there.take();
        }
        if order.is_le() {
            self.next_here().await?;
        }
        if order.is_ge() {
            self.next_there().await?;
        }
        Ok(Some(next))
    }

    /// Leaves out what is below a place at the hub.
    pub(super) async fn skip_there(&mut self, way: &[OsString]) -> Result<(), FilesError> {
        while self.there.is_some() && is_below(self.way_there(), way) {
            self.next_there().await?;
        }
        Ok(())
    }

    /// Leaves out what is below a place here.
    pub(super) async fn skip_here(&mut self, way: &[OsString]) -> Result<(), FilesError> {
        while self.here.is_some() && is_below(self.way_here(), way) {
            self.next_here().await?;
        }
        Ok(())
    }

    fn way_here(&self) -> impl Iterator<Item = &[u8]> {
        self.local.way().iter().map(|name| name.as_bytes())
    }

    fn way_there(&self) -> impl Iterator<Item = &[u8]> {
        let way = self.remote.as_ref().map(Tree::way).unwrap_or_default();
        way.iter().map(Component::as_bytes)
    }

    async fn next_here(&mut self) -> Result<(), FilesError> {
        self.here = self.local.next().await?;
        Ok(())
    }

    async fn next_there(&mut self) -> Result<(), FilesError> {
        let Some(tree) = &mut self.remote else {
            self.there = None;
            return Ok(());
        };
        // The depth of a directory that is left out, while what is below it comes.
        let mut left_out: Option<u32> = None;
        loop {
            let next = tree.next().await?;
            if let Some(entry) = &next {
                if left_out.is_some_and(|depth| entry.depth > depth) {
                    continue;
                }
                let is_directory = entry.kind == EntryKind::Directory;
                let way = tree.way().iter().map(Component::as_bytes);
                if is_excluded(&self.excludes, way, entry.name.as_bytes(), is_directory) {
                    left_out = is_directory.then_some(entry.depth);
                    continue;
                }
            }
            self.there = next;
            return Ok(());
        }
    }
}

fn is_below<'a>(mut way: impl Iterator<Item = &'a [u8]>, top: &[OsString]) -> bool {
    for name in top {
        if way.next() != Some(name.as_bytes()) {
            return false;
        }
    }
    way.next().is_some()
}

/// Compares files of the two sides.
pub(super) struct Comparing {
    /// By content; else by size and time.
    pub(super) hashes: Option<LocalHashes>,
}

impl Comparing {
    /// Whether the file here is like the one at the hub: both stand at `way` below their tops.
    ///
    /// # Errors
    /// Where one of them cannot be read.
    pub(super) async fn is_alike(
        &mut self,
        lines: Lines<'_>,
        way: &[OsString],
        (places, stamp): (&mut Places, Stamp),
        (top, entry): (&RemotePath, &TreeEntry),
    ) -> Result<bool, FilesError> {
        if stamp.size != entry.size {
            return Ok(false);
        }
        let Some(hashes) = &mut self.hashes else {
            return Ok(has_time_of(&stamp, entry));
        };
        let (directory, name) = places.parent(way)?;
        let local = hashes.of(directory, name, stamp).await?;
        let there = match entry.hash {
            Some(hash) => hash.to_string(),
            None => {
                let path = remote(top, way)?;
                hash_file(lines.work, &path, Algorithm::Blake3).await?.digest
            }
        };
        Ok(local.to_string() == there)
    }
}

/// Whether a file was changed when the hub says so. What was before 1970 has no place on the way.
fn has_time_of(stamp: &Stamp, entry: &TreeEntry) -> bool {
    let Ok(modified) = u64::try_from(stamp.modified) else {
        return true;
    };
    let there = entry
        .modified
        .0
        .saturating_mul(u64::from(NANOS_PER_MILLISECOND))
        .saturating_add(u64::from(entry.modified_nanos));
    modified == there
}

/// The path at the hub of what stands at `way`.
pub(super) fn remote(top: &RemotePath, way: &[OsString]) -> Result<RemotePath, FilesError> {
    let failed = |error| FilesError::Path {
        path: way.iter().collect(),
        error,
    };
    let Some((last, above)) = way.split_last() else {
        return Ok(top.clone());
    };
    let mut path = top.clone();
    for name in above {
        path.components
            .push(Component::new(name.as_bytes()).map_err(failed)?);
    }
    // This looks at the length of the whole.
    let last = Component::new(last.as_bytes()).map_err(failed)?;
    path.join(last).map_err(failed)
}

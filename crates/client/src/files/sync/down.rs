//! Making a tree here like one at the hub.

use super::exclude::Exclude;
use super::hashes::LocalHashes;
use super::local::{Found, What};
use super::merge::{Comparing, Merge, Next, remote};
use super::places::Places;
use super::removal::remove_local;
use super::up::described;
use super::{Lines, SyncOptions, Synced};
use crate::files::fetched::{FETCHED_MAX, Fetching};
use crate::files::{
    Deed, Destination, Direction, Directory, FilesError, Kind, Progress, Skipped, Transfer, blocking, get,
};
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::trees::TreeEntry;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) struct Down<'a> {
    lines: Lines<'a>,
    top: RemotePath,
    local: Arc<Directory>,
    options: &'a SyncOptions,
    progress: &'a dyn Progress,
    excludes: Arc<[Exclude]>,
    places: Places,
    comparing: Comparing,
    synced: Synced,
    small: Fetching<'a>,
}

impl<'a> Down<'a> {
    pub(super) fn new(
        lines: Lines<'a>,
        top: &RemotePath,
        local: Arc<Directory>,
        options: &'a SyncOptions,
        progress: &'a dyn Progress,
        hashes: Option<LocalHashes>,
    ) -> Self {
        Self {
            lines,
            top: top.clone(),
            places: Places::new(Arc::clone(&local), !options.dry_run),
            excludes: options.excludes.as_slice().into(),
            local,
            options,
            progress,
            comparing: Comparing { hashes },
            synced: Synced::default(),
            small: Fetching::new(lines.work, true, progress),
        }
    }

    pub(super) async fn run(&mut self) -> Result<Synced, FilesError> {
        let local = Arc::clone(&self.local);
        let mut merge = Merge::open(self.lines, local, &self.top, self.options, false).await?;
        while let Some(next) = merge.next().await? {
            if let Err(error) = self.take(&mut merge, next).await {
                self.fail(error)?;
            }
        }
        self.small.settle(&mut self.synced.tally).await?;
        if let Some(hashes) = &mut self.comparing.hashes {
            hashes.save();
        }
        Ok(self.synced)
    }

    async fn take(&mut self, merge: &mut Merge, next: Next) -> Result<(), FilesError> {
        let Next { way, here, there } = next;
        match (here, there) {
            (
                _,
                Some(TreeEntry {
                    error: Some(reason), ..
                }),
            ) => {
                // What is here in its place is not known to be too much.
                merge.skip_here(&way).await?;
                let path = remote(&self.top, &way)?;
                Err(FilesError::Unlisted { path, reason })
            }
            (
                Some(Found {
                    what: What::Failed(error),
                    ..
                }),
                there,
            ) => {
                if there.is_some() {
                    merge.skip_there(&way).await?;
                }
                Err(error)
            }
            (
                Some(Found {
                    what: What::Is(kind, stamp),
                    ..
                }),
                Some(entry),
            ) => {
                if kind == Kind::File && entry.kind == EntryKind::File {
                    let (here, there) = ((&mut self.places, stamp), (&self.top, &entry));
                    if self.comparing.is_alike(self.lines, &way, here, there).await? {
                        self.synced.unchanged += 1;
                        return Ok(());
                    }
                } else if !self.make_way(merge, &way, kind, &entry).await? {
                    return Ok(());
                }
                self.take_remote(way, &entry, kind == Kind::Directory).await
            }
            (None, Some(entry)) => self.take_remote(way, &entry, false).await,
            (
                Some(Found {
                    what: What::Is(kind, _),
                    ..
                }),
                None,
            ) => self.take_local(merge, way, kind).await,
            (None, None) => Ok(()),
        }
    }

    /// Where other things stand on the two sides: says whether the hub's may come here.
    async fn make_way(
        &mut self,
        merge: &mut Merge,
        way: &[OsString],
        kind: Kind,
        entry: &TreeEntry,
    ) -> Result<bool, FilesError> {
        let directories = (kind == Kind::Directory, entry.kind == EntryKind::Directory);
        match (directories, entry.kind) {
            // What the hub does not hand out leaves what is here alone.
            (_, EntryKind::Other) => {
                merge.skip_here(way).await?;
                self.skip(way)?;
                Ok(false)
            }
            ((true, true), _) => Ok(true),
            // A link or a special file here makes way for a file as a file does.
            ((false, false), _) if kind == Kind::Link => Ok(true),
            _ if self.options.delete => {
                merge.skip_here(way).await?;
                self.delete(way).await
            }
            _ => {
                merge.skip_here(way).await?;
                merge.skip_there(way).await?;
                let path = remote(&self.top, way)?;
                let (here, there) = (kind.described(), described(entry.kind));
                Err(FilesError::Unlike { path, here, there })
            }
        }
    }

    /// Something that is at the hub and not here, or another one.
    async fn take_remote(
        &mut self,
        way: Vec<OsString>,
        entry: &TreeEntry,
        is_there: bool,
    ) -> Result<(), FilesError> {
        match entry.kind {
            EntryKind::Directory if is_there => Ok(()),
            EntryKind::Directory => {
                self.progress.deed(&Deed::MakeLocal(&self.shown(&way)));
                if self.options.dry_run {
                    return Ok(());
                }
                self.places.directory(&way).map(drop)
            }
            EntryKind::File => self.fetch(way, entry.size).await,
            _ => self.skip(&way),
        }
    }

    async fn fetch(&mut self, way: Vec<OsString>, size: u64) -> Result<(), FilesError> {
        let path = remote(&self.top, &way)?;
        if self.options.dry_run {
            let transfer = Transfer {
                direction: Direction::Get,
                local: &self.shown(&way),
                remote: &path,
                size,
            };
            self.progress.deed(&Deed::Transfer(transfer));
            self.synced.tally.done += 1;
            return Ok(());
        }
        let (directory, name) = self.places.parent(&way)?;
        let destination = Destination { directory, name };
        if size <= FETCHED_MAX {
            return self
                .small
                .ask(path, size, destination, &mut self.synced.tally)
                .await;
        }
        get(self.lines.work, &path, &destination, true, self.progress).await?;
        self.synced.tally.done += 1;
        Ok(())
    }

    /// Something that is only here.
    async fn take_local(
        &mut self,
        merge: &mut Merge,
        way: Vec<OsString>,
        kind: Kind,
    ) -> Result<(), FilesError> {
        if !self.options.delete {
            return Ok(());
        }
        if kind == Kind::Directory {
            merge.skip_here(&way).await?;
        }
        self.delete(&way).await.map(drop)
    }

    /// Says whether all of it is gone.
    async fn delete(&mut self, way: &[OsString]) -> Result<bool, FilesError> {
        self.progress.deed(&Deed::DeleteLocal(&self.shown(way)));
        self.synced.deleted += 1;
        if self.options.dry_run {
            return Ok(true);
        }
        let (directory, name) = self.places.parent(way)?;
        let (excludes, way) = (Arc::clone(&self.excludes), way.to_vec());
        blocking(move || remove_local(&directory, &name, &excludes, &way)).await
    }

    fn skip(&mut self, way: &[OsString]) -> Result<(), FilesError> {
        self.synced.tally.skipped += 1;
        self.progress.skipped(&Skipped::Remote(&remote(&self.top, way)?));
        Ok(())
    }

    fn fail(&mut self, error: FilesError) -> Result<(), FilesError> {
        self.synced.tally.fail(error, self.progress)
    }

    fn shown(&self, way: &[OsString]) -> PathBuf {
        let mut path = self.local.path().to_owned();
        path.extend(way);
        path
    }
}

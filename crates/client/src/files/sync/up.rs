//! Making a tree at the hub like one here.

use super::hashes::LocalHashes;
use super::local::{Found, Stamp, What};
use super::merge::{Comparing, Merge, Next, remote};
use super::places::Places;
use super::removal::Removals;
use super::{Lines, SyncOptions, Synced};
use crate::files::link::Link;
use crate::files::put::{PutOptions, put_blocks};
use crate::files::small::{SMALL_MAX, SmallFile, SmallWindow};
use crate::files::{
    Deed, Direction, Directory, FilesError, Kind, Progress, Skipped, Source, Transfer, blocking,
    ensure_directory, make_directory,
};
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::trees::TreeEntry;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// How many small files, and about how many of their bytes, are read together.
const READ_FILES: usize = 64;
const READ_BYTES: u64 = 4 * 1024 * 1024;

pub(super) struct Up<'a> {
    lines: Lines<'a>,
    local: Arc<Directory>,
    top: RemotePath,
    options: &'a SyncOptions,
    progress: &'a dyn Progress,
    places: Places,
    comparing: Comparing,
    synced: Synced,
    small: SmallWindow<'a>,
    /// Small files that are to be read.
    queue: Vec<Job>,
    queued_bytes: u64,
    /// Those that are being read while the ones before are sent.
    reading: Option<JoinHandle<Result<Vec<Read>, FilesError>>>,
    /// Directories on the way to where the work is that are missing at the hub; the first file below makes them.
    missing: Vec<Vec<OsString>>,
    removals: Removals,
    /// Directories at the hub that are emptied one thing at a time, because something in them may be left out.
    doomed: Vec<Vec<OsString>>,
}

/// A small file that was read, and where it goes.
type Read = (RemotePath, Result<SmallFile, FilesError>);

struct Job {
    directory: Arc<Directory>,
    name: OsString,
    remote: RemotePath,
}

impl<'a> Up<'a> {
    pub(super) fn new(
        lines: Lines<'a>,
        local: Arc<Directory>,
        top: &RemotePath,
        options: &'a SyncOptions,
        progress: &'a dyn Progress,
        hashes: Option<LocalHashes>,
    ) -> Self {
        Self {
            places: Places::new(Arc::clone(&local), false),
            lines,
            local,
            top: top.clone(),
            options,
            progress,
            comparing: Comparing { hashes },
            synced: Synced::default(),
            small: SmallWindow::new(lines.work, true, progress),
            queue: Vec::new(),
            queued_bytes: 0,
            reading: None,
            missing: Vec::new(),
            removals: Removals::new(),
            doomed: Vec::new(),
        }
    }

    pub(super) async fn run(&mut self) -> Result<Synced, FilesError> {
        if !self.options.dry_run {
            ensure_directory(self.lines.work, &self.top).await?;
        }
        let local = Arc::clone(&self.local);
        let mut merge = Merge::open(self.lines, local, &self.top, self.options, self.options.dry_run).await?;
        while let Some(next) = merge.next().await? {
            if let Err(error) = self.leave(&next.way).await {
                self.fail(error)?;
            }
            if let Err(error) = self.take(&mut merge, next).await {
                self.fail(error)?;
            }
        }
        if let Err(error) = self.leave(&[]).await {
            self.fail(error)?;
        }
        self.read_queued().await?;
        self.send_read().await?;
        self.small.settle(&mut self.synced.tally).await?;
        loop {
            match self.removals.oldest().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => self.fail(error)?,
            }
        }
        if let Some(hashes) = &mut self.comparing.hashes {
            hashes.save();
        }
        Ok(self.synced)
    }

    async fn take(&mut self, merge: &mut Merge, next: Next) -> Result<(), FilesError> {
        let Next { way, here, there } = next;
        match (here, there) {
            (
                Some(Found {
                    what: What::Failed(error),
                    ..
                }),
                _,
            ) => {
                // What is at the hub in its place is not known to be too much.
                merge.skip_there(&way).await?;
                Err(error)
            }
            (
                Some(_),
                Some(TreeEntry {
                    error: Some(reason), ..
                }),
            ) => {
                merge.skip_here(&way).await?;
                let path = remote(&self.top, &way)?;
                Err(FilesError::Unlisted { path, reason })
            }
            (
                Some(Found {
                    what: What::Is(kind, stamp),
                    ..
                }),
                there,
            ) => self.take_local(merge, way, kind, stamp, there).await,
            (None, Some(entry)) => self.take_remote(merge, way, entry).await,
            (None, None) => Ok(()),
        }
    }

    async fn take_local(
        &mut self,
        merge: &mut Merge,
        way: Vec<OsString>,
        kind: Kind,
        stamp: Stamp,
        there: Option<TreeEntry>,
    ) -> Result<(), FilesError> {
        if let Some(entry) = there.as_ref().filter(|entry| entry.kind == EntryKind::File)
            && kind == Kind::File
        {
            let (here, there) = ((&mut self.places, stamp), (&self.top, entry));
            if self.comparing.is_alike(self.lines, &way, here, there).await? {
                self.synced.unchanged += 1;
                return Ok(());
            }
        }
        let path = remote(&self.top, &way)?;
        let mut there = there;
        let unlike = |entry: &TreeEntry| match kind {
            Kind::Directory => entry.kind != EntryKind::Directory,
            Kind::File => entry.kind != EntryKind::File,
            _ => false,
        };
        if let Some(entry) = there.take_if(|entry| unlike(entry)) {
            if !self.options.delete {
                merge.skip_here(&way).await?;
                merge.skip_there(&way).await?;
                let (here, there) = (kind.described(), described(entry.kind));
                return Err(FilesError::Unlike { path, here, there });
            }
            self.remove(path.clone(), true).await?;
            merge.skip_there(&way).await?;
        }
        match kind {
            Kind::Directory if there.is_none() => {
                self.progress.deed(&Deed::MakeRemote(&path));
                self.missing.push(way);
                Ok(())
            }
            Kind::Directory => Ok(()),
            Kind::File => self.take_file(way, path, stamp).await,
            kind => {
                // What stands in its place at the hub is left alone too.
                merge.skip_there(&way).await?;
                self.synced.tally.skipped += 1;
                let path = &self.shown(&way);
                let kind = kind.described();
                self.progress.skipped(&Skipped::Local { path, kind });
                Ok(())
            }
        }
    }

    async fn take_file(
        &mut self,
        way: Vec<OsString>,
        path: RemotePath,
        stamp: Stamp,
    ) -> Result<(), FilesError> {
        if self.options.dry_run {
            let transfer = Transfer {
                direction: Direction::Put,
                local: &self.shown(&way),
                remote: &path,
                size: stamp.size,
            };
            self.progress.deed(&Deed::Transfer(transfer));
            self.synced.tally.done += 1;
            return Ok(());
        }
        let (directory, name) = self.places.parent(&way)?;
        if stamp.size > SMALL_MAX {
            self.make_missing().await?;
            let source = Source::open_in(&directory, &name)?;
            let link = Link::new(self.lines.work.clone(), None);
            let options = PutOptions {
                overwrite: true,
                resume: true,
            };
            put_blocks(&link, source, &path, options, self.progress).await?;
            self.synced.tally.done += 1;
            return Ok(());
        }
        self.missing.clear();
        self.queued_bytes += stamp.size;
        self.queue.push(Job {
            directory,
            name,
            remote: path,
        });
        if self.queue.len() >= READ_FILES || self.queued_bytes >= READ_BYTES {
            self.read_queued().await?;
        }
        Ok(())
    }

    /// Something that is only at the hub.
    async fn take_remote(
        &mut self,
        merge: &mut Merge,
        way: Vec<OsString>,
        entry: TreeEntry,
    ) -> Result<(), FilesError> {
        let path = remote(&self.top, &way)?;
        let is_directory = entry.kind == EntryKind::Directory;
        if let Some(reason) = entry.error {
            return Err(FilesError::Unlisted { path, reason });
        }
        if !self.options.delete {
            return Ok(());
        }
        if is_directory && !self.options.excludes.is_empty() {
            self.doomed.push(way);
            return Ok(());
        }
        merge.skip_there(&way).await?;
        self.remove(path, is_directory).await
    }

    async fn remove(&mut self, path: RemotePath, recursive: bool) -> Result<(), FilesError> {
        self.progress.deed(&Deed::DeleteRemote(&path));
        self.synced.deleted += 1;
        if self.options.dry_run {
            return Ok(());
        }
        self.removals.ask(self.lines.work, path, recursive).await
    }

    /// Does what is left to do for directories that are behind us, now that the work is at `way`.
    async fn leave(&mut self, way: &[OsString]) -> Result<(), FilesError> {
        while let Some(last) = self.missing.pop_if(|last| !way.starts_with(last)) {
            if !self.options.dry_run {
                make_directory(self.lines.work, &remote(&self.top, &last)?, true).await?;
            }
        }
        while let Some(last) = self.doomed.pop_if(|last| !way.starts_with(last)) {
            if !self.options.dry_run {
                // It stays where something in it was left out.
                let path = remote(&self.top, &last)?;
                self.removals.ask(self.lines.work, path, false).await?;
            }
        }
        Ok(())
    }

    async fn make_missing(&mut self) -> Result<(), FilesError> {
        if let Some(deepest) = self.missing.last() {
            make_directory(self.lines.work, &remote(&self.top, deepest)?, true).await?;
            self.missing.clear();
        }
        Ok(())
    }

    /// Begins to read what is queued, and sends what was read before.
    async fn read_queued(&mut self) -> Result<(), FilesError> {
        self.send_read().await?;
        self.queued_bytes = 0;
        let queue = std::mem::take(&mut self.queue);
        if !queue.is_empty() {
            let read = |job: Job| {
                let source = Source::open_in(&job.directory, &job.name);
                (job.remote, source.and_then(SmallFile::read))
            };
            let read_all = move || Ok(queue.into_iter().map(read).collect());
            self.reading = Some(tokio::spawn(blocking(read_all)));
        }
        Ok(())
    }

    async fn send_read(&mut self) -> Result<(), FilesError> {
        let Some(reading) = self.reading.take() else {
            return Ok(());
        };
        for (remote, file) in reading.await.map_err(|_| FilesError::Stopped)?? {
            let sent = match file {
                Ok(file) => self.small.send(file, remote, &mut self.synced.tally).await,
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                self.fail(error)?;
            }
        }
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

pub(super) const fn described(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "a regular file",
        EntryKind::Directory => "a directory",
        _ => "neither a file nor a directory",
    }
}

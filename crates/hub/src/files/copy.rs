//! `copy`: a file or a tree, at the hub. Every file is asked for by itself, and appears like one that was sent.

use super::standing::Standing;
use super::streaming::{Parts, Streaming, TREES};
use super::tree::below;
use crate::authorise::Identity;
use crate::refusals::from_files;
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::trees::{Copied, Copy, CopyNews, TreeEntry};
use landline_store::files::{
    FILES_TOGETHER, Files, FilesError, OpenFile, SMALL_COPY_MAX, SmallFile, TreeRequest,
};
use std::cell::Cell;
use std::sync::Arc;

/// How many bytes of small files are gathered before they are published together, about.
const TOGETHER_BYTES: usize = 4 * 1024 * 1024;

/// After so many pieces of a large file it is told how far the copy is: so a connection that is gone is noticed.
const NEWS_PIECES: u64 = 4;

/// Begins to copy.
pub(crate) async fn copy(
    services: &Arc<Services>,
    who: &Identity,
    call: Copy,
) -> Streaming<CopyNews, Copied> {
    let standing = Standing::new(services, who);
    Streaming::begin(&TREES, move |parts| {
        let mut copying = Copying {
            standing: &standing,
            call: &call,
            parts,
            gathered: Vec::new(),
            bytes: 0,
            copied: Copied::default(),
        };
        copying.copy()?;
        Ok(copying.copied)
    })
    .await
}

struct Copying<'a> {
    standing: &'a Standing,
    call: &'a Copy,
    parts: &'a Parts<CopyNews, Copied>,
    /// Small files that are read, and where they are to appear.
    gathered: Vec<(RemotePath, SmallFile<Vec<u8>>)>,
    bytes: usize,
    copied: Copied,
}

impl Copying<'_> {
    fn copy(&mut self) -> Result<(), Refusal> {
        let Copy { from, to, .. } = self.call;
        let (source, target) = (self.standing.readable(from)?, self.standing.writable(to)?);
        if source.contains(&target) {
            let message = format!("{from} cannot be copied onto or into itself");
            return Err(Refusal::new(ErrorCode::WrongKind, message));
        }
        match self.files().stat(&source).map_err(refusal)?.kind {
            EntryKind::Directory if self.call.recursive => self.copy_tree(),
            EntryKind::Directory => {
                let message = format!("{from} is a directory");
                Err(Refusal::new(ErrorCode::WrongKind, message))
            }
            EntryKind::File => {
                self.take_file(from, to.clone())?;
                self.publish_gathered(true)
            }
            _ => {
                let message = format!("{from} is neither a file nor a directory");
                Err(Refusal::new(ErrorCode::WrongKind, message))
            }
        }
    }

    fn copy_tree(&mut self) -> Result<(), Refusal> {
        let Copy { from, to, .. } = self.call;
        self.make_directory(to)?;
        let source = self.standing.readable(from)?;
        let request = TreeRequest::default();
        let mut walk = self.files().walk_tree(&source, request).map_err(refusal)?;
        // Whoever moves the target below the source meanwhile does not have it copied into itself for ever.
        let target = self.standing.writable(to)?;
        match walk.avoid(&target) {
            Ok(()) => {}
            // A space to which nothing was ever written.
            Err(FilesError::NotFound(_)) if to.components.is_empty() => {}
            Err(error) => return Err(refusal(error)),
        }
        while let Some(entry) = walk.next_entry().map_err(refusal)? {
            self.parts.wanted()?;
            if let Err(refusal) = self.take(&entry, walk.way()) {
                self.survive(refusal)?;
                walk.skip();
            }
        }
        self.publish_gathered(false)
    }

    fn take(&mut self, entry: &TreeEntry, way: Vec<Component>) -> Result<(), Refusal> {
        let from = below(&self.call.from, way.clone(), entry)?;
        let to = below(&self.call.to, way, entry)?;
        if let Some(error) = &entry.error {
            return Err(Refusal::new(ErrorCode::Conflict, format!("{from}: {error}")));
        }
        match entry.kind {
            EntryKind::Directory => self
                .standing
                .readable(&from)
                .and_then(|_| self.make_directory(&to)),
            EntryKind::File => self.take_file(&from, to),
            _ => {
                self.copied.skipped += 1;
                Ok(())
            }
        }
    }

    /// Makes a directory unless it is there.
    fn make_directory(&mut self, path: &RemotePath) -> Result<(), Refusal> {
        let place = self.standing.writable(path)?;
        if !place.components.is_empty() {
            match self.files().make_directory(&place, false) {
                Ok(()) => {}
                Err(FilesError::Exists(_)) if self.is_directory(&place) => {}
                Err(error) => return Err(refusal(error)),
            }
        }
        self.copied.directories += 1;
        Ok(())
    }

    fn is_directory(&self, place: &landline_store::files::Place) -> bool {
        let there = self.files().stat(place);
        there.is_ok_and(|there| there.kind == EntryKind::Directory)
    }

    /// Copies a large file, or reads a small one.
    fn take_file(&mut self, from: &RemotePath, to: RemotePath) -> Result<(), Refusal> {
        let (source, target) = (self.standing.readable(from)?, self.standing.writable(&to)?);
        let file = self.files().read(&source).map_err(refusal)?;
        if file.size() > SMALL_COPY_MAX {
            return self.copy_large(&file, from, &to);
        }
        let small = self.files().small_copy(&file, target, self.call.overwrite);
        let small = small.map_err(refusal)?;
        self.bytes += small.content.len();
        self.gathered.push((to, small));
        if self.gathered.len() >= FILES_TOGETHER || self.bytes >= TOGETHER_BYTES {
            self.publish_gathered(false)?;
        }
        Ok(())
    }

    fn copy_large(&mut self, file: &OpenFile, from: &RemotePath, to: &RemotePath) -> Result<(), Refusal> {
        let target = self.standing.writable(to)?;
        let owner = self.standing.now()?.account;
        let (pieces, stopped) = (Cell::new(0), Cell::new(None));
        let go_on = || {
            let mut told = self.standing.readable(from).map(drop);
            told = told.and_then(|()| self.standing.writable(to).map(drop));
            if pieces.get() % NEWS_PIECES == NEWS_PIECES - 1 {
                told = told.and_then(|()| self.tell(None));
            }
            pieces.set(pieces.get() + 1);
            told.and_then(|()| self.parts.wanted()).map_err(|refusal| {
                stopped.set(Some(refusal));
                FilesError::Conflict("it is not wanted any more".to_owned())
            })
        };
        let copied = self
            .files()
            .copy_file(owner, file, &target, self.call.overwrite, &go_on);
        copied.map_err(|error| stopped.take().unwrap_or_else(|| refusal(error)))?;
        self.count(file.size());
        self.tell(None)
    }

    /// Publishes what was gathered; where it is `alone`, what it fails of is what the whole copy fails of.
    fn publish_gathered(&mut self, alone: bool) -> Result<(), Refusal> {
        self.bytes = 0;
        let gathered = std::mem::take(&mut self.gathered);
        if gathered.is_empty() {
            return Ok(());
        }
        let owner = self.standing.now()?.account;
        let mut allowed = Vec::with_capacity(gathered.len());
        for (to, small) in gathered {
            match self.standing.writable(&to) {
                Ok(_) => allowed.push(small),
                Err(refusal) if alone => return Err(refusal),
                Err(refusal) => self.survive(refusal)?,
            }
        }
        let results = self.files().put_files(owner, &allowed);
        for (small, result) in allowed.iter().zip(results) {
            match result {
                Ok(_) => self.count(small.content.len() as u64),
                Err(error) if alone => return Err(refusal(error)),
                Err(error) => self.survive(refusal(error))?,
            }
        }
        self.tell(None)
    }

    fn count(&mut self, bytes: u64) {
        self.copied.files += 1;
        self.copied.bytes += bytes;
    }

    /// Tells of something that was not copied, unless it leaves no way to go on.
    fn survive(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        if matches!(
            refusal.code,
            ErrorCode::StorageFull | ErrorCode::Unauthenticated | ErrorCode::Stopping
        ) {
            return Err(refusal);
        }
        self.copied.failed += 1;
        self.tell(Some(refusal.message))
    }

    fn tell(&self, problem: Option<String>) -> Result<(), Refusal> {
        let Copied { files, bytes, .. } = self.copied;
        let news = CopyNews {
            files,
            bytes,
            problem,
        };
        self.parts.send(news, Vec::new())
    }

    fn files(&self) -> &Files {
        &self.standing.services.files
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn refusal(error: FilesError) -> Refusal {
    from_files(&error)
}

//! Small files that come whole, many at a time: durable together, and each appears or fails for itself.
//!
//! ```text
//! each: hash compared, written to partial/     one sync for all
//! what stands under each name is looked at     one commit: whose the files are, and which ones replace another
//! rename or exchange each                      fsync each directory once
//! what was replaced goes to the trash          one commit: hashes, trash, nothing is under way any more
//! ```
//! A file that replaces another stands in the journal as an upload that is being published, so that a start after a crash
//! settles it like any other. One that replaces nothing needs no entry: before its rename a crash leaves a stray in
//! `partial/`, after it the whole file with its owner; one row for all of these says what the figures have yet to learn
//! (see [`batches`]).

use super::Files;
use super::attributes;
use super::batches::{self, Appearing};
use super::claims::Claim;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, unless_full};
use super::hashes;
use super::known::Known;
use super::open_upload::may_appear;
use super::owners;
use super::parents::Parents;
use super::place::Place;
use super::status::Status;
use super::step::Step;
use super::trash::{TrashName as _, Trashed};
use super::upload::{Publishing, Upload};
use super::usage::{Changes, Reserved, Sign};
use super::write::write_all;
use crate::lock;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, TrashId, UploadId};
use landline_model::protocol::files::{Attributes, Entry, MODE_MAX};
use landline_model::time::Timestamp;
use rustix::io::Errno;
use std::collections::{BTreeMap, btree_map};
use std::os::fd::{AsFd as _, OwnedFd};

/// The most small files that are published together.
pub const FILES_TOGETHER: usize = 256;

/// From so many files on the file system is synced as a whole: one wait instead of one for each.
const SYNCED_ONE_BY_ONE: usize = 4;

const PARTIALS: &str = "the directory of partial files";

/// A small file, whole.
#[derive(Clone, Debug)]
pub struct SmallFile<B> {
    /// Where it is to appear.
    pub place: Place,
    /// Its content.
    pub content: B,
    /// What its content hashes to.
    pub hash: Hash,
    /// Whether it may take the place of a file.
    pub overwrite: bool,
    /// Whether what is missing above it is made.
    pub parents: bool,
    /// What it keeps beside its content.
    pub attributes: Attributes,
}

/// One that is written and has not appeared yet.
struct Written<'a> {
    /// Its number among those that were given.
    number: usize,
    upload: Upload,
    hash: &'a Hash,
    parents: bool,
    /// Open until it is synced.
    file: Option<OwnedFd>,
    /// What it looks like, whatever it is called.
    status: Status,
    /// What it replaces.
    replaces: Option<Replaced<'a>>,
    /// Its bytes, until the figures know them.
    _reserved: Reserved<'a>,
}

struct Replaced<'a> {
    inode: u64,
    size: u64,
    hash: Option<Hash>,
    publishing: Publishing,
    /// Its entry in the journal is nobody else's to look after.
    _claim: Option<Claim<'a>>,
}

impl Files {
    /// Publishes small files, at most [`FILES_TOGETHER`], and says for each what became of it, in their order. When this
    /// returns, those that have appeared are durable.
    ///
    /// # Errors
    /// For each by itself: [`FilesError::Mismatch`] for another hash, and those of [`open_upload`](Self::open_upload)
    /// and [`finish`](Self::finish). More than may be published together are all refused.
    pub fn put_files<B: AsRef<[u8]>>(
        &self,
        owner: AccountId,
        files: &[SmallFile<B>],
    ) -> Vec<Result<Entry, FilesError>> {
        let _motion = self.usage.in_motion();
        let mut results: Results = files.iter().map(|_| None).collect();
        if files.len() > FILES_TOGETHER {
            let refusal = FilesError::TooLarge(format!("more than {FILES_TOGETHER} files at once"));
            return files.iter().map(|_| Err(refusal.clone())).collect();
        }
        if let Err(error) = self.publish_files(owner, files, &mut results) {
            for result in results.iter_mut().filter(|result| result.is_none()) {
                *result = Some(Err(error.clone()));
            }
        }
        let lost = || {
            Err(FilesError::Internal(
                "a file was neither taken nor refused".to_owned(),
            ))
        };
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(lost))
            .collect()
    }
}

/// What became of each file; none: nothing yet.
type Results = Vec<Option<Result<Entry, FilesError>>>;

impl Files {
    /// On an error, whatever has no result yet has not appeared.
    fn publish_files<'a, B: AsRef<[u8]>>(
        &'a self,
        owner: AccountId,
        files: &'a [SmallFile<B>],
        results: &mut Results,
    ) -> Result<(), FilesError> {
        let mut written = self.write_files(owner, files, results)?;
        let batch = self.fresh();
        let prepared = self.sync_written(&mut written).and_then(|()| {
            self.look(&mut written, results)?;
            self.announce_files(owner, &written, batch)
        });
        if let Err(error) = prepared {
            self.give_up(&written);
            return Err(error);
        }
        self.after(Step::SmallFilesJournaled)?;
        let (appeared, parents) = self.let_appear(written, batch, results)?;
        for (parent, place) in parents.all() {
            parent.sync().at(place)?;
        }
        self.tree.partial.sync().at(PARTIALS)?;
        self.after(Step::SmallFilesAppearedSynced)?;
        self.bury_all(&appeared)?;
        self.write_off_all(&appeared, batch, results)
    }

    fn write_files<'a, B: AsRef<[u8]>>(
        &'a self,
        owner: AccountId,
        files: &'a [SmallFile<B>],
        results: &mut Results,
    ) -> Result<Vec<Written<'a>>, FilesError> {
        let mut written = Vec::with_capacity(files.len());
        for (number, file) in files.iter().enumerate() {
            match self.write_file(owner, number, file) {
                Ok(file) => written.push(file),
                Err(error) => results[number] = Some(Err(error)),
            }
            self.after(Step::SmallFileWritten)?;
        }
        Ok(written)
    }

    fn write_file<'a, B: AsRef<[u8]>>(
        &'a self,
        owner: AccountId,
        number: usize,
        file: &'a SmallFile<B>,
    ) -> Result<Written<'a>, FilesError> {
        let content = file.content.as_ref();
        let arrived = Hash::from(blake3::hash(content));
        if arrived != file.hash {
            let (place, announced) = (&file.place, file.hash);
            return Err(FilesError::Mismatch(format!(
                "what arrived of {place} hashes to {arrived}, not to {announced}"
            )));
        }
        let id = UploadId::from_bytes(self.fresh());
        let reserved = self.usage.reserve(id, file.place.space, content.len() as u64)?;
        let name = id.to_string().into_bytes();
        let partial = self.tree.partial.create_file(&name).at("a partial file")?;
        let status = write_all(partial.as_fd(), content, 0)
            .and_then(|()| attributes::apply(partial.as_fd(), &file.attributes))
            .and_then(|()| rustix::fs::fstat(&partial))
            .map(|stat| Status::from(&stat));
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                // If this fails too, the next start finds a stray and removes it.
                let _ = self.tree.partial.unlink(&name);
                return Err(error).at(&file.place);
            }
        };
        Ok(Written {
            number,
            upload: Upload {
                id,
                owner,
                place: file.place.clone(),
                size: content.len() as u64,
                overwrite: file.overwrite,
                inode: status.inode,
                attributes: file.attributes,
                source: None,
                // Nobody goes on with it: what a crash leaves of it is swept at the next start.
                touched: Timestamp(0),
                publishing: None,
            },
            hash: &file.hash,
            parents: file.parents,
            file: Some(partial),
            status,
            replaces: None,
            _reserved: reserved,
        })
    }

    /// Makes the contents durable.
    fn sync_written(&self, written: &mut [Written<'_>]) -> Result<(), FilesError> {
        if written.len() > SYNCED_ONE_BY_ONE {
            self.tree.partial.sync_file_system().at("the file system")?;
        }
        let one_by_one = written.len() <= SYNCED_ONE_BY_ONE;
        for file in written {
            if let Some(partial) = file.file.take()
                && one_by_one
            {
                rustix::fs::fsync(&partial).at("a partial file")?;
            }
        }
        self.after(Step::SmallFilesSynced)
    }

    /// Looks at what stands under the names, and lets those go that may not appear there. Two of one name both find what
    /// was there before: the second one finds the first when it is to appear.
    fn look<'a>(&'a self, written: &mut Vec<Written<'a>>, results: &mut Results) -> Result<(), FilesError> {
        let mut looked = self.look_at(written).into_iter();
        let mut replaced = Vec::new();
        written.retain(|file| match looked.next() {
            Some(Ok(there)) => {
                replaced.push(there);
                true
            }
            Some(Err(error)) => {
                self.give_up(std::slice::from_ref(file));
                results[file.number] = Some(Err(error));
                false
            }
            None => true,
        });
        self.journal.read(|connection| {
            for (file, there) in written.iter_mut().zip(replaced) {
                let Some(there) = there else { continue };
                let heir = owners::find(connection, &there)?;
                file.replaces = Some(Replaced {
                    inode: there.inode,
                    size: there.size,
                    hash: hashes::find_content(connection, &there)?,
                    publishing: Publishing {
                        hash: *file.hash,
                        trash: TrashId::from_bytes(self.fresh()),
                        heir: heir.unwrap_or(file.upload.owner),
                    },
                    _claim: self.claims.claim(file.upload.id),
                });
            }
            Ok(())
        })
    }

    /// What stands under each name, if the file may appear there.
    fn look_at(&self, written: &[Written<'_>]) -> Vec<Result<Option<Status>, FilesError>> {
        let names = lock(&self.names);
        let mut parents = Parents::default();
        let look = |file: &Written<'_>| {
            let Upload { place, overwrite, .. } = &file.upload;
            let (parent, name) = parents.of(place, |above| {
                if file.parents {
                    return self.directories_made(above, &names);
                }
                self.tree.space_made(above.space, &names).at(above)?;
                self.tree.directory(above)
            })?;
            let there = parent.status_of(name.as_bytes()).at(place)?;
            may_appear(place, there.as_ref(), *overwrite)?;
            Ok(there)
        };
        written.iter().map(look).collect()
    }

    /// The journal learns whose the files are, and which of them take another's place.
    fn announce_files(
        &self,
        owner: AccountId,
        written: &[Written<'_>],
        batch: [u8; 16],
    ) -> Result<(), FilesError> {
        let new = written.iter().filter(|file| file.replaces.is_none());
        let new: Vec<Appearing> = new
            .map(|file| Appearing {
                id: file.upload.id,
                size: file.upload.size,
                space: file.upload.place.space,
            })
            .collect();
        let rows: Vec<_> = written
            .iter()
            .map(|file| {
                let publishing = file.replaces.as_ref().map(|replaced| replaced.publishing);
                (
                    file.status,
                    file.upload.attributes.mode,
                    publishing.map(|publishing| (file.upload.clone(), publishing)),
                )
            })
            .collect();
        let now = self.now();
        self.journal.write(move |connection| {
            for (status, mode, upload) in &rows {
                owners::remember(connection, status, owner, now, *mode)?;
                if let Some((upload, publishing)) = upload {
                    upload.insert(connection)?;
                    upload.set_publishing(connection, Some(publishing))?;
                }
            }
            if new.is_empty() {
                return Ok(());
            }
            batches::insert(connection, batch, &new)
        })
    }

    /// Lets them appear. One whose name has changed hands since it was looked at goes the way of a single upload.
    fn let_appear<'a>(
        &self,
        written: Vec<Written<'a>>,
        batch: [u8; 16],
        results: &mut Results,
    ) -> Result<(Vec<Written<'a>>, Parents), FilesError> {
        let (mut appeared, mut late) = (Vec::with_capacity(written.len()), Vec::new());
        let mut parents = Parents::default();
        {
            let _names = lock(&self.names);
            for file in written {
                match self.let_one_appear(&file, &mut parents) {
                    Ok(true) => appeared.push(file),
                    // Whatever it was: the other way says it in full.
                    Ok(false) | Err(_) => late.push(file),
                }
                self.after(Step::SmallFileAppeared)?;
            }
        }
        for file in late {
            let number = file.number;
            results[number] = Some(self.publish_late(file, batch));
        }
        Ok((appeared, parents))
    }

    /// Whether it has appeared.
    fn let_one_appear(&self, file: &Written<'_>, parents: &mut Parents) -> Result<bool, FilesError> {
        let upload = &file.upload;
        let (parent, name) = parents.of(&upload.place, |above| self.tree.directory(above))?;
        let Some(replaced) = &file.replaces else {
            return match self
                .tree
                .partial
                .rename(&upload.file_name(), parent, name.as_bytes())
            {
                Ok(()) => Ok(true),
                Err(Errno::EXIST | Errno::NOENT) => Ok(false),
                Err(error) => Err(error).at(&upload.place),
            };
        };
        let there = parent.status_of(name.as_bytes()).at(&upload.place)?;
        if there.is_none_or(|there| there.inode != replaced.inode) {
            return Ok(false);
        }
        Ok(self.take_the_place(upload, parent, name)?.is_ok())
    }

    fn publish_late(&self, file: Written<'_>, batch: [u8; 16]) -> Result<Entry, FilesError> {
        let mut upload = file.upload;
        if let Some(Replaced { publishing, .. }) = &file.replaces {
            upload.publishing = Some(*publishing);
            // An exchange that reported an error may have happened all the same.
            if self.settle(&upload)? {
                return self.published(&upload, file.hash);
            }
            upload.publishing = None;
        } else {
            let row = Upload {
                touched: self.now(),
                ..upload.clone()
            };
            self.journal.write(move |connection| {
                batches::take_out(connection, batch, row.id)?;
                row.insert(connection)
            })?;
        }
        self.after(Step::SmallFileLate)?;
        let published = self.publish(&upload, file.hash, file.status);
        if published.is_err() {
            self.abandon(upload.id)?;
        }
        published
    }

    /// Moves what was replaced to the trash.
    fn bury_all(&self, appeared: &[Written<'_>]) -> Result<(), FilesError> {
        let mut trashes: BTreeMap<AccountId, Directory> = BTreeMap::new();
        for file in appeared {
            let Some(Replaced { publishing, .. }) = &file.replaces else {
                continue;
            };
            let trash = match trashes.entry(publishing.heir) {
                btree_map::Entry::Occupied(trash) => trash.into_mut(),
                btree_map::Entry::Vacant(place) => place.insert(self.trash_made(publishing.heir)?),
            };
            self.tree
                .partial
                .rename_again(&file.upload.file_name(), trash, &publishing.trash.file_name())
                .at("the trash")?;
            self.after(Step::SmallFileBuried)?;
        }
        if trashes.is_empty() {
            return Ok(());
        }
        for trash in trashes.values() {
            trash.sync().at("the trash")?;
        }
        self.tree.partial.sync().at(PARTIALS)?;
        self.after(Step::SmallFilesBuriedSynced)
    }

    /// The journal learns that all of it is over, and what the files hash to.
    fn write_off_all(
        &self,
        appeared: &[Written<'_>],
        batch: [u8; 16],
        results: &mut Results,
    ) -> Result<(), FilesError> {
        let mut changes = Changes::default();
        let mut rows = Vec::with_capacity(appeared.len());
        let mut entries = Vec::with_capacity(appeared.len());
        let mut parents = Parents::default();
        for file in appeared {
            let Written { upload, hash, .. } = file;
            let seen = parents
                .of(&upload.place, |above| self.tree.directory(above))
                .and_then(|(parent, name)| parent.status_of(name.as_bytes()).at(&upload.place));
            // Gone again by now: it was there all the same.
            let seen = seen
                .ok()
                .flatten()
                .filter(|seen| seen.has_content_of(&file.status));
            let name = upload.place.components.last().cloned();
            let known = Known {
                hash: Some(**hash),
                mode: upload.attributes.mode.map(|mode| mode & MODE_MAX),
            };
            entries.push((file.number, seen.unwrap_or(file.status).entry(name, known)));
            changes = changes
                .files(upload.place.space, upload.size, Sign::Plus)
                .released(upload.id);
            let trashed = file.replaces.as_ref().map(|replaced| {
                let Publishing { trash, heir, .. } = replaced.publishing;
                changes = std::mem::take(&mut changes).trashed(upload.place.space, heir, replaced.size);
                Trashed {
                    size: Some(replaced.size),
                    replaced: true,
                    hash: replaced.hash,
                    ..self.trashed(trash, heir, Some(upload.owner), Some(upload.place.clone()))
                }
            });
            rows.push((
                seen.map(|seen| (seen, **hash)),
                trashed.map(|trashed| (upload.clone(), trashed)),
            ));
        }
        unless_full(self.book(&changes, move |connection| {
            batches::delete(connection, batch)?;
            for (seen, replaced) in &rows {
                if let Some((status, hash)) = seen {
                    hashes::remember(connection, status, hash)?;
                }
                if let Some((upload, trashed)) = replaced {
                    upload.delete(connection)?;
                    Trashed::insert(trashed, connection)?;
                }
            }
            Ok(())
        }))?;
        self.after(Step::SmallFilesWrittenOff)?;
        for (number, entry) in entries {
            results[number] = Some(Ok(entry));
        }
        Ok(())
    }

    /// Removes what has not appeared. What is left of it is a stray, and goes at the next start.
    fn give_up(&self, written: &[Written<'_>]) {
        for file in written {
            let _ = self.tree.partial.unlink(&file.upload.file_name());
        }
    }
}

//! Copying a file inside the store. The copy appears as an upload does; only its content comes from here.
//!
//! ```text
//! partial file made        a clone of the source, or what the kernel or this program copies
//! hash                     the source's where it was cloned, else that of what was written
//! fsync                    the journal knows of an upload, and publishes it
//! ```
//! Before the journal knows, a crash leaves a stray in `partial/`; after it, an upload that nobody goes on with.

use super::Files;
use super::attributes;
use super::digest::{GoOn, read_all};
use super::error::FilesError;
use super::failure::{Named as _, space_itself};
use super::open_upload::may_appear;
use super::place::Place;
use super::read::OpenFile;
use super::small::SmallFile;
use super::status::Status;
use super::step::Step;
use super::upload::Upload;
use super::write::write_all;
use crate::lock;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::protocol::files::Entry;
use landline_model::time::Timestamp;
use rustix::io::Errno;
use std::os::fd::{AsFd as _, BorrowedFd};

/// The largest file that is copied by reading it whole, so that many are published together, in bytes.
pub const SMALL_COPY_MAX: u64 = 1024 * 1024;

/// How many bytes are copied before somebody is asked whether to go on.
pub const COPY_PIECE_BYTES: usize = 16 * 1024 * 1024;

/// How many bytes go through this program at a time, where the kernel does not copy by itself.
const BUFFER_BYTES: usize = 1024 * 1024;

impl Files {
    /// Reads a file of at most [`SMALL_COPY_MAX`] bytes that is to be put elsewhere.
    ///
    /// # Errors
    /// [`FilesError::TooLarge`] for a larger one; [`FilesError::Conflict`] where it changes meanwhile;
    /// [`FilesError::Mismatch`] where it is not what it was when it was published.
    pub fn small_copy(
        &self,
        source: &OpenFile,
        to: Place,
        overwrite: bool,
    ) -> Result<SmallFile<Vec<u8>>, FilesError> {
        if source.size() > SMALL_COPY_MAX {
            return Err(FilesError::TooLarge(format!(
                "{} is no small file",
                source.place()
            )));
        }
        let mut content = Vec::new();
        read_all(source, &|| Ok(()), |bytes| content.extend_from_slice(bytes))?;
        let hash = Hash::from(blake3::hash(&content));
        must_be_known(source, &hash)?;
        Ok(SmallFile {
            place: to,
            content,
            hash,
            overwrite,
            parents: false,
            attributes: source.attributes(),
        })
    }

    /// Copies a file of any size to `to`, where it will be `owner`'s. `go_on` is asked after every piece.
    ///
    /// # Errors
    /// Those of [`open_upload`](Self::open_upload) and [`finish`](Self::finish), and those of
    /// [`small_copy`](Self::small_copy) but for the size; what `go_on` says: then nothing has appeared.
    pub fn copy_file(
        &self,
        owner: AccountId,
        source: &OpenFile,
        to: &Place,
        overwrite: bool,
        go_on: GoOn<'_>,
    ) -> Result<Entry, FilesError> {
        if to.components.is_empty() {
            return Err(space_itself());
        }
        {
            // Before anything is copied: the usual mistakes.
            let (parent, name) = self.tree.parent_made(to, &lock(&self.names))?;
            let there = parent.status_of(name.as_bytes()).at(to)?;
            may_appear(to, there.as_ref(), overwrite)?;
        }
        let id = UploadId::from_bytes(self.fresh());
        // Nobody else looks after it as long as this is at it.
        let _claim = self.claims.claim(id);
        let reserved = self.usage.reserve(id, to.space, source.size())?;
        let name = id.to_string().into_bytes();
        let (status, hash) = match self.write_copy(&name, source, go_on) {
            Ok(written) => written,
            Err(error) => {
                // If this fails too, the next start finds a stray and removes it.
                let _ = self.tree.partial.unlink(&name);
                return Err(error);
            }
        };
        let upload = Upload {
            id,
            owner,
            place: to.clone(),
            size: source.size(),
            overwrite,
            inode: status.inode,
            attributes: source.attributes(),
            source: None,
            // Nobody goes on with it: what a crash leaves of it is swept at the next start.
            touched: Timestamp(0),
            publishing: None,
        };
        let _motion = self.usage.in_motion();
        let row = upload.clone();
        self.journal.write(move |connection| row.insert(connection))?;
        reserved.keep();
        self.after(Step::CopyJournaled)?;
        let published = self.publish(&upload, &hash, status);
        if published.is_err() {
            self.abandon(id)?;
        }
        published
    }

    /// Gives up an upload that could not be published. One that has appeared, and failed behind that, is left to be
    /// finished: by then its partial file is the one that it replaced.
    pub(super) fn abandon(&self, id: UploadId) -> Result<(), FilesError> {
        let upload = self.journal.read(|connection| Upload::find(connection, id))?;
        match upload {
            Some(upload) if !self.settle(&upload)? => self.discard(&upload),
            _ => Ok(()),
        }
    }

    /// Makes a partial file that is like the source, and brings it to the disk.
    fn write_copy(
        &self,
        name: &[u8],
        source: &OpenFile,
        go_on: GoOn<'_>,
    ) -> Result<(Status, Hash), FilesError> {
        const WHAT: &str = "a partial file";
        let partial = self.tree.partial.create_file(name).at(WHAT)?;
        self.after(Step::CopyMade)?;
        let cloned = copy_content(source, partial.as_fd(), go_on)?;
        self.after(Step::CopyWritten)?;
        let hash = match source.known_hash() {
            Some(hash) if cloned => hash,
            _ => hash_of(partial.as_fd(), source, go_on)?,
        };
        must_be_known(source, &hash)?;
        source.must_be_unchanged()?;
        attributes::apply(partial.as_fd(), &source.attributes()).at(WHAT)?;
        rustix::fs::fsync(&partial).at(WHAT)?;
        self.after(Step::CopySynced)?;
        let status = Status::from(&rustix::fs::fstat(&partial).at(WHAT)?);
        if status.size != source.size() {
            return Err(FilesError::Conflict(format!(
                "{} has changed while it was copied",
                source.place()
            )));
        }
        Ok((status, hash))
    }
}

/// What was copied must be what was published: a disk that has forgotten something is not to spread it.
fn must_be_known(source: &OpenFile, hash: &Hash) -> Result<(), FilesError> {
    match source.known_hash() {
        Some(known) if known != *hash => Err(FilesError::Mismatch(format!(
            "what stands at {} hashes to {hash}, but what was published there to {known}",
            source.place()
        ))),
        _ => Ok(()),
    }
}

/// Copies in the best way that the file system has. Says whether it is a clone: the same blocks.
fn copy_content(source: &OpenFile, to: BorrowedFd<'_>, go_on: GoOn<'_>) -> Result<bool, FilesError> {
    go_on()?;
    match rustix::fs::ioctl_ficlone(to, source.descriptor()) {
        Ok(()) => return Ok(true),
        Err(Errno::NOSPC | Errno::DQUOT) => return Err(FilesError::StorageFull),
        // Not on this file system, or not of these two; everything else shows itself again.
        Err(_) => {}
    }
    let mut offset = copy_in_kernel(source, to, go_on)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    while offset < source.size() {
        go_on()?;
        let read = source.read_at(offset, &mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        write_all(to, bytes, offset).at("a partial file")?;
        offset += read as u64;
    }
    Ok(false)
}

/// Copies as much as the kernel does by itself. Says how much that was.
fn copy_in_kernel(source: &OpenFile, to: BorrowedFd<'_>, go_on: GoOn<'_>) -> Result<u64, FilesError> {
    let (mut from_offset, mut to_offset) = (0, 0);
    while from_offset < source.size() {
        go_on()?;
        let left = usize::try_from(source.size() - from_offset).unwrap_or(usize::MAX);
        let piece = left.min(COPY_PIECE_BYTES);
        match rustix::fs::copy_file_range(
            source.descriptor(),
            Some(&mut from_offset),
            to,
            Some(&mut to_offset),
            piece,
        ) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO)) => {
                return Err(error).at("a partial file");
            }
            // Not on this file system.
            Err(_) => break,
        }
    }
    Ok(to_offset)
}

fn hash_of(copy: BorrowedFd<'_>, source: &OpenFile, go_on: GoOn<'_>) -> Result<Hash, FilesError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut offset = 0;
    loop {
        go_on()?;
        match rustix::io::pread(copy, &mut buffer, offset) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                offset += read as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error).at(source.place()),
        }
    }
    Ok(hasher.finalize().into())
}

//! Reading files.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, is_directory, no_file, not_found, space_itself, unless_full};
use super::hashes;
use super::known::Known;
use super::parents::Parents;
use super::place::Place;
use super::status::Status;
use landline_model::hash::Hash;
use landline_model::path::Component;
use landline_model::protocol::files::{Attributes, EntryKind};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// How many bytes are read at a time for a hash.
const READ_BYTES: usize = 1024 * 1024;

/// A file that is open for reading. It stays readable to its end whatever happens to its name; where another one takes
/// its place, this remains the old one in full.
#[derive(Debug)]
pub struct OpenFile {
    file: OwnedFd,
    place: Place,
    status: Status,
    hash: Option<Hash>,
    mode: Option<u32>,
}

impl OpenFile {
    /// Its size when it was opened, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.status.size
    }

    /// What it keeps beside its content.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        self.status.attributes(self.mode)
    }

    /// Its hash, where it is known without reading.
    #[must_use]
    pub fn known_hash(&self) -> Option<Hash> {
        self.hash
    }

    /// The same file with its hash, for who has found it out.
    #[must_use]
    pub fn with_hash(mut self, hash: Hash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// What names its content: its hash where that is known, else what the file looks like.
    #[must_use]
    pub fn version(&self) -> Hash {
        self.hash.unwrap_or_else(|| self.looks())
    }

    /// Whether [`version`](Self::version) says this, or said it while the hash was not known.
    #[must_use]
    pub fn is_version(&self, version: &Hash) -> bool {
        self.hash == Some(*version) || self.looks() == *version
    }

    /// What it looked like when it was opened.
    pub(super) fn status(&self) -> &Status {
        &self.status
    }

    fn looks(&self) -> Hash {
        let Status {
            inode,
            size,
            modified,
            ..
        } = self.status;
        let mut hasher = blake3::Hasher::new_derive_key("landline file version by inode, size and time");
        hasher.update(&inode.to_le_bytes());
        hasher.update(&size.to_le_bytes());
        hasher.update(&modified.to_le_bytes());
        hasher.finalize().into()
    }

    /// Reads from `offset` on, until the buffer is full or the file ends. Returns how many bytes were read.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, FilesError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..)
            && !rest.is_empty()
            // Past what a file can have there is nothing.
            && let Some(position) = offset.checked_add(filled as u64).filter(|at| *at < self.status.size)
        {
            match rustix::io::pread(&self.file, rest, position) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error).at(&self.place),
            }
        }
        Ok(filled)
    }

    /// Whether the content is what it was when the file was opened, by size and time. Being renamed or replaced is no
    /// change of content.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn unchanged(&self) -> Result<bool, FilesError> {
        Ok(self.status_now()?.has_content_of(&self.status))
    }

    /// For the system's own ways of copying.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Where it was opened.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// That the content is what it was when the file was opened, by size and time.
    ///
    /// # Errors
    /// [`FilesError::Conflict`] where it is not; those of the disk.
    pub(super) fn must_be_unchanged(&self) -> Result<(), FilesError> {
        if self.unchanged()? {
            return Ok(());
        }
        Err(FilesError::Conflict(format!(
            "{} has changed while it was read",
            self.place
        )))
    }

    fn status_now(&self) -> Result<Status, FilesError> {
        rustix::fs::fstat(&self.file)
            .map(|stat| Status::from(&stat))
            .at(&self.place)
    }
}

impl Files {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`FilesError::NotFound`]; [`FilesError::WrongKind`] for what is no regular file.
    pub fn read(&self, place: &Place) -> Result<OpenFile, FilesError> {
        if place.components.is_empty() {
            return Err(space_itself());
        }
        let (parent, name) = self.tree.parent(place)?;
        let (file, status) = open(&parent, name, place)?;
        let known = self.journal.read(|connection| Known::of(connection, &status))?;
        Ok(opened(place, file, status, known))
    }

    /// As [`read`](Self::read), for several files; what neighbours share is looked at once.
    pub fn read_together(&self, places: &[Place]) -> Vec<Result<OpenFile, FilesError>> {
        let mut parents = Parents::default();
        let found: Vec<_> = places
            .iter()
            .map(|place| {
                let (parent, name) = parents.of(place, |_| Ok(self.tree.parent(place)?.0))?;
                open(parent, name, place)
            })
            .collect();
        let known = self.journal.read(|connection| {
            // One snapshot for all: its locks cost more than what is asked.
            let snapshot = connection.unchecked_transaction().map_err(FilesError::from)?;
            let of = |found: &Result<(OwnedFd, Status), FilesError>| match found {
                Ok((_, status)) => Known::of(&snapshot, status),
                Err(_) => Ok(Known::default()),
            };
            found.iter().map(of).collect::<Result<Vec<_>, _>>()
        });
        match known {
            Ok(known) => places
                .iter()
                .zip(found)
                .zip(known)
                .map(|((place, found), known)| found.map(|(file, status)| opened(place, file, status, known)))
                .collect(),
            // Then each says for itself what is wrong.
            Err(_) => places.iter().map(|place| self.read(place)).collect(),
        }
    }

    /// What was opened, if it is a file. Its hash is what somebody knows elsewhere, or else what the journal does.
    pub(super) fn known_file(
        &self,
        file: OwnedFd,
        place: &Place,
        hash: Option<Hash>,
    ) -> Result<OpenFile, FilesError> {
        let status = Status::from(&rustix::fs::fstat(&file).at(place)?);
        only_file(place, &status)?;
        let known = self.journal.read(|connection| Known::of(connection, &status))?;
        let hash = hash.or(known.hash);
        Ok(opened(place, file, status, Known { hash, ..known }))
    }

    /// The file's hash: known, or read now in full and remembered.
    ///
    /// # Errors
    /// [`FilesError::Conflict`] where the file changes meanwhile; those of the disk.
    pub fn hash_of(&self, file: &OpenFile) -> Result<Hash, FilesError> {
        if let Some(hash) = file.hash {
            return Ok(hash);
        }
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        loop {
            let read = file.read_at(offset, &mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            hasher.update(bytes);
            offset += read as u64;
        }
        if offset != file.size() || !file.unchanged()? {
            return Err(FilesError::Conflict(format!(
                "{} has changed while it was read",
                file.place
            )));
        }
        let hash = hasher.finalize().into();
        self.remember_hash(file, &hash)?;
        Ok(hash)
    }

    /// Remembers a hash that the caller computed of everything that [`OpenFile::read_at`] gave. It is kept only where
    /// nothing about the file has changed since it was opened.
    ///
    /// # Errors
    /// Those of the disk and of the journal.
    pub fn remember_hash(&self, file: &OpenFile, hash: &Hash) -> Result<(), FilesError> {
        if file.hash == Some(*hash) || file.status_now()? != file.status {
            return Ok(());
        }
        let (status, hash) = (file.status, *hash);
        // Reading works on a full disk; the hash is computed again the next time.
        unless_full(
            self.journal
                .write(move |connection| hashes::remember(connection, &status, &hash)),
        )
    }
}

pub(super) fn open(
    parent: &Directory,
    name: &Component,
    place: &Place,
) -> Result<(OwnedFd, Status), FilesError> {
    // Looked at before it is opened, because opening a device can do something; and after, because it may be another
    // one by then.
    let before = parent
        .status_of(name.as_bytes())
        .at(place)?
        .ok_or_else(|| not_found(place))?;
    only_file(place, &before)?;
    let file = parent.open_to_read(name.as_bytes()).at(place)?;
    let status = Status::from(&rustix::fs::fstat(&file).at(place)?);
    only_file(place, &status)?;
    Ok((file, status))
}

pub(super) fn opened(place: &Place, file: OwnedFd, status: Status, known: Known) -> OpenFile {
    OpenFile {
        file,
        place: place.clone(),
        status,
        hash: known.hash,
        mode: known.mode,
    }
}

fn only_file(place: &Place, status: &Status) -> Result<(), FilesError> {
    match status.kind {
        EntryKind::File => Ok(()),
        EntryKind::Directory => Err(is_directory(place)),
        _ => Err(no_file(place)),
    }
}

//! Looking at directories.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, not_found};
use super::known::Known;
use super::names::SortedNames;
use super::place::Place;
use super::status::Status;
use landline_model::path::Component;
use landline_model::protocol::files::{Entry, EntryKind};
use landline_model::time::Timestamp;
use rustix::io::Errno;

/// Which part of a directory.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// Begin behind this name.
    pub after: Option<&'a Component>,
    /// The most entries.
    pub limit: usize,
    /// The most bytes that they have together as JSON lines; one entry is given in any case.
    pub byte_limit: usize,
}

/// A part of a directory, in the byte order of its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What is in it.
    pub entries: Vec<Entry>,
    /// Whether more stands behind the last one.
    pub more: bool,
}

/// The names of a directory as they were at one moment, for its pages: read and sorted once, however many there are.
#[derive(Debug)]
pub struct Snapshot {
    place: Place,
    /// The directory's; none where nothing was ever written to the space.
    inode: Option<u64>,
    names: Option<SortedNames>,
}

impl Snapshot {
    /// Whose names these are.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }
}

impl Files {
    /// Lists a part of a directory. A space to which nothing was ever written is empty. Whoever wants more than one page
    /// takes a [`snapshot`](Self::snapshot).
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    pub fn list(&self, place: &Place, request: &ListRequest<'_>) -> Result<Listing, FilesError> {
        let snapshot = self.snapshot(place)?;
        // Where the directory was replaced since, what was listed is gone.
        Ok(self.page(&snapshot, request)?.unwrap_or_default())
    }

    /// Reads the names of a directory.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], [`FilesError::WrongKind`]; [`FilesError::TooLarge`] for more than
    /// [`NAMES_MAX`](super::NAMES_MAX) names; [`FilesError::Busy`].
    pub fn snapshot(&self, place: &Place) -> Result<Snapshot, FilesError> {
        let (inode, names) = match self.tree.directory(place) {
            Err(FilesError::NotFound(_)) if place.components.is_empty() => (None, None),
            directory => {
                let directory = directory?;
                let names = SortedNames::read(&directory, place, &self.names_held)?;
                (Some(directory.status().at(place)?.inode), Some(names))
            }
        };
        Ok(Snapshot {
            place: place.clone(),
            inode,
            names,
        })
    }

    /// A part of a directory by the names of `snapshot`; those that have gone meanwhile are left out. None where another
    /// directory stands there by now.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], [`FilesError::WrongKind`].
    pub fn page(
        &self,
        snapshot: &Snapshot,
        request: &ListRequest<'_>,
    ) -> Result<Option<Listing>, FilesError> {
        let place = &snapshot.place;
        let (Some(names), Some(inode)) = (&snapshot.names, snapshot.inode) else {
            return Ok(Some(Listing::default()));
        };
        let directory = self.tree.directory(place)?;
        if directory.status().at(place)?.inode != inode {
            return Ok(None);
        }
        self.page_of(place, &directory, names, request).map(Some)
    }

    /// Lists a part of a directory that is open; `place` is what it is called.
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    pub(super) fn list_of(
        &self,
        place: &Place,
        directory: &Directory,
        request: &ListRequest<'_>,
    ) -> Result<Listing, FilesError> {
        let names = SortedNames::read(directory, place, &self.names_held)?;
        self.page_of(place, directory, &names, request)
    }

    fn page_of(
        &self,
        place: &Place,
        directory: &Directory,
        names: &SortedNames,
        request: &ListRequest<'_>,
    ) -> Result<Listing, FilesError> {
        let mut number = names.behind(request.after);
        let mut found = Vec::new();
        while let Some(name) = names.name(number)
            && found.len() < request.limit
        {
            number += 1;
            // The file system has no names that are none.
            if let (Some(status), Ok(name)) = (directory.status_of(name).at(place)?, Component::new(name)) {
                found.push((name, status));
            }
        }
        let mut more = number < names.len();
        let mut entries = Vec::with_capacity(found.len());
        let mut bytes = 0_usize;
        for entry in self.known_entries(found)? {
            let line = serde_json::to_vec(&entry).map_err(|error| FilesError::Internal(error.to_string()))?;
            bytes = bytes.saturating_add(line.len() + 1);
            if bytes > request.byte_limit && !entries.is_empty() {
                more = true;
                break;
            }
            entries.push(entry);
        }
        Ok(Listing { entries, more })
    }

    /// Tells about one file or directory.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], [`FilesError::WrongKind`] for a path through something that is no directory.
    pub fn stat(&self, place: &Place) -> Result<Entry, FilesError> {
        let Some(name) = place.components.last() else {
            return match self.tree.space(place.space).and_then(|space| space.status()) {
                Ok(status) => Ok(status.entry(None, Known::default())),
                Err(Errno::NOENT) => Ok(Entry {
                    name: None,
                    kind: EntryKind::Directory,
                    size: 0,
                    modified: Timestamp(0),
                    modified_nanos: 0,
                    mode: None,
                    hash: None,
                }),
                Err(error) => Err(error).at(place),
            };
        };
        let (parent, _) = self.tree.parent(place)?;
        let status = parent
            .status_of(name.as_bytes())
            .at(place)?
            .ok_or_else(|| not_found(place))?;
        self.journal.read(|connection| {
            let known = Known::of(connection, &status)?;
            Ok(status.entry(Some(name.clone()), known))
        })
    }

    /// The entries of what was found, with what the journal knows of it.
    fn known_entries(&self, found: Vec<(Component, Status)>) -> Result<Vec<Entry>, FilesError> {
        self.journal.read(|connection| {
            found
                .into_iter()
                .map(|(name, status)| {
                    let known = Known::of(connection, &status)?;
                    Ok(status.entry(Some(name), known))
                })
                .collect()
        })
    }
}

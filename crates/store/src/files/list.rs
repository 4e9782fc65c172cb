//! Looking at directories.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, not_found};
use super::known::Known;
use super::place::Place;
use landline_model::path::Component;
use landline_model::protocol::files::{Entry, EntryKind};
use landline_model::time::Timestamp;
use rustix::io::Errno;
use std::collections::BinaryHeap;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What is in it.
    pub entries: Vec<Entry>,
    /// Whether more stands behind the last one.
    pub more: bool,
}

impl Files {
    /// Lists a directory. A space to which nothing was ever written is empty. Needs memory for `limit` names, however
    /// many there are.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], [`FilesError::WrongKind`].
    pub fn list(&self, place: &Place, request: &ListRequest<'_>) -> Result<Listing, FilesError> {
        let directory = match self.tree.directory(place) {
            Err(FilesError::NotFound(_)) if place.components.is_empty() => {
                return Ok(Listing {
                    entries: Vec::new(),
                    more: false,
                });
            }
            other => other?,
        };
        let (names, mut more) = first_names(&directory, request).at(place)?;
        let mut entries = Vec::with_capacity(names.len());
        let mut bytes = 0_usize;
        for entry in self.entries(place, &directory, names)? {
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

    /// The entries of these names. One that has gone meanwhile is left out.
    fn entries(
        &self,
        place: &Place,
        directory: &Directory,
        names: Vec<Component>,
    ) -> Result<Vec<Entry>, FilesError> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            if let Some(status) = directory.status_of(name.as_bytes()).at(place)? {
                found.push((name, status));
            }
        }
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

/// The first `limit` names behind `after`, in order, and whether there are more.
fn first_names(directory: &Directory, request: &ListRequest<'_>) -> Result<(Vec<Component>, bool), Errno> {
    let after = request.after.map(Component::as_bytes);
    // The greatest of those that are kept is on top, and makes way.
    let mut kept: BinaryHeap<Component> = BinaryHeap::new();
    let mut more = false;
    directory.visit_names(|name| {
        if after.is_some_and(|after| name <= after) {
            return;
        }
        if kept.len() >= request.limit {
            more = true;
            if kept.peek().is_none_or(|greatest| name >= greatest.as_bytes()) {
                return;
            }
            kept.pop();
        }
        // The file system has no names that are none.
        kept.extend(Component::new(name));
    })?;
    Ok((kept.into_sorted_vec(), more))
}

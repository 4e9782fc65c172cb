//! Walking over a whole tree: depth first, the names of each directory in the order of their bytes.
//!
//! Held are the names of the directories on the way down, and of those directories the deepest few are open: so neither
//! the size nor the depth of a tree adds up. A directory that had to be closed is found again by its path, and known
//! again by its inode.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::Named as _;
use super::known::Known;
use super::names::SortedNames;
use super::place::Place;
use super::status::Status;
use landline_model::path::{Component, DEPTH_MAX, PATH_MAX};
use landline_model::protocol::trees::TreeEntry;
use std::collections::VecDeque;

/// How many of the directories on the way down are open at a time.
const OPEN_MAX: usize = 8;

/// How many names are looked at together, with one look into the journal.
const LOOK_AHEAD: usize = 256;

/// What of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeRequest {
    /// How many levels; all unless said.
    pub depth: Option<u32>,
    /// Also what the journal knows: hashes and permission bits.
    pub details: bool,
}

/// A walk over a tree.
#[derive(Debug)]
pub struct TreeWalk {
    files: Files,
    top: Place,
    /// How many levels are walked, at most as many as a path has names.
    depth: usize,
    details: bool,
    /// The directories on the way down, the deepest last.
    levels: Vec<Level>,
    /// The inode of a directory that is not walked over.
    avoided: Option<u64>,
    /// A directory that was told of and is not entered yet.
    to_enter: Option<Component>,
}

#[derive(Debug)]
struct Level {
    /// Its name in the one above; none for the top.
    name: Option<Component>,
    /// Open, or to be found again.
    directory: Option<Directory>,
    inode: u64,
    names: SortedNames,
    /// The number of the first name that was not looked at.
    next: usize,
    ready: VecDeque<(Component, Status, Known)>,
}

impl Files {
    /// Begins to walk over everything below a directory. A space to which nothing was ever written is empty.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], [`FilesError::WrongKind`], and those of [`snapshot`](Self::snapshot).
    pub fn walk_tree(&self, place: &Place, request: TreeRequest) -> Result<TreeWalk, FilesError> {
        let deepest = DEPTH_MAX.saturating_sub(place.components.len());
        let mut walk = TreeWalk {
            files: self.clone(),
            top: place.clone(),
            depth: request.depth.map_or(deepest, |depth| {
                usize::try_from(depth).unwrap_or(deepest).min(deepest)
            }),
            details: request.details,
            levels: Vec::new(),
            avoided: None,
            to_enter: None,
        };
        match self.tree.directory(place) {
            Err(FilesError::NotFound(_)) if place.components.is_empty() => {}
            directory if walk.depth > 0 => walk.enter(None, directory?)?,
            directory => drop(directory?),
        }
        Ok(walk)
    }
}

impl TreeWalk {
    /// The next entry; none at the end. An entry that was a directory may be followed by another one of the same path
    /// that says why what is below it cannot be told.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn next_entry(&mut self) -> Result<Option<TreeEntry>, FilesError> {
        if let Some(name) = self.to_enter.take() {
            match self.descend(&name) {
                // Gone meanwhile: there is nothing below it.
                Ok(()) | Err(FilesError::NotFound(_)) => {}
                Err(error) => return Ok(Some(failed(self.levels.len(), name, &error))),
            }
        }
        loop {
            let depth = self.levels.len();
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            if let Some((name, status, known)) = level.ready.pop_front() {
                if status.is_directory() && self.avoided == Some(status.inode) {
                    let into_itself = FilesError::WrongKind("this is where the copy goes".to_owned());
                    return Ok(Some(failed(depth, name, &into_itself)));
                }
                if status.is_directory() && depth < self.depth {
                    self.to_enter = Some(name.clone());
                }
                return Ok(Some(entry(depth, name, &status, known)));
            }
            if level.next >= level.names.len() {
                self.levels.pop();
                continue;
            }
            if let Err(error) = self.look_ahead() {
                // The rest of it cannot be told, but all that is beside it.
                let level = self.levels.pop();
                return match level.and_then(|level| level.name) {
                    Some(name) => Ok(Some(failed(self.levels.len(), name, &error))),
                    None => Err(error),
                };
            }
        }
    }

    /// Has this directory, wherever it is moved meanwhile, told of as an error and not walked over.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], [`FilesError::WrongKind`].
    pub fn avoid(&mut self, place: &Place) -> Result<(), FilesError> {
        let directory = self.files.tree.directory(place)?;
        self.avoided = Some(directory.status().at(place)?.inode);
        Ok(())
    }

    /// The names that lead from the top to what was told of last, without its own.
    #[must_use]
    pub fn way(&self) -> Vec<Component> {
        self.levels
            .iter()
            .filter_map(|level| level.name.clone())
            .collect()
    }

    /// Leaves out what is below the directory that was told of last.
    pub fn skip(&mut self) {
        self.to_enter = None;
    }

    fn descend(&mut self, name: &Component) -> Result<(), FilesError> {
        let place = self.place_of(Some(name));
        if place.path_bytes().len() > PATH_MAX {
            return Err(FilesError::TooLarge("the path is too long".to_owned()));
        }
        let number = self.levels.len().saturating_sub(1);
        let directory = self.directory(number)?.child(name.as_bytes()).at(&place)?;
        self.enter(Some(name.clone()), directory)
    }

    fn enter(&mut self, name: Option<Component>, directory: Directory) -> Result<(), FilesError> {
        let place = self.place_of(name.as_ref());
        let names = SortedNames::read(&directory, &place, &self.files.names_held)?;
        let inode = directory.status().at(&place)?.inode;
        self.levels.push(Level {
            name,
            directory: Some(directory),
            inode,
            names,
            next: 0,
            ready: VecDeque::new(),
        });
        let too_many = self.levels.len().checked_sub(OPEN_MAX + 1);
        if let Some(level) = too_many.and_then(|number| self.levels.get_mut(number)) {
            level.directory = None;
        }
        Ok(())
    }

    /// Looks at the next names of the deepest directory.
    fn look_ahead(&mut self) -> Result<(), FilesError> {
        let number = self.levels.len().saturating_sub(1);
        let place = self.place_of(None);
        self.directory(number)?;
        let Some(Level {
            directory: Some(directory),
            names,
            next,
            ready,
            ..
        }) = self.levels.get_mut(number)
        else {
            return Ok(());
        };
        let mut found = Vec::with_capacity(LOOK_AHEAD);
        while let Some(name) = names.name(*next)
            && found.len() < LOOK_AHEAD
        {
            *next += 1;
            // One that has gone meanwhile is left out. The file system has no names that are none.
            if let (Some(status), Ok(name)) = (directory.status_of(name).at(&place)?, Component::new(name)) {
                found.push((name, status));
            }
        }
        let plain = |(name, status)| Ok((name, status, Known::default()));
        *ready = if self.details {
            self.files.journal.read(|connection| {
                let known =
                    |(name, status)| Known::of(connection, &status).map(|known| (name, status, known));
                found.into_iter().map(known).collect::<Result<_, _>>()
            })?
        } else {
            found.into_iter().map(plain).collect::<Result<_, FilesError>>()?
        };
        Ok(())
    }

    /// The directory of a level, found again where it was closed.
    fn directory(&mut self, number: usize) -> Result<&Directory, FilesError> {
        let way = self.levels.iter().take(number + 1);
        let way = way.filter_map(|level| level.name.clone());
        let mut place = self.top.clone();
        place.components.extend(way);
        let gone = || FilesError::Conflict(format!("{place} was moved while it was listed"));
        let level = self.levels.get_mut(number).ok_or_else(gone)?;
        if level.directory.is_none() {
            let directory = self.files.tree.directory(&place)?;
            if directory.status().at(&place)?.inode != level.inode {
                return Err(gone());
            }
            level.directory = Some(directory);
        }
        level.directory.as_ref().ok_or_else(gone)
    }

    fn place_of(&self, name: Option<&Component>) -> Place {
        let mut place = self.top.clone();
        place.components.extend(self.way());
        place.components.extend(name.cloned());
        place
    }
}

fn entry(depth: usize, name: Component, status: &Status, known: Known) -> TreeEntry {
    let attributes = status.attributes(known.mode);
    TreeEntry {
        depth: u32::try_from(depth).unwrap_or(u32::MAX),
        name,
        kind: status.kind,
        size: status.size,
        modified: status.modified_time(),
        modified_nanos: attributes.modified_nanos,
        mode: known.mode,
        hash: known.hash,
        error: None,
    }
}

/// What is said of a directory, at this depth, that cannot be listed.
fn failed(depth: usize, name: Component, error: &FilesError) -> TreeEntry {
    use landline_model::protocol::files::EntryKind;
    use landline_model::time::Timestamp;
    let reason = match error {
        FilesError::Internal(_) | FilesError::Store(_) => {
            tracing::error!(%error, "a directory cannot be listed");
            "the hub cannot read it; its log says why".to_owned()
        }
        error => error.to_string(),
    };
    TreeEntry {
        depth: u32::try_from(depth).unwrap_or(u32::MAX),
        name,
        kind: EntryKind::Directory,
        size: 0,
        modified: Timestamp(0),
        modified_nanos: 0,
        mode: None,
        hash: None,
        error: Some(reason),
    }
}

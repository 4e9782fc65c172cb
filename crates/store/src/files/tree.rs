//! The directories under `files/`, each held open for as long as the store is.

use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, space_itself};
use super::place::{Place, SpaceId};
use landline_model::id::AccountId;
use landline_model::path::Component;
use rustix::io::Errno;
use std::path::Path;

/// `files/`: `home/ACCOUNT`, `shared`, `rooms/ROOM`, `partial/UPLOAD`, `trash/ACCOUNT/ID`.
#[derive(Debug)]
pub(super) struct Tree {
    root: Directory,
    home: Directory,
    rooms: Directory,
    trash: Directory,
    /// Uploads that are not finished, and what is about to be deleted. What has no row in the journal is a stray.
    pub(super) partial: Directory,
}

impl Tree {
    /// Opens the tree, and makes what is missing of it.
    pub(super) fn open(path: &Path) -> Result<Self, FilesError> {
        make_root(path)?;
        let root = Directory::at(path).at(path.display())?;
        let child = |name: &str| root.child_made(name.as_bytes()).at(path.join(name).display());
        Ok(Self {
            home: child("home")?,
            rooms: child("rooms")?,
            trash: child("trash")?,
            partial: child("partial")?,
            root,
        })
    }

    /// The directory at `place`.
    pub(super) fn directory(&self, place: &Place) -> Result<Directory, FilesError> {
        self.space(place.space)
            .and_then(|space| space.beneath(&place.components))
            .at(place)
    }

    /// The directory that holds `place`, and the name in it.
    pub(super) fn parent<'a>(&self, place: &'a Place) -> Result<(Directory, &'a Component), FilesError> {
        let (name, above) = place.components.split_last().ok_or_else(space_itself)?;
        let parent = self
            .space(place.space)
            .and_then(|space| space.beneath(above))
            .at(place)?;
        Ok((parent, name))
    }

    /// The same, and the space is made where nothing was ever written to it.
    pub(super) fn parent_made<'a>(&self, place: &'a Place) -> Result<(Directory, &'a Component), FilesError> {
        let (name, above) = place.components.split_last().ok_or_else(space_itself)?;
        let parent = self
            .space_made(place.space)
            .and_then(|space| space.beneath(above))
            .at(place)?;
        Ok((parent, name))
    }

    /// A space; `ENOENT` where nothing was ever written to it.
    pub(super) fn space(&self, space: SpaceId) -> Result<Directory, Errno> {
        let (above, name) = self.space_name(space);
        above.child(name.as_bytes())
    }

    /// A space, made where it was missing.
    pub(super) fn space_made(&self, space: SpaceId) -> Result<Directory, Errno> {
        let (above, name) = self.space_name(space);
        above.child_made(name.as_bytes())
    }

    /// An account's trash; `ENOENT` where it never had any.
    pub(super) fn trash(&self, account: AccountId) -> Result<Directory, Errno> {
        self.trash.child(account.to_string().as_bytes())
    }

    /// An account's trash, made where it was missing.
    pub(super) fn trash_made(&self, account: AccountId) -> Result<Directory, Errno> {
        self.trash.child_made(account.to_string().as_bytes())
    }

    /// The accounts that have a trash.
    pub(super) fn trash_accounts(&self) -> Result<Vec<AccountId>, Errno> {
        let names = self.trash.names()?;
        Ok(names
            .iter()
            .filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok())
            .collect())
    }

    fn space_name(&self, space: SpaceId) -> (&Directory, String) {
        match space {
            SpaceId::Home(account) => (&self.home, account.to_string()),
            SpaceId::Shared => (&self.root, "shared".to_owned()),
            SpaceId::Room(room) => (&self.rooms, room.to_string()),
        }
    }
}

fn make_root(path: &Path) -> Result<(), FilesError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .at(path.display())
}

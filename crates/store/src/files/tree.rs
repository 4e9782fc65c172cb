//! The directories under `files/`, each held open for as long as the store is.

use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, space_itself};
use super::place::{Place, SpaceId};
use landline_model::id::AccountId;
use landline_model::path::Component;
use landline_model::text::escape_bytes;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::MutexGuard;

/// Held by whoever makes a directory until its name is synced: nothing is ever trusted to one that another thread has made
/// and a power cut could still take away.
pub(super) type Names<'a> = MutexGuard<'a, ()>;

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
    ///
    /// # Errors
    /// Those of the disk; [`FilesError::Unsupported`] where the file system cannot do what publishing asks of it: better
    /// now than at the end of the first upload.
    pub(super) fn open(path: &Path) -> Result<Self, FilesError> {
        make_root(path)?;
        let root = Directory::at(path).at(path.display())?;
        let child = |name: &str| root.child_made(name.as_bytes()).at(path.join(name).display());
        let partial = child("partial")?;
        probe(&partial, Directory::rename, Directory::exchange).map_err(|error| unsupported(path, error))?;
        Ok(Self {
            home: child("home")?,
            rooms: child("rooms")?,
            trash: child("trash")?,
            partial,
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
    pub(super) fn parent_made<'a>(
        &self,
        place: &'a Place,
        names: &Names<'_>,
    ) -> Result<(Directory, &'a Component), FilesError> {
        let (name, above) = place.components.split_last().ok_or_else(space_itself)?;
        let parent = self
            .space_made(place.space, names)
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
    pub(super) fn space_made(&self, space: SpaceId, _names: &Names<'_>) -> Result<Directory, Errno> {
        let (above, name) = self.space_name(space);
        above.child_made(name.as_bytes())
    }

    /// An account's trash; `ENOENT` where it never had any.
    pub(super) fn trash(&self, account: AccountId) -> Result<Directory, Errno> {
        self.trash.child(account.to_string().as_bytes())
    }

    /// An account's trash, made where it was missing.
    pub(super) fn trash_made(&self, account: AccountId, _names: &Names<'_>) -> Result<Directory, Errno> {
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

    /// The spaces that are there, and the homes of the accounts that have a trash.
    pub(super) fn spaces(&self) -> Result<BTreeSet<SpaceId>, Errno> {
        let mut spaces: BTreeSet<_> = self.trash_accounts()?.into_iter().map(SpaceId::Home).collect();
        let named = |name: Vec<u8>| String::from_utf8(name).ok();
        let homes = self.home.names()?.into_iter().filter_map(named);
        spaces.extend(homes.filter_map(|name| name.parse().ok().map(SpaceId::Home)));
        let rooms = self.rooms.names()?.into_iter().filter_map(named);
        spaces.extend(rooms.filter_map(|name| name.parse().ok().map(SpaceId::Room)));
        if self.space(SpaceId::Shared).is_ok() {
            spaces.insert(SpaceId::Shared);
        }
        Ok(spaces)
    }

    fn space_name(&self, space: SpaceId) -> (&Directory, String) {
        match space {
            SpaceId::Home(account) => (&self.home, account.to_string()),
            SpaceId::Shared => (&self.root, "shared".to_owned()),
            SpaceId::Room(room) => (&self.rooms, room.to_string()),
        }
    }
}

/// Moves or exchanges two names.
type Rename = fn(&Directory, &[u8], &Directory, &[u8]) -> Result<(), Errno>;

/// Tries with two empty files whether names can be moved without replacing anything, and exchanged. What a crash leaves
/// of it is a stray.
fn probe(partial: &Directory, rename: Rename, exchange: Rename) -> Result<(), Errno> {
    const NAMES: [&[u8]; 2] = [b"probe-1", b"probe-2"];
    let clear = || {
        NAMES.into_iter().try_for_each(|name| match partial.unlink(name) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error),
        })
    };
    let inodes = || -> Result<[Option<u64>; 2], Errno> {
        let [one, other] = NAMES.map(|name| partial.status_of(name));
        Ok([one?.map(|file| file.inode), other?.map(|file| file.inode)])
    };
    let attempt = || {
        for name in NAMES {
            match partial.create_file(name) {
                Ok(_) => {}
                // A hub whose disk is full still has to let people read and make room.
                Err(Errno::NOSPC | Errno::DQUOT) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let [one, other] = inodes()?;
        match rename(partial, NAMES[0], partial, NAMES[1]) {
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
            Ok(()) => return Err(Errno::OPNOTSUPP),
        }
        exchange(partial, NAMES[0], partial, NAMES[1])?;
        if inodes()? == [other, one] {
            Ok(())
        } else {
            Err(Errno::OPNOTSUPP)
        }
    };
    clear()?;
    let outcome = attempt();
    clear()?;
    outcome
}

fn unsupported(path: &Path, error: Errno) -> FilesError {
    let path = escape_bytes(path.as_os_str().as_encoded_bytes());
    FilesError::Unsupported(format!(
        "{path}: this file system cannot exchange two names and move one without replacing another (renameat2: \
         {error}), but that is how a file appears whole or not at all; keep the data directory on another file system, \
         such as ext4, XFS or Btrfs"
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(_: &Directory, _: &[u8], _: &Directory, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::INVAL)
    }

    /// As a file system that does not look at the flags.
    fn plain(from: &Directory, name: &[u8], to: &Directory, to_name: &[u8]) -> Result<(), Errno> {
        match to.unlink(to_name) {
            Ok(()) | Err(Errno::NOENT) => from.rename(name, to, to_name),
            Err(error) => Err(error),
        }
    }

    #[test]
    fn a_file_system_that_cannot_publish_is_noticed_and_nothing_is_left_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let partial = Directory::at(directory.path()).unwrap();
        // What a crash left.
        std::fs::write(directory.path().join("probe-2"), b"").unwrap();
        for (rename, exchange, expected) in [
            (Directory::rename as Rename, Directory::exchange as Rename, Ok(())),
            (Directory::rename, refused, Err(Errno::INVAL)),
            (refused, Directory::exchange, Err(Errno::INVAL)),
            (Directory::rename, plain, Err(Errno::OPNOTSUPP)),
            (plain, Directory::exchange, Err(Errno::OPNOTSUPP)),
        ] {
            assert_eq!(probe(&partial, rename, exchange), expected);
            assert_eq!(partial.names().unwrap(), Vec::<Vec<u8>>::new());
        }
    }

    #[test]
    fn the_refusal_names_the_directory_and_what_to_do() {
        let FilesError::Unsupported(message) = unsupported(Path::new("/srv/a\nb"), Errno::INVAL) else {
            panic!("another error")
        };
        assert!(
            message.starts_with("/srv/a")
                && !message.contains('\n')
                && message.contains("another file system"),
            "{message}"
        );
    }
}

//! Removing what is only in the target.

use super::exclude::{Exclude, is_excluded};
use crate::files::{Directory, FilesError, Kind};
use crate::{Connection, Pending};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::Remove;
use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// How many removals at the hub are under way.
const WINDOW: usize = 64;

/// How deep a tree here is removed; one that is deeper stays, and it is said.
const DEPTH_MAX: usize = 256;

/// Removals at the hub that are not yet answered.
pub(super) struct Removals {
    asked: VecDeque<(Pending<Remove>, bool)>,
}

impl Removals {
    pub(super) const fn new() -> Self {
        Self {
            asked: VecDeque::new(),
        }
    }

    /// Asks for one. What is not there any more is no failure; where it `may_stay`, neither is a directory that is not
    /// empty.
    ///
    /// # Errors
    /// How the connection ended. What an older one failed of is given back.
    pub(super) async fn ask(
        &mut self,
        connection: &Connection,
        path: RemotePath,
        recursive: bool,
    ) -> Result<(), FilesError> {
        if self.asked.len() >= WINDOW {
            self.oldest().await?;
        }
        let call = Remove { path, recursive };
        let pending = connection.start(&call, bytes::Bytes::new()).await?;
        self.asked.push_back((pending, !recursive));
        Ok(())
    }

    /// Waits for the oldest; says whether there was one.
    ///
    /// # Errors
    /// What it failed of.
    pub(super) async fn oldest(&mut self) -> Result<bool, FilesError> {
        let Some((pending, may_stay)) = self.asked.pop_front() else {
            return Ok(false);
        };
        match pending.finished().await.map_err(FilesError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(true),
            Err(error) if may_stay && error.code() == Some(ErrorCode::WrongKind) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Removes what stands under a name here, a directory with everything in it but what is left out. No link is followed.
/// Says whether all of it is gone.
///
/// # Errors
/// [`FilesError::Local`]; then some of it may be gone.
pub(super) fn remove_local(
    directory: &Directory,
    name: &OsStr,
    excludes: &[Exclude],
    way: &[OsString],
) -> Result<bool, FilesError> {
    let mut way = way.to_vec();
    remove(directory, name, excludes, &mut way)
}

fn remove(
    directory: &Directory,
    name: &OsStr,
    excludes: &[Exclude],
    way: &mut Vec<OsString>,
) -> Result<bool, FilesError> {
    let failed = |error| FilesError::local(&directory.path_of(name), error);
    let kind = directory.kind_of(name)?;
    let is_directory = kind == Some(Kind::Directory);
    let names = way.iter().map(|name| name.as_bytes());
    if is_excluded(excludes, names, name.as_bytes(), is_directory) {
        return Ok(false);
    }
    if !is_directory {
        return match unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(error) => Err(failed(error)),
        };
    }
    if way.len() > DEPTH_MAX {
        return Err(failed(Errno::NAMETOOLONG));
    }
    let below = directory.open_child(name)?;
    let mut is_empty = true;
    for child in below.names()? {
        way.push(child.clone());
        let gone = remove(&below, &child, excludes, way);
        way.pop();
        is_empty &= gone?;
    }
    if !is_empty {
        return Ok(false);
    }
    match unlinkat(directory, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_removed_and_what_they_lead_to_stays() {
        let (place, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("kept"), b"").unwrap();
        std::fs::create_dir_all(place.path().join("d/e")).unwrap();
        std::fs::write(place.path().join("d/e/f"), b"").unwrap();
        symlink(outside.path(), place.path().join("d/link")).unwrap();
        symlink(outside.path(), place.path().join("link")).unwrap();
        let directory = Directory::open(place.path()).unwrap();
        for name in ["d", "link", "missing"] {
            let way = [OsString::from(name)];
            assert!(remove_local(&directory, OsStr::new(name), &[], &way).unwrap());
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        assert!(outside.path().join("kept").exists());
    }

    #[test]
    fn what_is_left_out_stays_with_the_directories_above_it() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("d/e/g")).unwrap();
        for file in ["d/e/f.keep", "d/e/f", "d/f"] {
            std::fs::write(place.path().join(file), b"").unwrap();
        }
        let directory = Directory::open(place.path()).unwrap();
        let excludes = [Exclude::parse(b"*.keep")];
        assert!(!remove_local(&directory, OsStr::new("d"), &excludes, &["d".into()]).unwrap());
        let left: Vec<_> = std::fs::read_dir(place.path().join("d/e"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["f.keep"]);
        assert!(!place.path().join("d/f").exists());
    }
}

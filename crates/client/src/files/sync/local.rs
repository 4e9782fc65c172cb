//! A local tree as a stream: depth first, the names of each directory in the order of their bytes, read on a thread of its
//! own. Links are told of and never followed.

use super::exclude::{Exclude, is_excluded};
use crate::files::{Directory, FilesError, Kind, blocking};
use landline_model::path::DEPTH_MAX;
use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many things are handed on together.
const BATCH: usize = 512;

/// How many such batches wait.
const BATCHES: usize = 8;

/// Something in a local tree.
#[derive(Debug)]
pub(super) struct Found {
    /// How many names its way has.
    depth: usize,
    pub(super) name: OsString,
    pub(super) what: What,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum What {
    /// A file or anything else.
    Is(Kind, Stamp),
    /// It cannot be looked at, or what is in it cannot.
    Failed(FilesError),
}

/// What the file system says of a file: what changes when it is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    /// Nanoseconds since the epoch.
    pub(super) modified: i64,
    pub(super) changed: i64,
}

/// A local tree, as it comes.
pub(super) struct LocalTree {
    batches: mpsc::Receiver<Vec<Found>>,
    reader: Option<JoinHandle<Result<(), FilesError>>>,
    ready: VecDeque<Found>,
    /// The names that lead to the next one, its own included.
    way: Vec<OsString>,
}

impl LocalTree {
    /// Begins to read everything below a directory but what is left out.
    pub(super) fn open(top: Arc<Directory>, excludes: Arc<[Exclude]>) -> Self {
        let (sender, batches) = mpsc::channel(BATCHES);
        let reader = tokio::spawn(blocking(move || {
            let mut walk = Walk {
                excludes: &excludes,
                batches: &sender,
                batch: Vec::with_capacity(BATCH),
                way: Vec::new(),
            };
            walk.directory(&top)?;
            walk.hand_on()
        }));
        Self {
            batches,
            reader: Some(reader),
            ready: VecDeque::new(),
            way: Vec::new(),
        }
    }

    /// Goes on to the next one; none behind the last. [`way`](Self::way) says where it stands.
    ///
    /// # Errors
    /// Where the top cannot be read.
    pub(super) async fn next(&mut self) -> Result<Option<Found>, FilesError> {
        if self.ready.is_empty() {
            match self.batches.recv().await {
                Some(batch) => self.ready = batch.into(),
                None => {
                    if let Some(reader) = self.reader.take() {
                        reader.await.map_err(|_| FilesError::Stopped)??;
                    }
                }
            }
        }
        let Some(found) = self.ready.pop_front() else {
            return Ok(None);
        };
        self.way.truncate(found.depth - 1);
        self.way.push(found.name.clone());
        Ok(Some(found))
    }

    /// The names that lead from the top to the last one, its own the last.
    pub(super) fn way(&self) -> &[OsString] {
        &self.way
    }
}

struct Walk<'a> {
    excludes: &'a [Exclude],
    batches: &'a mpsc::Sender<Vec<Found>>,
    batch: Vec<Found>,
    way: Vec<OsString>,
}

impl Walk<'_> {
    /// Tells of everything in a directory.
    ///
    /// # Errors
    /// Where its names cannot be read: then nothing of it was told; [`FilesError::Stopped`] where nobody listens.
    fn directory(&mut self, directory: &Directory) -> Result<(), FilesError> {
        for name in directory.names()? {
            self.way.push(name);
            let told = self.entry(directory);
            self.way.pop();
            told?;
        }
        Ok(())
    }

    fn entry(&mut self, directory: &Directory) -> Result<(), FilesError> {
        let Some(name) = self.way.last().cloned() else {
            return Ok(());
        };
        let (kind, stamp) = match look(directory, &name) {
            Ok(Some(found)) => found,
            // Gone meanwhile.
            Ok(None) => return Ok(()),
            Err(error) => return self.tell(name, What::Failed(error)),
        };
        let way = self.way.iter().map(|name| name.as_bytes());
        if is_excluded(self.excludes, way, name.as_bytes(), kind == Kind::Directory) {
            return Ok(());
        }
        self.tell(name.clone(), What::Is(kind, stamp))?;
        if kind != Kind::Directory {
            return Ok(());
        }
        let below = if self.way.len() < DEPTH_MAX {
            directory
                .open_child(&name)
                .and_then(|below| self.directory(&below))
        } else {
            let path = directory.path_of(&name);
            Err(FilesError::local(&path, Errno::NAMETOOLONG))
        };
        match below {
            Ok(()) => Ok(()),
            Err(FilesError::Stopped) => Err(FilesError::Stopped),
            Err(error) => self.tell(name, What::Failed(error)),
        }
    }

    fn tell(&mut self, name: OsString, what: What) -> Result<(), FilesError> {
        let depth = self.way.len();
        self.batch.push(Found { depth, name, what });
        if self.batch.len() >= BATCH {
            return self.hand_on();
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), FilesError> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if batch.is_empty() {
            return Ok(());
        }
        self.batches.blocking_send(batch).map_err(|_| FilesError::Stopped)
    }
}

/// What stands under a name; none for nothing.
pub(super) fn look(directory: &Directory, name: &OsStr) -> Result<Option<(Kind, Stamp)>, FilesError> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some((
            Kind::of(FileType::from_raw_mode(stat.st_mode)),
            Stamp::from(&stat),
        ))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(FilesError::local(&directory.path_of(name), error)),
    }
}

impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

fn nanoseconds(seconds: i64, rest: u64) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::try_from(rest).unwrap_or(0))
}

/// Which of two ways comes first: byte by byte, name by name, and a directory before what is in it.
pub(super) fn order<'a>(
    one: impl Iterator<Item = &'a [u8]>,
    other: impl Iterator<Item = &'a [u8]>,
) -> Ordering {
    one.cmp(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[tokio::test]
    async fn a_local_tree_comes_in_order_and_links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        for directory in ["b/c", "x"] {
            std::fs::create_dir_all(place.path().join(directory)).unwrap();
        }
        for file in ["b/c/1", "b/2", "a", "b.x", "b-x", "x/left-out"] {
            std::fs::write(place.path().join(file), b"").unwrap();
        }
        symlink("/", place.path().join("z")).unwrap();
        let top = Arc::new(Directory::open(place.path()).unwrap());
        let mut tree = LocalTree::open(top, [Exclude::parse(b"left-*")].into());
        let mut ways = Vec::new();
        while let Some(found) = tree.next().await.unwrap() {
            assert!(matches!(found.what, What::Is(..)), "{found:?}");
            let names: Vec<&[u8]> = tree.way().iter().map(|name| name.as_bytes()).collect();
            ways.push(names.join(&b'/'));
        }
        let expected = ["a", "b", "b/2", "b/c", "b/c/1", "b-x", "b.x", "x", "z"];
        assert_eq!(ways, expected.map(|way| way.as_bytes().to_vec()));
        let names = |way: &'static str| way.split('/').map(str::as_bytes);
        assert!(
            expected
                .windows(2)
                .all(|pair| order(names(pair[0]), names(pair[1])).is_lt())
        );
    }

    #[tokio::test]
    async fn a_tree_that_nobody_wants_ends() {
        let place = tempfile::tempdir().unwrap();
        for number in 0..BATCH * (BATCHES + 2) {
            std::fs::write(place.path().join(number.to_string()), b"").unwrap();
        }
        let top = Arc::new(Directory::open(place.path()).unwrap());
        let mut tree = LocalTree::open(top, [].into());
        tree.next().await.unwrap().unwrap();
        let reader = tree.reader.take().unwrap();
        drop(tree);
        assert!(matches!(reader.await.unwrap(), Err(FilesError::Stopped)));
    }
}

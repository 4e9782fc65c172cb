//! What this machine remembers of large files that it has read to send them: the chaining value of every block, so that
//! an upload that goes on later does not read them again. One file for each version of a source, under
//! `$XDG_CACHE_HOME/landline/blocks`, removed when the upload is done.
//!
//! ```text
//!  0  magic 8, change time 8 + 4, zeros 12      32  root of the first block     64  values, 32 bytes each
//! ```
//! Nothing depends on it: what does not fit is read again, and what is wrong is not what the hub has.

use super::source::Stamp;
use landline_model::blocks::BlockHash;
use landline_model::hash::Hash;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const MAGIC: &[u8; 8] = b"LLvalues";
const VALUE_BYTES: usize = 32;
const HEADER_BYTES: usize = 32;
const ROOT_AT: u64 = HEADER_BYTES as u64;
const VALUES_AT: u64 = 64;

/// From this size on a file is worth remembering, in bytes: a smaller one is read again in no time.
pub(super) const REMEMBERED_FROM: u64 = 16 * 1024 * 1024;

/// How long what nobody came back for is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The chaining values of one version of a source.
#[derive(Debug)]
pub(super) struct Values {
    path: PathBuf,
    file: File,
}

impl Values {
    /// Those of a source by its name; none where this machine keeps no cache.
    pub(super) fn open(name: &str, stamp: &Stamp) -> Option<Self> {
        let directory = directory()?;
        prune(&directory, SystemTime::now());
        let opened = Self::open_in(&directory, name, stamp);
        if let Err(error) = &opened {
            tracing::debug!(%error, "no cache of chaining values");
        }
        opened.ok()
    }

    fn open_in(directory: &Path, name: &str, stamp: &Stamp) -> std::io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        let path = directory.join(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)?);
        let mut header = [0; HEADER_BYTES];
        let mut there = header;
        header[..8].copy_from_slice(MAGIC);
        header[8..20].copy_from_slice(&stamp.changed());
        if file.read_exact_at(&mut there, 0).is_err() || there != header {
            file.set_len(0)?;
            file.write_all_at(&header, 0)?;
        }
        Ok(Self { path, file })
    }

    /// What is known of the blocks from number `first` on, at most `limit`.
    pub(super) fn load(&self, first: u64, limit: u64) -> Vec<BlockHash> {
        let mut root = [0; VALUE_BYTES];
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        let known = length.saturating_sub(VALUES_AT) / VALUE_BYTES as u64;
        let count = usize::try_from(known.saturating_sub(first).min(limit)).unwrap_or(0);
        let mut values = vec![[0; VALUE_BYTES]; count];
        if self.file.read_exact_at(&mut root, ROOT_AT).is_err()
            || self
                .file
                .read_exact_at(values.as_flattened_mut(), VALUES_AT + first * VALUE_BYTES as u64)
                .is_err()
        {
            return Vec::new();
        }
        let mut root = (first == 0).then(|| Hash::from_bytes(root));
        let block = |chaining_value| BlockHash {
            chaining_value,
            root: root.take(),
        };
        values.into_iter().map(block).collect()
    }

    /// Remembers a block. They come in order; another process that sends the same writes the same.
    pub(super) fn remember(&self, number: u64, block: &BlockHash) {
        let at = VALUES_AT + number * VALUE_BYTES as u64;
        let root = block.root.as_ref().map(Hash::as_bytes);
        let written = root
            .map_or(Ok(()), |root| self.file.write_all_at(root, ROOT_AT))
            .and_then(|()| self.file.write_all_at(&block.chaining_value, at));
        if let Err(error) = written {
            tracing::debug!(%error, "a chaining value is not remembered");
        }
    }

    /// Forgets all of it.
    pub(super) fn forget(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// `$XDG_CACHE_HOME/landline/blocks`, else `~/.cache/landline/blocks`.
fn directory() -> Option<PathBuf> {
    // A relative path is to be ignored: XDG Base Directory Specification, "Environment variables".
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("landline/blocks"))
}

/// Removes what nobody came back for.
fn prune(directory: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| now.duration_since(modified).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::blocks::hash_block;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn values_come_back_as_long_as_the_source_is_what_it_was() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("blocks");
        let blocks = [hash_block(0, b"1"), hash_block(1, b"2")];
        let stamp = Stamp::for_test(1);
        let values = Values::open_in(&directory, "a", &stamp).unwrap();
        assert_eq!(values.load(0, 9), []);
        for (number, block) in (0..).zip(&blocks) {
            values.remember(number, block);
        }
        let again = Values::open_in(&directory, "a", &stamp).unwrap();
        assert_eq!(again.load(0, 9), blocks);
        assert_eq!(again.load(0, 1), blocks[..1]);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join("a"))), (0o700, 0o600));
        let changed = Values::open_in(&directory, "a", &Stamp::for_test(2)).unwrap();
        assert_eq!(changed.load(0, 9), []);
        changed.forget();
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
    }

    #[test]
    fn what_nobody_came_back_for_is_removed() {
        let place = tempfile::tempdir().unwrap();
        drop(Values::open_in(place.path(), "a", &Stamp::for_test(1)).unwrap());
        let now = SystemTime::now();
        prune(place.path(), now + KEPT - Duration::from_secs(60));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
        prune(place.path(), now + KEPT + Duration::from_secs(60));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    }
}

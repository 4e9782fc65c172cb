//! A file of this machine that is to be sent: read once, and only as long as nobody writes to it.

use super::{Directory, FilesError, Kind};
use bytes::Bytes;
use landline_model::blocks::{BLOCK_BYTES, hash_block, hash_file};
use landline_model::hash::Hash;
use landline_model::protocol::files::{Attributes, MODE_MAX, NANOS_PER_MILLISECOND};
use landline_model::time::Timestamp;
use rustix::fs::{FileType, Mode, OFlags, fstat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// An open regular file, and what it was when it was opened.
#[derive(Debug)]
pub struct Source {
    file: File,
    /// How it was reached: for messages only.
    path: PathBuf,
    stamp: Stamp,
    /// The permission bits.
    mode: u32,
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    /// In bytes.
    size: u64,
    modified_seconds: i64,
    modified_nanoseconds: u32,
    inode: u64,
}

impl Source {
    /// Opens a file that the user named; links are followed.
    ///
    /// # Errors
    /// [`FilesError::Local`]; [`FilesError::NotAFile`] for a directory or a special file.
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        // Without NONBLOCK, a pipe would keep us waiting for somebody at its other end.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let descriptor =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|error| FilesError::local(path, error))?;
        Self::from_file(File::from(descriptor), path.to_owned())
    }

    /// Opens a file in an open directory; a link is an error.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_in(directory: &Directory, name: &OsStr) -> Result<Self, FilesError> {
        Self::from_file(directory.open_file(name)?, directory.path_of(name))
    }

    /// Its size in bytes when it was opened.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.stamp.size
    }

    /// How it was reached: for messages only.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn from_file(file: File, path: PathBuf) -> Result<Self, FilesError> {
        let stat = fstat(&file).map_err(|error| FilesError::local(&path, error))?;
        match Kind::of(FileType::from_raw_mode(stat.st_mode)) {
            Kind::File => {}
            kind => {
                return Err(FilesError::NotAFile {
                    path,
                    kind: kind.described(),
                });
            }
        }
        let stamp = Stamp::of(&file).map_err(|error| FilesError::local(&path, error))?;
        Ok(Self {
            file,
            path,
            stamp,
            mode: stat.st_mode & MODE_MAX,
        })
    }

    /// What it keeps beside its content.
    pub(super) fn attributes(&self) -> Attributes {
        let Stamp {
            modified_seconds,
            modified_nanoseconds,
            ..
        } = self.stamp;
        let milliseconds = u64::try_from(modified_seconds).ok().map(|seconds| {
            let rest = u64::from(modified_nanoseconds / NANOS_PER_MILLISECOND);
            seconds.saturating_mul(1000).saturating_add(rest)
        });
        Attributes {
            // What was before 1970 has no place on the way: the hub takes its own time.
            modified: milliseconds.map(Timestamp),
            modified_nanos: modified_nanoseconds % NANOS_PER_MILLISECOND,
            mode: Some(self.mode),
        }
    }

    /// Reads the whole file, which is known to be small.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`] where the file is not what it was when it was opened.
    pub(super) fn read_whole(mut self) -> Result<Bytes, FilesError> {
        let content = self.read_block(self.stamp.size)?;
        self.check_unchanged(self.stamp.size - content.len() as u64)?;
        Ok(content.into())
    }

    /// Reads the whole file into `blocks`, block by block, and says its hash. Waits while nobody takes the blocks.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`] where the file is not what it was when it was opened; [`FilesError::Stopped`]
    /// where nobody wants the blocks any more.
    pub(super) fn read(mut self, blocks: &mpsc::Sender<Bytes>) -> Result<Hash, FilesError> {
        let mut hashes = Vec::new();
        let mut left = self.stamp.size;
        for index in 0.. {
            let block = self.read_block(left)?;
            if block.is_empty() {
                break;
            }
            left -= block.len() as u64;
            hashes.push(hash_block(index, &block));
            blocks
                .blocking_send(block.into())
                .map_err(|_| FilesError::Stopped)?;
        }
        self.check_unchanged(left)?;
        Ok(hash_file(&hashes))
    }

    /// The next block: short only at the end, empty behind it.
    fn read_block(&mut self, left: u64) -> Result<Vec<u8>, FilesError> {
        let wanted = left.min(BLOCK_BYTES as u64);
        let mut block = Vec::with_capacity(usize::try_from(wanted).unwrap_or(BLOCK_BYTES));
        let read = (&mut self.file).take(wanted).read_to_end(&mut block);
        read.map_err(|error| FilesError::local(&self.path, error))?;
        Ok(block)
    }

    fn check_unchanged(&mut self, left: u64) -> Result<(), FilesError> {
        let failed = |error| FilesError::local(&self.path, error);
        let more = self.file.read(&mut [0]).map_err(failed)?;
        let now = Stamp::of(&self.file).map_err(failed)?;
        if left > 0 || more > 0 || now != self.stamp {
            return Err(FilesError::SourceChanged {
                path: self.path.clone(),
            });
        }
        Ok(())
    }
}

impl Stamp {
    fn of(file: &File) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.len(),
            modified_seconds: metadata.mtime(),
            modified_nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
            inode: metadata.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// Reads all blocks, with `meddle` called when the first one has come.
    fn read(source: Source, meddle: impl FnOnce()) -> (Vec<Bytes>, Result<Hash, FilesError>) {
        let (sender, mut receiver) = mpsc::channel(1);
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || source.read(&sender));
            let mut blocks: Vec<_> = receiver.blocking_recv().into_iter().collect();
            meddle();
            while let Some(block) = receiver.blocking_recv() {
                blocks.push(block);
            }
            (blocks, reader.join().unwrap())
        })
    }

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_file_is_read_in_blocks_and_hashed_as_a_whole() {
        for size in [0, 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 7] {
            let content: Vec<u8> = (0..size)
                .map(|index| u8::try_from(index % 251).unwrap())
                .collect();
            let (blocks, hash) = read(Source::open(file(&content).path()).unwrap(), || ());
            assert_eq!(hash.unwrap(), blake3::hash(&content).into());
            assert_eq!(blocks.len(), size.div_ceil(BLOCK_BYTES));
            assert_eq!(blocks.concat(), content);
        }
    }

    #[test]
    fn a_file_that_changes_on_the_way_is_noticed() {
        // Many blocks behind a queue of one: the reader cannot be at the end when the file changes.
        let content = vec![7; 6 * BLOCK_BYTES];
        let longer = file(&content);
        let append = || {
            std::fs::OpenOptions::new()
                .append(true)
                .open(longer.path())
                .unwrap()
                .write_all(b"x")
                .unwrap()
        };
        let (_, hash) = read(Source::open(longer.path()).unwrap(), append);
        assert!(matches!(hash, Err(FilesError::SourceChanged { .. })), "{hash:?}");
        let shorter = file(&content);
        let (_, hash) = read(Source::open(shorter.path()).unwrap(), || {
            shorter.as_file().set_len(5 * BLOCK_BYTES as u64).unwrap()
        });
        assert!(matches!(hash, Err(FilesError::SourceChanged { .. })), "{hash:?}");
        let touched = file(&content);
        let touch = || touched.as_file().set_modified(std::time::UNIX_EPOCH).unwrap();
        let (_, hash) = read(Source::open(touched.path()).unwrap(), touch);
        assert!(matches!(hash, Err(FilesError::SourceChanged { .. })), "{hash:?}");
    }

    #[test]
    fn what_is_no_file_is_refused_and_nobody_is_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for path in [place.path(), &pipe] {
            assert!(
                matches!(Source::open(path), Err(FilesError::NotAFile { .. })),
                "{}",
                path.display()
            );
        }
    }
}

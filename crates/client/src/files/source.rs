//! A file of this machine that is to be sent: read once, and only as long as nobody writes to it.

use super::{Directory, FilesError, Kind};
use bytes::Bytes;
use landline_model::blocks::BLOCK_BYTES;
use landline_model::protocol::files::{Attributes, MODE_MAX, NANOS_PER_MILLISECOND};
use landline_model::time::Timestamp;
use rustix::fs::{FileType, Mode, OFlags, fstat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

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
pub(super) struct Stamp {
    /// In bytes.
    size: u64,
    modified_seconds: i64,
    modified_nanoseconds: u32,
    changed_seconds: i64,
    changed_nanoseconds: u32,
    inode: u64,
    device: u64,
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

    /// Of a file that is open; `path` is what it is called.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_file(file: File, path: PathBuf) -> Result<Self, FilesError> {
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

    /// What this version of it is called: by machine, file, size, time and path, so that a program that was killed finds
    /// its own upload again, and no other one's.
    pub(super) fn name(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("landline 2026 source of an upload");
        // Where the machine has no id, its files are told apart by the rest.
        hasher.update(&std::fs::read("/etc/machine-id").unwrap_or_default());
        let path = std::path::absolute(&self.path);
        let path = path.as_deref().unwrap_or(&self.path).as_os_str().as_bytes();
        let Stamp {
            size,
            modified_seconds,
            modified_nanoseconds,
            inode,
            device,
            ..
        } = self.stamp;
        let numbers = [
            size,
            modified_seconds.cast_unsigned(),
            modified_nanoseconds.into(),
            inode,
            device,
        ];
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(path);
        hasher.finalize().to_hex().to_string()
    }

    pub(super) const fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// How many blocks it has.
    pub(super) const fn blocks(&self) -> u64 {
        self.stamp.size.div_ceil(BLOCK_BYTES as u64)
    }

    /// Reads the whole file, which is known to be small.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`] where the file is not what it was when it was opened.
    pub(super) fn read_whole(self) -> Result<Bytes, FilesError> {
        let content = self.read_at(0, self.stamp.size)?;
        self.check_unchanged()?;
        Ok(content)
    }

    /// The block with this number.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`] where it is not all there.
    pub(super) fn read_block(&self, number: u64) -> Result<Bytes, FilesError> {
        let offset = number.saturating_mul(BLOCK_BYTES as u64);
        let rest = self.stamp.size.saturating_sub(offset);
        self.read_at(offset, rest.min(BLOCK_BYTES as u64))
    }

    fn read_at(&self, offset: u64, wanted: u64) -> Result<Bytes, FilesError> {
        let mut block = Vec::with_capacity(usize::try_from(wanted).unwrap_or(BLOCK_BYTES));
        let mut at = AtOffset {
            file: &self.file,
            offset,
        };
        let read = (&mut at).take(wanted).read_to_end(&mut block);
        read.map_err(|error| FilesError::local(&self.path, error))?;
        if block.len() as u64 == wanted {
            Ok(block.into())
        } else {
            Err(self.changed())
        }
    }

    /// Says whether nobody has written to the file since it was opened.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`]
    pub(super) fn check_unchanged(&self) -> Result<(), FilesError> {
        let now = Stamp::of(&self.file).map_err(|error| FilesError::local(&self.path, error))?;
        if now == self.stamp {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    fn changed(&self) -> FilesError {
        FilesError::SourceChanged {
            path: self.path.clone(),
        }
    }
}

/// Reads from a place in a file, whoever else reads it.
struct AtOffset<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for AtOffset<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
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
            changed_seconds: metadata.ctime(),
            changed_nanoseconds: u32::try_from(metadata.ctime_nsec()).unwrap_or(0),
            inode: metadata.ino(),
            device: metadata.dev(),
        })
    }

    /// When anything about the file was last changed: only the clock sets it.
    pub(super) fn changed(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.changed_seconds.to_le_bytes());
        bytes[8..].copy_from_slice(&self.changed_nanoseconds.to_le_bytes());
        bytes
    }

    #[cfg(test)]
    pub(super) fn for_test(changed_seconds: i64) -> Self {
        Self {
            size: 1,
            modified_seconds: 1,
            modified_nanoseconds: 1,
            changed_seconds,
            changed_nanoseconds: 1,
            inode: 1,
            device: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_file_is_read_in_blocks() {
        for size in [0, 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 7] {
            let content: Vec<u8> = (0..size)
                .map(|index| u8::try_from(index % 251).unwrap())
                .collect();
            let file = file(&content);
            let source = Source::open(file.path()).unwrap();
            let blocks: Vec<_> = (0..source.blocks())
                .map(|number| source.read_block(number).unwrap())
                .collect();
            assert_eq!(blocks.len(), size.div_ceil(BLOCK_BYTES));
            assert_eq!(blocks.concat(), content);
            source.check_unchanged().unwrap();
        }
    }

    #[test]
    fn a_file_that_changes_on_the_way_is_noticed() {
        let changed = |meddle: fn(&File)| {
            let file = file(b"content");
            let source = Source::open(file.path()).unwrap();
            meddle(&std::fs::OpenOptions::new().write(true).open(file.path()).unwrap());
            source.check_unchanged()
        };
        let meddlers: [fn(&File); 4] = [
            |file| file.set_len(6).unwrap(),
            |file| file.set_len(8).unwrap(),
            |file| file.set_modified(std::time::UNIX_EPOCH).unwrap(),
            // The time of the content is put back; that of the change cannot be.
            |mut file| {
                let modified = file.metadata().unwrap().modified().unwrap();
                file.write_all(b"C").unwrap();
                file.set_modified(modified).unwrap();
            },
        ];
        for meddle in meddlers {
            let verdict = changed(meddle);
            assert!(
                matches!(verdict, Err(FilesError::SourceChanged { .. })),
                "{verdict:?}"
            );
        }
        let short = file(&[7; 9]);
        let source = Source::open(short.path()).unwrap();
        short.as_file().set_len(5).unwrap();
        let read = source.read_block(0);
        assert!(matches!(read, Err(FilesError::SourceChanged { .. })), "{read:?}");
    }

    #[test]
    fn each_version_of_each_file_has_a_name_of_its_own() {
        let (one, other) = (file(b"content"), file(b"content"));
        let name = |file: &tempfile::NamedTempFile| Source::open(file.path()).unwrap().name();
        let first = name(&one);
        assert_eq!(first.len(), 64);
        assert_eq!(first, name(&one));
        assert_ne!(first, name(&other));
        one.as_file().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_ne!(first, name(&one));
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

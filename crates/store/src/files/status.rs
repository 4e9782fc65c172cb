//! What the file system says about a file.

use super::known::Known;
use landline_model::path::Component;
use landline_model::protocol::files::{Attributes, Entry, EntryKind, NANOS_PER_MILLISECOND};
use landline_model::time::Timestamp;
use rustix::fs::{FileType, Stat};

const NANOSECONDS: i64 = 1_000_000_000;

/// What stands under a name, as of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) kind: EntryKind,
    /// With the file system this names the file; all files of a hub are on one.
    pub(super) inode: u64,
    /// Bytes; 0 for what is no file.
    pub(super) size: u64,
    /// When the content was last changed, in nanoseconds since the epoch. Anybody may set it back.
    pub(super) modified: i64,
    /// When anything about the file was last changed, a rename included. Only the clock sets it.
    pub(super) changed: i64,
}

impl Status {
    /// When the content was last changed.
    pub(super) fn modified_time(&self) -> Timestamp {
        Timestamp(u64::try_from(self.modified / i64::from(NANOS_PER_MILLISECOND)).unwrap_or(0))
    }

    /// What this keeps beside its content; the mode is the journal's to know.
    pub(super) fn attributes(&self, mode: Option<u32>) -> Attributes {
        let rest = self.modified.max(0) % i64::from(NANOS_PER_MILLISECOND);
        Attributes {
            modified: Some(self.modified_time()),
            modified_nanos: u32::try_from(rest).unwrap_or(0),
            mode,
        }
    }

    /// What a listing says of this, under a name.
    pub(super) fn entry(&self, name: Option<Component>, known: Known) -> Entry {
        let Known { hash, mode } = known;
        Entry {
            name,
            kind: self.kind,
            size: self.size,
            modified: self.modified_time(),
            modified_nanos: self.attributes(None).modified_nanos,
            mode,
            hash,
        }
    }

    /// Whether the content is what it was at `earlier`, the same file given.
    pub(super) fn has_content_of(&self, earlier: &Self) -> bool {
        (self.inode, self.size, self.modified) == (earlier.inode, earlier.size, earlier.modified)
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == EntryKind::Directory
    }
}

impl From<&Stat> for Status {
    fn from(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            _ => EntryKind::Other,
        };
        let size = if kind == EntryKind::File {
            u64::try_from(stat.st_size).unwrap_or(0)
        } else {
            0
        };
        Self {
            kind,
            inode: stat.st_ino,
            size,
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

fn nanoseconds(seconds: i64, rest: u64) -> i64 {
    seconds
        .saturating_mul(NANOSECONDS)
        .saturating_add(i64::try_from(rest).unwrap_or(0))
}

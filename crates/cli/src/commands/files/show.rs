//! How entries of remote directories are written out.

use crate::show::local;
use landline_model::protocol::files::{Entry, EntryKind};

/// The kind as one letter, as in `ls -l`.
pub(super) const fn letter(kind: EntryKind) -> char {
    match kind {
        EntryKind::File => '-',
        EntryKind::Directory => 'd',
        _ => '?',
    }
}

/// The kind as a word.
pub(super) const fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        _ => "other",
    }
}

/// When the entry was last changed, by this machine's clock, to the second.
pub(super) fn modified(entry: &Entry) -> String {
    local(entry.modified, "%Y-%m-%d %H:%M:%S")
}

/// The entry's size, where it has one.
pub(super) fn size(entry: &Entry) -> String {
    if entry.kind == EntryKind::File {
        entry.size.to_string()
    } else {
        "-".to_owned()
    }
}

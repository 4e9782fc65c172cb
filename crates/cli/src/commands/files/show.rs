//! How entries of remote directories are written out.

use crate::show::local;
use indicatif::HumanBytes;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Entry, EntryKind};
use serde::Serialize;

/// An entry as `--json` shows it, one a line: what the hub says of it, and its whole path.
#[derive(Serialize)]
pub(super) struct EntryLine<'a> {
    pub(super) path: &'a RemotePath,
    #[serde(flatten)]
    pub(super) entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
}

/// What stands in front of a name in a long listing: kind and permissions, size, time of the last change.
pub(super) fn long(entry: &Entry) -> String {
    let (kind, time) = (letter(entry.kind), modified(entry));
    format!("{kind}{} {:>13} {time}", permissions(entry.mode), size(entry))
}

/// The kind as one letter, as in `ls -l`.
const fn letter(kind: EntryKind) -> char {
    match kind {
        EntryKind::File => '-',
        EntryKind::Directory => 'd',
        _ => '?',
    }
}

/// The permission bits, as in `ls -l`; dashes where the hub knows none.
fn permissions(mode: Option<u32>) -> String {
    let mode = mode.unwrap_or(0);
    let letters = "rwxrwxrwx".chars().zip((0..9).rev());
    letters
        .map(|(letter, bit)| if mode >> bit & 1 == 1 { letter } else { '-' })
        .collect()
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

/// A number of bytes, for people where `human`.
pub(super) fn bytes(bytes: u64, human: bool) -> String {
    if human {
        HumanBytes(bytes).to_string()
    } else {
        bytes.to_string()
    }
}

/// The entry's size, where it has one.
fn size(entry: &Entry) -> String {
    if entry.kind == EntryKind::File {
        entry.size.to_string()
    } else {
        "-".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_are_written_as_everywhere() {
        assert_eq!(permissions(Some(0o640)), "rw-r-----");
        assert_eq!(permissions(Some(0o755)), "rwxr-xr-x");
        assert_eq!(permissions(None), "---------");
    }
}

//! Whole trees at the hub: told of in one answer, copied, and hashed by other algorithms than ours.

use super::calls;
use super::files::{Entry, EntryKind};
use crate::hash::Hash;
use crate::path::{Component, DEPTH_MAX, RemotePath};
use crate::time::Timestamp;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The longest body of one part of a tree, in bytes.
pub const TREE_PART_MAX: usize = 256 * 1024;

/// Tells of everything below a directory: [`TreePart`]s with JSON lines of [`TreeEntry`], then [`Listed`]. Depth first:
/// what is in a directory follows the directory at once, and the names of each directory are in the order of their bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListTree {
    /// The directory.
    pub path: RemotePath,
    /// How many levels below it; all unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Also the hashes that are known without reading, and the permission bits: that takes longer.
    #[serde(default)]
    pub details: bool,
}

/// Some entries of a tree; they are the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreePart {
    /// How many entries.
    pub entries: u64,
}

/// The end of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// How many entries there were in all.
    pub entries: u64,
    /// How many of them tell of an error.
    pub errors: u64,
}

/// Something in a tree. Its path is that of the last entry before it with a depth of one less, and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "WireEntry<'static>", try_from = "WireEntry<'_>")]
pub struct TreeEntry {
    /// How many names its path has below the directory that was asked about: 1 for what stands in that directory itself.
    pub depth: u32,
    /// Its name.
    pub name: Component,
    /// What it is.
    pub kind: EntryKind,
    /// A file's bytes; 0 for anything else.
    pub size: u64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// What `modified` lacks, in nanoseconds: below a million.
    pub modified_nanos: u32,
    /// The permission bits, where they were asked for and mean something.
    pub mode: Option<u32>,
    /// A file's BLAKE3, where it was asked for and is known without reading the file.
    pub hash: Option<Hash>,
    /// Why nothing below this directory follows, or no more: then what is said of it otherwise may be wrong.
    pub error: Option<String>,
}

impl TreeEntry {
    /// What a listing of the directory that it is in says of it.
    #[must_use]
    pub fn entry(self) -> Entry {
        Entry {
            name: Some(self.name),
            kind: self.kind,
            size: self.size,
            modified: self.modified,
            modified_nanos: self.modified_nanos,
            mode: self.mode,
            hash: self.hash,
        }
    }
}

/// A tree entry on the wire, without `flatten`: there may be a million of them.
#[derive(Serialize, Deserialize)]
struct WireEntry<'a> {
    depth: u32,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name_b64: Option<Cow<'a, str>>,
    kind: EntryKind,
    #[serde(default, skip_serializing_if = "is_zero_64")]
    size: u64,
    modified: Timestamp,
    #[serde(default, skip_serializing_if = "is_zero")]
    modified_nanos: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_zero_64(number: &u64) -> bool {
    *number == 0
}

impl From<TreeEntry> for WireEntry<'static> {
    fn from(entry: TreeEntry) -> Self {
        let (name, name_b64) = match std::str::from_utf8(entry.name.as_bytes()) {
            Ok(name) => (Some(Cow::Owned(name.to_owned())), None),
            Err(_) => (None, Some(Cow::Owned(BASE64.encode(entry.name.as_bytes())))),
        };
        Self {
            depth: entry.depth,
            name,
            name_b64,
            kind: entry.kind,
            size: entry.size,
            modified: entry.modified,
            modified_nanos: entry.modified_nanos,
            mode: entry.mode,
            hash: entry.hash,
            error: entry.error,
        }
    }
}

/// What is wrong with an entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of a tree has no name, two, one that is none, or a depth that none has")]
struct NoEntry;

impl TryFrom<WireEntry<'_>> for TreeEntry {
    type Error = NoEntry;

    fn try_from(wire: WireEntry<'_>) -> Result<Self, NoEntry> {
        let bytes = match (wire.name, wire.name_b64) {
            (Some(name), None) => name.into_owned().into_bytes(),
            (None, Some(name)) => BASE64.decode(name.as_bytes()).map_err(|_| NoEntry)?,
            _ => return Err(NoEntry),
        };
        let deepest = u32::try_from(DEPTH_MAX).unwrap_or(u32::MAX);
        if wire.depth == 0 || wire.depth > deepest {
            return Err(NoEntry);
        }
        Ok(Self {
            depth: wire.depth,
            name: Component::new(bytes).map_err(|_| NoEntry)?,
            kind: wire.kind,
            size: wire.size,
            modified: wire.modified,
            modified_nanos: wire.modified_nanos,
            mode: wire.mode,
            hash: wire.hash,
            error: wire.error,
        })
    }
}

/// Copies a file, or with `recursive` a directory with everything in it, at the hub: [`CopyNews`], then [`Copied`]. Each
/// file appears like one that was sent. What is neither file nor directory is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Copy {
    /// What.
    pub from: RemotePath,
    /// Where it is to appear; a directory that is there is filled up.
    pub to: RemotePath,
    /// Also a directory.
    #[serde(default)]
    pub recursive: bool,
    /// True to take the place of files that are there (they go to the trash); false to refuse each of them.
    #[serde(default)]
    pub overwrite: bool,
}

/// How far a copy is. Numbers are those of the whole copy so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyNews {
    /// Files that stand at their new place.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What was just not copied, and why; the rest goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The end of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Files that stand at their new place.
    pub files: u64,
    /// Directories that were made, or were there.
    pub directories: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// What is neither file nor directory, and was left out.
    pub skipped: u64,
    /// What was not copied.
    pub failed: u64,
}

/// Hashes a file at the hub: [`HashNews`], then [`FileHashed`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HashFile {
    /// Which.
    pub path: RemotePath,
    /// How.
    pub algorithm: Algorithm,
}

/// How a file is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5 (RFC 1321): to compare with lists that others have published, never for trust.
    Md5,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// BLAKE3. The hub remembers it.
    Blake3,
}

/// How far the hashing of a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashNews {
    /// Bytes that were read.
    pub bytes: u64,
}

/// What a file hashes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHashed {
    /// In lower-case hexadecimal digits.
    pub digest: String,
    /// How many bytes the file has.
    pub size: u64,
}

calls! {
    "list_tree": ListTree => Listed;
    "copy": Copy => Copied;
    "hash_file": HashFile => FileHashed;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &[u8]) -> TreeEntry {
        TreeEntry {
            depth: 3,
            name: Component::new(name).unwrap(),
            kind: EntryKind::File,
            size: 7,
            modified: Timestamp(1),
            modified_nanos: 999_999,
            mode: Some(0o640),
            hash: None,
            error: None,
        }
    }

    #[test]
    fn names_of_any_bytes_come_back_and_the_line_is_one_line() {
        for name in [
            &b"plain"[..],
            b"\xd6\xd0",
            b"a\nb\x1b[31m",
            b"\"\\",
            b"-rf",
            &[b'x'; 255],
        ] {
            let line = serde_json::to_vec(&entry(name)).unwrap();
            assert!(!line.contains(&b'\n') && !line.contains(&0x1b));
            assert_eq!(serde_json::from_slice::<TreeEntry>(&line).unwrap(), entry(name));
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_and_a_depth_that_none_has_are_refused() {
        let line = |name: &str, depth: u32| {
            format!(r#"{{"depth":{depth},"name":"{name}","kind":"file","modified":1}}"#)
        };
        assert!(serde_json::from_str::<TreeEntry>(&line("a", 128)).is_ok());
        for (name, depth) in [
            ("..", 1),
            (".", 1),
            ("a/b", 1),
            ("", 1),
            ("a\\u0000", 1),
            ("a", 0),
            ("a", 129),
        ] {
            assert!(
                serde_json::from_str::<TreeEntry>(&line(name, depth)).is_err(),
                "{name} {depth}"
            );
        }
        let two = r#"{"depth":1,"name":"a","name_b64":"YQ==","kind":"file","modified":1}"#;
        assert!(serde_json::from_str::<TreeEntry>(two).is_err());
    }
}

//! Files: listing, fetching, uploading, and the rest of a file space.

use super::{Done, calls};
use crate::hash::Hash;
use crate::id::UploadId;
use crate::path::{Component, RemotePath};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Lists a directory in the byte order of its names. The body is JSON lines of [`Entry`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct List {
    /// The directory.
    pub path: RemotePath,
    /// Begin behind this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Component>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of a directory; the entries are in the body.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ListPage {
    /// True where more names stand behind the last one of this page.
    pub more: bool,
}

/// What a file or directory keeps beside its content. What is left out is the hub's to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// When the content was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// What `modified` lacks, in nanoseconds: below a million.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub modified_nanos: u32,
    /// The permission bits, at most [`MODE_MAX`]; more are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

/// The permission bits that are kept: who may read, write and execute. What lets a program take on another's rights is
/// not among them.
pub const MODE_MAX: u32 = 0o777;

/// The nanoseconds of a [`Timestamp`]'s unit.
pub const NANOS_PER_MILLISECOND: u32 = 1_000_000;

fn is_zero(nanos: &u32) -> bool {
    *nanos == 0
}

/// Tells about one file or directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stat {
    /// Which.
    pub path: RemotePath,
}

/// Something in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `name` where it is UTF-8, else `name_b64`; none for a space itself.
    #[serde(flatten)]
    pub name: Option<Component>,
    /// What it is.
    pub kind: EntryKind,
    /// A file's bytes; 0 for anything else.
    pub size: u64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// What `modified` lacks, in nanoseconds: below a million.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub modified_nanos: u32,
    /// The permission bits; none where they mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// A file's BLAKE3, where the hub knows it without reading the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
}

/// What stands in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Anything else that somebody put there by other means, or that only a newer version knows; Landline does not
    /// follow or open it.
    #[serde(other)]
    Other,
}

/// Fetches a file from `offset` on: [`Piece`]s with bodies, then [`Got`], which may bring the last piece itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Get {
    /// Which.
    pub path: RemotePath,
    /// Where to begin, at most the file's size.
    #[serde(default)]
    pub offset: u64,
    /// The content that what was fetched before belongs to: refused (`mismatch`) where the file has another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Hash>,
}

/// A piece of a file; its bytes are the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it begins.
    pub offset: u64,
    /// The file's size.
    pub size: u64,
    /// What names the content, in the first piece: a [`Get`] that goes on with it later says it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Hash>,
}

/// The end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Got {
    /// The file's size.
    pub size: u64,
    /// The whole file's BLAKE3: what was verified when it was published, or else what was read.
    pub hash: Hash,
    /// What it keeps beside its content.
    #[serde(default)]
    pub attributes: Attributes,
}

/// Begins an upload. Nothing appears under the path before [`PutFinish`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutOpen {
    /// Where the file is to appear.
    pub path: RemotePath,
    /// How many bytes it will have.
    pub size: u64,
    /// True to take the place of a file that is there (it goes to the trash); false to refuse.
    #[serde(default)]
    pub overwrite: bool,
    /// What it keeps beside its content.
    #[serde(default)]
    pub attributes: Attributes,
    /// What the sender calls this version of its source, at most [`SOURCE_BYTES_MAX`] bytes of any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// An upload to go on with; it must be the asker's own and for the same path and size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// The longest name of a source's version, in bytes.
pub const SOURCE_BYTES_MAX: usize = 64;

/// Which upload to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Resume {
    /// This one; without it there is nothing to do.
    Upload(UploadId),
    /// `true`: the asker's own of the same path, size and `source`, if there is one; else one begins.
    Source(bool),
}

/// An upload that may go on; whoever opened it last writes it. The body holds the chaining values (32 bytes each) of the
/// first blocks that the journal has, at most a page; the sender compares what it can with its own before it goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PutOpened {
    /// The upload.
    pub upload: UploadId,
    /// How many bytes are journaled: where to go on.
    pub offset: u64,
}

/// Asks for the chaining values of further blocks of an upload.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PutValues {
    /// The upload.
    pub upload: UploadId,
    /// The number of the first block that is asked for, counted from 0.
    pub first: u64,
}

/// Sends a whole small file: the body, at most a message's. It appears at once, and the answer comes when it is durable;
/// a hub makes those that come one behind the other durable together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutFile {
    /// Where the file is to appear.
    pub path: RemotePath,
    /// The body's BLAKE3.
    pub hash: Hash,
    /// True to take the place of a file that is there (it goes to the trash); false to refuse.
    #[serde(default)]
    pub overwrite: bool,
    /// True to make what is missing above it.
    #[serde(default)]
    pub parents: bool,
    /// What it keeps beside its content.
    #[serde(default)]
    pub attributes: Attributes,
}

/// Sends one block: the body. Every block but the last has [`crate::blocks::BLOCK_BYTES`] bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PutBlock {
    /// The upload.
    pub upload: UploadId,
    /// Where the block begins: where the one before it ended.
    pub offset: u64,
}

/// A block is synced and journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutJournaled {
    /// How many bytes are journaled.
    pub offset: u64,
}

/// Ends an upload: the hub compares size and hash, and publishes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PutFinish {
    /// The upload.
    pub upload: UploadId,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's BLAKE3.
    pub hash: Hash,
}

/// Gives an upload up.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PutAbort {
    /// The upload.
    pub upload: UploadId,
}

/// Makes a directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MakeDirectory {
    /// Which.
    pub path: RemotePath,
    /// Makes what is missing above it too, and does not mind if it is there.
    #[serde(default)]
    pub parents: bool,
}

/// Moves a file or a directory to its owner's trash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remove {
    /// Which.
    pub path: RemotePath,
    /// Also a directory with everything in it.
    #[serde(default)]
    pub recursive: bool,
}

/// Gives a file or a directory another name or place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rename {
    /// Which.
    pub from: RemotePath,
    /// Its new path.
    pub to: RemotePath,
    /// True to take the place of a file that is there (it goes to the trash); false to refuse.
    #[serde(default)]
    pub overwrite: bool,
}

calls! {
    "list": List => ListPage;
    "stat": Stat => Entry;
    "get": Get => Got;
    "put_open": PutOpen => PutOpened;
    "put_values": PutValues => Done;
    "put_file": PutFile => Entry;
    "put_block": PutBlock => PutJournaled;
    "put_finish": PutFinish => Entry;
    "put_abort": PutAbort => Done;
    "make_directory": MakeDirectory => Done;
    "remove": Remove => Done;
    "rename": Rename => Done;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_a_kind_of_a_later_version_is_listed() {
        let entry: Entry =
            serde_json::from_str(r#"{"name":"a","kind":"stream","size":0,"modified":1}"#).unwrap();
        assert_eq!(entry.kind, EntryKind::Other);
    }

    #[test]
    fn an_upload_is_resumed_by_its_id_or_by_its_source() {
        let read = |json: &str| serde_json::from_str::<Resume>(json).ok();
        let id = UploadId::from_bytes([7; 16]);
        assert_eq!(read(&format!("\"{id}\"")), Some(Resume::Upload(id)));
        assert_eq!(read("true"), Some(Resume::Source(true)));
        assert_eq!(read("1"), None);
        assert_eq!(read("\"x\""), None);
    }
}

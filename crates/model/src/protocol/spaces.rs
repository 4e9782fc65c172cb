//! Spaces as a whole: what they hold and may hold, and the trash.

use super::calls;
use crate::hash::Hash;
use crate::id::{AccountId, RoomId, TrashId};
use crate::name::AccountName;
use crate::path::RemotePath;
use crate::protocol::files::EntryKind;
use crate::space::SpaceName;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most things that one request names.
pub const TRASH_IDS_MAX: usize = 1000;

/// Lists the asker's own space, that of everybody, and those of the rooms that the asker is in; with `all`, for those
/// who look after the hub, all. The body is JSON lines of [`SpaceState`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SpaceList {
    /// Also the homes of others, and rooms that the asker is not in but may know of.
    #[serde(default)]
    pub all: bool,
    /// Where to go on; as a page said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SpaceCursor>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of spaces; the spaces are in the body. A page may be empty and yet not the last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SpacePage {
    /// Where the next page begins; none: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SpaceCursor>,
}

/// A place among the spaces: homes and the space of everybody come first, then rooms, then the homes of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceCursor {
    /// Behind this room; none: before the first one.
    Room(Option<RoomId>),
    /// Behind the home of this account; none: before the first one.
    Account(Option<AccountId>),
}

/// What a space holds and may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceState {
    /// Which.
    pub space: SpaceName,
    /// Bytes of its files.
    pub files: u64,
    /// Bytes in the trash of the account whose home it is.
    pub trash: u64,
    /// Bytes of uploads that are not finished.
    pub in_flight: u64,
    /// What it may hold, all three together; none: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// For how many seconds the trash keeps what comes from it.
    pub retention: u64,
    /// False while what was there before there were figures is not counted yet.
    pub counted: bool,
}

/// Tells about one space.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceShow {
    /// Which.
    pub space: SpaceName,
}

/// Sets what a space may hold. What is there already stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceLimit {
    /// Which.
    pub space: SpaceName,
    /// How much.
    pub limit: Limit,
}

/// What a space may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// What is configured: for a home `files.home_quota`, for other spaces no limit.
    Default,
    /// No limit.
    None,
    /// So many bytes.
    Bytes(u64),
}

/// Sets for how long the trash keeps what comes from a space, from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceRetention {
    /// Which.
    pub space: SpaceName,
    /// For how many seconds; none: as configured.
    #[serde(default)]
    pub seconds: Option<u64>,
}

/// The longest time for which the trash keeps something, in seconds: ten years.
pub const RETENTION_MAX: u64 = 10 * 365 * 24 * 60 * 60;

/// Counts what lies in a space, for what was brought or taken by other means than Landline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceRecount {
    /// Which.
    pub space: SpaceName,
}

/// What a space was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceCounted {
    /// Bytes of its files.
    pub files: u64,
    /// Bytes in the trash of the account whose home it is.
    pub trash: u64,
    /// Whether nothing has moved at the hub meanwhile.
    pub exact: bool,
}

/// Lists the asker's trash, the newest first. The body is JSON lines of [`Trashed`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrashList {
    /// Only what was at this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RemotePath>,
    /// Only what was replaced: versions.
    #[serde(default)]
    pub replaced: bool,
    /// Where to go on; as a page said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TrashCursor>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of the trash; what lies there is in the body. A page may be empty and yet not the last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TrashPage {
    /// Where the next page begins; none: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<TrashCursor>,
}

/// A place in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashCursor {
    /// When the last thing before it came there.
    pub deleted: Timestamp,
    /// That thing.
    pub id: TrashId,
}

/// Something in the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trashed {
    /// Its id.
    pub id: TrashId,
    /// Where it was; none where nobody knows, and where that is no place that the asker can name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RemotePath>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes below it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When its content was last changed.
    pub modified: Timestamp,
    /// When it came here.
    pub deleted: Timestamp,
    /// When it goes for good.
    pub expires: Timestamp,
    /// Who removed or replaced it; none where nobody knows, or the account is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<AccountName>,
    /// Whether something took its place: it is a version of what stands there now.
    #[serde(default)]
    pub replaced: bool,
    /// A file's BLAKE3, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
}

/// Takes something out of the asker's trash. What is missing above its place is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrashRestore {
    /// What.
    pub id: TrashId,
    /// Where it goes; none: where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<RemotePath>,
    /// True to take the place of a file that is there (it goes to the trash); false to refuse.
    #[serde(default)]
    pub overwrite: bool,
}

/// It is out of the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashRestored {
    /// Where it stands.
    pub path: RemotePath,
}

/// Deletes things in the asker's trash for good: those named, or all that came there long enough ago.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrashEmpty {
    /// Only these, at most [`TRASH_IDS_MAX`]; empty: all.
    #[serde(default)]
    pub ids: Vec<TrashId>,
    /// Only what came there so many seconds ago, or longer.
    #[serde(default)]
    pub older: u64,
}

/// Things are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashEmptied {
    /// How many.
    pub things: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// True where there are more to which the same applies: ask again.
    pub more: bool,
}

/// Reads from a file in the asker's trash; at most [`super::PAGE_BYTES_MAX`] bytes, which are the body.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TrashRead {
    /// Which.
    pub id: TrashId,
    /// Where to begin.
    #[serde(default)]
    pub offset: u64,
}

/// A piece of a file in the trash; nothing behind its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashPiece {
    /// The file's size.
    pub size: u64,
    /// Its BLAKE3, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    /// What it keeps beside its content.
    #[serde(default)]
    pub attributes: super::files::Attributes,
}

calls! {
    "space_list": SpaceList => SpacePage;
    "space_show": SpaceShow => SpaceState;
    "space_limit": SpaceLimit => SpaceState;
    "space_retention": SpaceRetention => SpaceState;
    "space_recount": SpaceRecount => SpaceCounted;
    "trash_list": TrashList => TrashPage;
    "trash_restore": TrashRestore => TrashRestored;
    "trash_empty": TrashEmpty => TrashEmptied;
    "trash_read": TrashRead => TrashPiece;
}

//! What a hub signs: the heads of all rooms that one commit changed, as the leaves of a tree of hashes.
//!
//! ```text
//! leaf = H("... head",  room || sequence || head hash)
//! node = H("... heads", left || right)
//! ```
//!
//! H is as in [`crate::chain`]; the sequence number is 8 bytes big endian. Each level of the tree is the one below taken
//! in pairs; what is left over at its end moves up as it is. The hub signs [`statement`] over what stands alone at the
//! top, the root: one signature, however many rooms there are. A head leads there by the siblings on its way.

mod path;
mod tree;

pub use path::{PATH_MAX, Path, PathError, Side, Step};
pub use tree::Tree;

use crate::hash::{Hash, Signature};
use crate::id::RoomId;
use serde::{Deserialize, Serialize};

const HEAD: &str = "Landline 2026-11 head";
const HEADS: &str = "Landline 2026-11 heads";

/// What a statement begins with.
const LABEL: &[u8; 18] = b"Landline heads v1\0";

/// The length of a [`statement`], in bytes.
pub const STATEMENT_BYTES: usize = LABEL.len() + 32;

/// A room's head as the hub vouches for it. Clients keep the last one; a log that no longer has it was restored from
/// an older copy, or rewritten. Cloning it is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// The sequence number of the last event; 0 for a room without events.
    pub sequence: u64,
    /// That event's hash; the genesis hash for a room without events.
    pub hash: Hash,
    /// Ed25519 over [`statement`](Self::statement), by the hub's head key.
    pub signature: Signature,
    /// From the head to the root that was signed; empty where no other head was signed with it.
    #[serde(default, skip_serializing_if = "Path::is_empty")]
    pub path: Path,
}

impl SignedHead {
    /// What the hub has signed, if this is a head of `room`.
    #[must_use]
    pub fn statement(&self, room: &RoomId) -> [u8; STATEMENT_BYTES] {
        statement(&self.path.root(leaf(room, self.sequence, &self.hash)))
    }
}

/// The leaf that stands for a room's head.
#[must_use]
pub fn leaf(room: &RoomId, sequence: u64, hash: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(HEAD);
    hasher.update(room.as_bytes());
    hasher.update(&sequence.to_be_bytes());
    hasher.update(hash.as_bytes());
    hasher.finalize().into()
}

/// What is signed: a fixed label and the root. The root of one leaf is the leaf.
#[must_use]
pub fn statement(root: &Hash) -> [u8; STATEMENT_BYTES] {
    let mut statement = [0; STATEMENT_BYTES];
    let (label, hash) = statement.split_at_mut(LABEL.len());
    label.copy_from_slice(LABEL);
    hash.copy_from_slice(root.as_bytes());
    statement
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(HEADS);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;

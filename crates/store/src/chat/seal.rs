//! The hub's signature over what one commit changed.

use super::Sign;
use super::room::Room;
use landline_model::hash::{Hash, Signature};
use landline_model::head::{Path, SignedHead, Tree, leaf, statement};
use std::sync::{Arc, OnceLock};

/// A room as of the last commit that changed it.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) room: Room,
    /// From the room's head to the root that `seal` signs. It is all that a room keeps of its commit's tree.
    path: Path,
    seal: Arc<Seal>,
}

impl Committed {
    /// A room that is signed by itself.
    pub(super) fn alone(room: Room) -> Self {
        let (path, seal) = (Path::default(), Seal::new(leaf_of(&room)));
        Self { room, path, seal }
    }

    /// The rooms that one commit has changed.
    pub(super) fn together(rooms: Vec<Room>) -> Vec<Arc<Self>> {
        let Some(tree) = Tree::new(rooms.iter().map(leaf_of).collect()) else {
            return Vec::new();
        };
        let seal = Seal::new(tree.root());
        let sealed = rooms.into_iter().zip(tree.paths()).map(|(room, path)| {
            let seal = Arc::clone(&seal);
            Arc::new(Self { room, path, seal })
        });
        sealed.collect()
    }

    /// The room's head as the hub vouches for it.
    pub(super) fn signed(&self, sign: &Sign) -> SignedHead {
        let Seal { root, signature } = &*self.seal;
        SignedHead {
            sequence: self.room.head.sequence,
            hash: self.room.head.hash,
            signature: *signature.get_or_init(|| sign(&statement(root))),
            path: self.path.clone(),
        }
    }
}

/// One signature for all rooms of a commit.
#[derive(Debug)]
struct Seal {
    root: Hash,
    /// Made when it is first asked for: at start nobody waits for the signatures of all rooms.
    signature: OnceLock<Signature>,
}

impl Seal {
    fn new(root: Hash) -> Arc<Self> {
        let signature = OnceLock::new();
        Arc::new(Self { root, signature })
    }
}

fn leaf_of(room: &Room) -> Hash {
    leaf(&room.genesis.room, room.head.sequence, &room.head.hash)
}

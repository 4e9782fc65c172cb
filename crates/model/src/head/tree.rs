//! The tree over the heads of one commit.

use super::node;
use super::path::{Path, Side, Step};
use crate::hash::Hash;

/// A tree of hashes over some leaves.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The leaves, what stands over each two of them, and so on. The last level is the root alone.
    levels: Vec<Vec<Hash>>,
    root: Hash,
}

impl Tree {
    /// Over these leaves; none over none.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Option<Self> {
        let mut levels = vec![leaves];
        loop {
            match levels.last()?[..] {
                [] => return None,
                [root] => return Some(Self { levels, root }),
                ref below => levels.push(above(below)),
            }
        }
    }

    /// What stands over all leaves.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The path of each leaf, in their order.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        let leaves = self.levels.first().map_or(0, Vec::len);
        let mut steps = Vec::with_capacity(self.levels.len());
        (0..leaves).map(move |leaf| {
            steps.clear();
            let mut place = leaf;
            for level in &self.levels {
                // The other one of its pair. What has none moves up, and the root has none.
                if let Some(sibling) = level.get(place ^ 1).copied() {
                    let side = if place % 2 == 1 { Side::Left } else { Side::Right };
                    steps.push(Step { side, sibling });
                }
                place /= 2;
            }
            Path::new(&steps)
                .expect("a vector has less than 2^32 hashes in it, and a path a step for each doubling")
        })
    }
}

fn above(level: &[Hash]) -> Vec<Hash> {
    let pairs = level.chunks(2);
    pairs
        .map(|pair| match pair {
            [left, right] => node(left, right),
            // The last one, where their number is odd.
            rest => rest[0],
        })
        .collect()
}

//! A file's BLAKE3 hash by blocks of 1 MiB.
//!
//! BLAKE3 is a binary tree of 1 KiB chunks, so an aligned block of 2^10 chunks is a whole subtree. Its chaining value
//! can be kept in a journal and merged into the file's hash later; the hash of a block as a file of its own (a root
//! hash) cannot. A file of one block has no parent node at all, which is why the first block keeps both.

use crate::hash::Hash;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// The size of every block of a file but the last, in bytes.
pub const BLOCK_BYTES: usize = 1024 * 1024;

/// What a journal keeps of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHash {
    /// The block's chaining value at its place in the file.
    pub chaining_value: [u8; 32],
    /// For the first block: its hash were it the whole file.
    pub root: Option<Hash>,
}

/// Hashes the block with this index (counted from 0). All blocks but a file's last have [`BLOCK_BYTES`] bytes.
#[must_use]
pub fn hash_block(index: u64, bytes: &[u8]) -> BlockHash {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(index.saturating_mul(BLOCK_BYTES as u64));
    hasher.update(bytes);
    if bytes.is_empty() {
        // Only the hash of an empty file exists; an empty subtree does not.
        return BlockHash {
            chaining_value: [0; 32],
            root: Some(hasher.finalize().into()),
        };
    }
    // A hasher whose offset was set refuses to make a root, and rightly so unless the offset is 0.
    let root = (index == 0).then(|| blake3::hash(bytes).into());
    BlockHash {
        chaining_value: hasher.finalize_non_root(),
        root,
    }
}

/// The hash of the file whose blocks these are, in order. No blocks: the empty file.
#[must_use]
pub fn hash_file(blocks: &[BlockHash]) -> Hash {
    match blocks {
        [] => blake3::hash(b"").into(),
        [BlockHash { root: Some(root), .. }] => *root,
        // A first block always has its root; a lone block that is not a first one is no file, and hashes as none does.
        [lone] => Hash::from_bytes(lone.chaining_value),
        blocks => {
            let (left, right) = blocks.split_at(left_subtree(blocks.len()));
            merge_subtrees_root(&merge(left), &merge(right), Mode::Hash).into()
        }
    }
}

fn merge(blocks: &[BlockHash]) -> ChainingValue {
    match blocks {
        [] => [0; 32],
        [block] => block.chaining_value,
        blocks => {
            let (left, right) = blocks.split_at(left_subtree(blocks.len()));
            merge_subtrees_non_root(&merge(left), &merge(right), Mode::Hash)
        }
    }
}

/// The blocks of the left subtree of `count` blocks (2 or more): the largest power of two below it.
fn left_subtree(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_blocks_are_the_files_hash() {
        let file: Vec<u8> = (0..9 * BLOCK_BYTES + 5)
            .map(|index| u8::try_from(index % 251).unwrap())
            .collect();
        let sizes = (0..=9).flat_map(|blocks| {
            let whole = blocks * BLOCK_BYTES;
            [whole.saturating_sub(1), whole, whole + 1]
        });
        for size in sizes {
            let blocks: Vec<_> = (0..)
                .zip(file[..size].chunks(BLOCK_BYTES))
                .map(|(index, block)| hash_block(index, block))
                .collect();
            assert_eq!(
                hash_file(&blocks),
                blake3::hash(&file[..size]).into(),
                "{size} bytes"
            );
        }
    }
}

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

/// Hashes a file by blocks as its bytes come, in pieces of any length.
#[derive(Clone, Debug, Default)]
pub struct BlockHasher {
    blocks: Vec<BlockHash>,
    /// The block under way.
    hasher: blake3::Hasher,
    filled: usize,
}

impl BlockHasher {
    /// One that goes on behind these blocks, all of them whole.
    #[must_use]
    pub fn behind(blocks: Vec<BlockHash>) -> Self {
        let hasher = hasher_of(blocks.len());
        Self {
            blocks,
            hasher,
            filled: 0,
        }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.filled));
            self.hasher.update(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == BLOCK_BYTES {
                self.end_block();
            }
        }
    }

    /// The whole blocks so far.
    #[must_use]
    pub fn blocks(&self) -> &[BlockHash] {
        &self.blocks
    }

    /// The hash of all that came.
    #[must_use]
    pub fn finish(mut self) -> Hash {
        if self.filled > 0 {
            self.end_block();
        }
        hash_file(&self.blocks)
    }

    fn end_block(&mut self) {
        let root = self.blocks.is_empty().then(|| self.hasher.finalize().into());
        self.blocks.push(BlockHash {
            chaining_value: self.hasher.finalize_non_root(),
            root,
        });
        self.hasher = hasher_of(self.blocks.len());
        self.filled = 0;
    }
}

fn hasher_of(index: usize) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    if index > 0 {
        // One whose offset was set refuses to make a root, and only the first block needs one.
        hasher.set_input_offset((index as u64).saturating_mul(BLOCK_BYTES as u64));
    }
    hasher
}

/// The hash of the file whose blocks these are, in order. No blocks: the empty file.
#[must_use]
pub fn hash_file(blocks: &[BlockHash]) -> Hash {
    let mut hash = FileHash::default();
    for block in blocks {
        hash.push(block);
    }
    hash.finish()
}

/// The hash of a file whose blocks come one after the other. What it holds grows with the logarithm of their number.
#[derive(Clone, Debug, Default)]
pub struct FileHash {
    /// Whole subtrees, from the left and largest to the right and smallest. Two of one size are merged only when something
    /// comes behind them, because the last two may be the root's.
    subtrees: Vec<ChainingValue>,
    blocks: u64,
    /// The first block's.
    root: Option<Hash>,
}

impl FileHash {
    /// Takes the next block.
    pub fn push(&mut self, block: &BlockHash) {
        // As many subtrees stay as the number of blocks so far has ones in binary.
        while self.subtrees.len() > self.blocks.count_ones() as usize {
            let right = self.subtrees.pop();
            if let (Some(left), Some(right)) = (self.subtrees.last_mut(), right) {
                *left = merge_subtrees_non_root(left, &right, Mode::Hash);
            }
        }
        if self.blocks == 0 {
            self.root = block.root;
        }
        self.subtrees.push(block.chaining_value);
        self.blocks += 1;
    }

    /// How many blocks it has taken.
    #[must_use]
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The hash of the file that ends here. No blocks: the empty file.
    #[must_use]
    pub fn finish(&self) -> Hash {
        match self.subtrees.as_slice() {
            [] => blake3::hash(b"").into(),
            // A first block always has its root; a lone block that is not a first one is no file, and hashes as none does.
            [lone] => self.root.unwrap_or_else(|| Hash::from_bytes(*lone)),
            [left, between @ .., last] => {
                let right = between.iter().rev().fold(*last, |right, left| {
                    merge_subtrees_non_root(left, &right, Mode::Hash)
                });
                merge_subtrees_root(left, &right, Mode::Hash).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_hashes_alike_in_pieces_of_any_length_and_from_any_block_on() {
        let file: Vec<u8> = (0..3 * BLOCK_BYTES + 5)
            .map(|index| u8::try_from(index % 251).unwrap())
            .collect();
        for size in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, file.len()] {
            let file = &file[..size];
            for length in [1_000_003, BLOCK_BYTES, 4096 * 7] {
                let mut hasher = BlockHasher::default();
                file.chunks(length).for_each(|piece| hasher.update(piece));
                for begun in 0..=hasher.blocks().len() {
                    let mut later = BlockHasher::behind(hasher.blocks()[..begun].to_vec());
                    later.update(&file[begun * BLOCK_BYTES..]);
                    assert_eq!(later.finish(), blake3::hash(file).into());
                }
                assert_eq!(hasher.finish(), blake3::hash(file).into());
            }
        }
    }

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

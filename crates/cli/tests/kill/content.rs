//! Contents of files: each says by every one of its words whose it is, so that a mix of two is neither.

use crate::choice::Choice;
use landline_client::{ClientError, Connection, Streamed};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::hash::Hash;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Get, Piece};
use std::sync::atomic::{AtomicU64, Ordering};

/// Spreads what a word says over all its bits.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Modulo 2^64: undoes that.
const INVERSE: u64 = 0xf1de_83e1_9937_733d;

/// A number that no content has yet.
pub(crate) fn fresh() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// The content that goes by this number.
pub(crate) fn content(number: u64) -> Vec<u8> {
    let mut choice = Choice::seeded(number);
    let length = match choice.below(24) {
        0 => BLOCK_BYTES,
        1 => BLOCK_BYTES + 1 + choice.below(BLOCK_BYTES),
        2..=5 => 16 + choice.below(200_000),
        _ => 16 + choice.below(20_000),
    };
    let words = (0..).flat_map(|word: u64| (number << 32 | word).wrapping_mul(MULTIPLIER).to_le_bytes());
    words.take(length).collect()
}

/// The number of the content that these bytes begin like.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    let word = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    word.wrapping_mul(INVERSE) >> 32
}

pub(crate) fn hash(content: &[u8]) -> Hash {
    Hash::from_bytes(*blake3::hash(content).as_bytes())
}

pub(crate) fn path(text: &str) -> RemotePath {
    RemotePath::parse(text.as_bytes()).unwrap()
}

/// Reads a whole file. What the hub says of its hash is true.
pub(crate) async fn fetch(connection: &Connection, path: &RemotePath) -> Result<Vec<u8>, ClientError> {
    let call = Get {
        path: path.clone(),
        offset: 0,
        version: None,
    };
    let mut parts = connection.stream(&call).await?;
    let mut bytes = Vec::new();
    loop {
        match parts.next_as::<Piece>().await? {
            Streamed::Part { part, body } => {
                assert_eq!(part.offset, bytes.len() as u64);
                bytes.extend_from_slice(&body);
            }
            Streamed::End(got) => {
                bytes.extend_from_slice(&got.body);
                assert_eq!(got.reply.size, bytes.len() as u64);
                assert_eq!(got.reply.hash, hash(&bytes), "the hub's hash of {path:?}");
                return Ok(bytes);
            }
        }
    }
}

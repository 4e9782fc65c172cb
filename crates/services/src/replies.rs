//! What a server says by itself where a person would be.

use std::collections::VecDeque;

/// What is said once there is nothing else to say.
pub const LAST_WORD: &[u8] = b"bye";

/// Answers without a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    /// The same text back.
    #[default]
    Echo,
    /// Always this text.
    Text(Vec<u8>),
    /// These, one after the other; then [`LAST_WORD`].
    Lines(VecDeque<Vec<u8>>),
}

impl Replies {
    /// What to answer to `said`.
    pub fn answer(&mut self, said: &[u8]) -> Vec<u8> {
        match self {
            Self::Echo => said.to_vec(),
            Self::Text(text) => text.clone(),
            Self::Lines(lines) => lines.pop_front().unwrap_or_else(|| LAST_WORD.to_vec()),
        }
    }
}

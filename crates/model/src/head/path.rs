//! The way from a leaf to the root.

use super::node;
use crate::hash::Hash;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

/// The most steps of a path: a tree of 2^32 leaves has no longer one.
pub const PATH_MAX: usize = 32;

/// A step's bytes: which side, and the sibling.
const STEP_BYTES: usize = 1 + 32;

/// A step's digits. As a step is a multiple of three bytes, a path's text is that of its steps, without padding.
const STEP_DIGITS: usize = STEP_BYTES / 3 * 4;

/// The siblings from a leaf to the root; empty where the leaf is the root. Cloning it is cheap.
///
/// As text each step is 44 digits of base64: a byte, 0 where the sibling stands on the left and 1 where it stands on the
/// right, and the sibling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(
    /// At most [`PATH_MAX`].
    Arc<[Step]>,
);

/// One level up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the sibling stands.
    pub side: Side,
    /// The hash beside the one that the path has led to.
    pub sibling: Hash,
}

/// A side of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first half.
    Left,
    /// The second half.
    Right,
}

/// The text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It has more than [`PATH_MAX`] steps.
    #[error("a path has at most {PATH_MAX} steps")]
    TooLong,
    /// It does not have the form of a path.
    #[error("each step of a path is {STEP_DIGITS} digits of base64: 0 or 1, and a hash")]
    Malformed,
}

impl Path {
    /// Of these steps, the lowest first.
    ///
    /// # Errors
    /// [`PathError::TooLong`]
    pub fn new(steps: &[Step]) -> Result<Self, PathError> {
        if steps.len() > PATH_MAX {
            return Err(PathError::TooLong);
        }
        Ok(Self(steps.into()))
    }

    /// The steps, the lowest first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether the leaf is the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where it leads from a leaf.
    #[must_use]
    pub fn root(&self, leaf: Hash) -> Hash {
        self.0.iter().fold(leaf, |hash, step| match step.side {
            Side::Left => node(&step.sibling, &hash),
            Side::Right => node(&hash, &step.sibling),
        })
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > PATH_MAX * STEP_DIGITS {
            return Err(PathError::TooLong);
        }
        let (steps, rest) = text.as_bytes().as_chunks::<STEP_DIGITS>();
        if !rest.is_empty() {
            return Err(PathError::Malformed);
        }
        let steps = steps.iter().map(step).collect::<Result<_, _>>()?;
        Ok(Self(steps))
    }
}

fn step(digits: &[u8; STEP_DIGITS]) -> Result<Step, PathError> {
    let mut bytes = [0; STEP_BYTES];
    let decoded = BASE64.decode_mut(digits, &mut bytes);
    if decoded != Ok(STEP_BYTES) {
        return Err(PathError::Malformed);
    }
    let [side, sibling @ ..] = bytes;
    let side = match side {
        0 => Side::Left,
        1 => Side::Right,
        _ => return Err(PathError::Malformed),
    };
    let sibling = Hash::from_bytes(sibling);
    Ok(Step { side, sibling })
}

impl std::fmt::Display for Path {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| {
            let mut bytes = [0; STEP_BYTES];
            let (side, sibling) = bytes.split_at_mut(1);
            side.fill(u8::from(step.side == Side::Right));
            sibling.copy_from_slice(step.sibling.as_bytes());
            let mut digits = [0; STEP_DIGITS];
            formatter.write_str(BASE64.encode_mut_str(&bytes, &mut digits))
        })
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

//! 32-byte hashes and keys, written as 64 lower-case hexadecimal digits.

/// Gives a newtype over `[u8; N]` its constructor, its text form and its serde form.
macro_rules! hexadecimal {
    ($name:ident, $length:literal) => {
        impl $name {
            /// From its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = std::array::TryFromSliceError;

            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                bytes.try_into().map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::hash::HexadecimalError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; $length];
                if text.len() != 2 * $length {
                    return Err($crate::hash::HexadecimalError {
                        digits: 2 * $length,
                    });
                }
                data_encoding::HEXLOWER_PERMISSIVE
                    .decode_mut(text.as_bytes(), &mut bytes)
                    .map_err(|_| $crate::hash::HexadecimalError {
                        digits: 2 * $length,
                    })?;
                Ok(Self(bytes))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use hexadecimal;

/// A BLAKE3 hash: of a file, of an event, of an event's content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);
hexadecimal!(Hash, 32);

impl Hash {
    /// Where a chain would begin had it nothing before it.
    pub const ZERO: Self = Self([0; 32]);
}

impl From<blake3::Hash> for Hash {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash.into())
    }
}

/// The Ed25519 public key with which a hub signs the heads of its rooms.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeadKey([u8; 32]);
hexadecimal!(HeadKey, 32);

/// An Ed25519 signature (RFC 8032) over [`crate::head::SignedHead::statement`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);
hexadecimal!(Signature, 64);

/// The text is not the right number of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} hexadecimal digits")]
pub struct HexadecimalError {
    /// How many digits there must be.
    pub digits: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_anything_else_is_refused() {
        let hash = Hash::from_bytes([0xa7; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(
            serde_json::from_str::<Hash>(&serde_json::to_string(&hash).unwrap()).unwrap(),
            hash
        );
        for text in ["", "a7", &"g7".repeat(32), &"a7".repeat(33), &"é".repeat(32)] {
            assert!(text.parse::<Hash>().is_err(), "{text}");
        }
    }
}

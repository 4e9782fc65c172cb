//! Remote paths: a space and the names below it.
//!
//! A path is built once, at the door, from the bytes that came; behind the door there are only components. Whether two
//! paths are the same, and whether one lies beneath another, is a comparison of components.

use crate::name::RoomName;
use crate::text::escape_bytes;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

/// The longest name that Linux file systems have, in bytes.
pub const COMPONENT_MAX: usize = 255;

/// The longest path below a space, in bytes, separators included: less than PATH_MAX, with room for what stands above.
pub const PATH_MAX: usize = 3072;

/// How deep a path may go below its space.
pub const DEPTH_MAX: usize = 128;

/// A tree of files that belongs together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// `~`: the files of whoever asks.
    Home,
    /// `/shared`: the files of everybody.
    Shared,
    /// `/rooms/NAME`: the files of a room.
    Room(RoomName),
}

/// One name in a path: 1 to 255 bytes, any but `/` and NUL, and neither `.` nor `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Component(Vec<u8>);

/// A place in a space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemotePath {
    /// The space.
    pub space: Space,
    /// The names below it; empty for the space itself.
    pub components: Vec<Component>,
}

/// Why bytes are no remote path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It names no space.
    #[error("a remote path begins with ~/, /shared/ or /rooms/NAME/")]
    Space,
    /// The room in `/rooms/NAME` cannot be one.
    #[error("the path names a room that cannot be one")]
    Room,
    /// `.` or `..`.
    #[error("'.' and '..' have no place in a remote path")]
    Dots,
    /// NUL or `/` in a name, or an empty one.
    #[error("a name in the path is empty or has a NUL or '/' in it")]
    Name,
    /// A name over [`COMPONENT_MAX`] bytes, a path over [`PATH_MAX`] bytes or [`DEPTH_MAX`] names.
    #[error("the path is too long")]
    TooLong,
}

impl Component {
    /// A name from its bytes.
    ///
    /// # Errors
    /// Where the bytes are no name of a file.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PathError> {
        let bytes = bytes.into();
        if bytes == b"." || bytes == b".." {
            return Err(PathError::Dots);
        }
        if bytes.is_empty() || bytes.contains(&0) || bytes.contains(&b'/') {
            return Err(PathError::Name);
        }
        if bytes.len() > COMPONENT_MAX {
            return Err(PathError::TooLong);
        }
        Ok(Self(bytes))
    }

    /// The name's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "\"{}\"", escape_bytes(&self.0))
    }
}

impl std::fmt::Display for Component {
    /// Escaped: safe to show, not to parse.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&escape_bytes(&self.0))
    }
}

impl RemotePath {
    /// A path from its bytes: `~`, `~/a/b`, `/shared/a`, `/rooms/NAME/a`. Repeated and trailing `/` count once.
    ///
    /// # Errors
    /// Any [`PathError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        if bytes.len() > PATH_MAX {
            return Err(PathError::TooLong);
        }
        let mut names = bytes.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let space = match (bytes.first(), names.next()) {
            (Some(b'~'), Some(b"~")) => Space::Home,
            (Some(b'/'), Some(b"shared")) => Space::Shared,
            (Some(b'/'), Some(b"rooms")) => {
                let name = names.next().ok_or(PathError::Room)?;
                let name = std::str::from_utf8(name).map_err(|_| PathError::Room)?;
                Space::Room(name.parse().map_err(|_| PathError::Room)?)
            }
            _ => return Err(PathError::Space),
        };
        let components = names.map(Component::new).collect::<Result<Vec<_>, _>>()?;
        if components.len() > DEPTH_MAX {
            return Err(PathError::TooLong);
        }
        Ok(Self { space, components })
    }

    /// The bytes that [`parse`](Self::parse) reads back.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = match &self.space {
            Space::Home => b"~".to_vec(),
            Space::Shared => b"/shared".to_vec(),
            Space::Room(name) => format!("/rooms/{name}").into_bytes(),
        };
        for component in &self.components {
            bytes.push(b'/');
            bytes.extend_from_slice(&component.0);
        }
        bytes
    }

    /// The directory and the name in it; `None` for the space itself.
    #[must_use]
    pub fn split_last(&self) -> Option<(&[Component], &Component)> {
        self.components
            .split_last()
            .map(|(name, directory)| (directory, name))
    }

    /// This path with one more name.
    ///
    /// # Errors
    /// [`PathError::TooLong`].
    pub fn join(&self, name: Component) -> Result<Self, PathError> {
        let mut longer = self.clone();
        longer.components.push(name);
        if longer.components.len() > DEPTH_MAX || longer.to_bytes().len() > PATH_MAX {
            return Err(PathError::TooLong);
        }
        Ok(longer)
    }
}

impl std::fmt::Display for RemotePath {
    /// As users write it, with the `:` in front; escaped: safe to show, not to parse.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, ":{}", escape_bytes(&self.to_bytes()))
    }
}

/// Bytes on the wire: a string where they are UTF-8, else `{"b64": "..."}`; never lossy.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WireBytes {
    Text(String),
    Base64 { b64: String },
}

impl Serialize for RemotePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match String::from_utf8(self.to_bytes()) {
            Ok(text) => WireBytes::Text(text),
            Err(error) => WireBytes::Base64 {
                b64: BASE64.encode(error.as_bytes()),
            },
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RemotePath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let bytes = match WireBytes::deserialize(deserializer)? {
            WireBytes::Text(text) => text.into_bytes(),
            WireBytes::Base64 { b64 } => BASE64.decode(b64.as_bytes()).map_err(D::Error::custom)?,
        };
        Self::parse(&bytes).map_err(D::Error::custom)
    }
}

/// A name in a listing: the members `name` where it is UTF-8, `name_b64` where it is not. Flattened into its entry.
#[derive(Serialize, Deserialize)]
struct WireName {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_b64: Option<String>,
}

impl Serialize for Component {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match std::str::from_utf8(&self.0) {
            Ok(text) => WireName {
                name: Some(text.to_owned()),
                name_b64: None,
            },
            Err(_) => WireName {
                name: None,
                name_b64: Some(BASE64.encode(&self.0)),
            },
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Component {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let bytes = match WireName::deserialize(deserializer)? {
            WireName {
                name: Some(text),
                name_b64: None,
            } => text.into_bytes(),
            WireName {
                name: None,
                name_b64: Some(text),
            } => BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?,
            _ => return Err(D::Error::custom("either name or name_b64")),
        };
        Self::new(bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_spaces_parse() {
        for (text, space, depth) in [
            ("~", Space::Home, 0),
            ("~/", Space::Home, 0),
            ("~/a//b/", Space::Home, 2),
            ("/shared", Space::Shared, 0),
            ("/rooms/general/x", Space::Room("general".parse().unwrap()), 1),
        ] {
            let path = RemotePath::parse(text.as_bytes()).unwrap();
            assert_eq!((path.space, path.components.len()), (space, depth), "{text}");
        }
    }

    #[test]
    fn what_could_leave_a_space_is_refused() {
        let long = format!("~/{}", "x".repeat(256));
        let deep = format!("~{}", "/x".repeat(DEPTH_MAX + 1));
        for text in [
            "",
            "/",
            "a",
            "shared/a",
            "~a",
            "/etc/passwd",
            "~/../x",
            "~/a/./b",
            "/shared/..",
            "/rooms/..",
            "/rooms",
            "/rooms/a b/x",
            "~/a\0b",
            "/sharedx",
            "/SHARED/a",
            &long,
            &deep,
        ] {
            assert!(RemotePath::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn backslash_colon_newline_and_other_bytes_are_legal() {
        for name in [&b"a\\b"[..], b"c:d", b"e\nf", b"\xff\xfe", b"-rf", b" ", b"..."] {
            let path = RemotePath {
                space: Space::Home,
                components: vec![Component::new(name).unwrap()],
            };
            let json = serde_json::to_string(&path).unwrap();
            assert_eq!(serde_json::from_str::<RemotePath>(&json).unwrap(), path);
            let json = serde_json::to_string(&path.components[0]).unwrap();
            assert_eq!(
                serde_json::from_str::<Component>(&json).unwrap(),
                path.components[0]
            );
            assert!(!path.to_string().chars().any(char::is_control));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_round_trip_beneath_their_space(tail in prop::collection::vec(any::<u8>(), 0..60)) {
            let bytes = [b"/shared/", &tail[..]].concat();
            if let Ok(path) = RemotePath::parse(&bytes) {
                prop_assert_eq!(&path.space, &Space::Shared);
                prop_assert!(path.components.iter().all(|name| name.as_bytes() != b".."));
                prop_assert_eq!(RemotePath::parse(&path.to_bytes()), Ok(path));
            }
        }
    }
}

//! What people call a space as a whole.

use crate::name::{AccountName, NameError, RoomName};
use crate::path::Space;

/// A space by name: `~`, `@NAME`, `/shared`, `/rooms/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SpaceName {
    /// `~`: the files of whoever asks.
    Own,
    /// `@NAME`: the files of one account.
    Home(AccountName),
    /// `/shared`: the files of everybody.
    Shared,
    /// `/rooms/NAME`: the files of a room.
    Room(RoomName),
}

/// Why a text names no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceNameError {
    /// It is none of the forms.
    #[error("a space is ~, @NAME, /shared or /rooms/NAME")]
    Form,
    /// The name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl From<Space> for SpaceName {
    fn from(space: Space) -> Self {
        match space {
            Space::Home => Self::Own,
            Space::Shared => Self::Shared,
            Space::Room(name) => Self::Room(name),
        }
    }
}

impl std::str::FromStr for SpaceName {
    type Err = SpaceNameError;

    /// Reads also what users write beside: with `:` in front, `shared`, `#room`, and with `/` behind.
    fn from_str(text: &str) -> Result<Self, SpaceNameError> {
        let text = text.strip_prefix(':').unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        if let Some(name) = text.strip_prefix('@') {
            return Ok(Self::Home(name.parse()?));
        }
        if let Some(name) = text.strip_prefix("/rooms/").or_else(|| text.strip_prefix('#')) {
            return Ok(Self::Room(name.parse()?));
        }
        match text {
            "~" => Ok(Self::Own),
            "shared" | "/shared" => Ok(Self::Shared),
            _ => Err(SpaceNameError::Form),
        }
    }
}

impl std::fmt::Display for SpaceName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own => formatter.write_str("~"),
            Self::Home(name) => write!(formatter, "@{name}"),
            Self::Shared => formatter.write_str("/shared"),
            Self::Room(name) => write!(formatter, "/rooms/{name}"),
        }
    }
}

impl serde::Serialize for SpaceName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SpaceName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_read_as_users_write_them_and_shown_in_one_way() {
        for (text, shown) in [
            ("~", "~"),
            (":~/", "~"),
            ("@alice", "@alice"),
            ("shared", "/shared"),
            (":/shared/", "/shared"),
            ("#general", "/rooms/general"),
            (":/rooms/general", "/rooms/general"),
        ] {
            let space: SpaceName = text.parse().unwrap();
            assert_eq!(space.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(space));
        }
        for text in [
            "",
            ":",
            "/",
            "home",
            "/shared/a",
            "/rooms/",
            "@",
            "#",
            "~/a",
            "/rooms/a/b",
            "@a\nb",
        ] {
            assert!(text.parse::<SpaceName>().is_err(), "{text:?}");
        }
    }
}

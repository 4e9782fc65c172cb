//! Whom a message is for: `#room` or `@person`.

use crate::name::{AccountName, NameError, RoomName};

/// A room or a person, as users write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A public room, `#name`.
    Room(RoomName),
    /// The direct conversation with a person, `@name`.
    Person(AccountName),
}

/// Why a text names neither a room nor a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It has no mark in front.
    #[error("a target is #room or @person (in a shell, quote it: '#room')")]
    Mark,
    /// The name behind the mark is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl std::str::FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(room) = text.strip_prefix('#') {
            Ok(Self::Room(room.parse()?))
        } else if let Some(person) = text.strip_prefix('@') {
            Ok(Self::Person(person.parse()?))
        } else {
            Err(TargetError::Mark)
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Room(name) => write!(formatter, "#{name}"),
            Self::Person(name) => write!(formatter, "@{name}"),
        }
    }
}

impl serde::Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

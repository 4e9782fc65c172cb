//! Rights on directories: who may do what below one, where somebody has set it.

use crate::name::{AccountName, NameError};
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// What somebody may do below a directory. The set grows: a right that this program does not know is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Right {
    /// To list and fetch.
    Read,
    /// All that is done with files.
    Write,
    /// To put new files there, and nothing else: not to see what is there, not to replace, move or remove anything.
    Upload,
    /// Nothing.
    #[serde(other)]
    None,
}

impl Right {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::None, "none"),
        (Self::Read, "read"),
        (Self::Write, "write"),
        (Self::Upload, "upload"),
    ];

    /// The name by which people and files know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
            Self::Upload => "upload",
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The text names no right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a right is none, read, write or upload")]
pub struct RightError;

impl std::str::FromStr for Right {
    type Err = RightError;

    fn from_str(text: &str) -> Result<Self, RightError> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        found.map(|(right, _)| right).ok_or(RightError)
    }
}

/// Whom a rule is for, as users write it: `@NAME`, `guest`, `member`, `admin`, `everyone`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Whom {
    /// One account.
    Account(AccountName),
    /// All with this role on the hub.
    Role(Role),
    /// All.
    Everyone,
}

/// Why a text says nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhomError {
    /// It is none of the forms.
    #[error("a rule is for @NAME, guest, member, admin or everyone")]
    Form,
    /// The name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl std::str::FromStr for Whom {
    type Err = WhomError;

    fn from_str(text: &str) -> Result<Self, WhomError> {
        if let Some(name) = text.strip_prefix('@') {
            return Ok(Self::Account(name.parse()?));
        }
        if text == "everyone" {
            return Ok(Self::Everyone);
        }
        let role = Role::ALL.into_iter().find(|role| role.name() == text);
        role.map(Self::Role).ok_or(WhomError::Form)
    }
}

impl std::fmt::Display for Whom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(name) => write!(formatter, "@{name}"),
            Self::Role(role) => formatter.write_str(role.name()),
            Self::Everyone => formatter.write_str("everyone"),
        }
    }
}

impl Serialize for Whom {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Whom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_for_those_whom_users_write_and_for_nobody_else() {
        for text in ["@alice", "guest", "member", "admin", "everyone"] {
            assert_eq!(text.parse::<Whom>().unwrap().to_string(), text);
        }
        for text in ["", "alice", "@", "unknown", "Everyone", "@a\nb"] {
            assert!(text.parse::<Whom>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_right_of_a_later_version_is_none() {
        assert_eq!(serde_json::from_str::<Right>("\"share\"").unwrap(), Right::None);
        for (right, name) in Right::ALL {
            assert_eq!(name.parse(), Ok(right));
            assert_eq!(serde_json::to_string(&right).unwrap(), format!("\"{name}\""));
        }
    }
}

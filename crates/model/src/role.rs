//! What an account is on its hub.

use serde::{Deserialize, Serialize};

/// The role of an account. Running commands is part of none of them. The set grows: who has a role that this program
/// does not know may do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Role {
    /// A role of a newer version. Less than all others.
    Unknown,
    /// A visitor: talks in public rooms, reads shared files.
    Guest,
    /// One of the group: makes rooms, keeps and shares files.
    Member,
    /// Looks after the hub: invites people.
    Admin,
}

impl Role {
    /// All roles that this program knows, least first.
    pub const ALL: [Self; 3] = [Self::Guest, Self::Member, Self::Admin];

    /// The name by which people and files know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// The role of that name on disk. What people write is parsed: there an unknown name is a mistake.
    #[must_use]
    pub fn named(name: &str) -> Self {
        name.parse().unwrap_or(Self::Unknown)
    }
}

impl From<String> for Role {
    fn from(name: String) -> Self {
        Self::named(&name)
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.name().to_owned()
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(UnknownRole)
    }
}

/// The text names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is admin, member or guest")]
pub struct UnknownRole;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_of_a_later_version_is_read_and_less_than_all_others() {
        let unknown: Role = serde_json::from_str("\"operator\"").unwrap();
        assert_eq!((unknown, Role::named("operator")), (Role::Unknown, Role::Unknown));
        assert!(Role::ALL.into_iter().all(|role| unknown < role));
        for role in Role::ALL {
            let text = serde_json::to_string(&role).unwrap();
            assert_eq!(serde_json::from_str::<Role>(&text).unwrap(), role);
            assert_eq!(Role::named(role.name()), role);
        }
    }

    #[test]
    fn nobody_gives_an_unknown_role() {
        for text in ["unknown", "operator", ""] {
            assert_eq!(text.parse::<Role>(), Err(UnknownRole));
        }
    }
}

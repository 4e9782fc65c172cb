//! Where a file is: a space by its owner's id, and the names below it.

use landline_model::id::{AccountId, RoomId};
use landline_model::path::Component;
use landline_model::text::escape_bytes;

/// A tree of files, by the id of what it belongs to. Ids, never names, become directories: names change, and two of
/// them may look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpaceId {
    /// An account's own files.
    Home(AccountId),
    /// The files of everybody.
    Shared,
    /// A room's files.
    Room(RoomId),
}

/// A place in a space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The space.
    pub space: SpaceId,
    /// The names below it; empty for the space itself.
    pub components: Vec<Component>,
}

impl Place {
    /// The place that these names lead to in `space`.
    #[must_use]
    pub fn new(space: SpaceId, components: impl Into<Vec<Component>>) -> Self {
        Self {
            space,
            components: components.into(),
        }
    }

    /// Whether `other` is this place or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.space == other.space && other.components.starts_with(&self.components)
    }

    /// The names, as the journal keeps them.
    pub(super) fn path_bytes(&self) -> Vec<u8> {
        let names: Vec<&[u8]> = self.components.iter().map(Component::as_bytes).collect();
        names.join(&b'/')
    }

    /// A place from what the journal keeps; `None` where that is none.
    pub(super) fn from_bytes(space: &[u8], path: &[u8]) -> Option<Self> {
        let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let components = names.map(Component::new).collect::<Result<Vec<_>, _>>().ok()?;
        Some(Self {
            space: SpaceId::from_bytes(space)?,
            components,
        })
    }
}

impl std::fmt::Display for Place {
    /// The names below the space, escaped: safe to show, not to parse.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.components.is_empty() {
            return formatter.write_str("the space itself");
        }
        write!(formatter, "'{}'", escape_bytes(&self.path_bytes()))
    }
}

impl SpaceId {
    /// The space, as the journal keeps it: its kind, and the id of what it belongs to.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Home(account) => [b"h", &account.as_bytes()[..]].concat(),
            Self::Shared => b"s".to_vec(),
            Self::Room(room) => [b"r", &room.as_bytes()[..]].concat(),
        }
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (b'h', account) => account.try_into().ok().map(Self::Home),
            (b's', []) => Some(Self::Shared),
            (b'r', room) => room.try_into().ok().map(Self::Room),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_from_the_journal() {
        let names = [&b"a\\b"[..], b"-rf", b"\xff\n", b" "].map(|name| Component::new(name).unwrap());
        let owner = AccountId::from_bytes([7; 16]);
        for space in [
            SpaceId::Home(owner),
            SpaceId::Shared,
            SpaceId::Room(RoomId::from_bytes([8; 16])),
        ] {
            for depth in 0..=names.len() {
                let place = Place::new(space, &names[..depth]);
                assert_eq!(
                    Place::from_bytes(&space.to_bytes(), &place.path_bytes()),
                    Some(place)
                );
            }
        }
        assert_eq!(Place::from_bytes(b"h123", b"a"), None);
        assert_eq!(Place::from_bytes(b"s", b"a/../b"), None);
    }

    #[test]
    fn a_place_contains_what_is_below_it_by_components() {
        let place = |names: &[&str]| {
            let components: Vec<_> = names.iter().map(|name| Component::new(*name).unwrap()).collect();
            Place::new(SpaceId::Shared, components)
        };
        assert!(place(&["a"]).contains(&place(&["a", "b"])));
        assert!(place(&["a"]).contains(&place(&["a"])));
        assert!(!place(&["a"]).contains(&place(&["ab"])));
        assert!(!place(&["a", "b"]).contains(&place(&["a"])));
    }
}

//! Rights on directories: the rules, in memory for whoever asks, and in the journal.
//!
//! The nearest directory above (or at) a place that has a rule for somebody decides; at the same directory one for the
//! account comes before one for the role, and that before one for everyone. Where there is none, nothing is decided here.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::place::{Place, SpaceId};
use super::upload::place;
use crate::error::StoreError;
use crate::lock;
use landline_model::access::Right;
use landline_model::id::AccountId;
use landline_model::path::Component;
use landline_model::role::Role;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The most rules of one space.
pub const ACCESS_RULES_MAX: usize = 4096;

/// Whom a rule is for; those before others come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// One account.
    Account(AccountId),
    /// All with this role on the hub.
    Role(Role),
    /// All.
    Everyone,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The directory.
    pub place: Place,
    /// For whom.
    pub subject: Subject,
    /// What they may do below it.
    pub right: Right,
}

/// All rules.
#[derive(Debug, Default)]
pub struct Access(RwLock<BTreeMap<SpaceId, Rules>>);

type Rules = BTreeMap<Vec<Component>, BTreeMap<Subject, Right>>;

impl Access {
    /// What the rules say of this account with this role at a place of a space; none: nothing.
    #[must_use]
    pub fn right(
        &self,
        space: SpaceId,
        components: &[Component],
        account: &AccountId,
        role: Role,
    ) -> Option<Right> {
        self.decides(space, components, account, role)
            .map(|(_, _, right)| right)
    }

    /// The same with the rule that says so: how many names deep its directory lies, and whom it is for.
    fn decides(
        &self,
        space: SpaceId,
        components: &[Component],
        account: &AccountId,
        role: Role,
    ) -> Option<(usize, Subject, Right)> {
        let spaces = self.read();
        let rules = spaces.get(&space)?;
        let subjects = [Subject::Account(*account), Subject::Role(role), Subject::Everyone];
        (0..=components.len()).rev().find_map(|depth| {
            let here = rules.get(components.get(..depth)?)?;
            subjects
                .into_iter()
                .find_map(|subject| here.get(&subject).map(|right| (depth, subject, *right)))
        })
    }

    /// Whether there are rules at a place or beneath it.
    pub(super) fn within(&self, place: &Place) -> bool {
        let spaces = self.read();
        spaces.get(&place.space).is_some_and(|rules| {
            let mut from = rules.range(place.components.clone()..);
            from.next()
                .is_some_and(|(path, _)| path.starts_with(&place.components))
        })
    }

    /// Refuses what would move or remove a directory with rules.
    pub(super) fn require_none_within(&self, place: &Place) -> Result<(), FilesError> {
        if self.within(place) {
            return Err(FilesError::Conflict(format!(
                "{place} has access rules, or something in it does: take them away first, landline access rm"
            )));
        }
        Ok(())
    }

    fn load(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut statement = connection.prepare("SELECT space, path, who, allowed FROM access")?;
        let rows = statement.query_map([], |row| {
            Ok((
                place(row, 0)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let mut spaces = self.write();
        for row in rows {
            let (place, who, right) = row?;
            let subject = Subject::from_bytes(&who)
                .ok_or_else(|| FilesError::Store(StoreError::Corrupt("an access rule".to_owned())))?;
            // A right of a later version is none.
            let right = right.parse().unwrap_or(Right::None);
            let rules = spaces.entry(place.space).or_default();
            rules.entry(place.components).or_default().insert(subject, right);
        }
        Ok(())
    }

    fn put(&self, place: &Place, subject: Subject, right: Option<Right>) -> Option<Right> {
        let mut spaces = self.write();
        let rules = spaces.entry(place.space).or_default();
        let here = rules.entry(place.components.clone()).or_default();
        let before = match right {
            Some(right) => here.insert(subject, right),
            None => here.remove(&subject),
        };
        if here.is_empty() {
            rules.remove(&place.components);
        }
        before
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SpaceId, Rules>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SpaceId, Rules>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subject {
    fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Account(account) => [b"a", &account.as_bytes()[..]].concat(),
            Self::Role(role) => [b"r", role.name().as_bytes()].concat(),
            Self::Everyone => b"*".to_vec(),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (b'a', account) => account.try_into().ok().map(Self::Account),
            (b'r', role) => Some(Self::Role(Role::named(std::str::from_utf8(role).ok()?))),
            (b'*', []) => Some(Self::Everyone),
            _ => None,
        }
    }
}

impl Files {
    /// The rules on directories.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The rule that decides for somebody at a place.
    #[must_use]
    pub fn deciding_rule(&self, place: &Place, account: &AccountId, role: Role) -> Option<Rule> {
        let (depth, subject, right) = self
            .access
            .decides(place.space, &place.components, account, role)?;
        let components = place.components.get(..depth)?;
        Some(Rule {
            place: Place::new(place.space, components),
            subject,
            right,
        })
    }

    /// The rules above a place, at it and beneath it, in the order of their directories, behind the first `skip`, at most
    /// `limit`.
    #[must_use]
    pub fn access_rules(&self, place: &Place, skip: usize, limit: usize) -> Vec<Rule> {
        let spaces = self.access.read();
        let Some(rules) = spaces.get(&place.space) else {
            return Vec::new();
        };
        let concerned = rules
            .iter()
            .filter(|(path, _)| path.starts_with(&place.components) || place.components.starts_with(path));
        let rules = concerned.flat_map(|(path, here)| {
            here.iter().map(|(subject, right)| Rule {
                place: Place::new(place.space, path.clone()),
                subject: *subject,
                right: *right,
            })
        });
        rules.skip(skip).take(limit).collect()
    }

    /// Sets a rule on a directory, or changes it. It counts at once.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] and [`FilesError::WrongKind`] where no directory is there; [`FilesError::TooLarge`] over
    /// [`ACCESS_RULES_MAX`]; those of the journal.
    pub fn set_access(&self, place: &Place, subject: Subject, right: Right) -> Result<(), FilesError> {
        let before = {
            // Nothing moves or removes the directory between the look and the rule.
            let names = lock(&self.names);
            if place.components.is_empty() {
                self.tree.space_made(place.space, &names).at(place)?;
            } else {
                self.tree.directory(place)?;
            }
            self.require_room(place.space)?;
            self.access.put(place, subject, Some(right))
        };
        let (space, path, who) = (place.space.to_bytes(), place.path_bytes(), subject.to_bytes());
        let written = self.journal.write(move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO access (space, path, who, allowed) VALUES (?1, ?2, ?3, ?4)",
                params![space, path, who, right.name()],
            )?;
            Ok(())
        });
        if written.is_err() {
            self.access.put(place, subject, before);
        }
        written
    }

    /// Takes a rule away.
    ///
    /// # Errors
    /// [`FilesError::NotFound`]; those of the journal.
    pub fn remove_access(&self, place: &Place, subject: Subject) -> Result<(), FilesError> {
        let (space, path, who) = (place.space.to_bytes(), place.path_bytes(), subject.to_bytes());
        let removed = self.journal.write(move |connection| {
            Ok(connection.execute(
                "DELETE FROM access WHERE space = ?1 AND path = ?2 AND who = ?3",
                params![space, path, who],
            )?)
        })?;
        if removed == 0 {
            return Err(FilesError::NotFound(format!("{place} has no such access rule")));
        }
        self.access.put(place, subject, None);
        Ok(())
    }

    pub(super) fn load_access(&self) -> Result<(), FilesError> {
        self.journal.read(|connection| self.access.load(connection))
    }

    fn require_room(&self, space: SpaceId) -> Result<(), FilesError> {
        let spaces = self.access.read();
        let count: usize = spaces
            .get(&space)
            .map_or(0, |rules| rules.values().map(BTreeMap::len).sum());
        if count >= ACCESS_RULES_MAX {
            return Err(FilesError::TooLarge(format!(
                "a space has at most {ACCESS_RULES_MAX} access rules"
            )));
        }
        Ok(())
    }
}

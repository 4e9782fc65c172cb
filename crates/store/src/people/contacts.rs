//! Contacts: how people stand to each other.
//!
//! Each of two has a row of their own about the other. Blocking is one's own affair: the other one's row goes, and
//! nothing else tells them.

use super::state::{Change, State};
use super::{People, read};
use crate::error::StoreError;
use crate::writer::JobError;
use landline_model::id::AccountId;
use landline_model::protocol::people::{ContactAct, ContactState};
use rusqlite::{Connection, OptionalExtension as _};

/// The most people to whom one account stands in some way, those who have asked included. A list of them fits into one
/// message.
pub const CONTACTS_MAX: usize = 1000;

/// Why nothing was done about a contact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// One account stands to itself in no way.
    #[error("nobody is their own contact")]
    Oneself,
    /// They have blocked whoever asks.
    #[error("they do not take messages from you")]
    Blocked,
    /// Whoever asks has blocked them.
    #[error("you have blocked them")]
    BlockedByYou,
    /// They have not asked.
    #[error("they have not asked to be your contact")]
    NotAsking,
    /// It is so already.
    #[error("it is so already")]
    NoChange,
    /// The store's own.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl JobError for ContactError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// How one account stands to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContactRow {
    pub(super) owner: AccountId,
    pub(super) other: AccountId,
    pub(super) state: ContactState,
}

impl People {
    /// Does something about how two people stand to each other; returns how both stand to each other now, `me` first.
    ///
    /// # Errors
    /// Why not; [`StoreError::TooMany`] where one of both has [`CONTACTS_MAX`].
    pub async fn contact(
        &self,
        me: AccountId,
        other: AccountId,
        act: ContactAct,
    ) -> Result<(ContactState, ContactState), ContactError> {
        self.writer
            .run(move |transaction, state| apply(transaction, state, me, other, act))
            .await
    }

    /// How `owner` stands to `other`. From memory.
    #[must_use]
    pub fn contact_state(&self, owner: AccountId, other: AccountId) -> ContactState {
        read(&self.directory).contact(owner, other)
    }

    /// Whether `owner` takes no messages from `other`. From memory.
    #[must_use]
    pub fn has_blocked(&self, owner: AccountId, other: AccountId) -> bool {
        self.contact_state(owner, other) == ContactState::Blocked
    }

    /// Everybody to whom an account stands in some way, at most [`CONTACTS_MAX`], in the order of their ids. From memory.
    #[must_use]
    pub fn contacts(&self, owner: AccountId) -> Vec<(AccountId, ContactState)> {
        read(&self.directory).contacts_of(owner).collect()
    }
}

fn apply(
    transaction: &Connection,
    state: &mut State,
    me: AccountId,
    other: AccountId,
    act: ContactAct,
) -> Result<(ContactState, ContactState), ContactError> {
    if me == other {
        return Err(ContactError::Oneself);
    }
    let before = (stored(transaction, me, other)?, stored(transaction, other, me)?);
    let after = next(act, before.0, before.1)?;
    if after == before {
        return Err(ContactError::NoChange);
    }
    let rows = [(me, other, before.0, after.0), (other, me, before.1, after.1)];
    for (owner, other, before, after) in rows {
        if before == ContactState::None && after != ContactState::None {
            require_room(transaction, owner)?;
        }
        write(
            transaction,
            ContactRow {
                owner,
                other,
                state: after,
            },
        )?;
    }
    for (owner, other, _, after) in rows {
        state.change(Change::Contact(ContactRow {
            owner,
            other,
            state: after,
        }));
    }
    Ok(after)
}

/// What an act makes of how I stand to them and they to me.
fn next(
    act: ContactAct,
    mine: ContactState,
    theirs: ContactState,
) -> Result<(ContactState, ContactState), ContactError> {
    use ContactState as S;
    // Whoever has blocked the other keeps that, whatever the other does.
    let unless_blocked = |state| if theirs == S::Blocked { S::Blocked } else { state };
    match (act, mine) {
        (ContactAct::Ask, S::Blocked) => Err(ContactError::BlockedByYou),
        (ContactAct::Ask, _) if theirs == S::Blocked => Err(ContactError::Blocked),
        (ContactAct::Ask | ContactAct::Accept, S::Asking) => Ok((S::Contact, S::Contact)),
        (ContactAct::Ask, S::None) => Ok((S::Asked, S::Asking)),
        (ContactAct::Accept, S::None | S::Asked | S::Blocked) => Err(ContactError::NotAsking),
        (ContactAct::Remove, S::Asked | S::Asking | S::Contact) => Ok((S::None, unless_blocked(S::None))),
        (ContactAct::Block, S::None | S::Asked | S::Asking | S::Contact) => {
            Ok((S::Blocked, unless_blocked(S::None)))
        }
        (ContactAct::Unblock, S::Blocked) => Ok((S::None, theirs)),
        _ => Err(ContactError::NoChange),
    }
}

fn stored(transaction: &Connection, owner: AccountId, other: AccountId) -> Result<ContactState, StoreError> {
    let found: Option<String> = transaction
        .prepare_cached("SELECT state FROM contacts WHERE owner = ?1 AND other = ?2")?
        .query_row((owner.as_bytes(), other.as_bytes()), |row| row.get(0))
        .optional()?;
    Ok(found.map_or(ContactState::None, |text| named(&text)))
}

fn write(transaction: &Connection, row: ContactRow) -> Result<(), StoreError> {
    let pair = (row.owner.as_bytes(), row.other.as_bytes());
    match name(row.state) {
        None => transaction
            .prepare_cached("DELETE FROM contacts WHERE owner = ?1 AND other = ?2")?
            .execute(pair)?,
        Some(state) => transaction
            .prepare_cached("INSERT OR REPLACE INTO contacts (owner, other, state) VALUES (?1, ?2, ?3)")?
            .execute((pair.0, pair.1, state))?,
    };
    Ok(())
}

fn require_room(transaction: &Connection, owner: AccountId) -> Result<(), StoreError> {
    let count: u32 = transaction
        .prepare_cached("SELECT count(*) FROM contacts WHERE owner = ?1")?
        .query_row([owner.as_bytes()], |row| row.get(0))?;
    if usize::try_from(count).unwrap_or(usize::MAX) < CONTACTS_MAX {
        return Ok(());
    }
    Err(StoreError::TooMany {
        what: "contacts of one account",
        max: CONTACTS_MAX,
    })
}

/// Reads all of them.
pub(super) fn load(connection: &Connection, mut take: impl FnMut(ContactRow)) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT owner, other, state FROM contacts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(ContactRow {
            owner: AccountId::from_bytes(row.get(0)?),
            other: AccountId::from_bytes(row.get(1)?),
            state: named(&row.get::<_, String>(2)?),
        });
    }
    Ok(())
}

/// As the table has it; it takes no other.
const STATES: [(ContactState, &str); 4] = [
    (ContactState::Asked, "asked"),
    (ContactState::Asking, "asking"),
    (ContactState::Contact, "contact"),
    (ContactState::Blocked, "blocked"),
];

fn name(state: ContactState) -> Option<&'static str> {
    STATES
        .into_iter()
        .find(|(known, _)| *known == state)
        .map(|(_, name)| name)
}

fn named(name: &str) -> ContactState {
    STATES
        .into_iter()
        .find(|(_, known)| *known == name)
        .map_or(ContactState::None, |(state, _)| state)
}

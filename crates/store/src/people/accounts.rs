//! Accounts.

use super::directory::Entry;
use super::invites;
use super::sessions::{self, NewSession, Resumed};
use super::state::{Change, State};
use crate::error::StoreError;
use crate::integer;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::name::AccountName;
use landline_model::protocol::people::Account;
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use std::time::Duration;

/// An account to make.
#[derive(Clone)]
pub struct NewAccount {
    /// Its id, random.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// Its password as a PHC string; without one, sessions are the only way in.
    pub password: Option<String>,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Even a hash of a password has no place in a log.
        formatter
            .debug_struct("NewAccount")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

pub(super) fn join(
    transaction: &Connection,
    state: &mut State,
    token: &Hash,
    new: NewAccount,
    session: NewSession,
    idle: Duration,
) -> Result<Resumed, StoreError> {
    let now = state.now();
    if let Some((joined, ended)) = sessions::of_secret(transaction, &session.secret_hash, idle, now)? {
        return if ended {
            Err(StoreError::SessionExpired)
        } else {
            Ok(joined)
        };
    }
    let role = invites::redeem(transaction, token, now)?;
    // What redeeming wrote is undone with the job where the name is taken.
    let entry = insert(transaction, new, role, now)?;
    let account = entry.account.clone();
    let session = sessions::insert(transaction, account.id, session, now)?;
    state.change(Change::Account(entry));
    let joined = Resumed {
        account,
        session: session.id,
        expires: session.expires,
    };
    state.change(Change::Session(session));
    Ok(joined)
}

/// Writes a new account; the caller tells the state.
pub(super) fn insert(
    transaction: &Connection,
    new: NewAccount,
    role: Role,
    now: Timestamp,
) -> Result<Entry, StoreError> {
    let key = new.name.key();
    if transaction
        .prepare_cached("SELECT 1 FROM accounts WHERE name_key = ?1")?
        .exists([&key])?
    {
        return Err(StoreError::NameTaken);
    }
    transaction
        .prepare_cached(
            "INSERT INTO accounts (id, name, name_key, role, password, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((new.id.as_bytes(), new.name.as_str(), &key, role.name(), &new.password, integer(now.0)))?;
    Ok(Entry {
        account: Account {
            id: new.id,
            name: new.name,
            role,
        },
        key,
        password: new.password,
        disabled: false,
        status: String::new(),
        created: now,
        last_seen: None,
    })
}

/// Refuses where the password of an account is not `verified`: it may have been changed while its hash was made.
pub(super) fn require_password(
    transaction: &Connection,
    account: AccountId,
    verified: Option<&str>,
) -> Result<(), StoreError> {
    let stored: Option<Option<String>> = transaction
        .prepare_cached("SELECT password FROM accounts WHERE id = ?1 AND disabled = 0")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    // Both are hashes with a salt: how long it takes to compare them says nothing about the password.
    match stored {
        None => Err(StoreError::NotFound),
        Some(stored) if stored.as_deref() != verified => Err(StoreError::PasswordChanged),
        Some(_) => Ok(()),
    }
}

pub(super) fn set_password(
    transaction: &Connection,
    state: &mut State,
    account: AccountId,
    phc: String,
    keep: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    let known = transaction
        .prepare_cached("UPDATE accounts SET password = ?2 WHERE id = ?1")?
        .execute((account.as_bytes(), &phc))?;
    if known == 0 {
        return Err(StoreError::NotFound);
    }
    invites::close_of(transaction, account)?;
    let ended = sessions::delete_of(transaction, account, keep)?;
    state.change(Change::Password(account, phc));
    sessions::ended(state, &ended);
    Ok(ended)
}

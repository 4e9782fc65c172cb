//! Tokens: sessions that machines log in to, by proving that they know a secret.

use super::accounts::{self, NewAccount};
use super::directory::{Session, Way};
use super::sessions::Resumed;
use super::state::Change;
use super::{People, read};
use crate::error::StoreError;
use crate::{INTEGER_MAX, integer};
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::people::{Account, DEVICE_MAX};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use std::time::Duration;

/// The most tokens of one account. They end when they are revoked or their time is over, never to make room.
pub const TOKENS_PER_ACCOUNT_MAX: usize = 100;

/// The longest secret that is kept, sealed, in bytes.
const SEALED_MAX: usize = 256;

/// The secret of a token, sealed under a key that the caller keeps elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sealed(..)")
    }
}

/// A token to make.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The session that it is; its id is random.
    pub id: SessionId,
    /// Its secret.
    pub sealed: Sealed,
    /// What it is for, at most [`DEVICE_MAX`] bytes.
    pub device: String,
    /// How long it is good for.
    pub lifetime: Duration,
}

/// For whom a token is made.
#[derive(Clone, Debug)]
pub enum TokenFor {
    /// An account that is there.
    Account(AccountId),
    /// One that is made with it, with this role.
    New(NewAccount, Role),
}

impl People {
    /// Makes a token, and says for whom and when it ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::AccountDisabled`], [`StoreError::NameTaken`], [`StoreError::TooMany`]
    /// where the account has [`TOKENS_PER_ACCOUNT_MAX`], [`StoreError::TooLarge`], and those of the disk.
    pub async fn create_token(
        &self,
        whose: TokenFor,
        token: NewToken,
    ) -> Result<(Account, Timestamp), StoreError> {
        let directory = self.directory.clone();
        self.run_asked(move |transaction, state| {
            let now = state.now();
            let (account, made) = match whose {
                TokenFor::Account(account) => {
                    require_room(transaction, account, now)?;
                    let found = read(&directory)
                        .account(&account)
                        .map(|entry| entry.account.clone());
                    (found.ok_or(StoreError::NotFound)?, None)
                }
                TokenFor::New(new, role) => {
                    let entry = accounts::insert(transaction, new, role, now)?;
                    (entry.account.clone(), Some(entry))
                }
            };
            let session = insert(transaction, account.id, token, now)?;
            let expires = session.expires;
            if let Some(entry) = made {
                state.change(Change::Account(entry));
            }
            state.change(Change::Session(session));
            Ok((account, expires))
        })
        .await
    }

    /// The account and the sealed secret of a token whose time is not over. From memory.
    ///
    /// # Errors
    /// [`StoreError::SessionUnknown`] where there is none, or nobody gets into the account any more;
    /// [`StoreError::SessionExpired`].
    pub fn token(&self, session: &SessionId) -> Result<(Account, Sealed), StoreError> {
        let directory = read(&self.directory);
        let (found, _) = directory.use_token(session, self.time.now())?;
        match directory.session(session).map(|session| &session.way) {
            Some(Way::Token(sealed)) => Ok((found.account, sealed.clone())),
            _ => Err(StoreError::SessionUnknown),
        }
    }

    /// Logs in with a token whose secret somebody has proved to know. That it was seen is noted as
    /// [`resume`](Self::resume) does.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn use_token(&self, session: &SessionId) -> Result<Resumed, StoreError> {
        let found = read(&self.directory).use_token(session, self.time.now())?;
        self.seen(found).await
    }
}

/// Whether an account is there, not disabled, and has room for one more token.
fn require_room(transaction: &Connection, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let disabled: Option<bool> = transaction
        .prepare_cached("SELECT disabled FROM accounts WHERE id = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    match disabled {
        None => return Err(StoreError::NotFound),
        Some(true) => return Err(StoreError::AccountDisabled),
        Some(false) => {}
    }
    let tokens: u32 = transaction
        .prepare_cached(
            "SELECT count(*) FROM sessions WHERE account = ?1 AND sealed IS NOT NULL AND expires > ?2",
        )?
        .query_row((account.as_bytes(), integer(now.0)), |row| row.get(0))?;
    if usize::try_from(tokens).unwrap_or(usize::MAX) >= TOKENS_PER_ACCOUNT_MAX {
        return Err(StoreError::TooMany {
            what: "tokens of one account",
            max: TOKENS_PER_ACCOUNT_MAX,
        });
    }
    Ok(())
}

fn insert(
    transaction: &Connection,
    account: AccountId,
    new: NewToken,
    now: Timestamp,
) -> Result<Session, StoreError> {
    if new.device.len() > DEVICE_MAX || new.sealed.0.len() > SEALED_MAX {
        return Err(StoreError::TooLarge);
    }
    let expires = Timestamp(now.plus(new.lifetime).0.min(INTEGER_MAX));
    transaction
        .prepare_cached(
            "INSERT INTO sessions (id, sealed, account, device, created, last_seen, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        )?
        .execute((
            new.id.as_bytes(),
            &new.sealed.0,
            account.as_bytes(),
            &new.device,
            integer(now.0),
            integer(expires.0),
        ))?;
    Ok(Session {
        id: new.id,
        way: Way::Token(new.sealed),
        account,
        device: new.device,
        created: now,
        last_seen: now,
        expires,
    })
}

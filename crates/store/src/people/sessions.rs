//! Sessions.

use super::accounts;
use super::directory::{Session, Way, has_expired, parsed};
use super::state::{Change, State};
use crate::error::StoreError;
use crate::{INTEGER_MAX, integer, number};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::people::{Account, DEVICE_MAX};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params};
use std::time::Duration;

/// The most sessions of one account, tokens not counted. Opening one more ends the one that was not seen the longest.
pub const SESSIONS_PER_ACCOUNT_MAX: usize = 100;

/// How old what is noted of the use of a session with an open connection may be, in milliseconds: much less than any
/// time without use that ends one, and seldom enough that the sweep of each minute does not write every row.
const IN_USE_EVERY: u64 = 60 * 60 * 1000;

/// A session to open.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id, random.
    pub id: SessionId,
    /// [`super::secret_hash`] of its secret.
    pub secret_hash: Hash,
    /// What the person calls the machine, at most [`DEVICE_MAX`] bytes.
    pub device: String,
    /// For how long it may last, used or not.
    pub lifetime: Duration,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Whose it is.
    pub account: Account,
    /// The session.
    pub session: SessionId,
    /// When it ends, used or not.
    pub expires: Timestamp,
}

pub(super) fn open(
    transaction: &Connection,
    state: &mut State,
    account: AccountId,
    verified: &str,
    new: NewSession,
) -> Result<Vec<SessionId>, StoreError> {
    accounts::require_password(transaction, account, Some(verified))?;
    // Room for one more.
    let displaced = delete(
        transaction,
        "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE account = ?1 AND sealed IS NULL ORDER BY last_seen DESC, created DESC LIMIT -1 OFFSET ?2)
         RETURNING id",
        (account.as_bytes(), i64::try_from(SESSIONS_PER_ACCOUNT_MAX - 1).unwrap_or(i64::MAX)),
    )?;
    let session = insert(transaction, account, new, state.now())?;
    ended(state, &displaced);
    state.change(Change::Session(session));
    Ok(displaced)
}

pub(super) fn insert(
    transaction: &Connection,
    account: AccountId,
    new: NewSession,
    now: Timestamp,
) -> Result<Session, StoreError> {
    if new.device.len() > DEVICE_MAX {
        return Err(StoreError::TooLarge);
    }
    let expires = Timestamp(now.plus(new.lifetime).0.min(INTEGER_MAX));
    transaction
        .prepare_cached(
            "INSERT INTO sessions (id, secret_hash, account, device, created, last_seen, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        )?
        .execute((
            new.id.as_bytes(),
            new.secret_hash.as_bytes(),
            account.as_bytes(),
            &new.device,
            integer(now.0),
            integer(expires.0),
        ))?;
    Ok(Session {
        id: new.id,
        way: Way::Secret(new.secret_hash),
        account,
        device: new.device,
        created: now,
        last_seen: now,
        expires,
    })
}

/// The session of a secret, and whether it has ended by itself.
pub(super) fn of_secret(
    transaction: &Connection,
    secret: &Hash,
    idle: Duration,
    now: Timestamp,
) -> Result<Option<(Resumed, bool)>, StoreError> {
    let found = transaction
        .prepare_cached(
            "SELECT accounts.id, name, role, sessions.id, expires, sessions.last_seen FROM sessions
             JOIN accounts ON accounts.id = account WHERE secret_hash = ?1 AND disabled = 0",
        )?
        .query_row([secret.as_bytes()], |row| {
            let expires = Timestamp(number(row.get(4)?)?);
            let last_seen = Timestamp(number(row.get(5)?)?);
            let account = Account {
                id: AccountId::from_bytes(row.get(0)?),
                name: parsed(1, &row.get::<_, String>(1)?)?,
                role: Role::named(&row.get::<_, String>(2)?),
            };
            let resumed = Resumed {
                account,
                session: SessionId::from_bytes(row.get(3)?),
                expires,
            };
            Ok((resumed, has_expired(last_seen, expires, Some(idle), now)))
        });
    Ok(found.optional()?)
}

/// Notes that sessions are in use, where that is not noted since [`IN_USE_EVERY`]; passes over those that have ended.
pub(super) fn touch_all(
    transaction: &Connection,
    state: &mut State,
    sessions: &[SessionId],
) -> Result<(), StoreError> {
    let now = state.now();
    let stale = now.0.saturating_sub(IN_USE_EVERY);
    let mut statement =
        transaction.prepare_cached("UPDATE sessions SET last_seen = ?2 WHERE id = ?1 AND last_seen <= ?3")?;
    for session in sessions {
        if statement.execute((session.as_bytes(), integer(now.0), integer(stale)))? > 0 {
            state.change(Change::Seen(*session, now));
        }
    }
    Ok(())
}

/// Notes that a session is in use.
pub(super) fn touch(
    transaction: &Connection,
    state: &mut State,
    session: SessionId,
) -> Result<(), StoreError> {
    let now = state.now();
    let known = transaction
        .prepare_cached("UPDATE sessions SET last_seen = ?2 WHERE id = ?1")?
        .execute((session.as_bytes(), integer(now.0)))?;
    // It ended between being looked up and now.
    if known == 0 {
        return Err(StoreError::SessionUnknown);
    }
    state.change(Change::Seen(session, now));
    Ok(())
}

pub(super) fn end(transaction: &Connection, state: &mut State, session: SessionId) -> Result<(), StoreError> {
    let gone = delete(
        transaction,
        "DELETE FROM sessions WHERE id = ?1 RETURNING id",
        [session.as_bytes()],
    )?;
    ended(state, &gone);
    Ok(())
}

/// Ends sessions whose time is over.
pub(super) fn sweep(
    transaction: &Connection,
    state: &mut State,
    idle: Duration,
) -> Result<Vec<SessionId>, StoreError> {
    let now = state.now();
    // The rule of `has_expired`: a token has no idle end.
    let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
    let gone = delete(
        transaction,
        "DELETE FROM sessions WHERE expires <= ?1 OR (last_seen <= ?2 AND sealed IS NULL) RETURNING id",
        (integer(now.0), now.0.checked_sub(idle).map_or(-1, integer)),
    )?;
    ended(state, &gone);
    Ok(gone)
}

/// Runs a statement that deletes sessions and returns their ids.
pub(super) fn delete(
    transaction: &Connection,
    statement: &str,
    parameters: impl Params,
) -> Result<Vec<SessionId>, StoreError> {
    let mut statement = transaction.prepare_cached(statement)?;
    let gone = statement.query_map(parameters, |row| row.get(0).map(SessionId::from_bytes))?;
    Ok(gone.collect::<Result<_, _>>()?)
}

/// Ends all sessions and tokens of an account but `keep`; the caller tells the state.
pub(super) fn delete_of(
    transaction: &Connection,
    account: AccountId,
    keep: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    delete(
        transaction,
        "DELETE FROM sessions WHERE account = ?1 AND id IS NOT ?2 RETURNING id",
        (account.as_bytes(), keep.as_ref().map(SessionId::as_bytes)),
    )
}

pub(super) fn ended(state: &mut State, sessions: &[SessionId]) {
    for session in sessions {
        state.change(Change::Ended(*session));
    }
}

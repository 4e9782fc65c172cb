//! Accounts and sessions as they are kept in memory.

use super::sessions::Resumed;
use super::state::Change;
use crate::error::StoreError;
use crate::number;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::name::AccountName;
use landline_model::protocol::people::Account;
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use std::collections::HashMap;
use std::time::Duration;

/// How old what is noted of a session's last use may be.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Everybody, as of the last commit.
#[derive(Default)]
pub(super) struct Directory {
    accounts: HashMap<AccountId, Entry>,
    by_name: HashMap<String, AccountId>,
    sessions: HashMap<SessionId, Session>,
    by_secret: HashMap<Hash, SessionId>,
}

/// An account.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) account: Account,
    /// A PHC string.
    pub(super) password: Option<String>,
    /// Nobody gets in.
    pub(super) disabled: bool,
}

/// A session.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) secret_hash: Hash,
    pub(super) account: AccountId,
    pub(super) last_seen: Timestamp,
    pub(super) expires: Timestamp,
}

impl Session {
    /// Whether it has ended by itself: when its time is over, or it was not used within `idle`.
    pub(super) fn has_expired(&self, idle: Duration, now: Timestamp) -> bool {
        now >= self.expires || now >= self.last_seen.plus(idle)
    }
}

impl Directory {
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut directory = Self::default();
        let mut statement = connection.prepare("SELECT id, name, role, password, disabled FROM accounts")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            directory.apply(Change::Account(entry(row)?));
        }
        let mut statement =
            connection.prepare("SELECT id, secret_hash, account, last_seen, expires FROM sessions")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            directory.apply(Change::Session(session(row)?));
        }
        Ok(directory)
    }

    pub(super) fn account(&self, account: &AccountId) -> Option<&Entry> {
        self.accounts.get(account)
    }

    pub(super) fn by_name(&self, name: &AccountName) -> Option<&Entry> {
        self.account(self.by_name.get(&name.key())?)
    }

    pub(super) fn has(&self, role: Role) -> bool {
        self.accounts
            .values()
            .any(|entry| entry.account.role == role && !entry.disabled)
    }

    pub(super) fn has_reachable(&self, role: Role, idle: Duration, now: Timestamp) -> bool {
        let may = |entry: &&Entry| entry.account.role == role && !entry.disabled;
        let by_password = || {
            self.accounts
                .values()
                .filter(may)
                .any(|entry| entry.password.is_some())
        };
        let by_session = || {
            let live = self
                .sessions
                .values()
                .filter(|session| !session.has_expired(idle, now));
            live.filter_map(|session| self.account(&session.account))
                .any(|entry| may(&entry))
        };
        by_password() || by_session()
    }

    pub(super) fn has_session(&self, session: &SessionId) -> bool {
        self.sessions.contains_key(session)
    }

    /// The account and session of a secret, and whether its use has to be noted.
    ///
    /// Sessions are looked up by a hash of their secret, so how long it takes says nothing about the secret.
    pub(super) fn resume(
        &self,
        secret: &Hash,
        idle: Duration,
        now: Timestamp,
    ) -> Result<(Resumed, bool), StoreError> {
        let session = self.by_secret.get(secret).and_then(|id| self.sessions.get(id));
        let session = session.ok_or(StoreError::SessionUnknown)?;
        if session.has_expired(idle, now) {
            return Err(StoreError::SessionExpired);
        }
        let entry = self.account(&session.account).filter(|entry| !entry.disabled);
        let account = entry.ok_or(StoreError::SessionUnknown)?.account.clone();
        let resumed = Resumed {
            account,
            session: session.id,
            expires: session.expires,
        };
        Ok((resumed, now >= session.last_seen.plus(SEEN_EVERY)))
    }

    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Account(entry) => {
                self.by_name.insert(entry.account.name.key(), entry.account.id);
                self.accounts.insert(entry.account.id, entry);
            }
            Change::Password(account, phc) => {
                if let Some(entry) = self.accounts.get_mut(&account) {
                    entry.password = Some(phc);
                }
            }
            Change::Session(session) => {
                self.by_secret.insert(session.secret_hash, session.id);
                self.sessions.insert(session.id, session);
            }
            Change::Seen(session, now) => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.last_seen = now;
                }
            }
            Change::Ended(session) => {
                if let Some(session) = self.sessions.remove(&session) {
                    self.by_secret.remove(&session.secret_hash);
                }
            }
        }
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let account = Account {
        id: AccountId::from_bytes(row.get(0)?),
        name: parsed(1, &row.get::<_, String>(1)?)?,
        role: Role::named(&row.get::<_, String>(2)?),
    };
    Ok(Entry {
        account,
        password: row.get(3)?,
        disabled: row.get(4)?,
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: SessionId::from_bytes(row.get(0)?),
        secret_hash: Hash::from_bytes(row.get(1)?),
        account: AccountId::from_bytes(row.get(2)?),
        last_seen: Timestamp(number(row.get(3)?)?),
        expires: Timestamp(number(row.get(4)?)?),
    })
}

/// A text in a column that has to have a certain shape.
pub(super) fn parsed<T>(column: usize, text: &str) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

//! Accounts, sessions and contacts as they are kept in memory.

use super::contacts::{self, ContactRow};
use super::sessions::Resumed;
use super::state::Change;
use super::tokens::Sealed;
use crate::error::StoreError;
use crate::number;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::name::AccountName;
use landline_model::protocol::people::{Account, ContactState};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// How old what is noted of a session's last use may be.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Everybody, as of the last commit.
#[derive(Default)]
pub(super) struct Directory {
    /// In the order in which they are listed.
    accounts: BTreeMap<AccountId, Entry>,
    by_name: HashMap<String, AccountId>,
    sessions: HashMap<SessionId, Session>,
    by_account: BTreeSet<(AccountId, SessionId)>,
    by_secret: HashMap<Hash, SessionId>,
    /// How the first stands to the second, where that is not [`ContactState::None`].
    contacts: BTreeMap<(AccountId, AccountId), ContactState>,
}

/// An account.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) account: Account,
    /// [`AccountName::key`] of its name.
    pub(super) key: String,
    /// A PHC string.
    pub(super) password: Option<String>,
    /// Nobody gets in.
    pub(super) disabled: bool,
    /// What the person wrote about what they are doing.
    pub(super) status: String,
    pub(super) created: Timestamp,
    /// To the minute; none: never.
    pub(super) last_seen: Option<Timestamp>,
}

/// A session.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) way: Way,
    pub(super) account: AccountId,
    pub(super) device: String,
    pub(super) created: Timestamp,
    pub(super) last_seen: Timestamp,
    pub(super) expires: Timestamp,
}

/// How one gets into a session.
#[derive(Clone)]
pub(super) enum Way {
    /// By showing the secret that has this hash.
    Secret(Hash),
    /// By proving to know the secret that is sealed here: a token.
    Token(Sealed),
}

impl Session {
    /// Whether it has ended by itself: when its time is over, or it was not used within `idle`. Machines may have
    /// nothing to say for months: a token ends when its time is over.
    pub(super) fn has_expired(&self, idle: Duration, now: Timestamp) -> bool {
        let idle = (!self.is_token()).then_some(idle);
        has_expired(self.last_seen, self.expires, idle, now)
    }

    pub(super) fn is_token(&self) -> bool {
        matches!(self.way, Way::Token(_))
    }
}

/// The rule of [`Session::has_expired`]; `idle` is none for a token.
pub(super) fn has_expired(
    last_seen: Timestamp,
    expires: Timestamp,
    idle: Option<Duration>,
    now: Timestamp,
) -> bool {
    now >= expires || idle.is_some_and(|idle| now >= last_seen.plus(idle))
}

impl Directory {
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut directory = Self::default();
        let mut statement = connection
            .prepare("SELECT id, name, role, password, disabled, status, created, last_seen FROM accounts")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            directory.apply(Change::Account(entry(row)?));
        }
        let mut statement = connection.prepare(
            "SELECT id, secret_hash, sealed, account, device, created, last_seen, expires FROM sessions",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // What was seen of an account is written with the account.
            directory.insert(session(row)?);
        }
        contacts::load(connection, |row| directory.apply(Change::Contact(row)))?;
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

    /// Accounts from behind `after` on, in the order of their ids.
    pub(super) fn accounts_after(&self, after: Option<AccountId>) -> impl Iterator<Item = &Entry> {
        use std::ops::Bound;
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.accounts
            .range((begin, Bound::Unbounded))
            .map(|(_, entry)| entry)
    }

    pub(super) fn session(&self, session: &SessionId) -> Option<&Session> {
        self.sessions.get(session)
    }

    /// The sessions and tokens of an account.
    pub(super) fn sessions_of(&self, account: AccountId) -> impl Iterator<Item = &Session> {
        let all = (account, SessionId::from_bytes([0; 16]))..=(account, SessionId::from_bytes([0xff; 16]));
        self.by_account
            .range(all)
            .filter_map(|(_, session)| self.sessions.get(session))
    }

    pub(super) fn contact(&self, owner: AccountId, other: AccountId) -> ContactState {
        let state = self.contacts.get(&(owner, other)).copied();
        state.unwrap_or(ContactState::None)
    }

    /// Everybody to whom an account stands in some way.
    pub(super) fn contacts_of(&self, owner: AccountId) -> impl Iterator<Item = (AccountId, ContactState)> {
        let all = (owner, AccountId::from_bytes([0; 16]))..=(owner, AccountId::from_bytes([0xff; 16]));
        self.contacts
            .range(all)
            .map(|((_, other), state)| (*other, *state))
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
        self.enter(session.ok_or(StoreError::SessionUnknown)?, idle, now)
    }

    /// The same for a token, by the session that it is.
    pub(super) fn use_token(
        &self,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<(Resumed, bool), StoreError> {
        let session = self.sessions.get(session).filter(|session| session.is_token());
        self.enter(session.ok_or(StoreError::SessionUnknown)?, Duration::MAX, now)
    }

    fn enter(
        &self,
        session: &Session,
        idle: Duration,
        now: Timestamp,
    ) -> Result<(Resumed, bool), StoreError> {
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
                self.by_name.insert(entry.key.clone(), entry.account.id);
                self.accounts.insert(entry.account.id, entry);
            }
            Change::Password(account, phc) => self.change(account, |entry| entry.password = Some(phc)),
            Change::Role(account, role) => self.change(account, |entry| entry.account.role = role),
            Change::Disabled(account, disabled) => self.change(account, |entry| entry.disabled = disabled),
            Change::Status(account, status) => self.change(account, |entry| entry.status = status),
            Change::Session(session) => {
                // To make a token is not to use it.
                if !session.is_token() {
                    self.change(session.account, |entry| entry.last_seen = Some(session.last_seen));
                }
                self.insert(session);
            }
            Change::Seen(session, now) => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.last_seen = now;
                    let account = session.account;
                    self.change(account, |entry| entry.last_seen = Some(now));
                }
            }
            Change::Ended(session) => {
                if let Some(session) = self.sessions.remove(&session) {
                    self.by_account.remove(&(session.account, session.id));
                    if let Way::Secret(hash) = session.way {
                        self.by_secret.remove(&hash);
                    }
                }
            }
            Change::Contact(ContactRow { owner, other, state }) => {
                if state == ContactState::None {
                    self.contacts.remove(&(owner, other));
                } else {
                    self.contacts.insert((owner, other), state);
                }
            }
        }
    }

    fn change(&mut self, account: AccountId, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.accounts.get_mut(&account) {
            change(entry);
        }
    }

    fn insert(&mut self, session: Session) {
        if let Way::Secret(hash) = &session.way {
            self.by_secret.insert(*hash, session.id);
        }
        self.by_account.insert((session.account, session.id));
        self.sessions.insert(session.id, session);
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let account = Account {
        id: AccountId::from_bytes(row.get(0)?),
        name: parsed(1, &row.get::<_, String>(1)?)?,
        role: Role::named(&row.get::<_, String>(2)?),
    };
    Ok(Entry {
        key: account.name.key(),
        account,
        password: row.get(3)?,
        disabled: row.get(4)?,
        status: row.get(5)?,
        created: Timestamp(number(row.get(6)?)?),
        last_seen: row
            .get::<_, Option<i64>>(7)?
            .map(number)
            .transpose()?
            .map(Timestamp),
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    // One of the two is there: the table checks it.
    let way = match row.get::<_, Option<[u8; 32]>>(1)? {
        Some(hash) => Way::Secret(Hash::from_bytes(hash)),
        None => Way::Token(Sealed(row.get(2)?)),
    };
    Ok(Session {
        id: SessionId::from_bytes(row.get(0)?),
        way,
        account: AccountId::from_bytes(row.get(3)?),
        device: row.get(4)?,
        created: Timestamp(number(row.get(5)?)?),
        last_seen: Timestamp(number(row.get(6)?)?),
        expires: Timestamp(number(row.get(7)?)?),
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

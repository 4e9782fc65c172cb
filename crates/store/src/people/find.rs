//! Finding people and sessions, from memory.

use super::{People, read};
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::people::Account;
use landline_model::time::Timestamp;

/// An account and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub account: Account,
    /// What the person wrote about what they are doing.
    pub status: String,
    /// Nobody gets in.
    pub disabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was used last, to the minute; none: never.
    pub last_seen: Option<Timestamp>,
}

/// A session or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// What the person calls the machine, or what the token is for.
    pub device: String,
    /// True for a token.
    pub token: bool,
    /// When it was opened.
    pub created: Timestamp,
    /// When it was used last, to the minute.
    pub last_seen: Timestamp,
    /// When it ends, used or not.
    pub expires: Timestamp,
}

impl People {
    /// At most `limit` people from behind `after` on, in the order of their ids: those whose name has `search` in it, by
    /// [`landline_model::name::key`], and who are not disabled unless `with_disabled`.
    #[must_use]
    pub fn people(
        &self,
        search: &str,
        with_disabled: bool,
        after: Option<AccountId>,
        limit: usize,
    ) -> Vec<Person> {
        let search = landline_model::name::key(search);
        let directory = read(&self.directory);
        let found = directory.accounts_after(after);
        found
            .filter(|entry| (with_disabled || !entry.disabled) && entry.key.contains(&search))
            .take(limit)
            .map(person)
            .collect()
    }

    /// One of them.
    #[must_use]
    pub fn person(&self, account: &AccountId) -> Option<Person> {
        read(&self.directory).account(account).map(person)
    }

    /// The sessions and tokens of an account, the oldest first; also those whose time is over, until they are swept out.
    #[must_use]
    pub fn sessions(&self, account: AccountId) -> Vec<SessionRecord> {
        let directory = read(&self.directory);
        let mut sessions: Vec<SessionRecord> = directory.sessions_of(account).map(record).collect();
        sessions.sort_by_key(|session| (session.created, session.id));
        sessions
    }

    /// One session.
    #[must_use]
    pub fn session(&self, session: &SessionId) -> Option<SessionRecord> {
        read(&self.directory).session(session).map(record)
    }
}

fn person(entry: &super::directory::Entry) -> Person {
    Person {
        account: entry.account.clone(),
        status: entry.status.clone(),
        disabled: entry.disabled,
        created: entry.created,
        last_seen: entry.last_seen,
    }
}

fn record(session: &super::directory::Session) -> SessionRecord {
    SessionRecord {
        id: session.id,
        account: session.account,
        device: session.device.clone(),
        token: session.is_token(),
        created: session.created,
        last_seen: session.last_seen,
        expires: session.expires,
    }
}

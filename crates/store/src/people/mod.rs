//! Accounts, invitations, sessions, tokens and contacts.
//!
//! Secrets are never stored in the clear: of invitations and sessions the database has hashes, of passwords what Argon2
//! made of them, of tokens what the caller sealed.
//! Accounts and sessions are kept in memory as well, so that who is there is known without waiting for a disk, and
//! people can still log on (to make room) when it is full.

mod accounts;
mod asked;
mod contacts;
mod directory;
mod find;
mod invites;
mod keep;
mod schema;
mod sessions;
mod state;
#[cfg(test)]
mod tests;
mod tokens;

pub use accounts::NewAccount;
pub use asked::Asker;
pub use contacts::{CONTACTS_MAX, ContactError};
pub use find::{Person, SessionRecord};
pub use invites::{INVITES_MAX, NewInvite, OpenInvite};
pub use sessions::{NewSession, Resumed, SESSIONS_PER_ACCOUNT_MAX};
pub use tokens::{NewToken, Sealed, TOKENS_PER_ACCOUNT_MAX, TokenFor};

use crate::error::StoreError;
use crate::writer::Writer;
use crate::{Clock, database, read};
use directory::Directory;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::link::Token;
use landline_model::name::AccountName;
use landline_model::protocol::people::{Account, SessionSecret};
use landline_model::role::Role;
use landline_model::time::Timestamp;
use schema::SCHEMA;
use state::{State, Time};
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// Who is known to the hub. Clones share it.
#[derive(Clone)]
pub struct People {
    writer: Writer<State>,
    directory: Arc<RwLock<Directory>>,
    time: Arc<Time>,
    /// See [`People::asked_by`].
    asker: Option<Asker>,
}

/// What is stored of an invitation's token.
#[must_use]
pub fn token_hash(token: &Token) -> Hash {
    Hash::from_bytes(blake3::derive_key(
        "Landline 2026-11 invitation token",
        token.as_bytes(),
    ))
}

/// What is stored of a session's secret.
#[must_use]
pub fn secret_hash(secret: &SessionSecret) -> Hash {
    Hash::from_bytes(blake3::derive_key(
        "Landline 2026-11 session secret",
        secret.as_bytes(),
    ))
}

impl People {
    /// Opens `people.db` in `directory`; makes it where there is none.
    ///
    /// Time never runs backwards here: a clock that is set back brings no session and no invitation back to life.
    /// Across a restart that holds as of the last write, and each [`sweep`](Self::sweep) is one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::NewerVersion`], and those of the disk.
    pub fn open(directory: &Path, clock: Clock) -> Result<Self, StoreError> {
        let connection = database::open(directory, &SCHEMA)?;
        let time = Arc::new(Time::new(clock, state::latest(&connection)?));
        let directory = Arc::new(RwLock::new(Directory::load(&connection)?));
        let state = State::new(Arc::clone(&directory), Arc::clone(&time));
        let writer = Writer::start("people", connection, state)?;
        Ok(Self {
            writer,
            directory,
            time,
            asker: None,
        })
    }

    /// Makes an invitation; says when it ends. Of those by which the hub itself invites an admin the last few are good.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] where [`INVITES_MAX`] are open (the hub itself may all the same), and those of the disk.
    pub async fn create_invite(&self, invite: NewInvite) -> Result<Timestamp, StoreError> {
        self.run_asked(move |transaction, state| invites::create(transaction, state, &invite))
            .await
    }

    /// Whether there is an invitation that still makes an admin.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn open_admin_invite_exists(&self) -> Result<bool, StoreError> {
        self.writer
            .run(|transaction, state| invites::open_exists(transaction, state.now(), Role::Admin))
            .await
    }

    /// An invitation, where it can be redeemed as of now: what it takes to find out before the work of a password's hash.
    /// Whether its maker still may invite is the caller's to ask; where that ends, the invitation does.
    ///
    /// # Errors
    /// [`StoreError::InviteUnknown`], [`StoreError::InviteExpired`], [`StoreError::InviteUsed`],
    /// [`StoreError::InviteRoleUnknown`], and those of the disk.
    pub async fn open_invite(&self, token: Hash) -> Result<OpenInvite, StoreError> {
        self.writer
            .run(move |transaction, state| invites::check(transaction, &token, state.now()))
            .await
    }

    /// Redeems an invitation: makes an account and its first session, or nothing of it. It can be repeated: where a
    /// session with this secret was opened already, that one is the answer, and no invitation is used for it.
    ///
    /// # Errors
    /// [`StoreError::SessionExpired`] where that one has ended by itself, also by not being used within `idle`;
    /// [`StoreError::InviteUnknown`], [`StoreError::InviteExpired`], [`StoreError::InviteUsed`],
    /// [`StoreError::NameTaken`] (which uses nothing up), and those of the disk.
    pub async fn join(
        &self,
        token: Hash,
        account: NewAccount,
        session: NewSession,
        idle: Duration,
    ) -> Result<Resumed, StoreError> {
        self.writer
            .run(move |transaction, state| accounts::join(transaction, state, &token, account, session, idle))
            .await
    }

    /// Opens a session for somebody who has proved to know the password whose PHC string is `verified`. Returns those
    /// that ended for it: an account has at most [`SESSIONS_PER_ACCOUNT_MAX`], and those go first that were not seen
    /// the longest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such account (or it is disabled), [`StoreError::PasswordChanged`]
    /// where its password is another by now, and those of the disk.
    pub async fn open_session(
        &self,
        account: AccountId,
        verified: String,
        session: NewSession,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.writer
            .run(move |transaction, state| sessions::open(transaction, state, account, &verified, session))
            .await
    }

    /// Continues a session that was used within the last `idle` time. That it was seen is written at most once a
    /// minute, and where it cannot be (the disk is full) it continues all the same.
    ///
    /// # Errors
    /// [`StoreError::SessionUnknown`], [`StoreError::SessionExpired`].
    pub async fn resume(&self, secret: &Hash, idle: Duration) -> Result<Resumed, StoreError> {
        let found = read(&self.directory).resume(secret, idle, self.time.now())?;
        self.seen(found).await
    }

    /// Notes that a session is used, where that was not noted for a minute.
    async fn seen(&self, (resumed, touch): (Resumed, bool)) -> Result<Resumed, StoreError> {
        if touch {
            let session = resumed.session;
            let touched = self
                .writer
                .run(move |transaction, state| sessions::touch(transaction, state, session))
                .await;
            match touched {
                Ok(()) => {}
                Err(error @ (StoreError::SessionUnknown | StoreError::Stopped)) => return Err(error),
                Err(error) => tracing::warn!(%session, %error, "could not note that a session was seen"),
            }
        }
        Ok(resumed)
    }

    /// Ends a session. One that has ended already stays so.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn end_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.run_asked(move |transaction, state| sessions::end(transaction, state, session))
            .await
    }

    /// Sets a password (as a PHC string) and ends all sessions of the account but `keep`, its tokens, and the invitations
    /// that it made. Returns the sessions that ended.
    /// `verified` is the one so far, which the person has proved to know; none where there was none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such account, [`StoreError::PasswordChanged`] where its password is
    /// not `verified` by now, and those of the disk.
    pub async fn set_password(
        &self,
        account: AccountId,
        verified: Option<String>,
        phc: String,
        keep: SessionId,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.run_asked(move |transaction, state| {
            accounts::require_password(transaction, account, verified.as_deref())?;
            accounts::set_password(transaction, state, account, phc, Some(keep))
        })
        .await
    }

    /// Every minute or so: notes that the sessions `in_use` are, removes those whose time is over or that were not used
    /// within `idle`, and invitations that ended long ago. Returns the sessions that ended.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn sweep(&self, idle: Duration, in_use: Vec<SessionId>) -> Result<Vec<SessionId>, StoreError> {
        self.writer
            .run(move |transaction, state| {
                invites::sweep(transaction, state)?;
                sessions::touch_all(transaction, state, &in_use)?;
                sessions::sweep(transaction, state, idle)
            })
            .await
    }

    /// Whether a session was opened and not ended, whatever its time. From memory.
    #[must_use]
    pub fn session_is_open(&self, session: &SessionId) -> bool {
        read(&self.directory).has_session(session)
    }

    /// An account. From memory.
    #[must_use]
    pub fn account(&self, account: &AccountId) -> Option<Account> {
        read(&self.directory)
            .account(account)
            .map(|entry| entry.account.clone())
    }

    /// The role of an account that somebody may be logged in to; none where there is no such account, or nobody gets
    /// into it any more. From memory.
    #[must_use]
    pub fn role(&self, account: &AccountId) -> Option<Role> {
        let directory = read(&self.directory);
        let entry = directory.account(account).filter(|entry| !entry.disabled)?;
        Some(entry.account.role)
    }

    /// An account by its name. From memory.
    #[must_use]
    pub fn account_by_name(&self, name: &AccountName) -> Option<Account> {
        read(&self.directory)
            .by_name(name)
            .map(|entry| entry.account.clone())
    }

    /// An account that may log in, and its password as a PHC string where it has one. From memory.
    #[must_use]
    pub fn credentials(&self, name: &AccountName) -> Option<(Account, Option<String>)> {
        let directory = read(&self.directory);
        let entry = directory.by_name(name).filter(|entry| !entry.disabled)?;
        Some((entry.account.clone(), entry.password.clone()))
    }

    /// Whether somebody looks after the hub. From memory.
    #[must_use]
    pub fn has_admin(&self) -> bool {
        read(&self.directory).has(Role::Admin)
    }

    /// Whether somebody who looks after the hub can still get in: by a password, or by a session that was used within
    /// `idle`. From memory.
    #[must_use]
    pub fn has_reachable_admin(&self, idle: Duration) -> bool {
        read(&self.directory).has_reachable(Role::Admin, idle, self.time.now())
    }
}

impl std::fmt::Debug for People {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("People(..)")
    }
}

//! Looking after accounts: disabling them, giving them roles and passwords, ending their sessions.

use super::state::{Change, State};
use super::{People, accounts, invites, sessions};
use crate::error::StoreError;
use crate::integer;
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::people::STATUS_MAX;
use landline_model::role::Role;
use rusqlite::{Connection, OptionalExtension as _};
use std::time::Duration;

impl People {
    /// Lets nobody into an account any more: its sessions and tokens end, and so do the invitations that it made.
    /// Returns the sessions that ended. A session that was not used within `idle` does not count as a way in for the
    /// others who look after the hub.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::LastAdmin`] where nobody else who looks after the hub can get in, and
    /// those of the disk.
    pub async fn disable(&self, account: AccountId, idle: Duration) -> Result<Vec<SessionId>, StoreError> {
        self.run_asked(move |transaction, state| {
            if role(transaction, account)? == Role::Admin {
                require_another_admin(transaction, state, account, idle)?;
            }
            set(
                transaction,
                "UPDATE accounts SET disabled = 1 WHERE id = ?1",
                [account.as_bytes()],
            )?;
            invites::close_of(transaction, account)?;
            let ended = sessions::delete_of(transaction, account, None)?;
            state.change(Change::Disabled(account, true));
            sessions::ended(state, &ended);
            Ok(ended)
        })
        .await
    }

    /// Lets people into an account again. They have to log in anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and those of the disk.
    pub async fn enable(&self, account: AccountId) -> Result<(), StoreError> {
        self.run_asked(move |transaction, state| {
            set(
                transaction,
                "UPDATE accounts SET disabled = 0 WHERE id = ?1",
                [account.as_bytes()],
            )?;
            state.change(Change::Disabled(account, false));
            Ok(())
        })
        .await
    }

    /// Gives an account another role. Who looks after the hub no longer invites anybody: those invitations end.
    ///
    /// # Errors
    /// As [`disable`](Self::disable).
    pub async fn set_role(&self, account: AccountId, new: Role, idle: Duration) -> Result<(), StoreError> {
        self.run_asked(move |transaction, state| {
            if role(transaction, account)? == Role::Admin && new != Role::Admin {
                require_another_admin(transaction, state, account, idle)?;
                invites::close_of(transaction, account)?;
            }
            set(
                transaction,
                "UPDATE accounts SET role = ?2 WHERE id = ?1",
                (account.as_bytes(), new.name()),
            )?;
            state.change(Change::Role(account, new));
            Ok(())
        })
        .await
    }

    /// Gives an account another password (as a PHC string) whatever the one so far was, and ends its sessions and
    /// tokens, and the invitations that it made: whoever had got hold of it is out. Returns the sessions.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and those of the disk.
    pub async fn reset(&self, account: AccountId, phc: String) -> Result<Vec<SessionId>, StoreError> {
        self.run_asked(move |transaction, state| {
            accounts::set_password(transaction, state, account, phc, None)
        })
        .await
    }

    /// Ends all sessions and tokens of an account but `keep`; returns those that ended.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        keep: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.run_asked(move |transaction, state| {
            let ended = sessions::delete_of(transaction, account, keep)?;
            sessions::ended(state, &ended);
            Ok(ended)
        })
        .await
    }

    /// Sets what somebody says about what they are doing, at most [`STATUS_MAX`] bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::TooLarge`], and those of the disk.
    pub async fn set_status(&self, account: AccountId, status: String) -> Result<(), StoreError> {
        if status.len() > STATUS_MAX {
            return Err(StoreError::TooLarge);
        }
        self.writer
            .run(move |transaction, state| {
                set(
                    transaction,
                    "UPDATE accounts SET status = ?2 WHERE id = ?1",
                    (account.as_bytes(), &status),
                )?;
                state.change(Change::Status(account, status));
                Ok(())
            })
            .await
    }
}

fn role(transaction: &Connection, account: AccountId) -> Result<Role, StoreError> {
    let role: Option<String> = transaction
        .prepare_cached("SELECT role FROM accounts WHERE id = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(Role::named(&role.ok_or(StoreError::NotFound)?))
}

/// Changes one account.
fn set(
    transaction: &Connection,
    statement: &str,
    parameters: impl rusqlite::Params,
) -> Result<(), StoreError> {
    match transaction.prepare_cached(statement)?.execute(parameters)? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// The database is asked, not the memory: that shows the last commit, and another job of this group may just have taken
/// the other admin away.
fn require_another_admin(
    transaction: &Connection,
    state: &State,
    but: AccountId,
    idle: Duration,
) -> Result<(), StoreError> {
    let now = state.now();
    let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
    let another = transaction
        .prepare_cached(
            "SELECT 1 FROM accounts WHERE role = ?1 AND disabled = 0 AND id <> ?2 AND (password IS NOT NULL OR EXISTS
                 (SELECT 1 FROM sessions WHERE account = accounts.id AND expires > ?3
                  AND (sealed IS NOT NULL OR last_seen > ?4)))",
        )?
        .exists((
            Role::Admin.name(),
            but.as_bytes(),
            integer(now.0),
            now.0.checked_sub(idle).map_or(-1, integer),
        ))?;
    if another {
        Ok(())
    } else {
        Err(StoreError::LastAdmin)
    }
}

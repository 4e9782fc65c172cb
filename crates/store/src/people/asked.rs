//! In whose name something is done, and that they still may when it is.

use super::People;
use super::state::State;
use crate::error::StoreError;
use landline_model::denied::Denied;
use landline_model::id::{AccountId, SessionId};
use landline_model::role::Role;
use rusqlite::{Connection, OptionalExtension as _};

/// Who asks for something, as they were when it was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The account.
    pub account: AccountId,
    /// What it was on the hub.
    pub role: Role,
    /// The session in which it asks.
    pub session: SessionId,
}

impl People {
    /// The same people, for what somebody asks for: accounts are looked after, and tokens, invitations and passwords
    /// made, only where the session is open and the role no less when everything in front of it is done. So nothing that
    /// is under way undoes, or outlives, that somebody was put out.
    ///
    /// Those calls fail with [`StoreError::SessionUnknown`] or [`StoreError::Denied`] as well.
    #[must_use]
    pub fn asked_by(&self, asker: Asker) -> Self {
        Self {
            asker: Some(asker),
            ..self.clone()
        }
    }

    /// Runs a job in the name of whoever asks, where somebody does.
    pub(super) async fn run_asked<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, &mut State) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let asker = self.asker;
        self.writer
            .run(move |transaction, state| {
                if let Some(asker) = asker {
                    require_unchanged(transaction, &asker)?;
                }
                job(transaction, state)
            })
            .await
    }
}

/// The database is asked, not the memory: that shows the last commit, and this job's group may hold what puts them out.
fn require_unchanged(transaction: &Connection, asker: &Asker) -> Result<(), StoreError> {
    let role: Option<String> = transaction
        .prepare_cached(
            "SELECT role FROM accounts WHERE id = ?1 AND disabled = 0
             AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?2 AND account = accounts.id)",
        )?
        .query_row((asker.account.as_bytes(), asker.session.as_bytes()), |row| {
            row.get(0)
        })
        .optional()?;
    let role = Role::named(&role.ok_or(StoreError::SessionUnknown)?);
    if role < asker.role {
        return Err(StoreError::Denied(Denied::Role(role)));
    }
    Ok(())
}

//! Invitations.

use super::state::State;
use crate::error::StoreError;
use crate::{INTEGER_MAX, integer, number};
use landline_model::hash::Hash;
use landline_model::id::AccountId;
use landline_model::role::Role;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};
use std::time::Duration;

/// The most invitations that are open at a time. As many that have ended are remembered.
pub const INVITES_MAX: usize = 10_000;

/// For how long a hub remembers an invitation that ended, so that it can say that it has ended.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An invitation to make.
#[derive(Clone, Debug)]
pub struct NewInvite {
    /// [`super::token_hash`] of its token.
    pub token_hash: Hash,
    /// What those who follow it become.
    pub role: Role,
    /// How many may.
    pub uses: u32,
    /// For how long.
    pub lifetime: Duration,
    /// Who invites; `None` at a hub's first start.
    pub created_by: Option<AccountId>,
}

/// An invitation that can be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenInvite {
    /// What those who follow it become.
    pub role: Role,
    /// Who invites; `None`: the hub itself.
    pub created_by: Option<AccountId>,
}

/// A hub without an admin makes an invitation at every start. So many earlier ones stay good: one may have been copied
/// just before a restart; a hub that starts again and again does not pile them up.
const OWN_INVITES_KEPT: u32 = 3;

pub(super) fn create(
    transaction: &Connection,
    state: &mut State,
    invite: &NewInvite,
) -> Result<Timestamp, StoreError> {
    let now = state.now();
    let is_hubs_own = invite.created_by.is_none() && invite.role == Role::Admin;
    if is_hubs_own {
        transaction
            .prepare_cached(
                "DELETE FROM invites WHERE created_by IS NULL AND role = ?1 AND token_hash NOT IN
                     (SELECT token_hash FROM invites WHERE created_by IS NULL AND role = ?1
                      ORDER BY created DESC LIMIT ?2)",
            )?
            .execute((invite.role.name(), OWN_INVITES_KEPT))?;
    }
    let open = transaction
        .prepare_cached("SELECT count(*) FROM invites WHERE uses_left > 0 AND expires > ?1")?
        .query_row([integer(now.0)], |row| number(row.get(0)?))?;
    // Those of the hub are few, and without one nobody might ever get in again.
    if open >= INVITES_MAX as u64 && !is_hubs_own {
        return Err(StoreError::TooMany {
            what: "open invitations",
            max: INVITES_MAX,
        });
    }
    transaction
        .prepare_cached(
            "DELETE FROM invites WHERE token_hash IN
                 (SELECT token_hash FROM invites WHERE uses_left = 0 OR expires <= ?1
                  ORDER BY expires DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute((integer(now.0), integer(INVITES_MAX as u64)))?;
    let expires = Timestamp(now.plus(invite.lifetime).0.min(INTEGER_MAX));
    transaction
        .prepare_cached(
            "INSERT INTO invites (token_hash, role, uses_left, created, created_by, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            invite.token_hash.as_bytes(),
            invite.role.name(),
            invite.uses,
            integer(now.0),
            invite.created_by.as_ref().map(AccountId::as_bytes),
            integer(expires.0),
        ))?;
    state.wrote();
    Ok(expires)
}

pub(super) fn open_exists(transaction: &Connection, now: Timestamp, role: Role) -> Result<bool, StoreError> {
    Ok(transaction
        .prepare_cached("SELECT 1 FROM invites WHERE role = ?1 AND uses_left > 0 AND expires > ?2")?
        .exists((role.name(), integer(now.0)))?)
}

/// Looks whether an invitation can be used.
pub(super) fn check(
    transaction: &Connection,
    token: &Hash,
    now: Timestamp,
) -> Result<OpenInvite, StoreError> {
    let (invite, uses_left, expires) = transaction
        .prepare_cached("SELECT role, uses_left, expires, created_by FROM invites WHERE token_hash = ?1")?
        .query_row([token.as_bytes()], |row| {
            let invite = OpenInvite {
                role: Role::named(&row.get::<_, String>(0)?),
                created_by: row.get::<_, Option<_>>(3)?.map(AccountId::from_bytes),
            };
            Ok((invite, number(row.get(1)?)?, Timestamp(number(row.get(2)?)?)))
        })
        .optional()?
        .ok_or(StoreError::InviteUnknown)?;
    if now >= expires {
        return Err(StoreError::InviteExpired);
    }
    if uses_left == 0 {
        return Err(StoreError::InviteUsed);
    }
    // It would be lost: an account keeps the role that it was made with.
    if invite.role == Role::Unknown {
        return Err(StoreError::InviteRoleUnknown);
    }
    Ok(invite)
}

/// Uses an invitation once; says what it makes of who follows it.
pub(super) fn redeem(transaction: &Connection, token: &Hash, now: Timestamp) -> Result<Role, StoreError> {
    let role = check(transaction, token, now)?.role;
    transaction
        .prepare_cached("UPDATE invites SET uses_left = uses_left - 1 WHERE token_hash = ?1")?
        .execute([token.as_bytes()])?;
    if role == Role::Admin {
        // The hub's own are for a hub that nobody looks after: now somebody does.
        transaction
            .prepare_cached("UPDATE invites SET uses_left = 0 WHERE created_by IS NULL AND role = ?1")?
            .execute([role.name()])?;
    }
    Ok(role)
}

/// Ends the invitations that an account made: they are worth what that one may do.
pub(super) fn close_of(transaction: &Connection, account: AccountId) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE invites SET uses_left = 0 WHERE created_by = ?1")?
        .execute([account.as_bytes()])?;
    Ok(())
}

/// Forgets invitations that ended long ago.
pub(super) fn sweep(transaction: &Connection, state: &mut State) -> Result<(), StoreError> {
    let remembered = u64::try_from(REMEMBERED.as_millis()).unwrap_or(u64::MAX);
    let before = state.now().0.saturating_sub(remembered);
    transaction
        .prepare_cached("DELETE FROM invites WHERE expires < ?1")?
        .execute([integer(before)])?;
    state.wrote();
    Ok(())
}

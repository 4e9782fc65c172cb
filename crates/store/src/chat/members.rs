//! Who stands how to which room, as it is kept in memory and in rows.

use crate::error::StoreError;
use crate::{integer, number};
use landline_model::id::AccountId;
use landline_model::room::{Membership, RoomRole, Standing};
use landline_model::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

/// What a room knows of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) membership: Membership,
    /// When they spoke last while slow mode was on.
    pub(super) spoke: Option<Timestamp>,
}

/// Everybody whom one room knows, as of the last commit.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: HashMap<AccountId, Known>,
    members: BTreeSet<AccountId>,
    /// Who is not a member, but asked, invited, put out or silenced.
    others: BTreeSet<AccountId>,
}

impl Known {
    fn is_member(&self) -> bool {
        self.membership.standing.role().is_some()
    }

    /// Whether it is worth no row.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Roster {
    pub(super) fn find(&self, account: &AccountId) -> Option<Known> {
        self.known.get(account).copied()
    }

    /// Puts what is known of somebody in the place of what was.
    pub(super) fn set(&mut self, account: AccountId, known: Known) {
        self.members.remove(&account);
        self.others.remove(&account);
        if known.is_nothing() {
            self.known.remove(&account);
            return;
        }
        self.known.insert(account, known);
        if known.is_member() {
            self.members.insert(account);
        } else if known.membership != Membership::default() {
            self.others.insert(account);
        }
    }

    /// Members, or else the others, behind `after`, in the order of their ids.
    pub(super) fn page(
        &self,
        members: bool,
        after: Option<AccountId>,
        limit: usize,
    ) -> Vec<(AccountId, Membership)> {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let accounts = if members { &self.members } else { &self.others };
        accounts
            .range(behind)
            .take(limit)
            .filter_map(|account| Some((*account, self.find(account)?.membership)))
            .collect()
    }
}

/// Writes what is known of somebody.
pub(super) fn write(
    transaction: &Connection,
    room: i64,
    account: &AccountId,
    known: &Known,
) -> Result<(), StoreError> {
    if known.is_nothing() {
        transaction
            .prepare_cached("DELETE FROM members WHERE room = ?1 AND account = ?2")?
            .execute((room, account.as_bytes()))?;
        return Ok(());
    }
    let Membership {
        standing,
        muted_until,
    } = known.membership;
    transaction
        .prepare_cached(
            "INSERT INTO members (room, account, standing, role, muted_until, spoke)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (room, account) DO UPDATE
             SET standing = excluded.standing, role = excluded.role, muted_until = excluded.muted_until,
                 spoke = excluded.spoke",
        )?
        .execute((
            room,
            account.as_bytes(),
            name(standing),
            standing.role().map(RoomRole::name),
            muted_until.map(|time| integer(time.0)),
            known.spoke.map(|time| integer(time.0)),
        ))?;
    Ok(())
}

/// Calls `each` with what every room knows of everybody.
pub(super) fn read_all(
    connection: &Connection,
    mut each: impl FnMut(i64, AccountId, Known),
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT room, account, standing, role, muted_until, spoke FROM members")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get(0)?, AccountId::from_bytes(row.get(1)?), known(row)?);
    }
    Ok(())
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let time = |column| -> rusqlite::Result<Option<Timestamp>> {
        let time = row.get::<_, Option<i64>>(column)?.map(number).transpose()?;
        Ok(time.map(Timestamp))
    };
    let role: Option<String> = row.get(3)?;
    let role: Option<RoomRole> = role.map(|role| role.parse()).transpose().map_err(unknown)?;
    Ok(Known {
        membership: Membership {
            standing: standing(&row.get::<_, String>(2)?, role).ok_or_else(|| unknown(UnknownStanding))?,
            muted_until: time(4)?,
        },
        spoke: time(5)?,
    })
}

fn unknown(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error))
}

#[derive(Debug, thiserror::Error)]
#[error("nobody stands like this to a room")]
struct UnknownStanding;

const fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::Stranger => "stranger",
        Standing::Invited => "invited",
        Standing::Asked => "asked",
        Standing::Member(_) => "member",
        Standing::Kicked => "kicked",
        Standing::Banned => "banned",
    }
}

fn standing(name: &str, role: Option<RoomRole>) -> Option<Standing> {
    match (name, role) {
        ("stranger", None) => Some(Standing::Stranger),
        ("invited", None) => Some(Standing::Invited),
        ("asked", None) => Some(Standing::Asked),
        ("member", Some(role)) => Some(Standing::Member(role)),
        ("kicked", None) => Some(Standing::Kicked),
        ("banned", None) => Some(Standing::Banned),
        _ => None,
    }
}

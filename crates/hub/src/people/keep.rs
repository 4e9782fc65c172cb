//! Looking after accounts.

use super::find::named;
use super::passwords::Asker;
use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::random;
use crate::refusals::{denied, from_store};
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::{AccountId, SessionId};
use landline_model::protocol::Done;
use landline_model::protocol::people::{Account, NewPassword, Secret, UserDisable, UserReset, UserRole};
use landline_model::role::Role;
use landline_store::StoreError;

/// What passwords are made of: letters and digits that nobody takes for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Characters in a group of a made password, and groups: 20 characters of 5 bits.
const GROUP: usize = 5;
const PASSWORD_CHARACTERS: usize = 4 * GROUP;

/// Lets nobody into an account any more, or lets them in again.
pub(super) async fn disable(
    services: &Services,
    who: &Identity,
    call: UserDisable,
    connection: u64,
) -> Answered<Done> {
    let account = keeping(services, who, &call.name)?;
    if call.disabled {
        let ended = services
            .people
            .asked_by(who.asker())
            .disable(account.id, services.config.sessions.idle)
            .await
            .map_err(|error| refused(&error, &account))?;
        end(services, &ended, connection);
        tracing::info!(name = %account.name, by = %by(services, who), "an account was disabled");
    } else {
        services
            .people
            .asked_by(who.asker())
            .enable(account.id)
            .await
            .map_err(|error| refused(&error, &account))?;
        tracing::info!(name = %account.name, by = %by(services, who), "an account was enabled");
    }
    Ok(Done {}.into())
}

/// Gives an account another role.
pub(super) async fn set_role(services: &Services, who: &Identity, call: UserRole) -> Answered<Done> {
    let account = keeping(services, who, &call.name)?;
    require_known(call.role)?;
    services
        .people
        .asked_by(who.asker())
        .set_role(account.id, call.role, services.config.sessions.idle)
        .await
        .map_err(|error| refused(&error, &account))?;
    standing_changed(services, &account.id);
    tracing::info!(name = %account.name, role = %call.role, by = %by(services, who), "an account has another role");
    Ok(Done {}.into())
}

/// Gives an account a new password, and ends its sessions and tokens and the invitations that it made.
pub(super) async fn reset(
    services: &Services,
    who: &Identity,
    call: UserReset,
    connection: u64,
) -> Answered<NewPassword> {
    let account = keeping(services, who, &call.name)?;
    if account.id == who.account {
        // Whoever finds an open terminal must not get a password out of it.
        let message = "nobody resets their own account";
        return Err(Refusal::new(ErrorCode::BadRequest, message)
            .with_hint("landline password sets your own password; another admin can reset it"));
    }
    let password = Secret(made_password(&random::bytes()));
    let phc = services
        .passwords
        .hash(Asker::Account(who.account), password.clone())
        .await?;
    let ended = services
        .people
        .asked_by(who.asker())
        .reset(account.id, phc)
        .await
        .map_err(|error| refused(&error, &account))?;
    end(services, &ended, connection);
    tracing::info!(name = %account.name, by = %by(services, who), "an account got a new password");
    Ok(NewPassword { password }.into())
}

/// Ends the open connections of sessions that have ended, but the one that asks: it hears the answer first.
pub(super) fn end(services: &Services, sessions: &[SessionId], connection: u64) {
    for session in sessions {
        services.live.end(session, Some(connection));
    }
}

/// What an account may do has changed: its open connections ask again whether they may follow what they follow. What is
/// asked for next is judged by the new role in any case.
fn standing_changed(services: &Services, account: &AccountId) {
    services.live.judge_again(account);
}

/// A role that can be given.
pub(super) fn require_known(role: Role) -> Result<(), Refusal> {
    if role == Role::Unknown {
        let message = "this hub does not know that role: a role is admin, member or guest";
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    }
    Ok(())
}

/// The account of that name, for somebody who looks after accounts.
fn keeping(
    services: &Services,
    who: &Identity,
    name: &landline_model::name::AccountName,
) -> Result<Account, Refusal> {
    authorise(who, Action::KeepAccounts, Resource::Hub, services.now())
        .map_err(|why| denied(why, "looking after accounts"))?;
    named(services, name)
}

fn refused(error: &StoreError, account: &Account) -> Refusal {
    let name = &account.name;
    match error {
        StoreError::LastAdmin => Refusal::new(
            ErrorCode::Conflict,
            format!("@{name} is the last one who looks after the hub and can get in"),
        )
        .with_hint("make somebody else an admin first: landline user role NAME admin, or landline invite --role admin"),
        error => from_store(error),
    }
}

/// Who it was, for the log.
pub(super) fn by(services: &Services, who: &Identity) -> String {
    let account = services.people.account(&who.account);
    account.map_or_else(|| who.account.to_string(), |account| account.name.to_string())
}

/// A password out of random bytes, in groups so that it can be read out.
fn made_password(random: &[u8; PASSWORD_CHARACTERS]) -> String {
    let mut password = String::new();
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % GROUP == 0 {
            password.push('-');
        }
        // A power of two: every character is as likely as any other.
        password.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_four_groups_and_every_character_is_as_likely() {
        assert_eq!(made_password(&[0; 20]), "aaaaa-aaaaa-aaaaa-aaaaa");
        let mut counts = std::collections::BTreeMap::<char, usize>::new();
        for byte in 0..=u8::MAX {
            *counts
                .entry(made_password(&[byte; 20]).chars().next().unwrap())
                .or_default() += 1;
        }
        assert_eq!(counts.len(), ALPHABET.len());
        assert!(counts.values().all(|count| *count == 8));
    }
}

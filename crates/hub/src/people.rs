//! Accounts, sessions, tokens, invitations and contacts.

pub(crate) mod backoff;
pub(crate) mod code;
pub(crate) mod contacts;
pub(crate) mod find;
mod keep;
pub(crate) mod passwords;
mod sessions;
pub(crate) mod tokens;

use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::doors::{answered, arguments};
use crate::random;
use crate::refusals::{denied, from_store, name_refused};
use crate::services::Services;
use crate::session::LoggedInAs;
use backoff::Attempt;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::link::Token;
use landline_model::name::AccountName;
use landline_model::protocol::people::{
    Account, ContactDo, ContactList, DEVICE_MAX, Invitation, Invite, InviteCode, Join, LoggedIn, Login,
    Resume, Revoke, SessionSecret, Sessions, SetPassword, SetStatus, TokenCreate, UserDisable, UserList,
    UserReset, UserRole, WhoAmI,
};
use landline_model::protocol::{Call as _, Done, RequestHeader};
use landline_model::time::Timestamp;
use landline_store::StoreError;
use landline_store::people::{NewAccount, NewInvite, NewSession, Resumed, secret_hash, token_hash};
use passwords::Asker;
use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The most people that one invitation brings in.
const INVITE_USES_MAX: u32 = 10_000;

/// The longest life of an invitation.
const INVITE_LIFE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Answers a request about people by somebody who is logged in; none: it is not one.
pub(crate) async fn answer(
    services: &Services,
    who: &Identity,
    header: &RequestHeader<'_>,
    connection: u64,
    peer: IpAddr,
) -> Option<Bytes> {
    let id = header.id;
    Some(match &*header.name {
        WhoAmI::NAME => answered(id, async { who_am_i(services, who, arguments(header)?) }).await,
        Invite::NAME => answered(id, async { invite(services, who, arguments(header)?).await }).await,
        InviteCode::NAME => answered(id, async { code::invite(services, who, arguments(header)?) }).await,
        SetPassword::NAME => {
            answered(id, async {
                set_password(services, who, arguments(header)?, connection, peer).await
            })
            .await
        }
        _ => return look_after(services, who, header, connection).await,
    })
}

/// The requests by which accounts, sessions and contacts are looked after.
async fn look_after(
    services: &Services,
    who: &Identity,
    header: &RequestHeader<'_>,
    connection: u64,
) -> Option<Bytes> {
    let id = header.id;
    macro_rules! answer {
        ($answer:expr) => {
            answered(id, async { $answer }).await
        };
    }
    Some(match &*header.name {
        UserList::NAME => answer!(find::list(services, who, &arguments(header)?)),
        SetStatus::NAME => answer!(find::set_status(services, who, arguments(header)?).await),
        UserDisable::NAME => answer!(keep::disable(services, who, arguments(header)?, connection).await),
        UserRole::NAME => answer!(keep::set_role(services, who, arguments(header)?).await),
        UserReset::NAME => answer!(keep::reset(services, who, arguments(header)?, connection).await),
        Sessions::NAME => answer!(sessions::list(services, who, &arguments(header)?)),
        Revoke::NAME => answer!(sessions::revoke(services, who, arguments(header)?, connection).await),
        TokenCreate::NAME => answer!(tokens::create(services, who, arguments(header)?).await),
        ContactDo::NAME => answer!(contacts::act(services, who, arguments(header)?).await),
        ContactList::NAME => answer!({
            arguments::<ContactList>(header)?;
            contacts::list(services, who)
        }),
        _ => return None,
    })
}

/// Whether somebody at this address may try to log in to this account now.
fn attempt<'a>(services: &'a Services, peer: IpAddr, name: &AccountName) -> Result<Attempt<'a>, TooSoon> {
    let attempt = services.backoff.attempt(peer, name, Instant::now());
    attempt.map_err(|wait| TooSoon {
        // Rounded up: who waits that long waits long enough.
        seconds: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
    })
}

/// Somebody has to wait before they try again.
struct TooSoon {
    seconds: u64,
}

impl TooSoon {
    /// For somebody who has said the name.
    fn of(self, name: &AccountName) -> Refusal {
        self.refusal(&format!(" as @{name}"))
    }

    /// For somebody who may not know whose account it is.
    fn of_somebody(self) -> Refusal {
        self.refusal("")
    }

    fn refusal(&self, whose: &str) -> Refusal {
        let seconds = self.seconds;
        let message = format!("too many wrong logins{whose} from this address; wait {seconds} s");
        Refusal::new(ErrorCode::TooSoon, message).with_hint("other accounts and other machines need not wait")
    }
}

/// Redeems an invitation. The answer comes with the end of the session.
///
/// It can be repeated with the secret that the client has proposed, for an answer that was lost on the way.
pub(crate) async fn join(
    services: &Services,
    call: Join,
    peer: IpAddr,
) -> Result<(LoggedIn, Timestamp), Refusal> {
    let token = token_hash(&call.token);
    let (_, secret, opened) = fresh_session(services, &call.device, call.secret)?;
    // A hash is work, and who has no invitation gets none done.
    if let Err(error) = require_good(services, token).await {
        let again = services
            .people
            .resume(&opened.secret_hash, services.config.sessions.idle)
            .await
            .map_err(|_| from_store(&error))?;
        return Ok(joined(again, secret));
    }
    call.name.check_new().map_err(name_refused)?;
    let password = match call.password {
        Some(password) => Some(services.passwords.hash(Asker::Address(peer), password).await?),
        None => None,
    };
    let account = NewAccount {
        id: AccountId::from_bytes(random::bytes()),
        name: call.name,
        password,
    };
    let entered = services
        .people
        .join(token, account, opened, services.config.sessions.idle)
        .await
        .map_err(|error| from_store(&error))?;
    tracing::info!(name = %entered.account.name, role = %entered.account.role, %peer, "somebody joined");
    Ok(joined(entered, secret))
}

/// Whether an invitation is good: it is worth what the one who made it may do now. What ends between this and its use,
/// ends the invitation in the store.
async fn require_good(services: &Services, token: Hash) -> Result<(), StoreError> {
    let invite = services.people.open_invite(token).await?;
    let Some(account) = invite.created_by else {
        return Ok(());
    };
    let maker = Identity {
        account,
        role: services.role(&account).ok_or(StoreError::InviteUsed)?,
        // It outlives the session in which it was made.
        session: SessionId::from_bytes([0; 16]),
        session_ends: Timestamp(u64::MAX),
    };
    authorise(&maker, Action::Invite(invite.role), Resource::Hub, services.now())
        .map_err(|_| StoreError::InviteUsed)
}

fn joined(entered: Resumed, secret: SessionSecret) -> (LoggedIn, Timestamp) {
    let answer = LoggedIn {
        account: entered.account,
        session: entered.session,
        secret,
    };
    (answer, entered.expires)
}

/// Logs in by password. The answer comes with the end of the session.
pub(crate) async fn log_in(
    services: &Services,
    call: Login,
    peer: IpAddr,
) -> Result<(LoggedIn, Timestamp), Refusal> {
    let attempt = attempt(services, peer, &call.name).map_err(|wait| wait.of(&call.name))?;
    let (account, stored) = services.people.credentials(&call.name).unzip();
    let stored = stored.flatten();
    let right = services
        .passwords
        .verify(Asker::Address(peer), stored.clone(), call.password)
        .await?;
    let failed = || {
        tracing::warn!(name = %call.name, %peer, "a login failed");
        Refusal::new(ErrorCode::WrongCredentials, "the name or the password is wrong")
    };
    let (Some(account), Some(verified), true) = (account, stored, right) else {
        attempt.failed(Instant::now());
        return Err(failed());
    };
    attempt.succeeded();
    let (session, secret, opened) = fresh_session(services, &call.device, None)?;
    let ends = services.now().plus(services.config.sessions.absolute);
    let displaced = services
        .people
        .open_session(account.id, verified, opened)
        .await
        .map_err(|error| match error {
            // Changed or disabled while this one waited for its hash: it is not the password any more.
            StoreError::PasswordChanged | StoreError::NotFound => failed(),
            error => from_store(&error),
        })?;
    displaced
        .iter()
        .for_each(|session| services.live.end(session, None));
    tracing::info!(name = %account.name, %peer, "somebody logged in");
    Ok((
        LoggedIn {
            account,
            session,
            secret,
        },
        ends,
    ))
}

/// Continues a session.
pub(crate) async fn resume(services: &Services, call: &Resume) -> Result<(Account, LoggedInAs), Refusal> {
    let idle = services.config.sessions.idle;
    let resumed = services
        .people
        .resume(&secret_hash(&call.session), idle)
        .await
        .map_err(|error| from_store(&error))?;
    let who = LoggedInAs {
        account: resumed.account.id,
        session: resumed.session,
        ends: resumed.expires,
    };
    Ok((resumed.account, who))
}

/// Ends a session and all its connections but the one that asks.
pub(crate) async fn log_out(services: &Services, session: SessionId, connection: u64) -> Result<(), Refusal> {
    services
        .people
        .end_session(session)
        .await
        .map_err(|error| from_store(&error))?;
    services.live.end(&session, Some(connection));
    Ok(())
}

fn who_am_i(services: &Services, who: &Identity, _call: WhoAmI) -> Answered<Account> {
    authorise(who, Action::KeepOwnAccount, Resource::Hub, services.now())
        .map_err(|why| denied(why, "the account"))?;
    let account = services.people.account(&who.account);
    Ok(account
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, "the account no longer exists"))?
        .into())
}

async fn invite(services: &Services, who: &Identity, call: Invite) -> Answered<Invitation> {
    authorise(who, Action::Invite(call.role), Resource::Hub, services.now())
        .map_err(|why| denied(why, "inviting people"))?;
    if call.uses == 0 || call.uses > INVITE_USES_MAX {
        return Err(Refusal::new(
            ErrorCode::BadRequest,
            format!("an invitation has 1 to {INVITE_USES_MAX} uses"),
        ));
    }
    let lifetime = Duration::from_secs(call.expires);
    if lifetime.is_zero() || lifetime > INVITE_LIFE_MAX {
        return Err(Refusal::new(
            ErrorCode::BadRequest,
            "an invitation lives from 1 second to 365 days",
        ));
    }
    let invite = InviteOf {
        role: call.role,
        uses: call.uses,
        lifetime,
        by: Some(*who),
    };
    Ok(make_invitation(services, invite).await?.into())
}

/// What an invitation is to be.
pub(crate) struct InviteOf {
    pub(crate) role: landline_model::role::Role,
    pub(crate) uses: u32,
    pub(crate) lifetime: Duration,
    /// None: the hub itself, while no admin can get in.
    pub(crate) by: Option<Identity>,
}

/// Makes an invitation.
pub(crate) async fn make_invitation(services: &Services, invite: InviteOf) -> Result<Invitation, Refusal> {
    let token = Token::from_bytes(random::bytes());
    let new = NewInvite {
        token_hash: token_hash(&token),
        role: invite.role,
        uses: invite.uses,
        lifetime: invite.lifetime,
        created_by: invite.by.map(|by| by.account),
    };
    let people = match &invite.by {
        Some(by) => services.people.asked_by(by.asker()),
        None => services.people.clone(),
    };
    let expires = people
        .create_invite(new)
        .await
        .map_err(|error| from_store(&error))?;
    let addresses = services
        .addresses
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    tracing::info!(role = %invite.role, uses = invite.uses, "an invitation was made");
    Ok(Invitation {
        token,
        addresses,
        expires,
    })
}

async fn set_password(
    services: &Services,
    who: &Identity,
    call: SetPassword,
    connection: u64,
    peer: IpAddr,
) -> Answered<Done> {
    authorise(who, Action::KeepOwnAccount, Resource::Hub, services.now())
        .map_err(|why| denied(why, "the account"))?;
    sessions::no_token(services, who, "a token sets no password")?;
    let account = services.people.account(&who.account);
    let name = account.map(|account| account.name);
    let stored = name
        .as_ref()
        .and_then(|name| services.people.credentials(name))
        .and_then(|(_, stored)| stored);
    let asker = Asker::Account(who.account);
    if let (Some(name), Some(stored)) = (name, stored.clone()) {
        let old = call
            .old
            .ok_or_else(|| Refusal::new(ErrorCode::WrongCredentials, "the old password is missing"))?;
        // Whoever finds an open terminal guesses no faster than who has none.
        let attempt = attempt(services, peer, &name).map_err(|wait| wait.of(&name))?;
        if !services.passwords.verify(asker, Some(stored), old).await? {
            attempt.failed(Instant::now());
            return Err(Refusal::new(
                ErrorCode::WrongCredentials,
                "the old password is wrong",
            ));
        }
        attempt.succeeded();
    }
    let hash = services.passwords.hash(asker, call.new).await?;
    let ended = services
        .people
        .asked_by(who.asker())
        .set_password(who.account, stored, hash, who.session)
        .await
        .map_err(|error| from_store(&error))?;
    ended
        .iter()
        .for_each(|session| services.live.end(session, Some(connection)));
    Ok(Done {}.into())
}

fn fresh_session(
    services: &Services,
    device: &str,
    proposed: Option<SessionSecret>,
) -> Result<(SessionId, SessionSecret, NewSession), Refusal> {
    if device.len() > DEVICE_MAX {
        let message = format!("a device's name has at most {DEVICE_MAX} bytes");
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    let id = SessionId::from_bytes(random::bytes());
    let secret = proposed.unwrap_or_else(|| SessionSecret::from_bytes(random::bytes()));
    let new = NewSession {
        id,
        secret_hash: secret_hash(&secret),
        device: device.to_owned(),
        lifetime: services.config.sessions.absolute,
    };
    Ok((id, secret, new))
}

#[cfg(test)]
mod tests;

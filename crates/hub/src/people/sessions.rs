//! Sessions and tokens: listing and ending them.

use super::find::named;
use super::keep::{by, end};
use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::refusals::{denied, from_store};
use crate::services::Services;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::{AccountId, SessionId};
use landline_model::name::AccountName;
use landline_model::protocol::people::{Account, Revoke, Revoked, Session, Sessions};
use landline_model::protocol::{Done, PAGE_BYTES_MAX};
use landline_store::people::SessionRecord;

/// Lists the sessions and tokens of an account, the oldest first. They are few, and so one page holds them.
pub(super) fn list(services: &Services, who: &Identity, call: &Sessions) -> Answered<Done> {
    let account = match &call.name {
        Some(name) => whose(services, who, name)?.id,
        None => {
            may_look_after(services, who, who.account)?;
            who.account
        }
    };
    let now = services.now();
    let sessions: Vec<Session> = services
        .people
        .sessions(account)
        .into_iter()
        .filter(|session| session.expires > now)
        .map(|session| describe(services, who, session))
        .collect();
    let (body, _) = json_lines(&sessions, PAGE_BYTES_MAX)?;
    Ok(Answer { reply: Done {}, body })
}

fn describe(services: &Services, who: &Identity, session: SessionRecord) -> Session {
    Session {
        id: session.id,
        device: session.device,
        token: session.token,
        created: session.created,
        last_seen: session.last_seen,
        expires: session.expires,
        connections: u32::try_from(services.live.connections(&session.id)).unwrap_or(u32::MAX),
        current: session.id == who.session,
    }
}

/// Ends sessions and tokens.
pub(super) async fn revoke(
    services: &Services,
    who: &Identity,
    call: Revoke,
    connection: u64,
) -> Answered<Revoked> {
    let account = match &call.name {
        Some(name) => Some(whose(services, who, name)?),
        None => None,
    };
    let ended = match (call.session, &account) {
        (Some(session), _) => {
            let found = services.people.session(&session).filter(|found| {
                account.as_ref().is_none_or(|account| account.id == found.account)
                    && may_look_after(services, who, found.account).is_ok()
            });
            // Whose it is, and whether it is there, is nothing to those who may not end it.
            found.ok_or_else(|| no_such_session(&session))?;
            services
                .people
                .asked_by(who.asker())
                .end_session(session)
                .await
                .map_err(|error| from_store(&error))?;
            vec![session]
        }
        (None, Some(account)) => services
            .people
            .asked_by(who.asker())
            .end_sessions(account.id, Some(who.session))
            .await
            .map_err(|error| from_store(&error))?,
        (None, None) => {
            let message = "which session, or whose sessions?";
            return Err(Refusal::new(ErrorCode::BadRequest, message));
        }
    };
    end(services, &ended, connection);
    tracing::info!(sessions = ended.len(), by = %by(services, who), "sessions were revoked");
    let sessions = u32::try_from(ended.len()).unwrap_or(u32::MAX);
    Ok(Revoked { sessions }.into())
}

/// The account of that name, which is one's own, or anybody's for those who look after accounts.
pub(super) fn whose(services: &Services, who: &Identity, name: &AccountName) -> Result<Account, Refusal> {
    let account = named(services, name)?;
    may_look_after(services, who, account.id)?;
    Ok(account)
}

fn may_look_after(services: &Services, who: &Identity, account: AccountId) -> Result<(), Refusal> {
    let action = if account == who.account {
        Action::KeepOwnAccount
    } else {
        Action::KeepAccounts
    };
    authorise(who, action, Resource::Hub, services.now()).map_err(|why| denied(why, "looking after accounts"))
}

/// Refuses whoever is logged in with a token what would outlive it.
pub(super) fn no_token(services: &Services, who: &Identity, why: &'static str) -> Result<(), Refusal> {
    let session = services.people.session(&who.session);
    if session.is_some_and(|session| !session.token) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::Forbidden, why)
        .with_hint("log in by password first; or an admin does it: landline user token, landline user reset"))
}

fn no_such_session(session: &SessionId) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no session {session}"))
        .with_hint("landline user sessions shows those that there are")
}

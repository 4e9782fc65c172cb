//! Tokens: making them, and logging in with one.

use super::keep::{by, require_known};
use super::sessions::whose;
use crate::answer::Answered;
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::random;
use crate::refusals::{denied, from_store};
use crate::services::Services;
use crate::session::LoggedInAs;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, SessionId};
use landline_model::name::AccountName;
use landline_model::protocol::people::{
    Account, DEVICE_MAX, Nonce, SessionSecret, TokenChallenge, TokenChallenged, TokenCreate, TokenCreated,
};
use landline_model::token::{EXPORTER_BYTES, Side, statement};
use landline_store::StoreError;
use landline_store::people::{NewAccount, NewToken, Sealed, TokenFor};
use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The longest life of a token.
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Makes a token, and the account with it where that is asked for.
pub(super) async fn create(services: &Services, who: &Identity, call: TokenCreate) -> Answered<TokenCreated> {
    let (account, token_for) = token_for(services, who, &call)?;
    if account == who.account {
        // Whoever revokes a token, or lets its time run out, means what it is good for, too.
        super::sessions::no_token(services, who, "a token makes no other for its own account")?;
    }
    let lifetime = Duration::from_secs(call.expires);
    check(&call.device, lifetime)?;
    let session = SessionId::from_bytes(random::bytes());
    let secret = random::bytes();
    let token = NewToken {
        id: session,
        sealed: seal(services, &secret, &session, &account)?,
        device: call.device,
        lifetime,
    };
    let (account, expires) = services
        .people
        .asked_by(who.asker())
        .create_token(token_for, token)
        .await
        .map_err(|error| refused(&error, &call.name))?;
    tracing::info!(name = %account.name, role = %account.role, by = %by(services, who), "a token was made");
    let addresses = services.addresses.read();
    Ok(TokenCreated {
        account,
        session,
        secret: SessionSecret::from_bytes(secret),
        expires,
        addresses: addresses.unwrap_or_else(PoisonError::into_inner).clone(),
    }
    .into())
}

/// For whom a token is asked, and which account that is or will be.
fn token_for(
    services: &Services,
    who: &Identity,
    call: &TokenCreate,
) -> Result<(AccountId, TokenFor), Refusal> {
    let Some(role) = call.create else {
        let account = whose(services, who, &call.name)?.id;
        return Ok((account, TokenFor::Account(account)));
    };
    authorise(who, Action::KeepAccounts, Resource::Hub, services.now())
        .map_err(|why| denied(why, "making accounts"))?;
    require_known(role)?;
    let new = NewAccount {
        id: AccountId::from_bytes(random::bytes()),
        name: call.name.clone(),
        password: None,
    };
    Ok((new.id, TokenFor::New(new, role)))
}

fn seal(
    services: &Services,
    secret: &[u8; 32],
    session: &SessionId,
    account: &AccountId,
) -> Result<Sealed, Refusal> {
    let sealed = services.token_key.seal(secret, &owner(session, account));
    sealed.map(Sealed).map_err(|error| {
        tracing::error!(%error, "a token cannot be sealed");
        let message = "the token cannot be kept; the hub's log says why";
        Refusal::new(ErrorCode::Internal, message)
    })
}

fn check(device: &str, lifetime: Duration) -> Result<(), Refusal> {
    if device.len() > DEVICE_MAX {
        let message = format!("what a token is for has at most {DEVICE_MAX} bytes");
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    if lifetime.is_zero() || lifetime > TOKEN_LIFE_MAX {
        let days = TOKEN_LIFE_MAX.as_secs() / (24 * 60 * 60);
        let message = format!("a token lives from 1 second to {days} days");
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    }
    Ok(())
}

fn refused(error: &StoreError, name: &AccountName) -> Refusal {
    match error {
        StoreError::NameTaken => Refusal::new(ErrorCode::Exists, format!("there is a @{name} already"))
            .with_hint("without --create the token is for that account"),
        StoreError::AccountDisabled => {
            Refusal::new(ErrorCode::Conflict, format!("the account @{name} is disabled"))
                .with_hint("landline user enable NAME lets people in again")
        }
        StoreError::TooMany { .. } => {
            from_store(error).with_hint("landline user revoke ends those that nobody needs")
        }
        error => from_store(error),
    }
}

/// A login with a token that has begun: what the client has to show for it. Good for one try.
pub(crate) struct Challenge {
    session: SessionId,
    name: AccountName,
    expected: [u8; 32],
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Challenge")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Begins a login with a token, on the connection with this exporter value: shows that the hub has the secret.
pub(crate) fn challenge(
    services: &Services,
    call: &TokenChallenge,
    exporter: &[u8; EXPORTER_BYTES],
) -> Result<(Challenge, TokenChallenged), Refusal> {
    let (account, sealed) = services.people.token(&call.session).map_err(|_| no_token())?;
    let Some(secret) = services
        .token_key
        .open_sealed(&sealed.0, &owner(&call.session, &account.id))
    else {
        tracing::error!(session = %call.session, "a token was sealed with another key than this hub has");
        return Err(no_token());
    };
    let nonce = Nonce::from_bytes(random::bytes());
    let proof = |side| {
        proof(
            &secret,
            &statement(side, &call.session, &call.nonce, &nonce, exporter),
        )
    };
    let challenge = Challenge {
        session: call.session,
        name: account.name,
        expected: proof(Side::Client),
    };
    let proof = Hash::from_bytes(proof(Side::Hub));
    Ok((challenge, TokenChallenged { nonce, proof }))
}

/// Logs in with a token.
pub(crate) async fn log_in(
    services: &Services,
    challenge: Challenge,
    shown: &Hash,
    peer: IpAddr,
) -> Result<(Account, LoggedInAs), Refusal> {
    // Whose token it is, is nothing to who cannot show that they have it.
    let attempt = super::attempt(services, peer, &challenge.name).map_err(super::TooSoon::of_somebody)?;
    if verify_slices_are_equal(&challenge.expected, shown.as_bytes()).is_err() {
        attempt.failed(Instant::now());
        tracing::warn!(name = %challenge.name, %peer, "a login with a token failed");
        return Err(no_token());
    }
    // What was wrong about the account's password stays so: who has a token of it does not guess that at leisure.
    drop(attempt);
    let resumed = services
        .people
        .use_token(&challenge.session)
        .await
        .map_err(|error| match error {
            StoreError::SessionUnknown | StoreError::SessionExpired => no_token(),
            error => from_store(&error),
        })?;
    tracing::debug!(name = %resumed.account.name, %peer, "somebody logged in with a token");
    let who = LoggedInAs {
        account: resumed.account.id,
        session: resumed.session,
        ends: resumed.expires,
    };
    Ok((resumed.account, who))
}

/// Unknown, ended, somebody's who gets in no more, or wrong: which of them is not said.
fn no_token() -> Refusal {
    Refusal::new(
        ErrorCode::WrongCredentials,
        "the token is wrong, has expired or was revoked",
    )
    .with_hint("ask an admin of the hub for a new one: landline user token NAME")
}

/// Whose secret is sealed: one that was copied into another row does not open.
fn owner(session: &SessionId, account: &AccountId) -> Vec<u8> {
    [&session.as_bytes()[..], account.as_bytes()].concat()
}

fn proof(secret: &[u8], statement: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut proof = [0; 32];
    proof.copy_from_slice(hmac::sign(&key, statement).as_ref());
    proof
}

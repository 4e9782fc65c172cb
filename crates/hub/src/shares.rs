//! Shares: the requests by which they are made, listed and revoked. What somebody gets by a link is the
//! [share door](crate::doors)'s.

pub(crate) mod owner;
pub(crate) mod passwords;
pub(crate) mod uses;

use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::doors::{answered, arguments};
use crate::files;
use crate::people::passwords::Asker;
use crate::random;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::id::ShareId;
use landline_model::link::Token;
use landline_model::path::{RemotePath, Space};
use landline_model::protocol::shares::{
    SHARE_NAME_MAX, Share, ShareCreate, ShareCreated, ShareList, SharePage, ShareRevoke,
};
use landline_model::protocol::{Call as _, Done, PAGE_BYTES_MAX, PAGE_MAX, RequestHeader};
use landline_store::files::{NewShare, Share as Stored, SpaceId};
use std::sync::PoisonError;
use std::time::Duration;

/// The longest life of a share that has an end.
const SHARE_LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Answers a request about shares by somebody who is logged in; none: it is not one.
pub(crate) async fn answer(services: &Services, who: &Identity, header: &RequestHeader<'_>) -> Option<Bytes> {
    let id = header.id;
    Some(match &*header.name {
        ShareCreate::NAME => answered(id, async { create(services, who, arguments(header)?).await }).await,
        ShareList::NAME => answered(id, async { list(services, who, arguments(header)?).await }).await,
        ShareRevoke::NAME => answered(id, async { revoke(services, who, arguments(header)?).await }).await,
        _ => return None,
    })
}

/// Makes a share.
async fn create(services: &Services, who: &Identity, call: ShareCreate) -> Answered<ShareCreated> {
    check(&call)?;
    let action = if call.drop {
        Action::WriteFiles
    } else {
        Action::ReadFiles
    };
    let place = files::place(services, who, action, &call.path)?;
    let password = match call.password {
        Some(password) => Some(
            services
                .passwords
                .hash(Asker::Account(who.account), password)
                .await?,
        ),
        None => None,
    };
    let token = Token::from_bytes(random::bytes());
    let new = NewShare {
        token: token.clone(),
        owner: who.account,
        place,
        drop: call.drop,
        name: call.name,
        password,
        expires: call
            .expires
            .map(|seconds| services.now().plus(Duration::from_secs(seconds))),
        count: call.count,
    };
    let share = files::blocking(services, move |files| files.create_share(new)).await?;
    tracing::info!(share = %share.id, by = %who.account, "a share was made");
    let addresses = services.addresses.read();
    Ok(ShareCreated {
        share: describe(services, share)?,
        token,
        addresses: addresses.unwrap_or_else(PoisonError::into_inner).clone(),
    }
    .into())
}

/// Lists one's own shares, or all of them.
async fn list(services: &Services, who: &Identity, call: ShareList) -> Answered<SharePage> {
    let owner = (!looks_after_all(services, who)).then_some(who.account);
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let found = files::blocking(services, move |files| files.shares(owner, call.after, limit)).await?;
    let full = found.len() == limit;
    let now = services.now();
    let last = found.last().map(|share| share.id);
    let shares: Vec<Share> = found
        .into_iter()
        .filter(|share| !share.is_over(now))
        .map(|share| describe(services, share))
        .collect::<Result<_, _>>()?;
    let (body, count) = json_lines(&shares, PAGE_BYTES_MAX)?;
    let next = match shares.get(..count).and_then(<[Share]>::last) {
        Some(share) if count < shares.len() => Some(share.id),
        _ => last.filter(|_| full),
    };
    Ok(Answer {
        reply: SharePage { next },
        body,
    })
}

/// Ends a share, and what is being done by it.
async fn revoke(services: &Services, who: &Identity, call: ShareRevoke) -> Answered<Done> {
    let id = call.id;
    let share = files::blocking(services, move |files| files.share(id)).await?;
    let may = |share: &Stored| share.owner == who.account || looks_after_all(services, who);
    if !share.as_ref().is_some_and(may) {
        // Whose it is, and whether it is there, is nothing to those who may not end it.
        return Err(no_such_share(&id));
    }
    let revoked = files::blocking(services, move |files| files.revoke_share(id)).await?;
    services.share_uses.end(&id);
    if !revoked {
        return Err(no_such_share(&id));
    }
    tracing::info!(share = %id, by = %who.account, "a share was revoked");
    Ok(Done {}.into())
}

fn check(call: &ShareCreate) -> Result<(), Refusal> {
    if call.name.len() > SHARE_NAME_MAX {
        let message = format!("a share's name has at most {SHARE_NAME_MAX} bytes");
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    if call.name.chars().any(char::is_control) {
        let message = "a share's name is one line without control characters";
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    }
    let longest = SHARE_LIFE_MAX.as_secs();
    if call
        .expires
        .is_some_and(|seconds| seconds == 0 || seconds > longest)
    {
        let message = "a share lives from 1 second to 3650 days, or until it is revoked";
        return Err(Refusal::new(ErrorCode::BadRequest, message));
    }
    if call.count == Some(0) {
        return Err(Refusal::new(
            ErrorCode::BadRequest,
            "a share is good for 1 use at least",
        ));
    }
    Ok(())
}

fn looks_after_all(services: &Services, who: &Identity) -> bool {
    authorise(who, Action::KeepAccounts, Resource::Hub, services.now()).is_ok()
}

/// A share as its owner sees it.
fn describe(services: &Services, share: Stored) -> Result<Share, Refusal> {
    let space = match share.place.space {
        SpaceId::Home(_) => Space::Home,
        SpaceId::Shared => Space::Shared,
        SpaceId::Room(room) => {
            let record = services.chat.room(&room);
            Space::Room(
                record
                    .and_then(|record| record.name)
                    .ok_or_else(crate::services::went_wrong)?,
            )
        }
    };
    Ok(Share {
        id: share.id,
        owner: services.people.account(&share.owner).map(|account| account.name),
        path: RemotePath {
            space,
            components: share.place.components,
        },
        kind: share.kind,
        name: share.name,
        password: share.password.is_some(),
        created: share.created,
        expires: share.expires,
        left: share.left,
    })
}

fn no_such_share(id: &ShareId) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no share {id}"))
        .with_hint("landline share ls shows those that there are")
}

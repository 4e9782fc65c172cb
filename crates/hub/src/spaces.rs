//! Spaces as a whole: what they hold and may hold; the trash; and the access rules on directories.

mod access;
mod name;
mod trash;

use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::chat::visible;
use crate::doors::{answered, arguments};
use crate::files::blocking;
use crate::refusals::denied;
use crate::services::Services;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::RoomKind;
use landline_model::protocol::access::{AccessList, AccessRemove, AccessSet};
use landline_model::protocol::spaces::{
    Limit, RETENTION_MAX, SpaceCounted, SpaceCursor, SpaceLimit, SpaceList, SpacePage, SpaceRecount,
    SpaceRetention, SpaceShow, SpaceState, TrashEmpty, TrashList, TrashRead, TrashRestore,
};
use landline_model::protocol::{Call as _, PAGE_BYTES_MAX, PAGE_MAX, RequestHeader};
use landline_model::room::Standing;
use landline_model::space::SpaceName;
use landline_store::files::{Quota, SpaceId};
use name::{account_name, named};
use std::sync::Arc;
use std::time::Duration;

/// Answers a request about spaces or the trash by somebody who is logged in; none: it is not one.
pub(crate) async fn answer(
    services: &Arc<Services>,
    who: &Identity,
    header: &RequestHeader<'_>,
) -> Option<Bytes> {
    let id = header.id;
    macro_rules! answer {
        ($answer:expr) => {
            answered(id, async { $answer }).await
        };
    }
    Some(match &*header.name {
        SpaceList::NAME => answer!(list(services, who, arguments(header)?)),
        SpaceShow::NAME => answer!(show(services, who, &arguments(header)?)),
        SpaceLimit::NAME => answer!(set_limit(services, who, arguments(header)?).await),
        SpaceRetention::NAME => answer!(set_retention(services, who, arguments(header)?).await),
        SpaceRecount::NAME => answer!(recount(services, who, arguments(header)?).await),
        AccessList::NAME => answer!(access::list(services, who, &arguments(header)?)),
        AccessSet::NAME => answer!(access::set(services, who, arguments(header)?).await),
        AccessRemove::NAME => answer!(access::remove(services, who, arguments(header)?).await),
        TrashList::NAME => answer!(trash::list(services, who, arguments(header)?).await),
        TrashRestore::NAME => answer!(trash::restore(services, who, arguments(header)?).await),
        TrashEmpty::NAME => answer!(trash::empty(services, who, arguments(header)?).await),
        TrashRead::NAME => answer!(trash::read(services, who, arguments(header)?).await),
        _ => return None,
    })
}

/// A page of the spaces that one has to do with.
fn list(services: &Services, who: &Identity, call: SpaceList) -> Answered<SpacePage> {
    if call.all {
        keeping(services, who)?;
    }
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let (spaces, next) = match call.after {
        None => first_spaces(services, who),
        Some(SpaceCursor::Room(after)) => {
            let found = services.chat.rooms_for(&who.account, after, limit);
            let next = match found.last().filter(|_| found.len() == limit) {
                Some(last) => Some(SpaceCursor::Room(Some(last.genesis.room))),
                None => call.all.then_some(SpaceCursor::Account(None)),
            };
            let rooms = found.into_iter().filter_map(|record| {
                let facts = services.chat.facts(&record.genesis.room, &who.account, None)?;
                let is_in = matches!(facts.me.standing, Standing::Member(_)) || call.all;
                let name = record.genesis.name.parse().ok()?;
                (is_in && facts.kind != RoomKind::Direct)
                    .then_some((SpaceId::Room(record.genesis.room), SpaceName::Room(name)))
            });
            (rooms.collect(), next)
        }
        Some(SpaceCursor::Account(after)) if call.all => {
            let found = services.people.people("", true, after, limit);
            let next = found.last().filter(|_| found.len() == limit);
            let next = next.map(|last| SpaceCursor::Account(Some(last.account.id)));
            let others = found
                .into_iter()
                .filter(|person| person.account.id != who.account);
            let homes = others.map(|person| {
                (
                    SpaceId::Home(person.account.id),
                    SpaceName::Home(person.account.name),
                )
            });
            (homes.collect(), next)
        }
        Some(SpaceCursor::Account(_)) => (Vec::new(), None),
    };
    let states: Vec<_> = spaces
        .into_iter()
        .map(|(space, name)| state(services, space, name))
        .collect();
    let (body, count) = json_lines(&states, PAGE_BYTES_MAX)?;
    if count < states.len() {
        // A line has a name of at most 255 bytes and eight numbers.
        return Err(Refusal::new(ErrorCode::Internal, "a page of spaces does not fit"));
    }
    Ok(Answer {
        reply: SpacePage { next },
        body,
    })
}

/// One's own and everybody's, as far as one may read them; then come the rooms.
fn first_spaces(services: &Services, who: &Identity) -> (Vec<(SpaceId, SpaceName)>, Option<SpaceCursor>) {
    let may_read = |resource| authorise(who, Action::ReadFiles, resource, services.now()).is_ok();
    let mut spaces = Vec::new();
    if may_read(Resource::Home(who.account)) {
        spaces.push((SpaceId::Home(who.account), SpaceName::Own));
    }
    if may_read(Resource::SharedFiles(None)) {
        spaces.push((SpaceId::Shared, SpaceName::Shared));
    }
    (spaces, Some(SpaceCursor::Room(None)))
}

/// Tells about one space.
fn show(services: &Services, who: &Identity, call: &SpaceShow) -> Answered<SpaceState> {
    let space = named(services, who, &call.space)?;
    let resource = match &call.space {
        SpaceName::Own => Resource::Home(who.account),
        SpaceName::Shared => Resource::SharedFiles(None),
        SpaceName::Room(name) => Resource::RoomFiles(visible(services, who, name)?.1, None),
        SpaceName::Home(_) if space == SpaceId::Home(who.account) => Resource::Home(who.account),
        SpaceName::Home(_) => {
            keeping(services, who)?;
            return Ok(state(services, space, call.space.clone()).into());
        }
    };
    authorise(who, Action::ReadFiles, resource, services.now())
        .map_err(|why| denied(why, &call.space.to_string()))?;
    Ok(state(services, space, call.space.clone()).into())
}

/// Sets what a space may hold.
async fn set_limit(services: &Services, who: &Identity, call: SpaceLimit) -> Answered<SpaceState> {
    keeping(services, who)?;
    let space = named(services, who, &call.space)?;
    let quota = match call.limit {
        Limit::Default => Quota::Default,
        Limit::None => Quota::Unlimited,
        Limit::Bytes(bytes) => Quota::Bytes(bytes),
    };
    blocking(services, move |files| files.set_quota(space, quota)).await?;
    tracing::info!(space = %call.space, limit = ?call.limit, by = %account_name(services, &who.account),
        "a space has another limit");
    Ok(state(services, space, call.space).into())
}

/// Sets for how long the trash keeps what comes from a space.
async fn set_retention(services: &Services, who: &Identity, call: SpaceRetention) -> Answered<SpaceState> {
    keeping(services, who)?;
    let space = named(services, who, &call.space)?;
    if call.seconds.is_some_and(|seconds| seconds > RETENTION_MAX) {
        let message = "the trash keeps nothing for more than ten years";
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    let retention = call.seconds.map(Duration::from_secs);
    blocking(services, move |files| files.set_retention(space, retention)).await?;
    tracing::info!(space = %call.space, seconds = ?call.seconds, by = %account_name(services, &who.account),
        "the trash keeps what comes from a space for another time");
    Ok(state(services, space, call.space).into())
}

/// Counts what lies in a space.
async fn recount(services: &Services, who: &Identity, call: SpaceRecount) -> Answered<SpaceCounted> {
    keeping(services, who)?;
    let space = named(services, who, &call.space)?;
    let stopping = services.stopping.clone();
    let counted = blocking(services, move |files| {
        files.recount(space, &|| !stopping.is_cancelled())
    })
    .await?;
    let counted = counted.ok_or_else(|| Refusal::new(ErrorCode::Stopping, "the hub is stopping"))?;
    tracing::info!(space = %call.space, files = counted.files, trash = counted.trash, exact = counted.exact,
        by = %account_name(services, &who.account), "a space was counted");
    Ok(SpaceCounted {
        files: counted.files,
        trash: counted.trash,
        exact: counted.exact,
    }
    .into())
}

/// Counts what was there before there were figures, in the background.
pub(crate) async fn count_the_uncounted(services: Arc<Services>) {
    let stopping = services.stopping.clone();
    let counted = blocking(&services, move |files| {
        for space in files.uncounted()? {
            match files.recount(space, &|| !stopping.is_cancelled())? {
                Some(counted) => {
                    tracing::info!(
                        ?space,
                        files = counted.files,
                        trash = counted.trash,
                        "a space was counted"
                    );
                }
                None => break,
            }
        }
        Ok(())
    });
    if let Err(refusal) = counted.await {
        tracing::error!(why = %refusal.message, "what spaces hold cannot be counted");
    }
}

fn keeping(services: &Services, who: &Identity) -> Result<(), Refusal> {
    authorise(who, Action::KeepSpaces, Resource::Hub, services.now())
        .map_err(|why| denied(why, "looking after spaces"))
}

fn state(services: &Services, space: SpaceId, name: SpaceName) -> SpaceState {
    let usage = services.files.space_usage(space);
    SpaceState {
        space: name,
        files: usage.files,
        trash: usage.trash,
        in_flight: usage.in_flight,
        limit: usage.limit,
        retention: usage.retention.as_secs(),
        counted: usage.counted,
    }
}

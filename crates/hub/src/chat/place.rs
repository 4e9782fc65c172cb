//! From what a person calls a room to the room, by way of [`authorise`](crate::authorise).

use crate::authorise::{Action, Identity, Resource, authorise};
use crate::refusals::{denied, no_such_room};
use crate::services::Services;
use landline_model::denied::Denied;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::RoomKind;
use landline_model::id::AccountId;
use landline_model::name::{AccountName, RoomName};
use landline_model::room::{Membership, RoomFacts};
use landline_model::target::Target;
use landline_store::chat::{Chat, RoomRecord};

/// The room that a target names for `who`, and how `who` stands to it, if `who` may do `action` there.
///
/// The facts are as of the record's last event or later: whatever stands in the log up to its head may be shown to who
/// may read it by them.
pub(crate) fn find(
    services: &Services,
    who: &Identity,
    action: Action,
    target: &Target,
) -> Result<(RoomRecord, RoomFacts), Refusal> {
    let (record, facts) = match target {
        Target::Room(name) => visible(services, who, name)?,
        Target::Person(name) => {
            let peer = person(services, name)?;
            services
                .chat
                .find_direct(who.account, peer)
                .and_then(|record| with_facts(&services.chat, who, record))
                .ok_or_else(|| {
                    let message = format!("nothing was said between you and {target} yet");
                    Refusal::new(ErrorCode::NotFound, message)
                })?
        }
    };
    authorise(who, action, Resource::Room(facts), services.now())
        .map_err(|why| denied(why, &target.to_string()))?;
    Ok((record, facts))
}

/// The room of a name, if `who` may know of it. Who may not is told the same as where there is none.
pub(crate) fn visible(
    services: &Services,
    who: &Identity,
    name: &RoomName,
) -> Result<(RoomRecord, RoomFacts), Refusal> {
    let found = services.chat.room_by_name(name);
    let (record, facts) = found
        .and_then(|record| with_facts(&services.chat, who, record))
        .ok_or_else(|| no_such_room(name))?;
    match authorise(who, Action::SeeRoom, Resource::Room(facts), services.now()) {
        Ok(()) => Ok((record, facts)),
        Err(_) if facts.kind == RoomKind::Private => Err(no_such_room(name)),
        Err(Denied::RoomKind) => Err(of_unknown_kind(&format!("#{name}"))),
        Err(why) => Err(denied(why, &format!("#{name}"))),
    }
}

fn with_facts(chat: &Chat, who: &Identity, record: RoomRecord) -> Option<(RoomRecord, RoomFacts)> {
    let facts = chat.facts(&record.genesis.room, &who.account, None)?;
    Some((record, facts))
}

/// What there is to know of a conversation that need not have begun.
pub(crate) fn direct_facts(one: AccountId, other: AccountId) -> RoomFacts {
    RoomFacts {
        kind: RoomKind::Direct,
        pair: Some([one, other]),
        me: Membership::default(),
        next_message: None,
        other: None,
    }
}

/// The account of somebody whom a person names.
pub(crate) fn person(services: &Services, name: &AccountName) -> Result<AccountId, Refusal> {
    let account = services.people.account_by_name(name);
    Ok(account
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, format!("there is nobody called @{name}")))?
        .id)
}

/// The refusal of a room of which nobody here knows who may be in it.
pub(crate) fn of_unknown_kind(what: &str) -> Refusal {
    let what = landline_model::text::escape(what);
    Refusal::new(
        ErrorCode::Forbidden,
        format!("{what}: the room is of a kind that this hub does not know"),
    )
    .with_hint("a newer version of Landline made it; run that one on the hub")
}

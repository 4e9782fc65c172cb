//! Listing who stands how to a room.

use super::describe::Names;
use super::place::find;
use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity};
use crate::services::Services;
use landline_model::id::AccountId;
use landline_model::protocol::chat::{Member, Members, MembersPage};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use landline_model::room::{Membership, RoomFacts, RoomRole, Standing};
use landline_store::chat::RoomRecord;

/// A page of the members of a room, or for moderators of those who asked, were invited, kicked or banned.
pub(super) fn members(services: &Services, who: &Identity, call: &Members) -> Answered<MembersPage> {
    let action = if call.others {
        Action::LetIn
    } else {
        Action::ReadRoom
    };
    let (record, facts) = find(services, who, action, &call.target)?;
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let found = listed(services, &record, &facts, call, limit);
    let full = found.len() == limit;
    let lines: Vec<Member> = found
        .into_iter()
        .map(|(account, membership)| Member {
            account,
            name: Names::all(services).of(&account),
            membership,
            online: services.live.is_online(&account),
        })
        .collect();
    let (body, count) = json_lines(&lines, PAGE_BYTES_MAX)?;
    let full = full || count < lines.len();
    let next = lines[..count].last().filter(|_| full).map(|last| last.account);
    Ok(Answer {
        reply: MembersPage { next },
        body,
    })
}

fn listed(
    services: &Services,
    record: &RoomRecord,
    facts: &RoomFacts,
    call: &Members,
    limit: usize,
) -> Vec<(AccountId, Membership)> {
    // The two of a conversation are in it for good.
    let Some(mut pair) = facts.pair else {
        let room = &record.genesis.room;
        return services.chat.members(room, !call.others, call.after, limit);
    };
    pair.sort_unstable();
    let both = if pair[0] == pair[1] { &pair[..1] } else { &pair };
    let behind = both.iter().filter(|account| call.after.as_ref() < Some(*account));
    let member = Membership {
        standing: Standing::Member(RoomRole::Member),
        muted_until: None,
    };
    behind.take(limit).map(|account| (*account, member)).collect()
}

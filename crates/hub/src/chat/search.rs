//! Searching what was said.
//!
//! The index says where; whether it may be read, and what it says, the log itself is asked, so that an index that is a
//! little behind shows nothing that was taken back.

use super::describe::Names;
use super::event::{fold, line};
use super::history::bytes_of;
use super::place::{find, person};
use crate::answer::{Answer, Answered, json_lines};
use crate::authorise::{Action, Identity, Resource, authorise};
use crate::refusals::{denied, from_store};
use crate::services::{Services, blocking};
use landline_model::error::{ErrorCode, Refusal};
use landline_model::event::Event;
use landline_model::id::RoomId;
use landline_model::protocol::chat::{Found, RoomEvent, SEARCH_MAX, Search};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use landline_store::StoreError;
use landline_store::chat::{Chat, Fold};
use landline_store::search::{Hit, Query};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A page of what was found.
pub(super) async fn search(services: &Services, who: &Identity, call: Search) -> Answered<Found> {
    let now = services.now();
    authorise(who, Action::ListRooms, Resource::Hub, now).map_err(|why| denied(why, "searching"))?;
    let query = query(services, who, call)?;
    let (chat, index, who) = (services.chat.clone(), Arc::clone(&services.search), *who);
    let waits = Arc::clone(&index);
    blocking(move || {
        waits.wait_for_the_last();
        Ok(())
    })
    .await?;
    let work = move || {
        let mut readable = |room: &RoomId| {
            chat.facts(room, &who.account, None)
                .is_some_and(|facts| authorise(&who, Action::ReadRoom, Resource::Room(facts), now).is_ok())
        };
        let found = index.query(&query, &mut readable).and_then(|page| {
            let messages = read(&chat, &who, &page.hits)?;
            Ok((page, messages))
        });
        found.map_err(|error| from_store(&error))
    };
    let (page, messages) = services.background.run(work).await?;
    let names = Names::all(services);
    let mut lines: Vec<RoomEvent> = Vec::with_capacity(messages.shown.len());
    for (event, as_now) in messages.shown {
        let line = line(names, event, false);
        lines.push(match as_now {
            Some(as_now) => fold(names, line, as_now),
            None => line,
        });
    }
    let (body, count) = json_lines(&lines, PAGE_BYTES_MAX)?;
    let end = if count < lines.len() {
        Some(messages.places[count - 1])
    } else {
        messages.end
    };
    Ok(Answer {
        reply: Found {
            next: end.or(page.next),
            behind: page.behind,
        },
        body,
    })
}

fn query(services: &Services, who: &Identity, call: Search) -> Result<Query, Refusal> {
    if call.text.len() > SEARCH_MAX {
        let message = format!(
            "the text to search for has {} bytes; at most {SEARCH_MAX} are allowed",
            call.text.len()
        );
        return Err(Refusal::new(ErrorCode::TooLarge, message));
    }
    let room = match &call.target {
        None => None,
        Some(target) => Some(find(services, who, Action::ReadRoom, target)?.0.genesis.room),
    };
    let from = call.from.as_ref().map(|name| person(services, name));
    Ok(Query {
        text: call.text,
        room,
        from: from.transpose()?,
        since: call.since,
        before: call.before,
        next: call.next,
        limit: usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1),
    })
}

/// Messages as the log has them now.
struct Messages {
    shown: Vec<(Event, Option<Fold>)>,
    /// Where each of them stands in the index.
    places: Vec<u64>,
    /// Where the page ends in the index, where it ends before the last hit.
    end: Option<u64>,
}

/// As many as fit into a page, but at least one where there is one. Blocks for the disk.
fn read(chat: &Chat, who: &Identity, hits: &[Hit]) -> Result<Messages, StoreError> {
    let (mut shown, mut places, mut end, mut bytes) = (Vec::new(), Vec::new(), None, 0);
    let messages = hits.iter().map(|hit| (hit.room, hit.sequence));
    chat.messages_now(&who.account, messages, |number, event, fold| {
        bytes += event.content.as_ref().map_or(0, |content| content.body.len());
        bytes += fold.as_ref().map_or(0, bytes_of);
        shown.push((event, fold));
        places.push(hits[number].place);
        if bytes > PAGE_BYTES_MAX {
            end = Some(hits[number].place);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(Messages { shown, places, end })
}

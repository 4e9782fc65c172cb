//! Reading a room's log.

use super::describe::{Names, describe};
use super::event::{fold, line};
use super::place::find;
use crate::answer::{Answer, Answered, json_lines, last_json_lines};
use crate::authorise::{Action, Identity};
use crate::refusals::from_store;
use crate::services::{Services, blocking};
use landline_model::event::{Event, EventKind};
use landline_model::id::{AccountId, RoomId};
use landline_model::protocol::chat::{History, HistoryPage, RoomEvent};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use landline_model::room::REACTION_MAX;
use landline_store::StoreError;
use landline_store::chat::{Chat, Fold};
use std::collections::HashMap;

/// Of how many messages it is looked up at once what became of them: so much more than a page may be in memory.
const FOLDED_AT_ONCE: usize = 16;

/// A page of a room's log.
pub(super) async fn history(services: &Services, who: &Identity, call: History) -> Answered<HistoryPage> {
    let (record, _) = find(services, who, Action::ReadRoom, &call.target)?;
    let (chat, room, head) = (services.chat.clone(), record.genesis.room, record.head.sequence);
    let limit = usize::try_from(call.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    let (reader, folded) = (who.account, call.fold && !call.proof);
    let (events, folds) = blocking(move || {
        let found = if call.last {
            chat.last_events(&room, call.since, limit, PAGE_BYTES_MAX / 2)
        } else {
            chat.events(&room, call.since, limit, PAGE_BYTES_MAX / 2)
        };
        let mut events = found.map_err(|error| from_store(&error))?;
        // Behind the head of which it was asked there may be a kick of who asks, and what was said after it.
        events.retain(|event| event.sequence <= head);
        let mut folds = HashMap::new();
        if folded {
            folds = fold_all(&chat, &reader, &mut events, call.last).map_err(|error| from_store(&error))?;
        }
        Ok((events, folds))
    })
    .await?;
    let (names, mut folds) = (Names::all(services), folds);
    let lines: Vec<RoomEvent> = events
        .into_iter()
        .map(|event| {
            let folded = folds.remove(&event.sequence);
            let line = line(names, event, call.proof);
            match folded {
                Some(as_now) => fold(names, line, as_now),
                None => line,
            }
        })
        .collect();
    let (body, count) = if call.last {
        (last_json_lines(&lines, PAGE_BYTES_MAX)?, lines.len())
    } else {
        json_lines(&lines, PAGE_BYTES_MAX)?
    };
    let room = describe(services, &who.account, &record);
    let more = lines[..count].last().is_some_and(|last| last.sequence < head);
    Ok(Answer {
        reply: HistoryPage { room, more },
        body,
    })
}

/// What became of the messages among `events`. A short message may have been made a long one: events of which no page has
/// room for what became of them are taken away, at the end of the page or, where the `last` ones are wanted, at its
/// beginning.
fn fold_all(
    chat: &Chat,
    reader: &AccountId,
    events: &mut Vec<Event>,
    last: bool,
) -> Result<HashMap<u64, Fold>, StoreError> {
    let messages = events.iter().filter(|event| event.kind == EventKind::MESSAGE);
    let mut messages: Vec<(RoomId, u64)> = messages.map(|event| (event.room, event.sequence)).collect();
    if last {
        messages.reverse();
    }
    let (mut folds, mut bytes) = (HashMap::new(), 0);
    for some in messages.chunks(FOLDED_AT_ONCE) {
        let Some((room, _)) = some.first() else { break };
        let numbers: Vec<u64> = some.iter().map(|(_, sequence)| *sequence).collect();
        let found = chat.folds(room, reader, &numbers)?;
        bytes += found.values().map(bytes_of).sum::<usize>();
        folds.extend(found);
        if bytes > PAGE_BYTES_MAX {
            let end = numbers.last().copied().unwrap_or_default();
            events.retain(|event| {
                if last {
                    event.sequence >= end
                } else {
                    event.sequence <= end
                }
            });
            break;
        }
    }
    Ok(folds)
}

/// About how much what became of a message adds to a page.
pub(super) fn bytes_of(fold: &Fold) -> usize {
    let edit = fold.edit.as_ref().map_or(0, |(_, text)| text.len());
    edit + fold.reactions.len() * REACTION_MAX
}

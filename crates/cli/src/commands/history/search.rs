//! Messages that have something in common, wherever they were said.

use super::write;
use crate::context::Context;
use crate::report::note;
use anyhow::Result;
use bytes::Bytes;
use landline_client::{Connection, lines};
use landline_model::id::RoomId;
use landline_model::name::AccountName;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{self, Room, RoomEvent, RoomList};
use landline_model::target::Target;
use landline_model::time::Timestamp;
use std::collections::HashMap;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

/// What to look for.
pub(super) struct Search {
    /// Empty: every message.
    pub(super) text: String,
    /// None: everywhere.
    pub(super) target: Option<Target>,
    pub(super) from: Option<AccountName>,
    pub(super) since: Option<Timestamp>,
    pub(super) before: Option<Timestamp>,
    pub(super) limit: Option<u64>,
    pub(super) json: bool,
}

impl Search {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut rooms: Option<HashMap<RoomId, Target>> = None;
        let mut call = chat::Search {
            text: self.text,
            target: self.target,
            from: self.from,
            since: self.since,
            before: self.before,
            limit: 0,
            next: None,
        };
        let behind = loop {
            call.limit = u32::try_from(left).unwrap_or(PAGE_MAX).min(PAGE_MAX);
            let page = connection.exchange(&call, Bytes::new()).await?;
            for event in lines::<RoomEvent>(&page.body, &connection)? {
                if let Some(target) = &call.target {
                    write(&mut output, target, &event, self.json, false)?;
                } else {
                    let known = match &mut rooms {
                        Some(rooms) => rooms,
                        none => none.insert(all_rooms(&connection).await?),
                    };
                    // One that was made since, or that one has left.
                    if let Some(target) = known.get(&event.room) {
                        write(&mut output, target, &event, self.json, true)?;
                    }
                }
                left = left.saturating_sub(1);
            }
            output.flush()?;
            match page.reply.next {
                // A hub that repeats itself would keep us for ever.
                Some(next) if left > 0 && call.next.is_none_or(|before| next < before) => {
                    call.next = Some(next)
                }
                _ => break page.reply.behind,
            }
        };
        if behind > 0 && !context.quiet {
            note(&format!(
                "{behind} events wait to be indexed; what they say is found later"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What one calls the rooms that one may know of.
async fn all_rooms(connection: &Connection) -> Result<HashMap<RoomId, Target>> {
    let (mut rooms, mut after) = (HashMap::new(), None);
    loop {
        let list = RoomList {
            after,
            limit: PAGE_MAX,
        };
        let page = connection.exchange(&list, Bytes::new()).await?;
        let page_of_rooms = lines::<Room>(&page.body, connection)?;
        rooms.extend(page_of_rooms.into_iter().map(|room| (room.id, room.target)));
        match page.reply.next {
            Some(next) if after.is_none_or(|before| next > before) => after = Some(next),
            _ => return Ok(rooms),
        }
    }
}

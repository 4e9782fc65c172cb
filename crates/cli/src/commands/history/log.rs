//! What was said in one room, from the beginning or from an event on.

use super::write;
use crate::context::Context;
use anyhow::Result;
use bytes::Bytes;
use landline_client::{Connection, lines};
use landline_model::event::EventKind;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{self, RoomEvent};
use landline_model::target::Target;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

/// What to show.
pub(super) struct Log {
    pub(super) target: Target,
    /// Only what came after this event.
    pub(super) since: Option<u64>,
    /// At most so many events.
    pub(super) limit: Option<u64>,
    pub(super) json: bool,
}

impl Log {
    /// For people each message stands once, as it is now; for programs every event, as it was written.
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut since = match (self.since, self.limit) {
            (Some(since), _) => since,
            (None, None) => 0,
            (None, Some(limit)) => self.head(&connection).await?.saturating_sub(limit),
        };
        while left > 0 {
            let call = chat::History {
                since,
                limit: u32::try_from(left).unwrap_or(PAGE_MAX).min(PAGE_MAX),
                fold: !self.json,
                ..self.call()
            };
            let page = connection.exchange(&call, Bytes::new()).await?;
            let events = lines::<RoomEvent>(&page.body, &connection)?;
            for event in events.iter().filter(|event| self.json || !is_folded(event)) {
                write(&mut output, &page.reply.room.target, event, self.json, false)?;
            }
            left = left.saturating_sub(events.len() as u64);
            match events.last() {
                // A hub that repeats itself would keep us for ever.
                Some(last) if page.reply.more && last.sequence > since => since = last.sequence,
                _ => break,
            }
        }
        output.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// The number of the room's last event. Numbers have no gaps, so the last N events begin N before it.
    async fn head(&self, connection: &Connection) -> Result<u64> {
        let call = chat::History {
            limit: 1,
            last: true,
            ..self.call()
        };
        Ok(connection.call(&call).await?.room.head.sequence)
    }

    fn call(&self) -> chat::History {
        chat::History {
            target: self.target.clone(),
            since: 0,
            limit: 1,
            last: false,
            proof: false,
            fold: false,
        }
    }
}

/// Whether what the event did is seen where the message stands that it did it to.
fn is_folded(event: &RoomEvent) -> bool {
    [
        EventKind::EDIT,
        EventKind::DELETE,
        EventKind::REACT,
        EventKind::UNREACT,
    ]
    .contains(&event.kind)
}

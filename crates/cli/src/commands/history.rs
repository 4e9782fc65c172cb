//! `landline history`: what was said.

use crate::context::Context;
use crate::json;
use crate::show::{self, EventLine};
use anyhow::Result;
use bytes::Bytes;
use landline_client::{Connection, lines};
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{self, RoomEvent};
use landline_model::target::Target;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

/// Show what was said in a room or with a person, oldest first.
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// #room or @person.
    target: Target,
    /// Only what came after this event.
    #[arg(long, value_name = "SEQ")]
    since: Option<u64>,
    /// At most this many: the first ones after SEQ, or the last ones where SEQ is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// JSON: an object a line, with `room`, `seq`, `time`, `sender`, `kind` and `text`.
    #[arg(long)]
    json: bool,
}

impl History {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut since = match (self.since, self.limit) {
            (Some(since), _) => since,
            (None, None) => 0,
            (None, Some(limit)) => self.head(&connection).await?.saturating_sub(limit),
        };
        while left > 0 {
            let limit = u32::try_from(left).unwrap_or(PAGE_MAX).min(PAGE_MAX);
            let call = chat::History {
                target: self.target.clone(),
                since,
                limit,
                last: false,
                proof: false,
            };
            let page = connection.exchange(&call, Bytes::new()).await?;
            let events = lines::<RoomEvent>(&page.body, &connection)?;
            for event in &events {
                let text = event.text.as_deref().unwrap_or_default();
                if self.json {
                    writeln!(
                        output,
                        "{}",
                        json::line(&EventLine::new(&page.reply.room.target, event, text))?
                    )?;
                } else {
                    writeln!(output, "{}", show::event(event, text, true))?;
                }
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
            target: self.target.clone(),
            since: 0,
            limit: 1,
            last: true,
            proof: false,
        };
        Ok(connection.call(&call).await?.room.head.sequence)
    }
}

//! `landline room ls`: the rooms that one may know of.

use crate::context::Context;
use crate::{json, show};
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::event::RoomKind;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{Room, RoomList};
use landline_model::room::Standing;
use landline_model::target::Target;
use landline_model::text::escape;
use serde::Serialize;
use std::io::{BufWriter, Write};

/// List the rooms that you may know of, and your conversations.
#[derive(Debug, clap::Args)]
pub(super) struct Ls {
    /// JSON: an object a line, with `room`, `id`, `kind`, `created`, `events`, `unread`, `members`, `standing`, `topic`
    /// and `slow`.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    room: &'a Target,
    id: String,
    kind: RoomKind,
    created: String,
    events: u64,
    /// Events behind the reader's mark; none: the reader never opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
    members: u32,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<String>,
    topic: &'a str,
    /// Seconds between two messages.
    slow: u32,
}

impl Ls {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut after = None;
        loop {
            let call = RoomList {
                after,
                limit: PAGE_MAX,
            };
            let page = connection.exchange(&call, Bytes::new()).await?;
            for room in lines::<Room>(&page.body, &connection)? {
                if self.json {
                    writeln!(output, "{}", json::line(&Line::of(&room))?)?;
                } else {
                    writeln!(output, "{}", plain(&room))?;
                }
            }
            match page.reply.next {
                // A hub that turns in circles would keep us for ever.
                Some(next) if after.is_none_or(|after| after < next) => after = Some(next),
                _ => break,
            }
        }
        Ok(output.flush()?)
    }
}

impl<'a> Line<'a> {
    fn of(room: &'a Room) -> Self {
        Self {
            room: &room.target,
            id: room.id.to_string(),
            kind: room.kind,
            created: show::rfc3339(room.created),
            events: room.head.sequence,
            unread: unread(room),
            members: room.members,
            standing: standing(room.me.standing),
            muted_until: room.me.muted_until.map(show::rfc3339),
            topic: &room.topic,
            slow: room.slow_seconds,
        }
    }
}

/// `#lab  private, owner, 12 events, 3 unread: the topic`. What is as usual is not said.
fn plain(room: &Room) -> String {
    let mut words = Vec::new();
    if !matches!(room.kind, RoomKind::Public | RoomKind::Direct) {
        words.push(room.kind.name().to_owned());
    }
    if room.me.standing != Standing::Stranger {
        words.push(standing(room.me.standing).to_owned());
    }
    words.push(match room.head.sequence {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    });
    match unread(room) {
        None | Some(0) => {}
        Some(unread) => words.push(format!("{unread} unread")),
    }
    let topic = match room.topic.as_str() {
        "" => String::new(),
        topic => format!(": {}", escape(topic)),
    };
    format!("{}  {}{topic}", room.target, words.join(", "))
}

fn unread(room: &Room) -> Option<u64> {
    room.read.map(|read| room.head.sequence.saturating_sub(read))
}

/// How somebody stands to a room, in a word.
pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Stranger => "none",
        Standing::Invited => "invited",
        Standing::Asked => "asked",
        Standing::Member(role) => role.name(),
        Standing::Kicked => "kicked",
        Standing::Banned => "banned",
    }
}

//! `landline room`: makes and lists rooms.

use crate::context::Context;
use crate::{json, show};
use anyhow::Result;
use bytes::Bytes;
use landline_client::{Connection, lines};
use landline_model::event::RoomKind;
use landline_model::name::{NameError, RoomName};
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{self, RoomCreate, RoomList};
use landline_model::target::Target;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Make and list rooms.
#[derive(Debug, clap::Args)]
pub(crate) struct Room {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a public room.
    Create {
        /// Its name, with or without '#'.
        #[arg(value_parser = room_name)]
        name: RoomName,
    },
    /// List the rooms that you may read, and your conversations.
    Ls {
        /// JSON: an object a line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    room: &'a Target,
    id: String,
    kind: RoomKind,
    created: String,
    events: u64,
}

impl Room {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let connection = context.connect().await?;
        match self.command {
            Command::Create { name } => {
                let room = connection.call(&RoomCreate { name }).await?;
                if !context.quiet {
                    writeln!(std::io::stdout().lock(), "made {}", room.target)?;
                }
            }
            Command::Ls { json } => list(&connection, json).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(connection: &Connection, as_json: bool) -> Result<()> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut after = None;
    loop {
        let page = connection
            .exchange(
                &RoomList {
                    after,
                    limit: PAGE_MAX,
                },
                Bytes::new(),
            )
            .await?;
        for room in lines::<chat::Room>(&page.body, connection)? {
            write(&room, as_json, &mut output)?;
        }
        match page.reply.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(output.flush()?)
}

fn write(room: &chat::Room, as_json: bool, output: &mut impl Write) -> Result<()> {
    let events = room.head.sequence;
    if as_json {
        let (id, created) = (room.id.to_string(), show::rfc3339(room.created));
        let line = Line {
            room: &room.target,
            id,
            kind: room.kind,
            created,
            events,
        };
        writeln!(output, "{}", json::line(&line)?)?;
    } else {
        writeln!(
            output,
            "{}  {events} {}",
            room.target,
            if events == 1 { "event" } else { "events" }
        )?;
    }
    Ok(())
}

fn room_name(text: &str) -> Result<RoomName, NameError> {
    text.strip_prefix('#').unwrap_or(text).parse()
}

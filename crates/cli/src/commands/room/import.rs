//! `landline room import`: brings a room here that another hub exported.

use super::archive::{Heading, Reader};
use super::room_name;
use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use landline_client::Connection;
use landline_model::chain::Walk;
use landline_model::name::RoomName;
use landline_model::protocol::chat::{ImportBegin, ImportEvents, ImportFinish, RoomEvent};
use landline_model::protocol::{PAGE_BYTES_MAX, PAGE_MAX};
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;

/// Bring a room here that another hub exported. You become its owner; for admins.
///
/// Every event is proven against the hash chain, here and at the hub. Until the last one is there, nobody sees the room.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// What `landline room export` wrote, or `-` for standard input.
    file: PathBuf,
    /// The name that it gets here [default: the one that it had].
    #[arg(long = "as", value_name = "NAME", value_parser = room_name)]
    name: Option<RoomName>,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        if self.file.as_os_str() == "-" {
            return self.bring(context, BufReader::new(std::io::stdin())).await;
        }
        let shown = self.file.display().to_string();
        let file = File::open(&self.file).with_context(|| format!("{shown} cannot be read"))?;
        self.bring(context, BufReader::new(file)).await.context(shown)
    }

    async fn bring(&self, context: &Context, input: impl BufRead) -> Result<()> {
        let mut reader = Reader::new(input);
        let heading = reader.heading()?;
        let connection = context.connect().await?;
        connection.call(&self.begin(&heading)).await?;
        send_all(&connection, &heading, &mut reader).await?;
        let finish = ImportFinish {
            room: heading.room,
            sequence: heading.head.sequence,
            hash: heading.head.hash,
        };
        let room = connection.call(&finish).await?;
        if !context.quiet {
            writeln!(
                std::io::stdout().lock(),
                "{}: {} events, proven; you own it",
                room.target,
                heading.head.sequence
            )?;
        }
        Ok(())
    }

    fn begin(&self, heading: &Heading) -> ImportBegin {
        ImportBegin {
            room: heading.room,
            created: heading.created,
            creator: heading.creator,
            kind: heading.kind,
            original_name: heading.original_name.clone(),
            name: self.name.clone().unwrap_or_else(|| heading.name.clone()),
        }
    }
}

/// Proves and sends all events, and that they are all.
async fn send_all(
    connection: &Connection,
    heading: &Heading,
    reader: &mut Reader<impl BufRead>,
) -> Result<()> {
    let mut walk = Walk::new(&heading.genesis());
    let mut page = Vec::new();
    let mut events = 0;
    while let Some((event, line)) = reader.event()? {
        prove(&mut walk, &event)?;
        if events == PAGE_MAX || page.len() + line.len() >= PAGE_BYTES_MAX {
            send(connection, heading, &mut page).await?;
            events = 0;
        }
        page.extend_from_slice(line);
        page.push(b'\n');
        events += 1;
    }
    let head = &heading.head;
    if walk.sequence() != head.sequence {
        bail!(
            "it ends with event {}, but it should have {}",
            walk.sequence(),
            head.sequence
        );
    }
    if walk.head() != head.hash {
        bail!("its last event is not the one that its first line names");
    }
    walk.finish()?;
    if !page.is_empty() {
        send(connection, heading, &mut page).await?;
    }
    Ok(())
}

fn prove(walk: &mut Walk, event: &RoomEvent) -> Result<()> {
    let Some(proven) = event.to_event() else {
        bail!("event {} has no proof", event.sequence)
    };
    Ok(walk.next(&proven)?)
}

async fn send(connection: &Connection, heading: &Heading, page: &mut Vec<u8>) -> Result<()> {
    let body = Bytes::from(std::mem::take(page));
    let room = heading.room;
    connection.exchange(&ImportEvents { room }, body).await?;
    Ok(())
}

//! `landline room export`: a room as a file, proven while it is written.

use super::archive::Heading;
use super::room_name;
use crate::context::{Context, heads};
use crate::json;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use landline_client::{ClientError, Connection, Heads, lines};
use landline_model::chain::Walk;
use landline_model::head::SignedHead;
use landline_model::name::RoomName;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{History, HistoryPage, Room, RoomEvent};
use landline_model::target::Target;
use std::fs::File;
use std::io::{BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Write a room to a file: JSON lines, first what the room is, then its events in order, each with what proves it.
///
/// The file appears only when every event was proven against the hash chain and the hub's signature. It holds all that
/// was said in the room and was not deleted.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
    /// Where to [default: standard output].
    file: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let hub = context.hub()?;
        let mut heads = heads(&hub)?;
        let connection = landline_client::connect(&hub).await?;
        let target = Target::Room(self.room);
        let file = self.file.as_deref();
        let failed = || format!("{} cannot be written", file.unwrap_or(Path::new("it")).display());
        let mut events = BufWriter::new(spool(file).with_context(failed)?);
        let (room, head) = gather(&connection, &target, &mut heads, &mut events).await?;
        let mut events = events.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        events.rewind()?;
        let count = head.sequence;
        let heading = json::line(&Heading::of(&room, head)?)?;
        match file {
            None => {
                let mut output = std::io::stdout().lock();
                writeln!(output, "{heading}")?;
                std::io::copy(&mut events, &mut output)?;
                output.flush()?;
            }
            Some(path) => {
                write_file(path, &heading, &mut events).with_context(failed)?;
                if !context.quiet {
                    writeln!(std::io::stdout().lock(), "{target}: {count} events, proven")?;
                }
            }
        }
        Ok(heads.save()?)
    }
}

/// Where the events wait: how many they are stands in front of them, and is known when the last one came.
fn spool(file: Option<&Path>) -> std::io::Result<File> {
    match file {
        Some(path) => tempfile::tempfile_in(directory(path)),
        None => tempfile::tempfile(),
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The file appears whole or not at all, for its owner alone, and stays: its name is on the disk, too.
fn write_file(path: &Path, heading: &str, events: &mut File) -> Result<()> {
    let place = directory(path);
    let directory = File::open(place)?;
    let mut file = NamedTempFile::new_in(place)?;
    writeln!(file, "{heading}")?;
    std::io::copy(events, &mut file)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(directory.sync_all()?)
}

/// Writes all events of the room, proving each; says how the room ends.
async fn gather(
    connection: &Connection,
    target: &Target,
    heads: &mut Heads,
    output: &mut impl Write,
) -> Result<(Room, SignedHead)> {
    let mut proof: Option<Proof> = None;
    loop {
        let history = History {
            target: target.clone(),
            since: proof.as_ref().map_or(0, |proof| proof.walk.sequence()),
            limit: PAGE_MAX,
            last: false,
            proof: true,
            fold: false,
        };
        let page = connection.exchange(&history, Bytes::new()).await?;
        let proof = proof.get_or_insert_with(|| Proof::new(&page.reply.room));
        let events = lines::<RoomEvent>(&page.body, connection)?;
        for event in &events {
            proof.take(event)?;
            writeln!(output, "{}", json::line(event)?)?;
        }
        if let Some(head) = proof.end(&page.reply, heads, events.is_empty())? {
            return Ok((page.reply.room, head));
        }
    }
}

struct Proof {
    walk: Walk,
}

impl Proof {
    fn new(room: &Room) -> Self {
        Self {
            walk: Walk::new(&room.genesis()),
        }
    }

    fn take(&mut self, event: &RoomEvent) -> Result<()> {
        let Some(proven) = event.to_event() else {
            bail!("event {} came without its proof", event.sequence)
        };
        self.walk.next(&proven).context("the room is not intact")
    }

    /// The head, where the walk stands at it and every text that is gone was deleted. What is deleted while we read has
    /// its deletion behind the head that we were told: then more has to be read.
    fn end(&self, page: &HistoryPage, heads: &mut Heads, is_last: bool) -> Result<Option<SignedHead>> {
        let head = &page.room.head;
        let sequence = self.walk.sequence();
        if sequence < head.sequence && is_last {
            bail!(
                "the room is not intact: it ends with event {sequence}, but its signed head says {}",
                head.sequence
            );
        }
        let finished = self.walk.finish();
        if sequence != head.sequence || (finished.is_err() && !is_last) {
            return Ok(None);
        }
        finished.context("the room is not intact")?;
        if self.walk.head() != head.hash {
            bail!("the room is not intact: event {sequence} is not the one that the hub signed as the head");
        }
        heads.note(&page.room);
        heads.observe(page.room.id, head).map_err(ClientError::from)?;
        Ok(Some(head.clone()))
    }
}

//! `landline audit`: proves that nothing acknowledged was lost or changed.

use crate::context::{Context, Usage, heads};
use crate::json;
use crate::report::is_broken_pipe;
use anyhow::{Context as _, Result};
use landline_client::ClientError;
use landline_client::audit::{Finding, audit};
use landline_hub::RoomAudit;
use landline_model::event::RoomKind;
use landline_model::text::escape;
use serde::Serialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Prove that nothing acknowledged was lost or changed.
///
/// Walks every room from its first event to its last and compares with what this machine was told before. Exits with 1
/// and names the first event that is wrong where something is.
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    /// Walk the database in a hub's data directory instead of asking the hub.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// JSON: an object a line, with `room`, `id`, `intact`, `events` and `fault`; with `unseen`, and not `intact`, where
    /// you are not in the room any more.
    #[arg(long)]
    json: bool,
}

/// What was found about one room.
#[derive(Serialize)]
struct Line {
    room: String,
    id: Option<String>,
    intact: bool,
    events: Option<u64>,
    fault: Option<String>,
    /// The room was not looked at: the reader is not in it any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unseen: bool,
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let intact = match &self.data {
            None => self.ask(context).await?,
            Some(_) if context.hub.is_some() => {
                let hint = "leave out one of the two";
                return Err(Usage::new("--data looks at a directory and --hub asks a hub", hint).into());
            }
            Some(data) => self.look(data)?,
        };
        Ok(if intact {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    async fn ask(&self, context: &Context) -> Result<bool> {
        let hub = context.hub()?;
        let mut heads = heads(&hub)?;
        let connection = landline_client::connect(&hub).await?;
        let (mut intact, mut written) = (true, Ok(()));
        let tell = |finding: &Finding| -> Result<(), ClientError> {
            let line = Line::of_finding(finding);
            intact &= finding.fault.is_none();
            if written.is_ok() {
                written = self.write(&line);
            }
            Ok(())
        };
        audit(&connection, &mut heads, tell).await?;
        heads.save()?;
        written?;
        Ok(intact)
    }

    fn look(&self, data: &Path) -> Result<bool> {
        let found =
            landline_hub::audit(data).with_context(|| format!("{} cannot be audited", data.display()))?;
        for room in &found.rooms {
            self.write(&Line::of_room(room))?;
        }
        if found.strays > 0 {
            let fault = format!(
                "the record of {} rooms is missing, and their events are still there",
                found.strays
            );
            self.write(&Line {
                room: "?".to_owned(),
                id: None,
                intact: false,
                events: None,
                fault: Some(fault),
                unseen: false,
            })?;
        }
        Ok(found.intact())
    }

    /// Writes a line. A reader that has gone does not change what is found, nor the exit code.
    fn write(&self, line: &Line) -> Result<()> {
        match self.write_out(line) {
            Err(error) if is_broken_pipe(&error) => Ok(()),
            written => written,
        }
    }

    fn write_out(&self, line: &Line) -> Result<()> {
        let mut output = std::io::stdout().lock();
        if self.json {
            writeln!(output, "{}", json::line(line)?)?;
            return Ok(());
        }
        let room = escape(&line.room);
        match &line.fault {
            None if line.unseen => writeln!(output, "{room}: not seen any more: you are not in it")?,
            None => writeln!(
                output,
                "{room}  intact, {}",
                events(line.events.unwrap_or_default())
            )?,
            Some(fault) => writeln!(output, "{room}  NOT INTACT: {}", escape(fault))?,
        }
        Ok(())
    }
}

fn events(count: u64) -> String {
    match count {
        1 => "1 event".to_owned(),
        count => format!("{count} events"),
    }
}

impl Line {
    fn of_finding(finding: &Finding) -> Self {
        let id = finding.room.to_string();
        Self {
            room: finding
                .target
                .as_ref()
                .map_or_else(|| format!("room {id}"), ToString::to_string),
            id: Some(id),
            intact: finding.fault.is_none() && !finding.unseen,
            events: Some(finding.events),
            fault: finding.fault.as_ref().map(ToString::to_string),
            unseen: finding.unseen,
        }
    }

    fn of_room(room: &RoomAudit) -> Self {
        let id = room.genesis.as_ref().map(|genesis| genesis.room.to_string());
        let name = match &room.genesis {
            Some(genesis) if genesis.kind == RoomKind::Direct => format!("conversation {}", genesis.room),
            Some(genesis) => format!("#{}", genesis.name),
            None => "?".to_owned(),
        };
        let events = room.verdict.as_ref().ok().map(|(events, _)| *events);
        let fault = room.verdict.as_ref().err().map(ToString::to_string);
        Self {
            room: name,
            id,
            intact: fault.is_none(),
            events,
            fault,
            unseen: false,
        }
    }
}

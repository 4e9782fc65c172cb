//! `landline history`: what was said.

mod log;
mod search;
mod when;

use crate::context::{Context, Usage};
use crate::json;
use crate::show::{self, EventLine};
use anyhow::Result;
use landline_model::name::AccountName;
use landline_model::protocol::chat::RoomEvent;
use landline_model::target::Target;
use landline_model::time::Timestamp;
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;
use when::When;

/// Show what was said in a room or with a person, oldest first; or search it, newest first.
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// #room or @person. A search without one looks everywhere that you may read.
    #[arg(required_unless_present_any = ["grep", "from", "since", "before"])]
    target: Option<Target>,
    /// Search for messages with this text in them, upper case or lower.
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Search for messages of this person.
    #[arg(long, value_name = "NAME", value_parser = person)]
    from: Option<AccountName>,
    /// Only what came after the event of this number; or, as a search, what was said since: 2h, 3d, 2026-01-31,
    /// 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "SEQ|TIME")]
    since: Option<When>,
    /// Search for what was said before a time.
    #[arg(long, value_name = "TIME", value_parser = when::time)]
    before: Option<When>,
    /// At most this many: the newest ones, or the first ones after SEQ.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// JSON: an object a line, with `room`, `seq`, `time`, `sender`, `kind` and `text`. Without a search, edits,
    /// deletions and reactions are events of their own, as in the log.
    #[arg(long)]
    json: bool,
}

impl History {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let searches = self.grep.is_some() || self.from.is_some() || self.before.is_some();
        let (target, since) = match (self.target, self.since) {
            (Some(target), None) if !searches => (target, None),
            (Some(target), Some(When::Event(since))) if !searches => (target, Some(since)),
            (target, since) => {
                let now = Timestamp::from_system(SystemTime::now());
                let time = |when: Option<When>| when.map(|when| when.at(now)).transpose();
                let search = search::Search {
                    text: self.grep.unwrap_or_default(),
                    target,
                    from: self.from,
                    since: time(since)?,
                    before: time(self.before)?,
                    limit: self.limit,
                    json: self.json,
                };
                return search.run(context).await;
            }
        };
        let log = log::Log {
            target,
            since,
            limit: self.limit,
            json: self.json,
        };
        log.run(context).await
    }
}

/// One event on a line of its own.
fn write(
    output: &mut impl Write,
    room: &Target,
    event: &RoomEvent,
    as_json: bool,
    says_room: bool,
) -> Result<()> {
    let text = event.text.as_deref().unwrap_or_default();
    if as_json {
        writeln!(output, "{}", json::line(&EventLine::new(room, event, text))?)?;
    } else if says_room {
        writeln!(output, "{room}  {}", show::event(event, text, true))?;
    } else {
        writeln!(output, "{}", show::event(event, text, true))?;
    }
    Ok(())
}

/// With or without '@'.
fn person(text: &str) -> Result<AccountName, landline_model::name::NameError> {
    text.strip_prefix('@').unwrap_or(text).parse()
}

fn not_a_time() -> Usage {
    Usage::new(
        "a search goes by times, and --since has an event's number",
        "landline history #room --since SEQ, without a search; or --since 2h",
    )
}

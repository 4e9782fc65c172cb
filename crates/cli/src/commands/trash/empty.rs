//! `landline trash empty`.

use super::id;
use crate::context::{Context, Usage};
use crate::duration;
use anyhow::Result;
use landline_model::id::TrashId;
use landline_model::protocol::spaces::{TRASH_IDS_MAX, TrashEmptied, TrashEmpty};
use landline_model::size::Size;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

/// Delete what lies in your trash for good: all of it, or what has lain there long, or some.
#[derive(Debug, clap::Args)]
pub(super) struct Empty {
    /// Only what came there so long ago or longer: 12h, 7d.
    #[arg(long, value_name = "AGE", value_parser = duration::parse)]
    older: Option<Duration>,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Only these, by their ids.
    #[arg(value_name = "ID", value_parser = id)]
    ids: Vec<TrashId>,
}

impl Empty {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        if !self.yes && self.ids.is_empty() && !confirmed(self.older)? {
            return Ok(());
        }
        let connection = context.connect().await?;
        let older = self.older.map_or(0, |older| older.as_secs());
        let mut sum = TrashEmptied::default();
        let mut add = |emptied: TrashEmptied| {
            sum.things += emptied.things;
            sum.bytes += emptied.bytes;
        };
        for ids in self.ids.chunks(TRASH_IDS_MAX) {
            let ids = ids.to_vec();
            add(connection.call(&TrashEmpty { ids, older }).await?);
        }
        let mut more = self.ids.is_empty();
        while more {
            let emptied = connection
                .call(&TrashEmpty {
                    ids: Vec::new(),
                    older,
                })
                .await?;
            more = emptied.more;
            add(emptied);
        }
        if !context.quiet {
            let (things, bytes) = (sum.things, Size(sum.bytes));
            writeln!(std::io::stdout().lock(), "{things} gone for good, {bytes}")?;
        }
        Ok(())
    }
}

/// Asks on a terminal; elsewhere nobody could answer.
fn confirmed(older: Option<Duration>) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage::new(
            "this deletes for good, and there is nobody to ask",
            "landline trash empty --yes",
        )
        .into());
    }
    let what = if older.is_some() {
        "what is that old"
    } else {
        "everything"
    };
    let mut errors = std::io::stderr().lock();
    write!(errors, "Delete {what} in your trash for good? [y/N] ")?;
    errors.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

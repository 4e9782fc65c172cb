//! `landline trash`: what was removed or replaced, until its time is over.

mod empty;
mod ls;
mod restore;

pub(super) use ls::write;

use crate::context::{Context, Usage};
use anyhow::Result;
use landline_model::id::TrashId;
use std::process::ExitCode;

/// See, take back and delete for good what was removed or replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Trash {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ls::Ls),
    Restore(restore::Restore),
    Empty(empty::Empty),
}

impl Trash {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self.command {
            Command::Ls(command) => command.run(context).await?,
            Command::Restore(command) => command.run(context).await?,
            Command::Empty(command) => command.run(context).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An id as `landline trash ls` shows it.
pub(super) fn id(text: &str) -> Result<TrashId, Usage> {
    text.parse().map_err(|_| {
        Usage::new(
            "that is no id of something in the trash",
            "landline trash ls shows them",
        )
    })
}

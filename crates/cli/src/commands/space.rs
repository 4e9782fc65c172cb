//! `landline space`: what spaces hold, what they may hold, how long their trash is kept.

mod limit;
mod ls;
mod recount;
mod retention;
mod state;

pub(super) use state::{show, write};

use crate::context::Context;
use anyhow::Result;
use landline_model::size::{Size, SizeError};
use std::process::ExitCode;

/// See what spaces hold; set limits, and how long the trash is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Space {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ls::Ls),
    Limit(limit::Limit),
    Retention(retention::Retention),
    Recount(recount::Recount),
}

impl Space {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self.command {
            Command::Ls(command) => command.run(context).await?,
            Command::Limit(command) => command.run(context).await?,
            Command::Retention(command) => command.run(context).await?,
            Command::Recount(command) => command.run(context).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `10G`, `none` or `default`.
pub(super) fn limit(text: &str) -> Result<landline_model::protocol::spaces::Limit, SizeError> {
    use landline_model::protocol::spaces::Limit;
    match text {
        "none" => Ok(Limit::None),
        "default" => Ok(Limit::Default),
        text => text.parse().map(|Size(bytes)| Limit::Bytes(bytes)),
    }
}

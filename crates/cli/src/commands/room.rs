//! `landline room`: makes rooms, lists them, and says who may be in them.

mod act;
mod archive;
mod create;
mod export;
mod import;
mod ls;
mod members;

use crate::context::Context;
use anyhow::Result;
use landline_model::name::{AccountName, NameError, RoomName};
use std::process::ExitCode;

/// Make and list rooms, join them, and keep order there.
#[derive(Debug, clap::Args)]
pub(crate) struct Room {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Create(create::Create),
    Ls(ls::Ls),
    #[command(flatten)]
    Act(act::Deed),
    Topic(act::Topic),
    Members(members::Members),
    Requests(members::Requests),
    Export(export::Export),
    Import(import::Import),
}

impl Room {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self.command {
            Command::Create(command) => command.run(context).await?,
            Command::Ls(command) => command.run(context).await?,
            Command::Act(deed) => deed.run(context).await?,
            Command::Topic(command) => command.run(context).await?,
            Command::Members(command) => command.run(context).await?,
            Command::Requests(command) => command.run(context).await?,
            Command::Export(command) => command.run(context).await?,
            Command::Import(command) => command.run(context).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) use act::{slow_seconds, told};
pub(super) use members::plain as member_line;

/// A room's name, with or without '#'.
pub(super) fn room_name(text: &str) -> Result<RoomName, NameError> {
    text.strip_prefix('#').unwrap_or(text).parse()
}

/// A person's name, with or without '@'.
pub(super) fn person_name(text: &str) -> Result<AccountName, NameError> {
    text.strip_prefix('@').unwrap_or(text).parse()
}

//! `landline user`: looks after accounts, their sessions and their tokens.

mod keep;
mod ls;
mod quota;
mod revoke;
mod sessions;
mod token;

use crate::context::Context;
use anyhow::Result;
use landline_model::name::{AccountName, NameError};
use std::process::ExitCode;

/// Find people, and look after accounts, sessions and tokens.
#[derive(Debug, clap::Args)]
pub(crate) struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ls::Ls),
    Search(ls::Search),
    Disable(keep::Disable),
    Enable(keep::Enable),
    Role(keep::ChangeRole),
    Reset(keep::Reset),
    Sessions(sessions::Sessions),
    Quota(quota::Quota),
    Revoke(revoke::Revoke),
    Token(token::Token),
}

impl User {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self.command {
            Command::Ls(command) => command.run(context).await?,
            Command::Search(command) => command.run(context).await?,
            Command::Disable(command) => command.run(context).await?,
            Command::Enable(command) => command.run(context).await?,
            Command::Role(command) => command.run(context).await?,
            Command::Reset(command) => command.run(context).await?,
            Command::Sessions(command) => command.run(context).await?,
            Command::Quota(command) => command.run(context).await?,
            Command::Revoke(command) => command.run(context).await?,
            Command::Token(command) => command.run(context).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A person's name, with or without '@'.
pub(super) fn person(text: &str) -> Result<AccountName, NameError> {
    text.strip_prefix('@').unwrap_or(text).parse()
}

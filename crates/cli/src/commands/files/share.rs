//! `landline share`: a link for somebody without an account.

mod ls;
mod make;
mod rm;

use crate::context::Context;
use anyhow::Result;
use std::process::ExitCode;

/// Make a link by which somebody without an account gets at a file or a directory, or puts files into one.
///
/// Whoever has the link needs a browser or curl, and nothing else; curl -C - goes on with what was cut off. The link is
/// good for what you may do yourself, as long as you may. It is for what stands there now: a file that is replaced later
/// is another one, a directory is whatever is in it. landline share ls lists your links, landline share rm ends one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Share {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: make::Make,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ls::Ls),
    Rm(rm::Rm),
}

impl Share {
    /// Makes, lists or ends shares.
    ///
    /// # Errors
    /// Those of the hub and of standard output.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self.command {
            Some(Command::Ls(command)) => command.run(context).await,
            Some(Command::Rm(command)) => command.run(context).await,
            None => self.make.run(context).await,
        }
    }
}

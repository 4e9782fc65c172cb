//! `landline access`: rights on directories of the shared space and of rooms.

mod ls;
mod rm;
mod set;

use crate::context::Context;
use anyhow::Result;
use std::ffi::OsString;
use std::process::ExitCode;

/// See and set who may do what below a directory of the shared space or of a room.
///
/// The nearest directory above a file that has a rule for somebody decides; there, a rule for the person comes before
/// one for the role, and that before one for everyone.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Access {
    #[command(subcommand)]
    command: Option<Command>,
    /// One JSON object a line: first what counts for you, then the rules.
    #[arg(long)]
    json: bool,
    /// The directory: what counts for you there, and the rules around it for those who may set them.
    #[arg(value_name = ":/DIR", required = true)]
    path: Option<OsString>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Set(set::Set),
    Rm(rm::Rm),
}

impl Access {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self.command {
            Some(Command::Set(command)) => command.run(context).await?,
            Some(Command::Rm(command)) => command.run(context).await?,
            None => ls::list(context, &self.path.unwrap_or_default(), self.json).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

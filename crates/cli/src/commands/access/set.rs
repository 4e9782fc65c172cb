//! `landline access set`.

use crate::commands::files::RemoteArgument;
use crate::context::Context;
use anyhow::Result;
use landline_model::access::{Right, Whom};
use landline_model::protocol::access::AccessSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::str::FromStr as _;

/// Set a right on a directory. It counts at once, also for what is under way; admins set it in the shared space, owners
/// and moderators in a room.
#[derive(Debug, clap::Args)]
pub(super) struct Set {
    /// The directory.
    #[arg(value_name = ":/DIR")]
    path: OsString,
    /// For whom: @NAME, guest, member, admin or everyone.
    #[arg(value_parser = Whom::from_str)]
    who: Whom,
    /// none, read, write, or upload: to put new files there and nothing else.
    #[arg(value_parser = Right::from_str)]
    right: Right,
}

impl Set {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let call = AccessSet {
            path: RemoteArgument::parse(&self.path)?.path,
            who: self.who,
            right: self.right,
        };
        context.connect().await?.call(&call).await?;
        if !context.quiet {
            let (path, right, who) = (&call.path, call.right, &call.who);
            writeln!(
                std::io::stdout().lock(),
                "{path}: '{right}' for {who} from now on"
            )?;
        }
        Ok(())
    }
}

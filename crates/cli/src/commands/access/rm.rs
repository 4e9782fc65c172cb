//! `landline access rm`.

use crate::commands::files::RemoteArgument;
use crate::context::Context;
use anyhow::Result;
use landline_model::access::Whom;
use landline_model::protocol::access::AccessRemove;
use std::ffi::OsString;
use std::io::Write as _;
use std::str::FromStr as _;

/// Take a right on a directory away again: then the next rule above counts.
#[derive(Debug, clap::Args)]
pub(super) struct Rm {
    /// The directory.
    #[arg(value_name = ":/DIR")]
    path: OsString,
    /// For whom it was: @NAME, guest, member, admin or everyone.
    #[arg(value_parser = Whom::from_str)]
    who: Whom,
}

impl Rm {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let call = AccessRemove {
            path: RemoteArgument::parse(&self.path)?.path,
            who: self.who,
        };
        context.connect().await?.call(&call).await?;
        if !context.quiet {
            let (path, who) = (&call.path, &call.who);
            writeln!(std::io::stdout().lock(), "{path}: no rule for {who} any more")?;
        }
        Ok(())
    }
}

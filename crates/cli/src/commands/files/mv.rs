//! `landline mv`: another name or place at the hub.

use super::argument::RemoteArgument;
use super::target::Target;
use crate::context::Context;
use anyhow::Result;
use landline_client::files::rename;
use std::ffi::OsString;
use std::process::ExitCode;

/// Move or rename a remote file or directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Mv {
    /// Take the place of a file that is there; it goes to the trash.
    #[arg(short, long)]
    force: bool,
    /// Which.
    #[arg(value_name = ":FROM")]
    from: OsString,
    /// Its new path, or the directory to move it into.
    #[arg(value_name = ":TO")]
    to: OsString,
}

impl Mv {
    /// Moves it.
    ///
    /// # Errors
    /// Those of the hub.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let from = RemoteArgument::parse(&self.from)?.path;
        let to = RemoteArgument::parse(&self.to)?;
        let connection = context.connect().await?;
        let to = match (Target::find(&connection, &to).await?, from.components.last()) {
            (Target::Into(directory), Some(name)) => directory.join(name.clone())?,
            (Target::Into(path) | Target::As(path), _) => path,
        };
        rename(&connection, &from, &to, self.force).await?;
        Ok(ExitCode::SUCCESS)
    }
}

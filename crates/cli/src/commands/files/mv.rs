//! `landline mv`: another name or place at the hub.

use super::globs::expand;
use super::report::Report;
use super::target::{Target, split};
use crate::context::Context;
use anyhow::{Result, bail};
use landline_client::Connection;
use landline_client::files::{FilesError, rename};
use landline_model::path::RemotePath;
use std::ffi::OsString;
use std::process::ExitCode;

/// Move or rename remote files and directories: `landline mv :FROM... :TO`
#[derive(Debug, clap::Args)]
pub(crate) struct Mv {
    /// Take the place of a file that is there; it goes to the trash.
    #[arg(short, long)]
    force: bool,
    /// What to move, and last where to: a directory to move it into, or its new path.
    #[arg(value_name = ":FROM... :TO", required = true, num_args = 2..)]
    arguments: Vec<OsString>,
}

impl Mv {
    /// Moves one after the other.
    ///
    /// # Errors
    /// Those of the connection; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let (sources, target) = split(&self.arguments)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        let sources = expand(&connection, &sources, &report).await?;
        let target = match Target::find(&connection, &target).await? {
            Target::As(path) if sources.len() > 1 => {
                bail!("{path} is not a directory, and several things need one")
            }
            target => target,
        };
        for source in &sources {
            if let Err(error) = self.move_one(&connection, &source.path, &target).await
                && !report.survives(&error)
            {
                break;
            }
        }
        Ok(report.exit_code())
    }

    async fn move_one(
        &self,
        connection: &Connection,
        from: &RemotePath,
        target: &Target,
    ) -> Result<(), FilesError> {
        rename(connection, from, &target.of(from)?, self.force).await
    }
}

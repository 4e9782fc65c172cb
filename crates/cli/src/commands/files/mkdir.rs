//! `landline mkdir`: remote directories.

use super::argument::{RemoteArgument, parse_all};
use super::report::Report;
use crate::context::Context;
use anyhow::Result;
use landline_client::files::make_directory;
use std::ffi::OsString;
use std::process::ExitCode;

/// Make remote directories.
#[derive(Debug, clap::Args)]
pub(crate) struct Mkdir {
    /// Make what is missing above them too, and do not mind if they are there.
    #[arg(short, long)]
    parents: bool,
    /// Which.
    #[arg(value_name = ":PATH", required = true)]
    paths: Vec<OsString>,
}

impl Mkdir {
    /// Makes one after the other.
    ///
    /// # Errors
    /// Those of the connection; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let paths = parse_all(&self.paths)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        for RemoteArgument { path, .. } in &paths {
            if let Err(error) = make_directory(&connection, path, self.parents).await
                && !report.survives(&error)
            {
                break;
            }
        }
        Ok(report.exit_code())
    }
}

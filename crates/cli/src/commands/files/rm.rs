//! `landline rm`: into the trash with it.

use super::argument::{RemoteArgument, parse_all};
use super::globs::expand_if;
use super::report::Report;
use crate::context::Context;
use anyhow::Result;
use landline_client::files::remove;
use landline_model::error::ErrorCode;
use std::ffi::OsString;
use std::process::ExitCode;

/// Move remote files to their owner's trash.
#[derive(Debug, clap::Args)]
pub(crate) struct Rm {
    /// Also directories with everything in them.
    #[arg(short, long)]
    recursive: bool,
    /// Do not mind what is not there.
    #[arg(short, long)]
    force: bool,
    /// Which.
    #[arg(value_name = ":PATH", required = true)]
    paths: Vec<OsString>,
}

impl Rm {
    /// Removes one after the other.
    ///
    /// # Errors
    /// Those of the connection; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let paths = parse_all(&self.paths)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        for RemoteArgument { path, .. } in expand_if(&connection, &paths, &report, !self.force).await? {
            match remove(&connection, &path, self.recursive).await {
                Ok(()) => {}
                Err(error) if self.force && error.code() == Some(ErrorCode::NotFound) => {}
                Err(error) if report.survives(&error) => {}
                Err(_) => break,
            }
        }
        Ok(report.exit_code())
    }
}

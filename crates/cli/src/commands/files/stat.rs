//! `landline stat`: what the hub knows of a path.

use super::argument::{RemoteArgument, parse_all};
use super::report::Report;
use super::show::{modified, word};
use crate::context::Context;
use anyhow::Result;
use landline_client::files::stat;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Entry, EntryKind};
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Tell about remote files and directories.
#[derive(Debug, clap::Args)]
pub(crate) struct Stat {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// Which.
    #[arg(value_name = ":PATH", required = true)]
    paths: Vec<OsString>,
}

impl Stat {
    /// Writes what the hub knows to standard output.
    ///
    /// # Errors
    /// Those of the connection and of standard output; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let paths = parse_all(&self.paths)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        for RemoteArgument { path, .. } in &paths {
            match stat(&connection, path).await {
                Ok(entry) => self.write(path, &entry, &mut std::io::stdout().lock())?,
                Err(error) if report.survives(&error) => {}
                Err(_) => break,
            }
        }
        Ok(report.exit_code())
    }

    fn write(&self, path: &RemotePath, entry: &Entry, output: &mut impl Write) -> Result<()> {
        if self.json {
            writeln!(output, "{}", crate::json::line(entry)?)?;
            return Ok(());
        }
        writeln!(output, "path      {path}")?;
        writeln!(output, "kind      {}", word(entry.kind))?;
        if entry.kind == EntryKind::File {
            writeln!(output, "size      {}", entry.size)?;
        }
        writeln!(output, "modified  {}", modified(entry))?;
        if let Some(hash) = entry.hash {
            writeln!(output, "blake3    {hash}")?;
        }
        Ok(())
    }
}

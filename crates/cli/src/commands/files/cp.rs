//! `landline cp`: a second one at the hub, without a byte going through this machine.

use super::argument::RemoteArgument;
use super::globs::expand;
use super::interrupt::interruptible;
use super::report::Report;
use super::target::{Target, split};
use crate::context::Context;
use anyhow::{Result, bail};
use landline_client::Connection;
use landline_client::files::{FilesError, copy};
use landline_model::error::ErrorCode;
use landline_model::protocol::trees::Copy;
use std::ffi::OsString;
use std::process::ExitCode;

/// Copy remote files and directories: `landline cp :FROM... :TO`
///
/// The hub copies by itself. Each file appears once all of it is there and right, with the time and permissions of the
/// first one.
#[derive(Debug, clap::Args)]
pub(crate) struct Cp {
    /// Also directories with everything in them; what is neither file nor directory is left out.
    #[arg(short, long)]
    recursive: bool,
    /// Take the place of files that are there; they go to the trash.
    #[arg(short, long)]
    force: bool,
    /// What to copy, and last where to: a directory to put it into, or a new name.
    #[arg(value_name = ":FROM... :TO", required = true, num_args = 2..)]
    arguments: Vec<OsString>,
}

impl Cp {
    /// Copies one after the other.
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
        interruptible(async {
            for source in &sources {
                if let Err(error) = self.copy(&connection, source, &target, &report).await
                    && !report.survives(&error)
                {
                    break;
                }
            }
            Ok(report.exit_code())
        })
        .await
    }

    async fn copy(
        &self,
        connection: &Connection,
        source: &RemoteArgument,
        target: &Target,
        report: &Report,
    ) -> Result<(), FilesError> {
        let call = Copy {
            from: source.path.clone(),
            to: target.of(&source.path)?,
            recursive: self.recursive,
            overwrite: self.force,
        };
        let tell = |news: landline_model::protocol::trees::CopyNews| {
            if let Some(problem) = news.problem {
                report.fail(&problem, None);
            }
        };
        match copy(connection, &call, tell).await {
            Ok(copied) => {
                if copied.skipped > 0 {
                    let message = "what is neither a file nor a directory was left out";
                    report.note(&format!("{}: {message}: {}", call.from, copied.skipped));
                }
                Ok(())
            }
            Err(error) if error.code() == Some(ErrorCode::WrongKind) && !self.recursive => {
                let hint = "-r copies a directory with everything in it";
                report.fail(&error.to_string(), Some(hint));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

//! `landline put`: files of this machine to the hub.

use super::argument::{RemoteArgument, is_remote};
use super::interrupt::interruptible;
use super::report::{Report, shown};
use super::target::Target;
use crate::context::{Context, Usage};
use anyhow::{Result, bail};
use landline_client::Connection;
use landline_client::files::{Directory, FilesError, Source, put, upload};
use landline_model::path::{Component, RemotePath};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Send files to the hub: landline put LOCAL... :PATH
///
/// Each appears once all of it is there and right. A file that is there already is replaced, and goes to the trash.
#[derive(Debug, clap::Args)]
pub(crate) struct Put {
    /// Also directories with everything in them; links and special files are left out.
    #[arg(short, long)]
    recursive: bool,
    /// Replace files that are there; the default, and the answer to an earlier --no-clobber.
    #[arg(short, long, overrides_with = "no_clobber")]
    force: bool,
    /// Leave files that are there, and fail.
    #[arg(long, overrides_with = "force")]
    no_clobber: bool,
    /// What to send, and last where to: a directory to send it into, or a new name.
    #[arg(value_name = "LOCAL... :PATH", required = true)]
    arguments: Vec<OsString>,
}

impl Put {
    /// Sends one after the other.
    ///
    /// # Errors
    /// Those of the connection; what fails otherwise is told and the rest goes on.
    pub(crate) async fn run(mut self, context: &Context) -> Result<ExitCode> {
        let target = self.take_target()?;
        let sources: Vec<_> = self.arguments.iter().map(PathBuf::from).collect();
        let connection = context.connect().await?;
        let several = sources.len() > 1;
        let target = match Target::find(&connection, &target).await? {
            Target::As(path) if several => bail!("{path} is not a directory, and several files need one"),
            target => target,
        };
        let report = Report::new(context.quiet);
        let sending = Sending {
            connection: &connection,
            target,
            overwrite: !self.no_clobber,
            report: &report,
        };
        interruptible(async {
            for source in &sources {
                if let Err(error) = sending.send(source, self.recursive).await
                    && !report.survives(&error)
                {
                    break;
                }
            }
            Ok(report.exit_code())
        })
        .await
    }

    /// The last argument is the target; what is left in `arguments` is local.
    fn take_target(&mut self) -> Result<RemoteArgument, Usage> {
        let last = self.arguments.pop().unwrap_or_default();
        if let Some(remote) = self.arguments.iter().find(|argument| is_remote(argument)) {
            let shown = shown(Path::new(remote));
            let hint = format!("landline mv moves files at the hub; a file of that name here is ./{shown}");
            return Err(Usage::new(
                format!("put sends files of this machine, and {shown} is at the hub"),
                hint,
            ));
        }
        if self.arguments.is_empty() && !is_remote(&last) {
            let shown = shown(Path::new(&last));
            return Err(Usage::new(
                "put needs a place at the hub",
                format!("landline put {shown} :~/"),
            ));
        }
        if self.arguments.is_empty() {
            return Err(Usage::new("put needs a file to send", "landline put FILE :PATH"));
        }
        RemoteArgument::parse(&last)
    }
}

struct Sending<'a> {
    connection: &'a Connection,
    target: Target,
    overwrite: bool,
    report: &'a Report,
}

impl Sending<'_> {
    async fn send(&self, local: &Path, recursive: bool) -> Result<(), FilesError> {
        let remote = self.remote(local)?;
        if !local.is_dir() {
            let source = Source::open(local)?;
            put(self.connection, source, &remote, self.overwrite, self.report).await?;
        } else if recursive {
            let directory = Directory::open(local)?;
            upload(self.connection, directory, &remote, self.overwrite, self.report).await?;
        } else {
            let message = format!("{} is a directory", shown(local));
            self.report
                .fail(&message, Some("-r sends it with everything in it"));
        }
        Ok(())
    }

    /// Where a file or directory goes. One without a name (`.`, `/`) gives its content to the target itself.
    fn remote(&self, local: &Path) -> Result<RemotePath, FilesError> {
        match (&self.target, local.file_name()) {
            (Target::As(path), _) | (Target::Into(path), None) => Ok(path.clone()),
            (Target::Into(path), Some(name)) => Component::new(name.as_bytes())
                .and_then(|name| path.join(name))
                .map_err(|error| FilesError::Path {
                    path: local.to_owned(),
                    error,
                }),
        }
    }
}

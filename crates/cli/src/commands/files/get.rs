//! `landline get`: files of the hub to this machine.

use super::argument::{RemoteArgument, is_remote, parse_all};
use super::interrupt::interruptible;
use super::report::{Report, shown};
use crate::context::{Context, Usage};
use anyhow::{Result, bail};
use landline_client::Connection;
use landline_client::files::{Destination, Directory, FilesError, download, get, stat};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Fetch files from the hub: `landline get :PATH... [LOCAL]`
///
/// Each appears once all of it is here and right, in place of a file of the same name.
#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// Also directories with everything in them.
    #[arg(short, long)]
    recursive: bool,
    /// Begin every file anew, and leave nothing beside it to go on with.
    #[arg(long)]
    no_resume: bool,
    /// What to fetch, and last where to: a directory to put it into (this one unless said), or a new name.
    #[arg(value_name = ":PATH... [LOCAL]", required = true)]
    arguments: Vec<OsString>,
}

/// Where things go on this machine.
enum Place {
    /// Into this directory, under their own names.
    Into(PathBuf),
    /// Under this name, in this directory.
    As(PathBuf, OsString),
}

impl Get {
    /// Fetches one after the other.
    ///
    /// # Errors
    /// Those of the connection; what fails otherwise is told and the rest goes on.
    pub(crate) async fn run(mut self, context: &Context) -> Result<ExitCode> {
        let place = self.take_place();
        let sources = self.sources()?;
        if let (Place::As(directory, name), true) = (&place, sources.len() > 1) {
            bail!(
                "{} is not a directory, and several files need one",
                shown(&directory.join(name))
            );
        }
        let connection = context.connect().await?;
        let report = Report::new(context.quiet);
        let fetching = Fetching {
            connection: &connection,
            place,
            resume: !self.no_resume,
            report: &report,
        };
        interruptible(async {
            for source in &sources {
                if let Err(error) = fetching.fetch(&source.path, self.recursive).await
                    && !report.survives(&error)
                {
                    break;
                }
            }
            Ok(report.exit_code())
        })
        .await
    }

    /// The last argument is the place unless it is remote; what is left in `arguments` must be.
    fn take_place(&mut self) -> Place {
        match self.arguments.pop_if(|last| !is_remote(last)) {
            Some(local) => Place::of(PathBuf::from(local)),
            None => Place::Into(PathBuf::new()),
        }
    }

    fn sources(&self) -> Result<Vec<RemoteArgument>, Usage> {
        if self.arguments.is_empty() {
            return Err(Usage::new(
                "get needs a path at the hub; those begin with ':'",
                "landline get :PATH",
            ));
        }
        parse_all(&self.arguments)
    }
}

impl Place {
    fn of(local: PathBuf) -> Self {
        let into = local.as_os_str().as_bytes().ends_with(b"/") || local.is_dir();
        match local.file_name() {
            Some(name) if !into => {
                let name = name.to_owned();
                Self::As(local.parent().unwrap_or(Path::new("")).to_owned(), name)
            }
            _ => Self::Into(local),
        }
    }
}

struct Fetching<'a> {
    connection: &'a Connection,
    place: Place,
    resume: bool,
    report: &'a Report,
}

impl Fetching<'_> {
    async fn fetch(&self, remote: &RemotePath, recursive: bool) -> Result<(), FilesError> {
        if recursive && stat(self.connection, remote).await?.kind == EntryKind::Directory {
            download(
                self.connection,
                remote,
                self.directory(remote)?,
                self.resume,
                self.report,
            )
            .await?;
            return Ok(());
        }
        match self.fetch_file(remote).await {
            Err(error) if error.code() == Some(ErrorCode::WrongKind) && !recursive => {
                self.report.fail(
                    &error.to_string(),
                    Some("-r fetches a directory with everything in it"),
                );
                Ok(())
            }
            other => other,
        }
    }

    async fn fetch_file(&self, remote: &RemotePath) -> Result<(), FilesError> {
        let (directory, name) = match (&self.place, remote.components.last()) {
            (Place::As(directory, name), _) => (directory, name.as_os_str()),
            (Place::Into(directory), Some(name)) => (directory, OsStr::from_bytes(name.as_bytes())),
            (Place::Into(_), None) => {
                self.report.fail(
                    &format!("{remote} is a directory"),
                    Some("-r fetches it with everything in it"),
                );
                return Ok(());
            }
        };
        let directory = Arc::new(Directory::open(directory)?);
        get(
            self.connection,
            remote,
            &Destination {
                directory,
                name: name.to_owned(),
            },
            self.resume,
            self.report,
        )
        .await?;
        Ok(())
    }

    /// The directory here that takes a remote directory's content. A space, which has no name, gives it to the place
    /// itself.
    fn directory(&self, remote: &RemotePath) -> Result<Directory, FilesError> {
        match (&self.place, remote.components.last()) {
            (Place::As(directory, name), _) => Directory::open(directory)?.make_child(name),
            (Place::Into(directory), Some(name)) => {
                Directory::open(directory)?.make_child(OsStr::from_bytes(name.as_bytes()))
            }
            (Place::Into(directory), None) => Directory::open(directory),
        }
    }
}

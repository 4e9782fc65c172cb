//! `landline get`: files of the hub to this machine.

use super::argument::{RemoteArgument, is_remote, parse_all};
use super::globs::expand;
use super::how::{How, Queue};
use super::interrupt::interruptible;
use super::report::{Report, shown};
use crate::context::{Context, Usage};
use anyhow::{Result, bail};
use landline_client::files::{
    Destination, Directory, FilesError, Lines, Link, SyncOptions, download_over, get_into, get_over, stat,
    sync_from_hub, together,
};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Fetch files from the hub: `landline get :PATH... [LOCAL]`
///
/// Each appears once all of it is here and right, in place of a file of the same name. With - for LOCAL they go to
/// standard output, one behind the other; only the exit code 0 says that they were right.
#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// Also directories with everything in them.
    #[arg(short, long)]
    recursive: bool,
    #[command(flatten)]
    how: How,
    /// What to fetch, and last where to: a directory to put it into (this one unless said), or a new name.
    #[arg(value_name = ":PATH... [LOCAL]", required = true)]
    arguments: Vec<OsString>,
}

/// Where things go on this machine.
enum Place {
    /// To standard output.
    Out,
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
        if matches!(place, Place::Out) {
            return self.pour(context, &sources).await;
        }
        let links = self.how.connect(context).await?;
        let report = self.how.report(context);
        let Some(first) = links.first() else {
            bail!("there is no connection")
        };
        let sources = expand(&first.connection(), &sources, &report).await?;
        if let (Place::As(directory, name), true) = (&place, sources.len() > 1) {
            bail!(
                "{} is not a directory, and several files need one",
                shown(&directory.join(name))
            );
        }
        let fetching = |link| Fetching {
            link,
            links: &links,
            place: &place,
            recursive: self.recursive,
            resume: !self.how.no_resume,
            report: &report,
        };
        let queue = Queue::new(&sources);
        interruptible(async {
            together(links.iter().map(|link| {
                let fetching = fetching(link);
                queue.work(&report, async move |source: &RemoteArgument| {
                    fetching.fetch(&source.path).await
                })
            }))
            .await?;
            report.transferred("get");
            Ok(report.exit_code())
        })
        .await
    }

    /// Writes files to standard output.
    async fn pour(&self, context: &Context, sources: &[RemoteArgument]) -> Result<ExitCode> {
        if self.recursive || self.how.json {
            let message = "standard output takes files, one behind the other, and nothing else";
            return Err(Usage::new(message, "landline get :PATH -").into());
        }
        let connection = context.connect().await?;
        let report = Report::new(true);
        let sources = expand(&connection, sources, &report).await?;
        interruptible(async {
            for source in &sources {
                let shown = Path::new("standard output");
                match get_into(&connection, &source.path, shown, std::io::stdout()).await {
                    Ok(_) => {}
                    // Whoever read has what it wanted.
                    Err(FilesError::Local { error, .. }) if error.kind() == ErrorKind::BrokenPipe => break,
                    Err(error) if report.survives(&error) => {}
                    Err(_) => break,
                }
            }
            Ok(report.exit_code())
        })
        .await
    }

    /// The last argument is the place unless it is remote; what is left in `arguments` must be.
    fn take_place(&mut self) -> Place {
        match self.arguments.pop_if(|last| !is_remote(last)) {
            Some(local) if local == "-" => Place::Out,
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

#[derive(Clone, Copy)]
struct Fetching<'a> {
    /// For what is one file.
    link: &'a Link,
    /// For trees.
    links: &'a [Link],
    place: &'a Place,
    recursive: bool,
    resume: bool,
    report: &'a Report,
}

impl Fetching<'_> {
    async fn fetch(&self, remote: &RemotePath) -> Result<(), FilesError> {
        let recursive = self.recursive;
        if recursive && stat(&self.link.connection(), remote).await?.kind == EntryKind::Directory {
            return self.fetch_tree(remote).await;
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

    /// Fetches a tree. What is here already, from an earlier try or before the link was lost, is not fetched again.
    async fn fetch_tree(&self, remote: &RemotePath) -> Result<(), FilesError> {
        let attempt = async |again: bool| {
            let directory = self.directory(remote)?;
            if self.resume && (again || !directory.names()?.is_empty()) {
                let lines = Lines {
                    work: &self.link.connection(),
                    listing: &self.link.another().await?,
                };
                let options = SyncOptions::default();
                let synced = sync_from_hub(lines, remote, directory, &options, self.report).await?;
                self.report.found(synced.unchanged);
            } else {
                let connections: Vec<_> = self.links.iter().map(Link::connection).collect();
                download_over(&connections, remote, directory, self.resume, self.report).await?;
            }
            Ok(())
        };
        if self.resume {
            self.link.persist(self.report, attempt).await
        } else {
            attempt(false).await
        }
    }

    async fn fetch_file(&self, remote: &RemotePath) -> Result<(), FilesError> {
        let (directory, name) = match (self.place, remote.components.last()) {
            (Place::As(directory, name), _) => (directory, name.as_os_str()),
            (Place::Into(directory), Some(name)) => (directory, OsStr::from_bytes(name.as_bytes())),
            (Place::Into(_), None) => {
                self.report.fail(
                    &format!("{remote} is a directory"),
                    Some("-r fetches it with everything in it"),
                );
                return Ok(());
            }
            (Place::Out, _) => return Ok(()),
        };
        let directory = Arc::new(Directory::open(directory)?);
        get_over(
            self.link,
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
        match (self.place, remote.components.last()) {
            (Place::As(directory, name), _) => Directory::open(directory)?.make_child(name),
            (Place::Into(directory), Some(name)) => {
                Directory::open(directory)?.make_child(OsStr::from_bytes(name.as_bytes()))
            }
            (Place::Into(directory), None) => Directory::open(directory),
            (Place::Out, _) => Directory::open(Path::new("")),
        }
    }
}

//! `landline put`: files of this machine to the hub.

use super::argument::{RemoteArgument, is_remote};
use super::how::{How, Queue};
use super::interrupt::interruptible;
use super::report::{Report, shown};
use super::target::Target;
use super::witness::Witness;
use crate::context::{Context, Usage};
use anyhow::{Result, bail};
use landline_client::Connection;
use landline_client::files::{
    Directory, FilesError, Lines, Link, PutOptions, Source, SyncOptions, put_over, stat, sync_to_hub,
    together, upload_over,
};
use landline_model::error::ErrorCode;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::EntryKind;
use std::ffi::OsString;
use std::fs::Permissions;
use std::io::Seek as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// The permissions of what came on standard input: everybody reads it.
const INPUT_MODE: u32 = 0o644;

/// Send files to the hub: landline put LOCAL... :PATH
///
/// Each appears once all of it is there and right. A file that is there already is replaced, and goes to the trash. With -
/// for LOCAL, what comes on standard input is kept in a temporary file until all of it is here, and then sent. Of a large
/// file the hub keeps what it has when the link is lost or the program is stopped; the same command goes on with it for a
/// day.
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
    #[command(flatten)]
    how: How,
    /// Keep what the hub signs of each file that was sent: a line of JSON each, for landline receipt verify.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
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
        let links = self.how.connect(context).await?;
        let Some(first) = links.first() else {
            bail!("there is no connection")
        };
        let several = sources.len() > 1;
        let target = match Target::find(&first.connection(), &target).await? {
            Target::As(path) if several => bail!("{path} is not a directory, and several files need one"),
            Target::Into(path) if sources.iter().any(|source| source == Path::new(STANDARD_INPUT)) => {
                let hint = format!("landline put - {path}/NAME");
                return Err(Usage::new("what comes on standard input needs a name", hint).into());
            }
            target => target,
        };
        let report = self.how.report(context);
        let witness = Witness::new(&report, self.receipt.as_deref())?;
        let sending = |link| Sending {
            link,
            links: &links,
            target: &target,
            recursive: self.recursive,
            options: PutOptions {
                overwrite: !self.no_clobber,
                resume: !self.how.no_resume,
            },
            report: &report,
            witness: &witness,
        };
        let queue = Queue::new(&sources);
        interruptible(async {
            together(links.iter().map(|link| {
                let sending = sending(link);
                queue.work(&report, async move |source: &PathBuf| sending.send(source).await)
            }))
            .await?;
            report.transferred("put");
            witness.keep_receipts(&first.connection()).await?;
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

#[derive(Clone, Copy)]
struct Sending<'a> {
    /// For what is one file.
    link: &'a Link,
    /// For trees.
    links: &'a [Link],
    target: &'a Target,
    recursive: bool,
    options: PutOptions,
    report: &'a Report,
    /// Told of each file by whoever sends it.
    witness: &'a Witness<'a>,
}

impl Sending<'_> {
    async fn send(&self, local: &Path) -> Result<(), FilesError> {
        let remote = self.remote(local)?;
        if local == Path::new(STANDARD_INPUT) {
            let source = standard_input().await?;
            put_over(self.link, source, &remote, self.options, self.witness).await?;
        } else if !local.is_dir() {
            let source = Source::open(local)?;
            put_over(self.link, source, &remote, self.options, self.witness).await?;
        } else if self.recursive {
            self.send_tree(local, &remote).await?;
        } else {
            let message = format!("{} is a directory", shown(local));
            self.report
                .fail(&message, Some("-r sends it with everything in it"));
        }
        Ok(())
    }

    /// Sends a tree. What is at the hub already, from an earlier try or before the link was lost, is not sent again.
    async fn send_tree(&self, local: &Path, remote: &RemotePath) -> Result<(), FilesError> {
        let goes_on = self.options.overwrite && self.options.resume;
        let attempt = async |again: bool| {
            let directory = Directory::open(local)?;
            // What is not sent has no receipt.
            let looks =
                again || !self.witness.is_wanted() && is_there(&self.link.connection(), remote).await?;
            if goes_on && looks {
                let lines = Lines {
                    work: &self.link.connection(),
                    listing: &self.link.another().await?,
                };
                let options = SyncOptions::default();
                let synced = sync_to_hub(lines, directory, remote, &options, self.witness).await?;
                self.report.found(synced.unchanged);
            } else {
                let connections: Vec<_> = self.links.iter().map(Link::connection).collect();
                upload_over(&connections, directory, remote, self.options, self.witness).await?;
            }
            Ok(())
        };
        if goes_on {
            self.link.persist(self.witness, attempt).await
        } else {
            attempt(false).await
        }
    }

    /// Where a file or directory goes. One without a name (`.`, `/`) gives its content to the target itself.
    fn remote(&self, local: &Path) -> Result<RemotePath, FilesError> {
        match (self.target, local.file_name()) {
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

/// Whether there is a directory at the hub already.
async fn is_there(connection: &Connection, path: &RemotePath) -> Result<bool, FilesError> {
    match stat(connection, path).await {
        Ok(entry) => Ok(entry.kind == EntryKind::Directory),
        Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What comes on standard input, all of it, kept in a file without a name: an upload is told its size before it begins.
async fn standard_input() -> Result<Source, FilesError> {
    let path = || PathBuf::from("standard input");
    let failed = move |error| FilesError::Local { path: path(), error };
    let copied = tokio::task::spawn_blocking(move || {
        let mut file = tempfile::tempfile()?;
        std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
        // Nobody else sees this one: so it does not say who may see what it becomes.
        file.set_permissions(Permissions::from_mode(INPUT_MODE))?;
        file.rewind()?;
        Ok(file)
    });
    let file = copied
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    Source::from_file(file.map_err(failed)?, path())
}

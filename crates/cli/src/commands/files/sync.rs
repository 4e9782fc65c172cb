//! `landline sync`: one tree like another, one way.

use super::argument::{RemoteArgument, is_remote};
use super::interrupt::interruptible;
use super::report::Report;
use crate::context::{Context, Usage};
use anyhow::Result;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use landline_client::files::{
    Directory, Exclude, FilesError, Lines, Link, Retry, SyncOptions, Synced, sync_from_hub, sync_to_hub,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Make a remote directory like a local one, or the other way round: `landline sync DIR :/DIR`
///
/// What differs in size or time is transferred, and appears once all of it is there and right. The content of the first
/// directory goes into the second one, which is made where it is missing.
#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    /// Delete what is only in the target: at the hub it goes to the trash, here it is gone.
    #[arg(long)]
    delete: bool,
    /// Change nothing, and say what would be changed.
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Compare contents by their BLAKE3, which both sides remember, not sizes and times.
    #[arg(short, long)]
    checksum: bool,
    /// Leave out what matches, on both sides: a name at any depth, or with a / in it the path from the top. Several times.
    #[arg(long, value_name = "GLOB", value_parser = OsStringValueParser::new().map(|text| Exclude::parse(text.as_bytes())))]
    exclude: Vec<Exclude>,
    /// One JSON object a line for everything that happens.
    #[arg(long)]
    json: bool,
    /// How long to go on trying when the link is lost; 0s: not at all.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = crate::duration::parse_any)]
    retry: Duration,
    /// From where; one of the two is at the hub.
    #[arg(value_name = "FROM")]
    from: OsString,
    /// To where.
    #[arg(value_name = "TO")]
    to: OsString,
}

/// Which way.
enum Way {
    ToHub(PathBuf, RemoteArgument),
    FromHub(RemoteArgument, PathBuf),
}

impl Sync {
    /// Makes the second tree like the first one.
    ///
    /// # Errors
    /// Those of the connection, and of directories that cannot be read; what fails otherwise is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let way = Way::of(&self.from, &self.to)?;
        let options = SyncOptions {
            delete: self.delete,
            dry_run: self.dry_run,
            checksum: self.checksum,
            excludes: self.exclude,
            hashes: hashes(),
        };
        let hub = context.hub()?;
        let connection = landline_client::connect(&hub).await?;
        let link = Link::new(connection, Some(Retry::new(&hub, self.retry)));
        let report = Report::of(context.quiet, self.json);
        let attempt = async |_again: bool| {
            let lines = Lines {
                work: &link.connection(),
                listing: &link.another().await?,
            };
            sync(lines, &way, &options, &report).await
        };
        interruptible(async {
            match link.persist(&report, attempt).await {
                Ok(synced) => report.synced(&synced, options.dry_run),
                Err(error) => {
                    report.survives(&error);
                }
            }
            Ok(report.exit_code())
        })
        .await
    }
}

async fn sync(
    lines: Lines<'_>,
    way: &Way,
    options: &SyncOptions,
    report: &Report,
) -> Result<Synced, FilesError> {
    match way {
        Way::ToHub(from, to) => {
            let from = Directory::open(from)?;
            sync_to_hub(lines, from, &to.path, options, report).await
        }
        Way::FromHub(from, to) => {
            let to = target(to, options.dry_run)?;
            sync_from_hub(lines, &from.path, to, options, report).await
        }
    }
}

/// The local directory that is made like one at the hub, made where it is missing.
fn target(path: &Path, dry_run: bool) -> Result<Directory, FilesError> {
    match (path.file_name(), path.parent()) {
        (Some(name), Some(parent)) if !dry_run && !path.is_dir() => Directory::open(parent)?.make_child(name),
        _ => Directory::open(path),
    }
}

/// Where hashes of local files are kept between runs.
fn hashes() -> Option<PathBuf> {
    // A relative path is to be ignored: XDG Base Directory Specification, "Environment variables".
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let home = || absolute("HOME").map(|home| home.join(".cache"));
    let cache = absolute("XDG_CACHE_HOME").or_else(home)?;
    Some(cache.join("landline/hashes"))
}

impl Way {
    fn of(from: &OsStr, to: &OsStr) -> Result<Self, Usage> {
        match (is_remote(from), is_remote(to)) {
            (false, true) => Ok(Self::ToHub(PathBuf::from(from), RemoteArgument::parse(to)?)),
            (true, false) => Ok(Self::FromHub(RemoteArgument::parse(from)?, PathBuf::from(to))),
            (true, true) => Err(Usage::new(
                "both directories are at the hub",
                "landline cp -r :FROM :TO copies there",
            )),
            (false, false) => Err(Usage::new(
                "none of the directories is at the hub; those begin with ':'",
                "landline sync DIR :/shared/DIR",
            )),
        }
    }
}

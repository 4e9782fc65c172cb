//! `landline versions`: what stood under a name before.

use super::files::RemoteArgument;
use super::trash::{id, write};
use crate::context::Context;
use anyhow::{Result, bail};
use landline_client::files::{Destination, Directory, TrashListing, get_trashed};
use landline_model::id::TrashId;
use landline_model::path::RemotePath;
use landline_model::protocol::spaces::TrashRestore;
use std::ffi::OsString;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// List the versions of a file that your trash still has, the newest first; fetch one, or make it the current one.
///
/// A version is what was replaced under this name and is yours. What is current now goes to the trash when another
/// version takes its place.
#[derive(Debug, clap::Args)]
pub(crate) struct Versions {
    /// One JSON object a line.
    #[arg(long, conflicts_with_all = ["restore", "get"])]
    json: bool,
    /// Make this version the current one.
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with = "get")]
    restore: Option<TrashId>,
    /// Fetch this version into LOCAL.
    #[arg(long, value_name = "ID", value_parser = id, requires = "local")]
    get: Option<TrashId>,
    /// Which file.
    #[arg(value_name = ":PATH")]
    path: OsString,
    /// Where a fetched version goes: a new name, or a directory.
    #[arg(value_name = "LOCAL", requires = "get")]
    local: Option<PathBuf>,
}

impl Versions {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let path = RemoteArgument::parse(&self.path)?.path;
        let connection = context.connect().await?;
        let mut listing = TrashListing::default().at(path.clone()).replaced();
        let wanted = self.restore.or(self.get);
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut found = false;
        while let Some(page) = listing.next_page(&connection).await? {
            for version in page {
                found |= wanted == Some(version.id);
                if wanted.is_none() {
                    write(&version, self.json, &mut output)?;
                }
            }
        }
        output.flush()?;
        drop(output);
        if let Some(id) = wanted.filter(|_| !found) {
            bail!("{id} is no version of {path} in your trash");
        }
        if let Some(id) = self.restore {
            let call = TrashRestore {
                id,
                to: Some(path.clone()),
                overwrite: true,
            };
            connection.call(&call).await?;
            return done(context, &format!("{path} is this version now"));
        }
        if let (Some(id), Some(local)) = (self.get, &self.local) {
            let destination = destination(local, &path)?;
            get_trashed(&connection, id, &path, &destination).await?;
            let local = landline_model::text::escape_bytes(destination.path().as_os_str().as_encoded_bytes());
            return done(context, &format!("get {path} {id} -> {local}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn done(context: &Context, text: &str) -> Result<ExitCode> {
    if !context.quiet {
        writeln!(std::io::stdout().lock(), "{text}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A name in a directory that is there.
fn destination(local: &Path, remote: &RemotePath) -> Result<Destination> {
    use std::os::unix::ffi::OsStrExt as _;
    let (directory, name) = match (local.is_dir(), local.file_name()) {
        (false, Some(name)) => (local.parent().unwrap_or(Path::new("")), name.to_owned()),
        _ => {
            let Some(name) = remote.components.last() else {
                bail!("{remote} is a space, and has no versions");
            };
            (local, std::ffi::OsStr::from_bytes(name.as_bytes()).to_owned())
        }
    };
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    Ok(Destination {
        directory: Arc::new(Directory::open(directory)?),
        name,
    })
}

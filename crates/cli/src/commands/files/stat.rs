//! `landline stat`: what the hub knows of a path.

use super::argument::{RemoteArgument, parse_all};
use super::globs::expand;
use super::report::Report;
use super::show::{modified, word};
use crate::context::Context;
use anyhow::Result;
use landline_client::Connection;
use landline_client::files::{FilesError, hash_file, stat};
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Entry, EntryKind};
use landline_model::protocol::trees::Algorithm;
use serde::Serialize;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Tell about remote files and directories.
#[derive(Debug, clap::Args)]
pub(crate) struct Stat {
    /// Also what it hashes to: the hub reads the file, unless it knows.
    #[arg(long, value_name = "ALGORITHM")]
    hash: Option<HashName>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// Which.
    #[arg(value_name = ":PATH", required = true)]
    paths: Vec<OsString>,
}

/// How a file is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum HashName {
    /// For lists that others have published; not for trust.
    Md5,
    /// SHA-256.
    Sha256,
    /// What Landline itself goes by.
    Blake3,
}

/// An entry as `--json` shows it.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a RemotePath,
    #[serde(flatten)]
    entry: &'a Entry,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blake3: Option<&'a str>,
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
        for RemoteArgument { path, .. } in expand(&connection, &paths, &report).await? {
            match self.look(&connection, &path).await {
                Ok((entry, digest)) => {
                    self.write(&path, &entry, digest.as_deref(), &mut std::io::stdout().lock())?;
                }
                Err(error) if report.survives(&error) => {}
                Err(_) => break,
            }
        }
        Ok(report.exit_code())
    }

    async fn look(
        &self,
        connection: &Connection,
        path: &RemotePath,
    ) -> Result<(Entry, Option<String>), FilesError> {
        let entry = stat(connection, path).await?;
        let algorithm = match self.hash {
            Some(HashName::Md5) => Algorithm::Md5,
            Some(HashName::Sha256) => Algorithm::Sha256,
            Some(HashName::Blake3) => Algorithm::Blake3,
            None => return Ok((entry, None)),
        };
        let hashed = hash_file(connection, path, algorithm).await?;
        Ok((entry, Some(hashed.digest)))
    }

    fn write(
        &self,
        path: &RemotePath,
        entry: &Entry,
        digest: Option<&str>,
        output: &mut impl Write,
    ) -> Result<()> {
        let of = |name: HashName| digest.filter(|_| self.hash == Some(name));
        let (md5, sha256, blake3) = (of(HashName::Md5), of(HashName::Sha256), of(HashName::Blake3));
        if self.json {
            let line = Line {
                path,
                entry,
                md5,
                sha256,
                blake3,
            };
            writeln!(output, "{}", crate::json::line(&line)?)?;
            return Ok(());
        }
        writeln!(output, "path      {path}")?;
        writeln!(output, "kind      {}", word(entry.kind))?;
        if entry.kind == EntryKind::File {
            writeln!(output, "size      {}", entry.size)?;
        }
        writeln!(output, "modified  {}", modified(entry))?;
        if let Some(mode) = entry.mode {
            writeln!(output, "mode      {mode:04o}")?;
        }
        let known = entry.hash.map(|hash| hash.to_string());
        for (name, digest) in [
            ("md5", md5),
            ("sha256", sha256),
            ("blake3", blake3.or(known.as_deref())),
        ] {
            if let Some(digest) = digest {
                writeln!(output, "{name:<10}{digest}")?;
            }
        }
        Ok(())
    }
}

//! `landline ls`: what stands in a remote directory.

use super::argument::RemoteArgument;
use super::show::{letter, modified, size};
use crate::context::Context;
use anyhow::Result;
use landline_client::Connection;
use landline_client::files::{FilesError, Listing, stat};
use landline_model::error::ErrorCode;
use landline_model::path::{Component, RemotePath};
use landline_model::protocol::files::Entry;
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// List a remote directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    /// Kind, size in bytes, time of the last change and name.
    #[arg(short, long, conflicts_with_all = ["json", "null"])]
    long: bool,
    /// One JSON object a line; names that are not UTF-8 stand in `name_b64`.
    #[arg(long, conflicts_with = "null")]
    json: bool,
    /// Names as they are, each with a NUL behind it.
    #[arg(short = '0', long)]
    null: bool,
    /// Which directory, or one file in it.
    #[arg(value_name = ":PATH", default_value = ":~/")]
    path: OsString,
}

impl Ls {
    /// Writes the directory to standard output, page by page.
    ///
    /// # Errors
    /// Those of the hub and of standard output.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let argument = RemoteArgument::parse(&self.path)?;
        let connection = context.connect().await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut listing = Listing::new(argument.path.clone());
        loop {
            match listing.next_page(&connection).await {
                Ok(Some(page)) => page
                    .iter()
                    .try_for_each(|(name, entry)| self.write(name, entry, &mut output))?,
                Ok(None) => break,
                Err(error) if error.code() == Some(ErrorCode::WrongKind) && !argument.directory => {
                    let (name, entry) = file(&connection, &argument.path).await?;
                    self.write(&name, &entry, &mut output)?;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        output.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, name: &Component, entry: &Entry, output: &mut impl Write) -> Result<()> {
        if self.json {
            writeln!(output, "{}", crate::json::line(entry)?)?;
        } else if self.null {
            output.write_all(name.as_bytes())?;
            output.write_all(&[0])?;
        } else if self.long {
            let (kind, time) = (letter(entry.kind), modified(entry));
            writeln!(output, "{kind} {:>13} {time} {name}", size(entry))?;
        } else {
            writeln!(output, "{name}")?;
        }
        Ok(())
    }
}

/// A file that was named instead of a directory.
async fn file(connection: &Connection, path: &RemotePath) -> Result<(Component, Entry), FilesError> {
    let entry = stat(connection, path).await?;
    let name = path.components.last().cloned();
    name.map(|name| (name, entry))
        .ok_or_else(|| FilesError::Protocol {
            path: path.clone(),
            what: "a space that is no directory",
        })
}

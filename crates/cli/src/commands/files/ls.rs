//! `landline ls`: what stands in remote directories.

use super::argument::{RemoteArgument, parse_all};
use super::globs::expand;
use super::report::Report;
use super::show::{EntryLine, long};
use crate::context::Context;
use anyhow::Result;
use landline_client::Connection;
use landline_client::files::{FilesError, Listing, Tree, stat};
use landline_model::error::ErrorCode;
use landline_model::path::RemotePath;
use landline_model::protocol::files::{Entry, EntryKind};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// List remote directories
///
/// Patterns are for the hub's names: quote them, so that your shell leaves them alone: landline ls ':/shared/*.iso'
#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    /// Kind and permissions, size in bytes, time of the last change and name.
    #[arg(short, long, conflicts_with_all = ["json", "null"])]
    long: bool,
    /// Also everything in directories, however deep.
    #[arg(long)]
    tree: bool,
    /// One JSON object a line; names that are not UTF-8 stand in `name_b64`.
    #[arg(long, conflicts_with = "null")]
    json: bool,
    /// Names as they are, each with a NUL behind it.
    #[arg(short = '0', long)]
    null: bool,
    /// Which directories, or files in them.
    #[arg(value_name = ":PATH", default_value = ":~/")]
    paths: Vec<OsString>,
}

impl Ls {
    /// Writes the directories to standard output, as they come.
    ///
    /// # Errors
    /// Those of the connection and of standard output; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let arguments = parse_all(&self.paths)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        let arguments = expand(&connection, &arguments, &report).await?;
        let mut listing = Listed {
            how: &self,
            connection: &connection,
            several: arguments.len() > 1,
            report: &report,
            output: BufWriter::new(std::io::stdout().lock()),
            begun: false,
        };
        for argument in &arguments {
            if !listing.list(argument).await? {
                break;
            }
        }
        listing.output.flush()?;
        drop(listing);
        Ok(report.exit_code())
    }
}

struct Listed<'a, W: Write> {
    how: &'a Ls,
    connection: &'a Connection,
    /// Whether there are more than one: then it is said which is which.
    several: bool,
    report: &'a Report,
    output: W,
    /// Whether anything was written yet.
    begun: bool,
}

impl<W: Write> Listed<'_, W> {
    /// Lists one; says whether there is a way to go on.
    async fn list(&mut self, argument: &RemoteArgument) -> Result<bool> {
        let listed = if self.how.tree {
            self.tree(argument).await
        } else {
            self.directory(argument).await
        };
        match listed {
            Ok(()) => Ok(true),
            Err(error) => match error.downcast::<FilesError>() {
                Ok(error) => Ok(self.report.survives(&error)),
                Err(error) => Err(error),
            },
        }
    }

    async fn directory(&mut self, argument: &RemoteArgument) -> Result<()> {
        let mut listing = Listing::new(argument.path.clone());
        let mut page = match listing.next_page(self.connection).await {
            Err(error) if is_no_directory(&error) && !argument.directory => return self.file(argument).await,
            page => page?,
        };
        self.head(&argument.path)?;
        while let Some(entries) = page {
            for (name, entry) in entries {
                let shown = name.to_string();
                let path = argument.path.join(name)?;
                self.entry(&path, &shown, &entry, None)?;
            }
            page = listing.next_page(self.connection).await?;
        }
        Ok(())
    }

    async fn tree(&mut self, argument: &RemoteArgument) -> Result<()> {
        let details = self.how.long || self.how.json;
        let mut tree = Tree::open(self.connection, &argument.path, None, details).await?;
        let mut next = match tree.next().await {
            Err(error) if is_no_directory(&error) && !argument.directory => return self.file(argument).await,
            next => next?,
        };
        self.head(&argument.path)?;
        while let Some(mut entry) = next {
            let error = entry.error.take();
            if let Some(error) = &error {
                let path = tree.place();
                self.report.fail(&format!("{path}: {error}"), None);
            }
            let indent = tree.way().len().saturating_sub(1) * 2;
            let slash = if entry.kind == EntryKind::Directory {
                "/"
            } else {
                ""
            };
            let shown = format!("{:indent$}{}{slash}", "", entry.name);
            if error.is_none() || self.how.json {
                self.entry(&tree.place(), &shown, &entry.entry(), error.as_deref())?;
            }
            next = tree.next().await?;
        }
        Ok(())
    }

    /// A file that was named instead of a directory.
    async fn file(&mut self, argument: &RemoteArgument) -> Result<()> {
        let path = &argument.path;
        let entry = stat(self.connection, path).await?;
        let shown = match path.components.last() {
            Some(name) if !self.several => name.to_string(),
            _ => path.to_string(),
        };
        self.begun = true;
        if self.how.null && self.several {
            write!(self.output, ":")?;
            self.output.write_all(&path.to_bytes())?;
            self.output.write_all(&[0])?;
            return Ok(());
        }
        self.entry(path, &shown, &entry, None)
    }

    /// Which directory it is, where that has to be said.
    fn head(&mut self, path: &RemotePath) -> Result<()> {
        if self.several && !self.how.json && !self.how.null {
            let gap = if self.begun { "\n" } else { "" };
            writeln!(self.output, "{gap}{path}:")?;
        }
        self.begun = true;
        Ok(())
    }

    fn entry(&mut self, path: &RemotePath, shown: &str, entry: &Entry, error: Option<&str>) -> Result<()> {
        let output = &mut self.output;
        if self.how.json {
            let line = EntryLine { path, entry, error };
            writeln!(output, "{}", crate::json::line(&line)?)?;
        } else if self.how.null && self.how.tree {
            write!(output, ":")?;
            output.write_all(&path.to_bytes())?;
            output.write_all(&[0])?;
        } else if self.how.null {
            let name = path.components.last();
            output.write_all(name.map_or(b"", |name| name.as_bytes()))?;
            output.write_all(&[0])?;
        } else if self.how.long {
            writeln!(output, "{} {shown}", long(entry))?;
        } else {
            writeln!(output, "{shown}")?;
        }
        Ok(())
    }
}

fn is_no_directory(error: &FilesError) -> bool {
    error.code() == Some(ErrorCode::WrongKind)
}

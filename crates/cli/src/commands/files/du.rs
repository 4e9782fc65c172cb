//! `landline du`: how much is in remote directories.

use super::argument::parse_all;
use super::globs::expand;
use super::report::Report;
use super::show::bytes;
use crate::context::Context;
use anyhow::Result;
use landline_client::Connection;
use landline_client::files::{FilesError, Tree, stat};
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use serde::Serialize;
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Say how many bytes the files in remote directories have
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Du {
    /// Only the sum of each path.
    #[arg(short, long, conflicts_with = "depth")]
    summarize: bool,
    /// For people: KiB, MiB, GiB.
    #[arg(short = 'h', long)]
    human: bool,
    /// Print help.
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Only so many levels of directories; what is below counts all the same.
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// One JSON object a line: `path`, `bytes`, `files`, `directories`.
    #[arg(long)]
    json: bool,
    /// Which.
    #[arg(value_name = ":PATH", default_value = ":~/")]
    paths: Vec<OsString>,
}

/// What is in a directory and everything below it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Sum {
    bytes: u64,
    files: u64,
    directories: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a RemotePath,
    #[serde(flatten)]
    sum: Sum,
}

impl Du {
    /// Writes the sums to standard output.
    ///
    /// # Errors
    /// Those of the connection and of standard output; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let arguments = parse_all(&self.paths)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        let mut output = BufWriter::new(std::io::stdout().lock());
        for argument in expand(&connection, &arguments, &report).await? {
            match self.sum(&connection, &argument.path, &report, &mut output).await {
                Ok(()) => {}
                Err(error) => match error.downcast::<FilesError>() {
                    Ok(error) if report.survives(&error) => {}
                    Ok(_) => break,
                    Err(error) => return Err(error),
                },
            }
        }
        output.flush()?;
        Ok(report.exit_code())
    }

    async fn sum(
        &self,
        connection: &Connection,
        top: &RemotePath,
        report: &Report,
        output: &mut impl Write,
    ) -> Result<()> {
        let there = stat(connection, top).await?;
        if there.kind != EntryKind::Directory {
            let sum = Sum {
                bytes: there.size,
                files: 1,
                directories: 0,
            };
            return self.write(top, sum, output);
        }
        let mut tree = Tree::open(connection, top, None, false).await?;
        // The directories on the way down, each with what was seen of it so far; the first is the top.
        let mut open = vec![(top.clone(), Sum::default())];
        while let Some(entry) = tree.next().await? {
            let depth = tree.way().len();
            while open.len() > depth {
                self.close(&mut open, output)?;
            }
            if let Some(error) = &entry.error {
                report.fail(&format!("{}: {error}", tree.place()), None);
                continue;
            }
            let Some((_, sum)) = open.last_mut() else { continue };
            if entry.kind == EntryKind::Directory {
                sum.directories += 1;
                open.push((tree.place(), Sum::default()));
            } else {
                sum.bytes = sum.bytes.saturating_add(entry.size);
                sum.files += 1;
            }
        }
        while !open.is_empty() {
            self.close(&mut open, output)?;
        }
        Ok(())
    }

    /// The deepest directory is over: it is told, and counts for the one above.
    fn close(&self, open: &mut Vec<(RemotePath, Sum)>, output: &mut impl Write) -> Result<()> {
        let Some((path, sum)) = open.pop() else {
            return Ok(());
        };
        if let Some((_, above)) = open.last_mut() {
            above.bytes = above.bytes.saturating_add(sum.bytes);
            above.files += sum.files;
            above.directories += sum.directories;
        }
        let most = if self.summarize { Some(0) } else { self.depth };
        if most.is_some_and(|most| open.len() > most) {
            return Ok(());
        }
        self.write(&path, sum, output)
    }

    fn write(&self, path: &RemotePath, sum: Sum, output: &mut impl Write) -> Result<()> {
        if self.json {
            writeln!(output, "{}", crate::json::line(&Line { path, sum })?)?;
        } else {
            writeln!(output, "{}\t{path}", bytes(sum.bytes, self.human))?;
        }
        Ok(())
    }
}

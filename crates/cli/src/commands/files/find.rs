//! `landline find`: what is somewhere below remote directories.

use super::argument::parse_all;
use super::globs::expand;
use super::report::Report;
use super::show::EntryLine;
use crate::context::Context;
use crate::duration;
use anyhow::Result;
use clap::builder::OsStringValueParser;
use clap::builder::TypedValueParser as _;
use landline_client::Connection;
use landline_client::files::{FilesError, Pattern, Tree};
use landline_model::path::RemotePath;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::trees::TreeEntry;
use landline_model::time::Timestamp;
use std::cmp::Ordering;
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// Find remote files and directories by name, kind, size and age
#[derive(Debug, clap::Args)]
pub(crate) struct Find {
    /// Only names that match: `*`, `?`, `[...]`, and `\` before a character that means itself.
    #[arg(long, value_name = "GLOB", value_parser = OsStringValueParser::new().map(|text| Pattern::parse(text.as_bytes())))]
    name: Option<Pattern>,
    /// Only files, or only directories.
    #[arg(long = "type", value_name = "f|d")]
    kind: Option<Kind>,
    /// Only files larger (+10M), smaller (-1K) or of exactly so many bytes; K, M, G and T are powers of 1024.
    #[arg(long, allow_hyphen_values = true)]
    size: Option<Size>,
    /// Only what was changed since: 90s, 15m, 12h, 2d.
    #[arg(long, value_name = "AGE", value_parser = duration::parse)]
    newer: Option<Duration>,
    /// One JSON object a line; names that are not UTF-8 stand in `name_b64`.
    #[arg(long, conflicts_with = "null")]
    json: bool,
    /// Paths as they are, each with a NUL behind it: for xargs -0 landline rm.
    #[arg(short = '0', long)]
    null: bool,
    /// Where to look.
    #[arg(value_name = ":PATH", default_value = ":~/")]
    paths: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Files.
    F,
    /// Directories.
    D,
}

/// A size to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size(Ordering, u64);

impl Find {
    /// Writes what matches to standard output, as it comes.
    ///
    /// # Errors
    /// Those of the connection and of standard output; what the hub refuses is told and the rest goes on.
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let arguments = parse_all(&self.paths)?;
        let connection = context.connect().await?;
        let report = Report::new(true);
        let mut output = BufWriter::new(std::io::stdout().lock());
        for argument in expand(&connection, &arguments, &report).await? {
            match self.look(&connection, &argument.path, &report, &mut output).await {
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

    async fn look(
        &self,
        connection: &Connection,
        top: &RemotePath,
        report: &Report,
        output: &mut impl Write,
    ) -> Result<()> {
        let age = self
            .newer
            .map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let now = Timestamp::from_system(SystemTime::now());
        let since = age.map(|age| Timestamp(now.0.saturating_sub(age)));
        let mut tree = Tree::open(connection, top, None, self.json).await?;
        while let Some(entry) = tree.next().await? {
            if let Some(error) = &entry.error {
                report.fail(&format!("{}: {error}", tree.place()), None);
                continue;
            }
            if self.matches(&entry, since) {
                self.write(&tree.place(), entry, output)?;
            }
        }
        Ok(())
    }

    fn matches(&self, entry: &TreeEntry, since: Option<Timestamp>) -> bool {
        let kind = match entry.kind {
            EntryKind::File => Some(Kind::F),
            EntryKind::Directory => Some(Kind::D),
            _ => None,
        };
        let is_file = kind == Some(Kind::F);
        self.name
            .as_ref()
            .is_none_or(|pattern| pattern.matches(entry.name.as_bytes()))
            && self.kind.is_none_or(|wanted| kind == Some(wanted))
            && self
                .size
                .is_none_or(|Size(order, size)| is_file && entry.size.cmp(&size) == order)
            && since.is_none_or(|since| entry.modified >= since)
    }

    fn write(&self, path: &RemotePath, entry: TreeEntry, output: &mut impl Write) -> Result<()> {
        if self.json {
            let entry = &entry.entry();
            let line = EntryLine {
                path,
                entry,
                error: None,
            };
            writeln!(output, "{}", crate::json::line(&line)?)?;
        } else if self.null {
            output.write_all(b":")?;
            output.write_all(&path.to_bytes())?;
            output.write_all(&[0])?;
        } else {
            writeln!(output, "{path}")?;
        }
        Ok(())
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "write +10M for more than that, -1K for less, 100 for exactly so many bytes".to_owned();
        let (order, rest) = match text.as_bytes().first() {
            Some(b'+') => (Ordering::Greater, &text[1..]),
            Some(b'-') => (Ordering::Less, &text[1..]),
            _ => (Ordering::Equal, text),
        };
        let (digits, shift) = match rest.as_bytes().last() {
            Some(b'K') => (&rest[..rest.len() - 1], 10),
            Some(b'M') => (&rest[..rest.len() - 1], 20),
            Some(b'G') => (&rest[..rest.len() - 1], 30),
            Some(b'T') => (&rest[..rest.len() - 1], 40),
            _ => (rest, 0),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let size = number.checked_mul(1 << shift).ok_or_else(wrong)?;
        Ok(Self(order, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [
            ("+10M", Size(Ordering::Greater, 10 << 20)),
            ("-1K", Size(Ordering::Less, 1024)),
            ("0", Size(Ordering::Equal, 0)),
            ("2T", Size(Ordering::Equal, 2 << 40)),
        ] {
            assert_eq!(text.parse(), Ok(size));
        }
        for text in [
            "",
            "+",
            "K",
            "-",
            "1.5M",
            "1k",
            "++1",
            "99999999999T",
            "18446744073709551616",
            "1é",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}

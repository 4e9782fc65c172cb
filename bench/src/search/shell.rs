//! The peer: Debian's sqlite3 shell on the hub's own index, one process for all queries.

use super::HITS;
use crate::cores::Cores;
use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// The longest run of characters that the index has.
const RUN: usize = 3;

/// Ends each answer. No message has it.
const END: &str = "--end--";

/// A running shell. It ends with this value.
pub(super) struct Shell {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Shell {
    pub(super) fn start(database: &Path, cores: Cores) -> Result<Self> {
        let mut command = cores.server("sqlite3");
        command
            .args(["-batch", "-readonly"])
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("could not start sqlite3")?;
        let output = child.stdout.take().context("no output of sqlite3")?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(output),
            child,
        })
    }

    /// Asks as the hub does: for the newest messages with this text in them. The answer is how many rows came.
    pub(super) fn query(&mut self, text: &str) -> Result<u32> {
        let input = self.input.as_mut().context("sqlite3 has ended")?;
        // It stands between quotes of this kind. Of letters that are not ASCII, the shell knows no lower case.
        ensure!(
            !text.contains('\'') && !text.contains(|letter: char| letter.is_uppercase()),
            "a text that the shell does not look for as the hub does: {text}"
        );
        let expression = landline_store::search::expression(text).context("an empty query")?;
        // The index has runs of so many characters: a longer text's runs may stand elsewhere, or in another order.
        let exact = if text.chars().count() > RUN {
            format!("AND instr(lower(text), '{text}')")
        } else {
            String::new()
        };
        let query = format!(
            "SELECT messages.room, sequence, time, hex(sender), text
             FROM grams CROSS JOIN messages ON messages.message = grams.rowid
             WHERE grams MATCH '{expression}' {exact} ORDER BY grams.rowid DESC LIMIT {HITS};\n.print {END}\n"
        );
        input.write_all(query.as_bytes())?;
        input.flush()?;
        let (mut rows, mut line) = (0, String::new());
        loop {
            line.clear();
            ensure!(self.output.read_line(&mut line)? > 0, "sqlite3 has ended");
            if line.trim_end() == END {
                return Ok(rows);
            }
            rows += 1;
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

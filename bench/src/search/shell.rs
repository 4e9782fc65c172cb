//! The peer: Debian's sqlite3 shell on the hub's own index, one process for all queries.

use super::HITS;
use crate::cores::Cores;
use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

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

    /// Asks the index for an expression, as the hub does: the newest messages with it. The answer is how many rows
    /// came.
    pub(super) fn query(&mut self, expression: &str) -> Result<usize> {
        let input = self.input.as_mut().context("sqlite3 has ended")?;
        // The expression has no quote of this kind in it: the hub's index has words of letters and digits.
        ensure!(
            !expression.contains('\''),
            "an expression with a quote: {expression}"
        );
        let query = format!(
            "SELECT messages.room, sequence, time, hex(sender), text
             FROM grams CROSS JOIN messages ON messages.message = grams.rowid
             WHERE grams MATCH '{expression}' ORDER BY grams.rowid DESC LIMIT {HITS};\n.print {END}\n"
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

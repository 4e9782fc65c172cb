//! Steps of a command, timed, with a closing table of what each cost.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Runs `work` and prints the table of its steps afterwards, whether it succeeded or not.
pub(crate) fn reported(work: impl FnOnce(&mut Steps) -> Result<()>) -> Result<()> {
    let mut steps = Steps::default();
    let result = work(&mut steps);
    println!("\n{steps}");
    result
}

/// The steps that ran so far, in order.
#[derive(Default)]
pub(crate) struct Steps {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    cost: Duration,
    /// What the step reported of itself, or that it failed; often empty.
    note: String,
}

impl Steps {
    /// Runs one step and takes its time; its error names it.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        self.run_noted(name, step, |_| String::new())
    }

    /// The same for a step whose result has a word to say in the table.
    pub(crate) fn run_noted<T>(
        &mut self,
        name: &str,
        step: impl FnOnce() -> Result<T>,
        note: impl FnOnce(&T) -> String,
    ) -> Result<T> {
        println!("\n== {name}");
        let start = Instant::now();
        let result = step();
        let note = result.as_ref().map_or_else(|_| "FAILED".to_owned(), note);
        self.rows.push(Row {
            name: name.to_owned(),
            cost: start.elapsed(),
            note,
        });
        result.with_context(|| format!("{name} failed"))
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: Duration = self.rows.iter().map(|row| row.cost).sum();
        let width = self
            .rows
            .iter()
            .map(|row| row.name.chars().count())
            .chain(["total".len()])
            .max()
            .unwrap_or(0);
        writeln!(f, "{:width$}  {:>9}", "step", "seconds")?;
        for row in &self.rows {
            let line = format!(
                "{:width$}  {:>9.1}  {}",
                row.name,
                row.cost.as_secs_f64(),
                row.note
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(f, "{:width$}  {:>9.1}", "total", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_table_has_a_line_per_step_and_the_total() {
        let row = |name: &str, milliseconds, note: &str| Row {
            name: name.to_owned(),
            cost: Duration::from_millis(milliseconds),
            note: note.to_owned(),
        };
        let steps = Steps {
            rows: vec![row("fmt", 1200, ""), row("clippy", 60_400, "FAILED")],
        };
        assert_eq!(
            steps.to_string(),
            "step      seconds\n\
             fmt           1.2\n\
             clippy       60.4  FAILED\n\
             total        61.6"
        );
    }

    #[test]
    fn a_failed_step_is_listed_and_named_in_the_error() {
        let mut steps = Steps::default();
        let error = steps
            .run("doc", || -> Result<()> { bail!("broken link") })
            .unwrap_err();
        assert_eq!(format!("{error:#}"), "doc failed: broken link");
        assert_eq!(steps.rows[0].note, "FAILED");
    }

    #[test]
    fn a_note_reaches_the_table() {
        let mut steps = Steps::default();
        let seven = steps
            .run_noted("fuzz", || Ok(7), |count| format!("{count} executions"))
            .unwrap();
        assert_eq!(seven, 7);
        assert!(steps.to_string().contains("7 executions"));
    }
}

//! Tables of text on standard output.

use crate::statistics::Samples;
use anyhow::Result;
use std::io::{self, Write as _};

/// A table: the first column is text, the others are numbers and stand to the right.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            rows: vec![columns.iter().map(|column| (*column).to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether it has columns only.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    pub(crate) fn print(&self) -> Result<()> {
        say(&format!("\n{}\n{}", self.title, self.text()))
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    if column == 0 {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// One line, or several, for whoever watches.
pub(crate) fn say(text: &str) -> Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Least, median and greatest as cells; `-` without samples.
pub(crate) fn spread(samples: &Samples) -> [String; 3] {
    samples.summary().map_or_else(
        || ["-", "-", "-"].map(str::to_owned),
        |summary| [summary.least, summary.median, summary.greatest].map(number),
    )
}

/// Ours as a multiple of theirs, by medians.
pub(crate) fn ratio(ours: &Samples, theirs: &Samples) -> String {
    match (ours.summary(), theirs.summary()) {
        (Some(ours), Some(theirs)) if theirs.median > 0.0 => format!("{:.2}", ours.median / theirs.median),
        _ => "-".to_owned(),
    }
}

/// Three figures: more would claim a precision that no run has.
pub(crate) fn number(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 999_500.0 => (value / 1e6, "M"),
        value if value >= 9_995.0 => (value / 1e3, "k"),
        value => (value, ""),
    };
    let decimals = match value {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new("t", &["who", "n"]);
        table.row(vec!["landline".to_owned(), "12".to_owned()]);
        table.row(vec!["scp".to_owned(), "3".to_owned()]);
        assert_eq!(table.text(), "who        n\nlandline  12\nscp        3");
    }

    #[test]
    fn numbers_have_three_figures() {
        let cases = [
            (0.5, "0.50"),
            (12.34, "12.3"),
            (1234.0, "1234"),
            (12_345.0, "12.3k"),
            (2e6, "2.00M"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_ratio_compares_medians_and_nothing_with_nothing() {
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        assert_eq!(ratio(&ours, &theirs), "-");
        ours.push(3.0);
        theirs.push(2.0);
        assert_eq!(ratio(&ours, &theirs), "1.50");
    }
}

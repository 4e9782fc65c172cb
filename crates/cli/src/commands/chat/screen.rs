//! What stands above the line that is typed.

use super::editor::Desk;
use anyhow::{Context as _, Result};
use landline_model::id::ClientId;
use rustyline::ExternalPrinter;

pub(super) type Printer = Box<dyn ExternalPrinter + Send>;

/// Lines, one below the other. The last one may be a passing one, which the next takes the place of.
pub(super) struct Screen {
    printer: Printer,
    desk: Desk,
    colours: bool,
    passing: Passing,
    /// How many lines had been entered when the last line was shown: what was entered since stands below it.
    entered: u64,
}

/// What the last line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passing {
    /// A line that stays.
    No,
    /// A note that any line takes the place of.
    Note,
    /// What was typed, in so many rows: its own event takes its place.
    Typed(ClientId, usize),
}

/// How a line is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    /// A note of the program.
    Faint,
    /// It mentions the reader.
    Loud,
}

impl Screen {
    pub(super) fn new(printer: Printer, desk: Desk) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            printer,
            desk,
            colours: !is_dumb && !is_unwanted,
            passing: Passing::No,
            entered: 0,
        }
    }

    /// Shows a line that stays. It is safe to show: the caller has escaped what others wrote.
    pub(super) fn line(&mut self, text: &str, look: Look) -> Result<()> {
        let gone = match self.passing {
            Passing::Note => self.over(1),
            Passing::No | Passing::Typed(..) => String::new(),
        };
        self.show(gone, text, look)
    }

    /// The same for what was typed here and is an event now: it takes the place of what was typed, where that is still
    /// the last line.
    pub(super) fn line_of(&mut self, client_id: ClientId, text: &str, look: Look) -> Result<()> {
        match self.passing {
            Passing::Typed(typed, rows) if typed == client_id => {
                let gone = self.over(rows);
                self.show(gone, text, look)
            }
            _ => self.line(text, look),
        }
    }

    /// Shows a note of the program, in brackets.
    pub(super) fn note(&mut self, text: &str) -> Result<()> {
        self.line(&format!("({text})"), Look::Faint)
    }

    /// Shows a note that the next line takes the place of. It is short: one row. It matters less than what was typed
    /// and waits for its event.
    pub(super) fn passing_note(&mut self, text: &str) -> Result<()> {
        if matches!(self.passing, Passing::Typed(..)) {
            return Ok(());
        }
        self.note(text)?;
        self.passing = Passing::Note;
        Ok(())
    }

    /// Takes a passing note away.
    pub(super) fn clear(&mut self) -> Result<()> {
        if self.passing != Passing::Note {
            return Ok(());
        }
        self.passing = Passing::No;
        match self.over(1) {
            gone if gone.is_empty() => Ok(()),
            // One row higher, and down again: what is printed ends with a newline.
            gone => self.print(gone + "\u{1b}[A\n"),
        }
    }

    /// The line that was entered as number `entered` stands in so many rows: its event takes its place.
    pub(super) fn typed(&mut self, client_id: ClientId, rows: usize, entered: u64) {
        // Something may have been shown below it already.
        if self.entered < entered {
            (self.passing, self.entered) = (Passing::Typed(client_id, rows), entered);
        }
    }

    /// What moves to the beginning of a passing line and takes it away. Where another line was entered below it, it
    /// stays.
    fn over(&self, rows: usize) -> String {
        if self.entered == self.desk.entered() {
            format!("\u{1b}[{rows}A\u{1b}[J")
        } else {
            String::new()
        }
    }

    fn show(&mut self, gone: String, text: &str, look: Look) -> Result<()> {
        let line = gone + &self.looking(text, look) + "\n";
        (self.passing, self.entered) = (Passing::No, self.desk.entered());
        self.print(line)
    }

    fn looking(&self, text: &str, look: Look) -> String {
        let bell = if look == Look::Loud { "\u{7}" } else { "" };
        match look {
            Look::Faint if self.colours => format!("\u{1b}[2m{text}\u{1b}[0m"),
            Look::Loud if self.colours => format!("{bell}\u{1b}[1m{text}\u{1b}[0m"),
            _ => format!("{bell}{text}"),
        }
    }

    fn print(&mut self, text: String) -> Result<()> {
        self.printer
            .print(text)
            .context("this terminal cannot be written to")
    }
}

/// How many rows a typed line takes with its prompt; none where it cannot be told for sure.
pub(super) fn rows(prompt: &str, line: &str) -> Option<usize> {
    let columns = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?.ws_col;
    rows_of(prompt, line, usize::from(columns))
}

fn rows_of(prompt: &str, line: &str, columns: usize) -> Option<usize> {
    let length = prompt.chars().count() + line.chars().count();
    if prompt
        .bytes()
        .chain(line.bytes())
        .all(|byte| matches!(byte, b' '..=b'~'))
    {
        return Some(length.checked_div(columns)? + 1);
    }
    // How wide other characters are is the terminal's business, but it is at most two columns each.
    let is_shown = !line.chars().any(char::is_control);
    (is_shown && 2 * length < columns).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_line_are_known_or_not_but_never_wrong() {
        assert_eq!(rows_of("al> ", "hello", 80), Some(1));
        assert_eq!(rows_of("al> ", &"x".repeat(75), 80), Some(1));
        assert_eq!(rows_of("al> ", &"x".repeat(76), 80), Some(2));
        assert_eq!(rows_of("al> ", "你好", 80), Some(1));
        assert_eq!(rows_of("al> ", &"你".repeat(38), 80), None);
        assert_eq!(rows_of("al> ", "a\tb", 80), None);
        assert_eq!(rows_of("al> ", "x", 0), None);
    }
}

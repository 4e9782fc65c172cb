//! Standard input, line by line, read by a thread of its own: a pipe that stays open must not hold the program up.

use landline_model::event::TEXT_MAX;
use std::io::{BufRead, Read as _};
use tokio::sync::mpsc;

/// Lines that wait to be said.
const LINES_MAX: usize = 16;

/// A line of standard input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// To be said.
    Text(String),
    /// Its number, and why it cannot be said.
    Unfit(u64, &'static str),
    /// Standard input cannot be read any more.
    Failed(String),
}

/// Reads standard input to its end. The receiver ends with it.
pub(super) fn standard_input() -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    tokio::task::spawn_blocking(move || {
        read(&mut std::io::stdin().lock(), |line| {
            sender.blocking_send(line).is_ok()
        });
    });
    lines
}

/// Reads to the end of `input`, or until `take` wants no more. Empty lines say nothing.
fn read(input: &mut impl BufRead, mut take: impl FnMut(Line) -> bool) {
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        // One byte more than is allowed, and the line's end.
        let read = input.take(TEXT_MAX as u64 + 2).read_until(b'\n', &mut bytes);
        let line = match read {
            Ok(0) => return,
            Ok(_) if bytes.pop_if(|last| *last == b'\n').is_none() && bytes.len() > TEXT_MAX => {
                match skip_line(input) {
                    Ok(()) => Line::Unfit(number, "it is too long"),
                    Err(error) => Line::Failed(error.to_string()),
                }
            }
            Ok(_) if bytes.len() > TEXT_MAX => Line::Unfit(number, "it is too long"),
            Ok(_) if bytes.is_empty() => continue,
            Ok(_) => match std::str::from_utf8(&bytes) {
                Ok(text) => Line::Text(text.to_owned()),
                Err(_) => Line::Unfit(number, "it is not UTF-8 text"),
            },
            Err(error) => Line::Failed(error.to_string()),
        };
        let is_last = matches!(line, Line::Failed(_));
        if !take(line) || is_last {
            return;
        }
    }
}

/// Passes over the rest of a line, in bounded memory.
fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let (used, done) = match end {
            Some(end) => (end + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        read(&mut input, |line| {
            lines.push(line);
            true
        });
        lines
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn lines_are_messages_and_empty_ones_are_none() {
        assert_eq!(
            lines(b"one\n\n two \nthree"),
            [text("one"), text(" two "), text("three")]
        );
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_that_cannot_be_said_is_named_and_the_next_one_is_said() {
        for length in [TEXT_MAX + 1, TEXT_MAX + 2, TEXT_MAX + 3, 5 * TEXT_MAX] {
            let input = format!("one\n{}\nthree", "x".repeat(length));
            let expected = [text("one"), Line::Unfit(2, "it is too long"), text("three")];
            assert_eq!(lines(input.as_bytes()), expected, "{length}");
        }
        assert_eq!(
            lines(b"\xff\nb"),
            [Line::Unfit(1, "it is not UTF-8 text"), text("b")]
        );
        let longest = "x".repeat(TEXT_MAX);
        assert_eq!(lines(format!("{longest}\n").as_bytes()), [text(&longest)]);
    }
}

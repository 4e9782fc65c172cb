//! The line at the bottom: an editor in a thread of its own.

use super::order;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, Helper};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Lines that were typed and wait to be said.
const TYPED_MAX: usize = 16;

/// The most names that are completed.
const NAMES_MAX: usize = 10_000;

/// What the editor has to tell.
pub(super) enum Typed {
    /// A line; it may be empty.
    Line(String),
    /// Something is being written that is going to be said.
    Writing,
    /// The terminal cannot be read.
    Failed(String),
}

/// Names that Tab completes, and how often Enter was pressed. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Desk {
    names: Arc<Mutex<BTreeSet<String>>>,
    entered: Arc<AtomicU64>,
}

impl Desk {
    /// Completes this name from now on.
    pub(super) fn knows(&self, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < NAMES_MAX && !names.contains(name) {
            names.insert(name.to_owned());
        }
    }

    /// How many lines were entered.
    pub(super) fn entered(&self) -> u64 {
        self.entered.load(Ordering::Acquire)
    }
}

pub(super) type LineEditor = Editor<Assistant, MemHistory>;

/// An editor, and what it tells of while it reads.
pub(super) fn editor(desk: Desk) -> rustyline::Result<(LineEditor, Typing)> {
    let (sender, typed) = mpsc::channel(TYPED_MAX);
    let mut editor = Editor::with_history(rustyline::Config::default(), MemHistory::new())?;
    editor.set_helper(Some(Assistant {
        desk,
        last: RefCell::default(),
        sender: sender.clone(),
    }));
    Ok((editor, Typing { sender, typed }))
}

/// Where typed lines come from.
pub(super) struct Typing {
    sender: mpsc::Sender<Typed>,
    typed: mpsc::Receiver<Typed>,
}

impl Typing {
    /// Reads lines until Ctrl-D, Ctrl-C or a failure. The receiver ends with it.
    pub(super) fn start(self, mut editor: LineEditor, prompt: String) -> mpsc::Receiver<Typed> {
        let Self { sender, typed } = self;
        tokio::task::spawn_blocking(move || {
            loop {
                match editor.readline(&prompt) {
                    Ok(line) => {
                        if !line.trim().is_empty() {
                            // That a line cannot be recalled is no reason not to say it.
                            let _ = editor.add_history_entry(&line);
                        }
                        if sender.blocking_send(Typed::Line(line)).is_err() {
                            return;
                        }
                    }
                    Err(ReadlineError::Eof | ReadlineError::Interrupted) => return,
                    Err(error) => return drop(sender.blocking_send(Typed::Failed(error.to_string()))),
                }
            }
        });
        typed
    }
}

/// Completes commands and names, and notices that something is written.
pub(super) struct Assistant {
    desk: Desk,
    /// The line when it was looked at last.
    last: RefCell<String>,
    sender: mpsc::Sender<Typed>,
}

impl Helper for Assistant {}

impl Highlighter for Assistant {}

impl Hinter for Assistant {
    type Hint = String;

    /// Asked for at every change of the line. There is no hint; but whoever writes is heard of.
    fn hint(&self, line: &str, _pos: usize, _context: &Context<'_>) -> Option<String> {
        let mut last = self.last.borrow_mut();
        if *last != line {
            last.clear();
            last.push_str(line);
            if !line.is_empty() && !line.starts_with('/') {
                // Where too much is waiting already, this is what matters least.
                let _ = self.sender.try_send(Typed::Writing);
            }
        }
        None
    }
}

impl Validator for Assistant {
    /// Asked when Enter is pressed.
    fn validate(&self, _context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.desk.entered.fetch_add(1, Ordering::AcqRel);
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let names = self.desk.names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(candidates(&line[..pos], &names))
    }
}

/// Where the word begins that is to be completed, and what it may become.
fn candidates(line: &str, names: &BTreeSet<String>) -> (usize, Vec<String>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |index| {
        index + line[index..].chars().next().map_or(1, char::len_utf8)
    });
    let word = &line[start..];
    if let Some(name) = word.strip_prefix('@') {
        let name = name.to_lowercase();
        let fits = names
            .iter()
            .filter(|other| other.to_lowercase().starts_with(&name));
        return (start, fits.map(|name| format!("@{name} ")).collect());
    }
    if start == 0 && word.starts_with('/') && !word.starts_with("//") {
        let fits = order::words().filter(|other| other.starts_with(word));
        return (start, fits.map(|word| format!("{word} ")).collect());
    }
    (start, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_names_are_completed_where_they_belong() {
        let names = BTreeSet::from(["bob", "Bea", "carl"].map(str::to_owned));
        let complete = |line| candidates(line, &names);
        assert_eq!(complete("/rea"), (0, vec!["/react ".to_owned()]));
        assert_eq!(complete("@b"), (0, vec!["@Bea ".to_owned(), "@bob ".to_owned()]));
        assert_eq!(complete("hello @c"), (6, vec!["@carl ".to_owned()]));
        assert_eq!(complete("你好\u{3000}@c"), (9, vec!["@carl ".to_owned()]));
        for none in ["", "//", "x /re", "bob", "x@b"] {
            assert!(complete(none).1.is_empty(), "{none}");
        }
    }
}

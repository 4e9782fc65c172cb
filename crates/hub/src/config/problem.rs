//! What can be wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use landline_model::text::escape;
use thiserror::Error;

use super::source::Source;

/// The largest configuration file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Problems that are reported together; a file of nonsense would otherwise print thousands.
pub const MAX_PROBLEMS: usize = 50;

/// Everything that is wrong with a configuration: at least one problem, in the order of the sources.
#[derive(Debug)]
pub struct ConfigErrors {
    pub(super) problems: Vec<Problem>,
}

/// One thing that is wrong, and where.
#[derive(Debug)]
pub struct Problem {
    /// Where the value, or the lack of it, is; for a file as a whole the line is 0.
    pub source: Source,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with a file, a variable or a flag. The user's own text is escaped when it is displayed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// There is no such setting.
    #[error("there is no setting {key:?}{}", meant(.nearest))]
    UnknownKey {
        /// The whole dotted key.
        key: String,
        /// The nearest key that exists.
        nearest: Option<String>,
    },
    /// There is no such section.
    #[error("there is no section [{key}]{}", meant(.nearest))]
    UnknownSection {
        /// The section's dotted name.
        key: String,
        /// The nearest section that exists.
        nearest: Option<String>,
    },
    /// A section's name was given a value.
    #[error("{key} is a section; write [{key}] and its settings below it")]
    SectionExpected {
        /// The section's name.
        key: String,
    },
    /// A variable that is nearly one of the settings'.
    #[error("there is no setting for this variable; did you mean {nearest}?")]
    UnknownVariable {
        /// The nearest variable that exists.
        nearest: String,
    },
    /// The value has another type than the setting.
    #[error("{key} is {found}; it takes {expected}")]
    WrongType {
        /// The setting.
        key: &'static str,
        /// What it takes, with an example.
        expected: String,
        /// What was there.
        found: String,
    },
    /// A number outside of the setting's range.
    #[error("{key} is {number}; it takes {expected}")]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// What was there.
        number: String,
        /// What it takes, with an example.
        expected: String,
    },
    /// A word that is not among the setting's words.
    #[error("{key} is {text:?}; it takes one of {}{}", .words.join(", "), meant(&nearest_word(text, words)))]
    UnknownWord {
        /// The setting.
        key: &'static str,
        /// What was there.
        text: String,
        /// The words it takes.
        words: &'static [&'static str],
    },
    /// Not an address with a port.
    #[error("{key} has {text:?}, which is not an address with a port; write it like \"{better}\"")]
    BadAddress {
        /// The setting.
        key: &'static str,
        /// What was there.
        text: String,
        /// What was probably meant.
        better: String,
    },
    /// A name that people could not read.
    #[error(
        "{key} takes 1 to {} characters, none of them a control character",
        super::value::MAX_NAME_CHARACTERS
    )]
    BadName {
        /// The setting.
        key: &'static str,
    },
    /// `data` inside of the data directory's own file.
    #[error(
        "data cannot be set by the file inside the data directory; use --data, LANDLINE_DATA, or a file given with --config"
    )]
    DataInside,
    /// A file that is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A file that is not UTF-8.
    #[error("not UTF-8 text; save the file as UTF-8")]
    NotUtf8,
    /// A file larger than [`MAX_FILE_BYTES`].
    #[error("larger than {MAX_FILE_BYTES} bytes; is this the right file?")]
    TooLarge,
    /// A file that cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// Neither the flag nor the environment says where data goes.
    #[error("no place for the hub's data: neither XDG_DATA_HOME nor HOME is set; give one with --data")]
    NoDataDirectory,
}

impl ConfigErrors {
    /// What is wrong; at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Problem {
    pub(super) fn of_file(path: PathBuf, line: usize, kind: ProblemKind) -> Self {
        Self {
            source: Source::File { path, line },
            kind,
        }
    }
}

/// A line a problem, without a newline at the end.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(MAX_PROBLEMS).enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(formatter, "{newline}{problem}")?;
        }
        match self.problems.len().checked_sub(MAX_PROBLEMS) {
            None | Some(0) => Ok(()),
            Some(more) => write!(formatter, "\n{more} more problems"),
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// `FILE:LINE: what`, with control characters escaped.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::File { path, line: 0 } => write!(formatter, "{}: ", escape(&path.to_string_lossy()))?,
            Source::Default => {}
            source => write!(formatter, "{source}: ")?,
        }
        formatter.write_str(&escape(&self.kind.to_string()))
    }
}

fn meant(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"))
}

fn nearest_word(text: &str, words: &[&str]) -> Option<String> {
    super::nearest::nearest(text, words.iter().copied())
}

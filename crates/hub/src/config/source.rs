//! Where the value of a setting came from.

use std::fmt;
use std::path::PathBuf;

use landline_model::text::escape;

/// Where the value of a setting came from, in rising order of precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// A line of a configuration file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A flag of the command line, with its dashes.
    Flag(&'static str),
}

/// Text for people; control characters in a path are escaped.
impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line } => write!(formatter, "{}:{line}", escape(&path.to_string_lossy())),
            Self::Environment(variable) => write!(formatter, "environment {}", escape(variable)),
            Self::Flag(flag) => write!(formatter, "flag {flag}"),
        }
    }
}

//! What a supervisor says over its control socket: a line each.

use std::fmt;

/// The longest line, in bytes. A reader keeps no more.
pub(super) const REPORT_MAX: usize = 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The shell ended with this code. What it started may still run.
    Exited(i32),
    /// The shell died of this signal.
    Signalled(i32),
    /// The time is over.
    TimeLimit,
    /// The shell could not be started, for this reason.
    Failed(String),
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => writeln!(formatter, "exited {code}"),
            Self::Signalled(signal) => writeln!(formatter, "signalled {signal}"),
            Self::TimeLimit => writeln!(formatter, "limit"),
            Self::Failed(why) => writeln!(formatter, "failed {}", why.replace('\n', " ")),
        }
    }
}

impl Report {
    /// Reads a line, without its newline.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "exited" => rest.parse().ok().map(Self::Exited),
            "signalled" => rest.parse().ok().map(Self::Signalled),
            "limit" => Some(Self::TimeLimit),
            "failed" => Some(Self::Failed(rest.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for report in [
            Report::Exited(3),
            Report::Signalled(9),
            Report::TimeLimit,
            Report::Failed("no such file".into()),
        ] {
            assert_eq!(Report::parse(report.to_string().trim_end()), Some(report));
        }
        assert_eq!(Report::parse("exited x"), None);
    }
}

//! What is run, and what came of it.

use std::borrow::Cow;
use std::time::Duration;

/// A command for the shell of the machine that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What the shell is given, without the newline that ended it.
    pub command: Vec<u8>,
    /// Whether stdout and stderr are one stream, in the order in which they were written (`2>&1`). Its bytes are then
    /// the outcome's stdout.
    pub merge: bool,
}

/// How a command came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It did not end within this time, and was ended with everything that it had started.
    TimeLimit(Duration),
    /// It printed more than this many bytes, and was ended likewise.
    OutputLimit(usize),
    /// It was not run, or not to its end, for this reason.
    NotRun(Cow<'static, str>),
}

/// What a command printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// At most as many bytes as the limit on output allows, together with `stderr`.
    pub stdout: Vec<u8>,
    /// As above; empty where the streams were merged.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub ended: Ending,
}

impl Outcome {
    /// Of a command that was not run.
    pub fn not_run(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            stdout: Vec::new(),
            stderr: Vec::new(),
            ended: Ending::NotRun(why.into()),
        }
    }

    /// What the command itself could not print: that it was ended, or why it was not run.
    #[must_use]
    pub fn note(&self) -> Option<Cow<'_, str>> {
        match &self.ended {
            Ending::Exited(_) | Ending::Signalled(_) => None,
            Ending::TimeLimit(limit) => {
                Some(format!("the command was ended after {} s", limit.as_secs_f64()).into())
            }
            Ending::OutputLimit(limit) => {
                Some(format!("the command was ended: it printed more than {limit} bytes").into())
            }
            Ending::NotRun(why) => Some(Cow::Borrowed(why)),
        }
    }

    /// stderr, and below it the note where there is one.
    #[must_use]
    pub fn errors(&self) -> Cow<'_, [u8]> {
        with_note(&self.stderr, self.note())
    }

    /// What is shown where only one of the streams is: the errors, or stdout where there are none.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, [u8]> {
        let errors = self.errors();
        if errors.is_empty() {
            Cow::Borrowed(&self.stdout)
        } else {
            errors
        }
    }

    /// Both streams and the note, as one.
    #[must_use]
    pub fn merged(&self) -> Cow<'_, [u8]> {
        if self.stderr.is_empty() {
            return with_note(&self.stdout, self.note());
        }
        Cow::Owned(with_note(&[&self.stdout[..], &self.stderr].concat(), self.note()).into_owned())
    }
}

fn with_note<'a>(text: &'a [u8], note: Option<Cow<'_, str>>) -> Cow<'a, [u8]> {
    let Some(note) = note else {
        return Cow::Borrowed(text);
    };
    let newline: &[u8] = if text.is_empty() || text.ends_with(b"\n") {
        b""
    } else {
        b"\n"
    };
    Cow::Owned([text, newline, note.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(stdout: &[u8], stderr: &[u8], ended: Ending) -> Outcome {
        Outcome {
            stdout: stdout.to_vec(),
            stderr: stderr.to_vec(),
            ended,
        }
    }

    #[test]
    fn a_limit_is_said_below_what_the_command_said_itself() {
        let limit = Ending::TimeLimit(Duration::from_secs(60));
        let ended = outcome(b"out", b"err", limit);
        assert_eq!(&*ended.errors(), b"err\nthe command was ended after 60 s");
        assert_eq!(&*ended.merged(), b"outerr\nthe command was ended after 60 s");
        let ended = outcome(b"out\n", b"", Ending::OutputLimit(4));
        assert_eq!(
            &*ended.shown(),
            b"the command was ended: it printed more than 4 bytes"
        );
        assert_eq!(
            &*ended.merged(),
            b"out\nthe command was ended: it printed more than 4 bytes"
        );
    }

    #[test]
    fn errors_are_shown_before_output_and_output_where_there_are_none() {
        assert_eq!(&*outcome(b"out", b"err", Ending::Exited(1)).shown(), b"err");
        assert_eq!(&*outcome(b"out", b"", Ending::Exited(1)).shown(), b"out");
    }
}

//! What a server makes of a read: a command, or a reason not to run it.

use super::outcome::{Outcome, Run};
use crate::http;
pub(super) use crate::parting::without_newline;

/// The longest command, in bytes. Linux gives a program at most 128 KiB in one argument.
pub const COMMAND_MAX: usize = 64 * 1024;

/// What everybody is told where commands were not allowed.
pub const COMMANDS_ARE_OFF: &str = "commands are off: start landline textbook with --allow-exec";

/// What is told of a command of more than [`COMMAND_MAX`] bytes.
const TOO_LONG: &str = "a command of more than 65536 bytes";

/// What is told of a command that no program takes as an argument.
const ZERO_BYTE: &str = "a command with a zero byte";

/// Judges what one peer sends.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    is_allowed: bool,
    /// Whether the first read has been seen.
    has_begun: bool,
}

/// What is to be done with a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Run it.
    Run(Run),
    /// Answer this without running anything.
    Refuse(Outcome),
    /// Close without a word: this is no client of ours.
    Close,
}

impl Intake {
    pub(super) fn new(is_allowed: bool) -> Self {
        Self {
            is_allowed,
            has_begun: false,
        }
    }

    /// Judges the next read.
    pub(super) fn judge(&mut self, read: &[u8], merge: bool) -> Verdict {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_first && http::judge(read) >= http::Verdict::Suspect {
            return Verdict::Close;
        }
        let command = without_newline(read);
        if !self.is_allowed {
            Verdict::Refuse(Outcome::not_run(COMMANDS_ARE_OFF))
        } else if command.len() > COMMAND_MAX {
            Verdict::Refuse(Outcome::not_run(TOO_LONG))
        } else if command.contains(&0) {
            // No program takes it as an argument. It also keeps out what browsers send over TLS and WebRTC.
            Verdict::Refuse(Outcome::not_run(ZERO_BYTE))
        } else {
            Verdict::Run(Run {
                command: command.to_vec(),
                merge,
            })
        }
    }
}

/// The answers of this file, in the words in which a client finds them again: the forms on the wire have no other sign
/// that a command was not run.
const REFUSALS: [&str; 3] = [COMMANDS_ARE_OFF, TOO_LONG, ZERO_BYTE];

/// Which refusal this whole answer is, if it is one.
pub(super) fn refusal(answer: &[u8]) -> Option<&'static str> {
    REFUSALS.into_iter().find(|words| words.as_bytes() == answer)
}

/// Whether an answer that begins so may still turn out to be a refusal.
pub(super) fn may_become_refusal(beginning: &[u8]) -> bool {
    REFUSALS
        .iter()
        .any(|words| words.as_bytes().starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(read: &[u8]) -> Verdict {
        Intake::new(true).judge(read, false)
    }

    #[test]
    fn one_newline_is_not_part_of_the_command() {
        for (read, command) in [
            (&b"ls"[..], &b"ls"[..]),
            (b"ls\n", b"ls"),
            (b"ls\r\n", b"ls"),
            (b"ls\n\n", b"ls\n"),
            (b"\n", b""),
        ] {
            assert_eq!(
                judge(read),
                Verdict::Run(Run {
                    command: command.to_vec(),
                    merge: false
                })
            );
        }
    }

    #[test]
    fn a_browser_is_closed_and_only_as_the_first_read() {
        for read in [
            &b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nls"[..],
            b"GET /",
            b"GET it",
            b"PROPFIND /dav",
            b"PRI * HTTP/2.0\r\n",
            b"BREW /pot HTTP/1.1\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ] {
            assert_eq!(judge(read), Verdict::Close);
            assert_eq!(Intake::new(false).judge(read, false), Verdict::Close);
        }
        let mut intake = Intake::new(true);
        intake.judge(b"ls", false);
        assert!(matches!(intake.judge(b"GET / | cat", false), Verdict::Run(_)));
    }

    #[test]
    fn a_refusal_is_found_again_at_every_length_of_its_beginning_and_nothing_else_is() {
        for words in REFUSALS {
            let words = words.as_bytes();
            assert!((0..=words.len()).all(|length| may_become_refusal(&words[..length])));
            assert_eq!(refusal(words).map(str::as_bytes), Some(words));
            assert_eq!(refusal(&words[..words.len() - 1]), None);
            let longer = [words, b"\n"].concat();
            assert!(!may_become_refusal(&longer) && refusal(&longer).is_none());
        }
        let verdict = Intake::new(false).judge(b"ls", false);
        assert!(matches!(verdict, Verdict::Refuse(outcome) if refusal(&outcome.shown()).is_some()));
    }

    #[test]
    fn what_no_shell_can_be_given_is_refused() {
        assert!(matches!(judge(b"ls\0"), Verdict::Refuse(_)));
        assert!(matches!(judge(&[b'x'; COMMAND_MAX]), Verdict::Run(_)));
        assert!(matches!(judge(&[b'x'; COMMAND_MAX + 1]), Verdict::Refuse(_)));
    }
}

//! What a server makes of a read: a command, or a reason not to run it.

use super::outcome::{Outcome, Run};
pub(super) use crate::parting::without_newline;

/// The longest command, in bytes. Linux gives a program at most 128 KiB in one argument.
pub const COMMAND_MAX: usize = 64 * 1024;

/// What everybody is told where commands were not allowed.
pub const COMMANDS_ARE_OFF: &str = "commands are off: start landline textbook with --allow-exec";

/// The methods that a web page can make a browser send, each with the space behind it.
const HTTP_METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"OPTIONS ",
    b"DELETE ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
];

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
        if is_first && is_http(read) {
            return Verdict::Close;
        }
        let command = without_newline(read);
        if !self.is_allowed {
            Verdict::Refuse(Outcome::not_run(COMMANDS_ARE_OFF))
        } else if command.len() > COMMAND_MAX {
            Verdict::Refuse(Outcome::not_run("a command of more than 65536 bytes"))
        } else if command.contains(&0) {
            // No program takes it as an argument. It also keeps out what browsers send over TLS and WebRTC.
            Verdict::Refuse(Outcome::not_run("a command with a zero byte"))
        } else {
            Verdict::Run(Run {
                command: command.to_vec(),
                merge,
            })
        }
    }
}

/// Whether a browser speaks. A web page can post to 127.0.0.1, and its body would be commands.
fn is_http(read: &[u8]) -> bool {
    let line = read.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has_version = line.windows(b" HTTP/".len()).any(|window| window == b" HTTP/");
    has_version || HTTP_METHODS.iter().any(|method| read.starts_with(method))
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
            b"PRI * HTTP/2.0\r\n",
        ] {
            assert_eq!(judge(read), Verdict::Close);
            assert_eq!(Intake::new(false).judge(read, false), Verdict::Close);
        }
        let mut intake = Intake::new(true);
        intake.judge(b"ls", false);
        assert!(matches!(intake.judge(b"GET / | cat", false), Verdict::Run(_)));
    }

    #[test]
    fn what_no_shell_can_be_given_is_refused() {
        assert!(matches!(judge(b"ls\0"), Verdict::Refuse(_)));
        assert!(matches!(judge(&[b'x'; COMMAND_MAX]), Verdict::Run(_)));
        assert!(matches!(judge(&[b'x'; COMMAND_MAX + 1]), Verdict::Refuse(_)));
    }
}

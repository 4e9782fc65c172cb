//! A message a line.

use std::borrow::Cow;

use super::{Framing, FramingError, check_length, take};

/// The longest line unless the caller says otherwise, in bytes, its newline not counted.
pub const LINE_MAX: usize = 64 * 1024;

/// What is sent at the end of a line. Both are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newline {
    /// `\n`, as Unix programs write.
    #[default]
    Lf,
    /// `\r\n`, as the Internet's text protocols write (RFC 5321 section 2.3.8 for one).
    CrLf,
}

/// Lines that end with LF; one CR before it is not part of the message. A stream's last line may lack its newline.
#[derive(Clone, Debug)]
pub struct Lines {
    newline: Newline,
    max: usize,
    /// So many bytes at the front of the input are known to hold no LF.
    scanned: usize,
}

impl Lines {
    /// Lines of at most `max` bytes, without the newline; `newline` is what is sent.
    #[must_use]
    pub fn new(newline: Newline, max: usize) -> Self {
        Self {
            newline,
            max,
            scanned: 0,
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new(Newline::Lf, LINE_MAX)
    }
}

impl Framing for Lines {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        let scanned = self.scanned.min(input.len());
        let Some(found) = memchr::memchr(b'\n', &input[scanned..]) else {
            self.scanned = input.len();
            // A CR at the end is not counted: an LF may follow.
            let known = input.strip_suffix(b"\r").unwrap_or(input).len();
            return check_length(known, self.max).map(|()| None);
        };
        let end = scanned + found;
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        check_length(line.len(), self.max)?;
        self.scanned = 0;
        take(input, end + 1);
        Ok(Some(Cow::Borrowed(line)))
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        if memchr::memchr(b'\n', message).is_some() {
            return Err(FramingError::Inexpressible("a newline inside a line"));
        }
        if self.newline == Newline::Lf && message.ends_with(b"\r") {
            return Err(FramingError::Inexpressible(
                "a CR at the end of a line that LF ends",
            ));
        }
        output.extend_from_slice(message);
        output.extend_from_slice(match self.newline {
            Newline::Lf => b"\n",
            Newline::CrLf => b"\r\n",
        });
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        self.scanned = 0;
        check_length(rest.len(), self.max)?;
        Ok((!rest.is_empty()).then_some(Cow::Borrowed(rest)))
    }

    fn buffer_max(&self) -> usize {
        self.max.saturating_add(b"\r\n".len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(max: usize) -> Lines {
        Lines::new(Newline::Lf, max)
    }

    #[test]
    fn one_cr_before_lf_is_taken_off_and_others_are_kept() {
        let mut input = &b"a\nb\r\nc\r\r\n\nd\re"[..];
        let mut lines = lines(8);
        let mut found = Vec::new();
        while let Some(line) = lines.decode(&mut input).unwrap() {
            found.push(line.into_owned());
        }
        assert_eq!(found, [&b"a"[..], b"b", b"c\r", b""]);
        assert_eq!(lines.finish(input).unwrap().as_deref(), Some(&b"d\re"[..]));
    }

    #[test]
    fn a_line_of_the_maximum_passes_with_either_newline_and_one_byte_more_is_refused_before_it_ends() {
        for input in [&b"abcd\n"[..], b"abcd\r\n"] {
            assert_eq!(
                lines(4).decode(&mut &*input).unwrap().as_deref(),
                Some(&b"abcd"[..])
            );
        }
        assert_eq!(lines(4).decode(&mut &b"abcd\r"[..]), Ok(None));
        for input in [&b"abcde"[..], b"abcd\r\r", b"abcde\n", b"abcd\rx"] {
            let result = lines(4).decode(&mut &*input);
            assert!(matches!(result, Err(FramingError::TooLong { .. })), "{result:?}");
        }
    }

    #[test]
    fn what_was_scanned_is_not_scanned_again() {
        let mut lines = lines(100);
        assert_eq!(lines.decode(&mut &b"0123456789"[..]), Ok(None));
        assert_eq!(lines.scanned, 10);
        // The same ten bytes by the caller's promise; an LF among them now would go unseen.
        assert_eq!(
            lines.decode(&mut &b"01\n3456789\n"[..]).unwrap().as_deref(),
            Some(&b"01\n3456789"[..])
        );
        assert_eq!(lines.scanned, 0);
    }

    #[test]
    fn a_message_that_would_be_read_as_another_is_refused() {
        let mut output = Vec::new();
        for message in [&b"a\nb"[..], b"a\r"] {
            assert!(matches!(
                lines(8).encode(message, &mut output),
                Err(FramingError::Inexpressible(_))
            ));
        }
        assert!(output.is_empty());
        Lines::new(Newline::CrLf, 8).encode(b"a\r", &mut output).unwrap();
        assert_eq!(output, b"a\r\r\n");
    }
}

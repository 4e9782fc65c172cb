//! The length in digits on a line of its own, then the message.

use std::borrow::Cow;

use super::{Framing, FramingError, MESSAGE_MAX, check_length, finish_empty, take};
use crate::digits::{DIGITS_MAX, parse_digits};

/// ASCII digits, LF, then so many bytes. A CR before the LF is read, and not written.
#[derive(Clone, Debug)]
pub struct SizedLine {
    max: usize,
}

impl SizedLine {
    /// Messages of at most `max` bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max }
    }

    /// The message's length, and where it begins; `None` while the line is not whole.
    fn length(&self, input: &[u8]) -> Result<Option<(usize, usize)>, FramingError> {
        let line = &input[..input.len().min(DIGITS_MAX + b"\r\n".len())];
        let Some(end) = memchr::memchr(b'\n', line) else {
            // What came must be the beginning of a line, and more digits make no smaller length.
            let digits = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                parse_digits(digits, self.max as u64)?;
            }
            return Ok(None);
        };
        let digits = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
        let length = parse_digits(digits, self.max as u64)?;
        // At most `max`, which is a usize.
        Ok(usize::try_from(length).ok().map(|length| (length, end + 1)))
    }
}

impl Default for SizedLine {
    fn default() -> Self {
        Self::new(MESSAGE_MAX)
    }
}

impl Framing for SizedLine {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        match self.length(input)? {
            Some((length, begin)) if input.len() - begin >= length => {
                take(input, begin);
                Ok(Some(Cow::Borrowed(take(input, length))))
            }
            _ => Ok(None),
        }
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        output.extend_from_slice(message.len().to_string().as_bytes());
        output.push(b'\n');
        output.extend_from_slice(message);
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        finish_empty(rest)
    }

    fn buffer_max(&self) -> usize {
        self.max.saturating_add(DIGITS_MAX + b"\r\n".len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_newline_message() {
        let mut output = Vec::new();
        SizedLine::default().encode(b"hello", &mut output).unwrap();
        assert_eq!(output, b"5\nhello");
        for input in [&b"5\nhello!"[..], b"5\r\nhello!", b"005\nhello!"] {
            let mut input = input;
            assert_eq!(
                SizedLine::default().decode(&mut input).unwrap().as_deref(),
                Some(&b"hello"[..])
            );
            assert_eq!(input, b"!");
        }
    }

    #[test]
    fn what_is_not_digits_is_refused_before_the_line_ends() {
        for input in [
            &b"-1"[..],
            b"+1",
            b" 1",
            b"1 ",
            b"\n",
            b"\r",
            b"1.5",
            b"x",
            b"1\r1",
            b"000000000000000000001",
        ] {
            let result = SizedLine::default().decode(&mut &*input);
            assert!(
                matches!(result, Err(FramingError::Malformed(_))),
                "{input:?}: {result:?}"
            );
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_bytes_arrive() {
        for line in [
            "101\n",
            "9223372036854775808\n",
            "18446744073709551615\n",
            "99999999999999999999",
        ] {
            let result = SizedLine::new(100).decode(&mut line.as_bytes());
            assert!(
                matches!(result, Err(FramingError::TooLong { .. })),
                "{line}: {result:?}"
            );
        }
    }
}

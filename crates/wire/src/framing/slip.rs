//! SLIP (RFC 1055): an END byte behind each message, and escapes for END and ESC inside.

use std::borrow::Cow;

use super::{Framing, FramingError, MESSAGE_MAX, check_length, finish_empty, take};

/// Ends a message.
const END: u8 = 0o300;
/// Begins an escape.
const ESC: u8 = 0o333;
/// Behind ESC: an END that is data.
const ESC_END: u8 = 0o334;
/// Behind ESC: an ESC that is data.
const ESC_ESC: u8 = 0o335;

/// Messages as RFC 1055 has them: an END is sent before a message too, which cuts off line noise, so ENDs before a
/// message mean nothing and an empty message cannot be sent. A wrong escape is refused, where the RFC's own program
/// lets the byte pass: what it stood for is not known.
#[derive(Clone, Debug)]
pub struct Slip {
    max: usize,
    /// So many bytes at the front of the input are known to hold no END.
    scanned: usize,
}

impl Slip {
    /// Messages of at most `max` bytes, before they are escaped.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, scanned: 0 }
    }

    /// Every byte escaped; without the ENDs.
    fn escaped_max(&self) -> usize {
        self.max.saturating_mul(2)
    }
}

impl Default for Slip {
    fn default() -> Self {
        Self::new(MESSAGE_MAX)
    }
}

impl Framing for Slip {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        let leading = input.iter().take_while(|byte| **byte == END).count();
        take(input, leading);
        // Where something was scanned, it begins with another byte, and nothing was taken off just now.
        let scanned = self.scanned.min(input.len());
        let Some(found) = memchr::memchr(END, &input[scanned..]) else {
            self.scanned = input.len();
            return check_length(input.len(), self.escaped_max()).map(|()| None);
        };
        let end = scanned + found;
        check_length(end, self.escaped_max())?;
        let message = unescaped(&input[..end], self.max)?;
        self.scanned = 0;
        take(input, end + 1);
        Ok(Some(message))
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        if message.is_empty() {
            return Err(FramingError::Inexpressible("an empty message"));
        }
        output.reserve(message.len() + 2);
        output.push(END);
        for byte in message {
            match *byte {
                END => output.extend_from_slice(&[ESC, ESC_END]),
                ESC => output.extend_from_slice(&[ESC, ESC_ESC]),
                byte => output.push(byte),
            }
        }
        output.push(END);
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        finish_empty(rest)
    }

    fn buffer_max(&self) -> usize {
        self.escaped_max().saturating_add(2)
    }
}

fn unescaped(escaped: &[u8], max: usize) -> Result<Cow<'_, [u8]>, FramingError> {
    let Some(first) = memchr::memchr(ESC, escaped) else {
        check_length(escaped.len(), max)?;
        return Ok(Cow::Borrowed(escaped));
    };
    let mut message = Vec::with_capacity(escaped.len().min(max));
    message.extend_from_slice(&escaped[..first.min(max)]);
    let mut rest = escaped[first.min(max)..].iter();
    while let Some(byte) = rest.next() {
        check_length(message.len() + 1, max)?;
        message.push(match (*byte, rest.as_slice().first()) {
            (ESC, Some(&ESC_END)) => END,
            (ESC, Some(&ESC_ESC)) => ESC,
            (ESC, _) => return Err(FramingError::malformed("a SLIP escape that stands for nothing")),
            (byte, _) => byte,
        });
        if *byte == ESC {
            rest.next();
        }
    }
    Ok(Cow::Owned(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_and_esc_are_escaped_and_the_others_are_not() {
        let mut output = Vec::new();
        Slip::default()
            .encode(&[1, END, 2, ESC, ESC_END], &mut output)
            .unwrap();
        assert_eq!(output, [0xc0, 1, 0xdb, 0xdc, 2, 0xdb, 0xdd, 0xdc, 0xc0]);
        let mut input = &output[..];
        let message = Slip::default().decode(&mut input).unwrap().unwrap();
        assert_eq!(*message, [1, END, 2, ESC, ESC_END]);
        assert!(input.is_empty());
    }

    #[test]
    fn ends_before_a_message_are_consumed_at_once() {
        let mut slip = Slip::default();
        let mut input = &[END, END, 7][..];
        assert_eq!(slip.decode(&mut input), Ok(None));
        assert_eq!(input, [7]);
        assert_eq!(
            slip.decode(&mut &[7, END][..]).unwrap().as_deref(),
            Some(&[7][..])
        );
        assert_eq!(slip.finish(b""), Ok(None));
        assert_eq!(slip.finish(&[7]), Err(FramingError::Truncated));
    }

    #[test]
    fn a_wrong_escape_is_refused() {
        for input in [&[ESC, 7, END][..], &[ESC, END], &[7, ESC, ESC, END]] {
            let result = Slip::default().decode(&mut &*input);
            assert!(
                matches!(result, Err(FramingError::Malformed(_))),
                "{input:?}: {result:?}"
            );
        }
    }

    #[test]
    fn an_empty_message_cannot_be_sent() {
        let mut output = Vec::new();
        assert!(matches!(
            Slip::default().encode(b"", &mut output),
            Err(FramingError::Inexpressible(_))
        ));
        assert!(output.is_empty());
    }

    #[test]
    fn a_message_over_the_limit_is_refused_whole_or_not() {
        for input in [
            &[1, 2, 3, END][..],
            &[1, 2, 3, 4, 5],
            &[ESC, ESC_ESC, 2, 3, END],
            &[1, 2, 3, ESC, ESC_ESC, END],
        ] {
            let result = Slip::new(2).decode(&mut &*input);
            assert!(
                matches!(result, Err(FramingError::TooLong { .. })),
                "{input:?}: {result:?}"
            );
        }
    }
}

//! No framing: what one read brings is a message.

use std::borrow::Cow;

use super::{Framing, FramingError, check_length, take};

/// The longest raw message unless the caller says otherwise, in bytes: a common size of one read.
pub const RAW_MAX: usize = 64 * 1024;

/// Each input that is not empty is one message, as programs without a framing take it: the boundaries are those of the
/// reads, and TCP promises nothing about them. Input beyond the maximum is more messages, as a `recv` of that size
/// would cut it. An empty message leaves no trace on a stream: encoding it appends nothing.
#[derive(Clone, Debug)]
pub struct Raw {
    max: usize,
}

impl Raw {
    /// Messages of at most `max` bytes; of one byte where `max` is zero, for a read of nothing is the stream's end.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max: max.max(1) }
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::new(RAW_MAX)
    }
}

impl Framing for Raw {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        if input.is_empty() {
            return Ok(None);
        }
        let length = input.len().min(self.max);
        Ok(Some(Cow::Borrowed(take(input, length))))
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        output.extend_from_slice(message);
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        Ok((!rest.is_empty()).then_some(Cow::Borrowed(rest)))
    }

    fn buffer_max(&self) -> usize {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_is_one_message_up_to_the_maximum() {
        let mut raw = Raw::new(4);
        let mut input = &b"hello"[..];
        assert_eq!(raw.decode(&mut input).unwrap().as_deref(), Some(&b"hell"[..]));
        assert_eq!(raw.decode(&mut input).unwrap().as_deref(), Some(&b"o"[..]));
        assert_eq!(raw.decode(&mut input), Ok(None));
        assert_eq!(raw.finish(b""), Ok(None));
    }

    #[test]
    fn an_empty_message_appends_nothing_and_a_long_one_is_refused() {
        let mut output = b"before".to_vec();
        assert_eq!(Raw::new(4).encode(b"", &mut output), Ok(()));
        assert!(matches!(
            Raw::new(4).encode(b"hello", &mut output),
            Err(FramingError::TooLong { length: 5, limit: 4 })
        ));
        assert_eq!(output, b"before");
    }
}

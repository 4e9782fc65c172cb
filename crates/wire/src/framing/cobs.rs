//! Consistent Overhead Byte Stuffing: messages without a zero byte, and a zero byte between them.
//!
//! Source: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
//! A message is written as blocks: a code byte n, then n - 1 bytes that are not zero; each block but the last and those
//! with n = 255 stands for a zero behind its bytes.

use std::borrow::Cow;

use super::{Framing, FramingError, MESSAGE_MAX, check_length, finish_empty, take};

/// The delimiter, which no encoded message holds.
const END: u8 = 0;

/// The code of a full block, behind which no zero is meant.
const FULL: u8 = 255;

/// Bytes of a message in a full block.
const FULL_LENGTH: usize = 254;

/// Messages that end with a zero byte. Zeros between messages are passed over: an empty message is `01 00`.
#[derive(Clone, Debug)]
pub struct Cobs {
    max: usize,
    /// So many bytes at the front of the input are known to hold no zero.
    scanned: usize,
}

impl Cobs {
    /// Messages of at most `max` bytes, before they are encoded.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, scanned: 0 }
    }

    /// One code byte, one for each full block (any encoder's: no other block has less than one zero a code byte), and
    /// the message; without the delimiter.
    fn encoded_max(&self) -> usize {
        self.max.saturating_add(self.max / FULL_LENGTH).saturating_add(1)
    }
}

impl Default for Cobs {
    fn default() -> Self {
        Self::new(MESSAGE_MAX)
    }
}

impl Framing for Cobs {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        let idle = input.iter().take_while(|byte| **byte == END).count();
        take(input, idle);
        // Where something was scanned, it begins with another byte, and nothing was taken off just now.
        let scanned = self.scanned.min(input.len());
        let Some(found) = memchr::memchr(END, &input[scanned..]) else {
            self.scanned = input.len();
            return check_length(input.len(), self.encoded_max()).map(|()| None);
        };
        let end = scanned + found;
        check_length(end, self.encoded_max())?;
        let message = unstuffed(&input[..end], self.max)?;
        self.scanned = 0;
        take(input, end + 1);
        Ok(Some(Cow::Owned(message)))
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        output.reserve(message.len() + message.len() / FULL_LENGTH + 2);
        stuff(message, output);
        output.push(END);
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        finish_empty(rest)
    }

    fn buffer_max(&self) -> usize {
        self.encoded_max().saturating_add(1)
    }
}

fn stuff(message: &[u8], output: &mut Vec<u8>) {
    let mut rest = message;
    loop {
        let run = &rest[..rest.len().min(FULL_LENGTH)];
        let length = memchr::memchr(END, run).unwrap_or(run.len());
        // A run has at most 254 bytes, so its code is at most 255.
        output.push(u8::try_from(length + 1).unwrap_or(FULL));
        output.extend_from_slice(&rest[..length]);
        if length == rest.len() {
            return;
        }
        // Behind a full block no zero is meant, so none is passed over.
        rest = &rest[length + usize::from(length < FULL_LENGTH)..];
    }
}

fn unstuffed(encoded: &[u8], max: usize) -> Result<Vec<u8>, FramingError> {
    let mut message = Vec::with_capacity(encoded.len().min(max));
    let mut rest = encoded;
    while let Some((&code, behind)) = rest.split_first() {
        let length = usize::from(code) - 1;
        if length > behind.len() {
            return Err(FramingError::malformed(
                "a COBS block that ends behind its message",
            ));
        }
        let (block, behind) = behind.split_at(length);
        let zero = code != FULL && !behind.is_empty();
        check_length(message.len() + length + usize::from(zero), max)?;
        message.extend_from_slice(block);
        if zero {
            message.push(0);
        }
        rest = behind;
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(message: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        Cobs::default().encode(message, &mut output).unwrap();
        output
    }

    fn decoded(mut input: &[u8]) -> Vec<u8> {
        let message = Cobs::default().decode(&mut input).unwrap().unwrap().into_owned();
        assert!(input.is_empty());
        message
    }

    /// `from..=to`, as bytes.
    fn run(from: u8, to: u8) -> Vec<u8> {
        (from..=to).collect()
    }

    #[test]
    fn the_paper_s_rules_give_these_bytes() {
        let cases = [
            (vec![], vec![1, 0]),
            (vec![0], vec![1, 1, 0]),
            (vec![0, 0], vec![1, 1, 1, 0]),
            (vec![0x11, 0x22, 0, 0x33], vec![3, 0x11, 0x22, 2, 0x33, 0]),
            (vec![0x11, 0, 0, 0], vec![2, 0x11, 1, 1, 1, 0]),
            (run(1, 254), [vec![255], run(1, 254), vec![0]].concat()),
            (run(0, 254), [vec![1, 255], run(1, 254), vec![0]].concat()),
            (run(1, 255), [vec![255], run(1, 254), vec![2, 255, 0]].concat()),
            (
                [run(1, 254), vec![0]].concat(),
                [vec![255], run(1, 254), vec![1, 1, 0]].concat(),
            ),
        ];
        for (message, bytes) in cases {
            assert_eq!(encoded(&message), bytes);
            assert_eq!(decoded(&bytes), message);
        }
    }

    #[test]
    fn an_empty_last_block_behind_a_full_one_is_read_as_some_encoders_write_it() {
        assert_eq!(
            decoded(&[vec![255], run(1, 254), vec![1, 0]].concat()),
            run(1, 254)
        );
    }

    #[test]
    fn zeros_between_messages_are_passed_over() {
        let mut cobs = Cobs::default();
        let mut input = &[0, 0, 2][..];
        assert_eq!(cobs.decode(&mut input), Ok(None));
        assert_eq!(input, [2]);
        assert_eq!(decoded(&[0, 0, 2, 7, 0]), [7]);
    }

    #[test]
    fn a_block_behind_the_delimiter_is_refused() {
        let result = Cobs::default().decode(&mut &[3, 7, 0][..]);
        assert!(matches!(result, Err(FramingError::Malformed(_))), "{result:?}");
    }

    #[test]
    fn a_message_over_the_limit_is_refused_whole_or_not() {
        for input in [&[5, 1, 1, 1, 1, 0][..], &[5, 1, 1, 1, 1], &[1, 1, 1, 1, 1, 0]] {
            let result = Cobs::new(3).decode(&mut &*input);
            assert!(
                matches!(result, Err(FramingError::TooLong { .. })),
                "{input:?}: {result:?}"
            );
        }
        assert_eq!(
            Cobs::new(3).decode(&mut &[4, 1, 2, 3, 0][..]).unwrap().as_deref(),
            Some(&[1, 2, 3][..])
        );
    }
}

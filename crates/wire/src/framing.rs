//! Framings: how a stream of bytes is cut into messages, and how messages are put on a stream.
//!
//! Each kind is a small decoder and encoder with a maximum of its own; the caller owns the buffer. A reader holds what
//! [`Framing::decode`] left, adds what arrives, and asks again.

use std::borrow::Cow;

mod cobs;
mod header;
mod lines;
mod prefix;
mod raw;
mod sized_line;
mod slip;

pub use cobs::Cobs;
pub use header::{HEADER_JSON_MAX, Header, HeaderCodec, JsonHeader};
pub use lines::{LINE_MAX, Lines, Newline};
pub use prefix::{ByteOrder, LengthField, Prefix, Width};
pub use raw::{RAW_MAX, Raw};
pub use sized_line::SizedLine;
pub use slip::Slip;

/// The longest message of a framing unless its own default or the caller says otherwise, in bytes.
pub const MESSAGE_MAX: usize = 1024 * 1024;

/// Cuts a stream into messages, and puts messages on a stream.
pub trait Framing {
    /// Takes the next whole message off the front of `input` by moving the slice's start. `None`: more bytes are needed;
    /// `input` was left as it is, or lost only what is certainly done with (a SLIP's leading END).
    ///
    /// The caller passes everything that is not consumed again each time, with new bytes only behind it; a framing may
    /// remember how far it looked.
    ///
    /// # Errors
    /// The peer broke a rule of the framing. The stream has no next message.
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError>;

    /// Appends `message` in its frame.
    ///
    /// # Errors
    /// [`FramingError::TooLong`] or [`FramingError::Inexpressible`]: the caller is at fault, and nothing was appended.
    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError>;

    /// Ends the stream: the peer sent its end, and `rest` is what [`decode`](Self::decode) left. A last line without a
    /// newline is a message; in other framings an end inside a message is an error.
    ///
    /// # Errors
    /// [`FramingError::Truncated`] when a message had begun.
    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError>;

    /// The length of the longest frame, in bytes: what a reader has to hold. Given so many bytes,
    /// [`decode`](Self::decode) finds a message or an error, so that it always leaves fewer behind.
    fn buffer_max(&self) -> usize;
}

impl<F: Framing + ?Sized> Framing for Box<F> {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        (**self).decode(input)
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        (**self).encode(message, output)
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        (**self).finish(rest)
    }

    fn buffer_max(&self) -> usize {
        (**self).buffer_max()
    }
}

/// What is wrong with a frame. After [`Framing::decode`] and [`Framing::finish`] the peer is at fault, and the place
/// where its next message begins is not known; after [`Framing::encode`] the caller is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// The message is longer than allowed.
    #[error("a message of {length} bytes or more; at most {limit} are allowed")]
    TooLong {
        /// What was announced, or what is known of it so far, in bytes.
        length: u64,
        /// What is allowed, in bytes.
        limit: u64,
    },
    /// A signed length is below zero.
    #[error("a message of {0} bytes: a length cannot be negative")]
    Negative(i64),
    /// The bytes break a rule of the framing.
    #[error("a malformed message: {0}")]
    Malformed(Cow<'static, str>),
    /// The stream ended inside a message.
    #[error("the connection ended in the middle of a message")]
    Truncated,
    /// The message has no form in this framing.
    #[error("a message that this framing cannot carry: {0}")]
    Inexpressible(&'static str),
}

impl FramingError {
    pub(crate) fn malformed(why: &'static str) -> Self {
        Self::Malformed(Cow::Borrowed(why))
    }
}

/// Refuses a length above its limit, both in bytes.
pub(crate) fn check_length(length: usize, limit: usize) -> Result<(), FramingError> {
    if length > limit {
        return Err(FramingError::TooLong {
            length: length as u64,
            limit: limit as u64,
        });
    }
    Ok(())
}

/// The end of a stream in a framing where nothing may be left over.
pub(crate) fn finish_empty<'a>(rest: &[u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
    if rest.is_empty() {
        Ok(None)
    } else {
        Err(FramingError::Truncated)
    }
}

/// Takes `length` bytes off the front, which are known to be there.
pub(crate) fn take<'a>(input: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(length);
    *input = rest;
    taken
}

//! A length and a body kept apart by an acknowledgement: "send the size, wait, send the bytes".
//!
//! Programs that know no framing put two sends apart by waiting for the peer in between. Here one read is one token:
//! the sender sends the length in ASCII digits, the receiver answers with any bytes, the sender sends the body. Where
//! no answer comes for [`ACKNOWLEDGEMENT_WAIT`], the sender goes on. This is no [`Framing`](crate::Framing): it holds
//! only as long as reads keep its tokens apart.

use std::{borrow::Cow, time::Duration};

use crate::{
    digits::parse_digits,
    framing::{FramingError, check_length, take},
};

/// How long a sender waits for an acknowledgement before it sends the body all the same.
pub const ACKNOWLEDGEMENT_WAIT: Duration = Duration::from_millis(500);

/// The acknowledgements that are in use, longest first, so that none hides behind one that it begins with.
pub const ACKNOWLEDGEMENTS: [&[u8]; 3] = [b"get number", b"recv_ready", b"123"];

/// The longest acknowledgement that a receiver sends, in bytes: it has to arrive in one read.
pub const ACKNOWLEDGEMENT_MAX: usize = 64;

/// The side that has the body.
#[derive(Debug, Default)]
pub struct SizedSender {
    state: Sending,
}

#[derive(Debug, Default)]
enum Sending {
    /// Nothing under way; what is read is the peer's own.
    #[default]
    Idle,
    /// The length was sent; the next read is the acknowledgement.
    Waiting(Vec<u8>),
    /// The body was sent without an acknowledgement, which may still come.
    Late,
}

impl SizedSender {
    /// Appends the length of `body` and keeps the body until it is asked for. The caller sets a deadline
    /// [`ACKNOWLEDGEMENT_WAIT`] from now. A body that is still waiting is appended first: its peer did not ask.
    pub fn send(&mut self, body: Vec<u8>, output: &mut Vec<u8>) {
        self.deadline_reached(output);
        output.extend_from_slice(body.len().to_string().as_bytes());
        self.state = Sending::Waiting(body);
    }

    /// Whether a body waits for its acknowledgement, and so whether the deadline counts.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, Sending::Waiting(_))
    }

    /// Takes a read, and returns what of it is not an acknowledgement: the peer's next message, possibly empty.
    ///
    /// While a body waits, any read that is not empty is its acknowledgement, and the body is appended; where it begins
    /// with one of [`ACKNOWLEDGEMENTS`] only that is taken, for the peer's next message may have come with it. A known
    /// acknowledgement that comes after the deadline is taken off too.
    pub fn received<'a>(&mut self, read: &'a [u8], output: &mut Vec<u8>) -> &'a [u8] {
        if read.is_empty() {
            return read;
        }
        match std::mem::take(&mut self.state) {
            Sending::Idle => read,
            Sending::Late => without_acknowledgement(read).unwrap_or(read),
            Sending::Waiting(body) => {
                output.extend_from_slice(&body);
                without_acknowledgement(read).unwrap_or_default()
            }
        }
    }

    /// Appends the body that waits, if one does: its time is over.
    pub fn deadline_reached(&mut self, output: &mut Vec<u8>) {
        if let Sending::Waiting(body) = &mut self.state {
            output.append(body);
            self.state = Sending::Late;
        }
    }
}

/// What stands behind a known acknowledgement; `None` where `read` does not begin with one.
fn without_acknowledgement(read: &[u8]) -> Option<&[u8]> {
    ACKNOWLEDGEMENTS
        .iter()
        .find_map(|acknowledgement| read.strip_prefix(*acknowledgement))
}

/// The side that wants the body.
#[derive(Debug)]
pub struct SizedReceiver {
    acknowledgement: Cow<'static, [u8]>,
    max: usize,
    /// What the length read said, in bytes, at most `max`; `None` before that read.
    length: Option<usize>,
}

impl SizedReceiver {
    /// A receiver of bodies of at most `max` bytes that answers a length with `acknowledgement`.
    ///
    /// # Errors
    /// [`FramingError::Inexpressible`] or [`FramingError::TooLong`]: an acknowledgement is 1 to
    /// [`ACKNOWLEDGEMENT_MAX`] bytes.
    pub fn new(acknowledgement: impl Into<Cow<'static, [u8]>>, max: usize) -> Result<Self, FramingError> {
        let acknowledgement = acknowledgement.into();
        check_length(acknowledgement.len(), ACKNOWLEDGEMENT_MAX)?;
        if acknowledgement.is_empty() {
            return Err(FramingError::Inexpressible("an empty acknowledgement"));
        }
        Ok(Self {
            acknowledgement,
            max,
            length: None,
        })
    }

    /// Takes what has arrived and is not consumed. The first input is the length, all of it; from then on `input` is
    /// the body, which is taken when it is whole. `output` gets the acknowledgement. What stands behind a body stays
    /// in `input`.
    ///
    /// # Errors
    /// A length that is not in digits or over the limit: the peer is at fault, and the stream has no next message.
    pub fn received<'a>(
        &mut self,
        input: &mut &'a [u8],
        output: &mut Vec<u8>,
    ) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        let length = match self.length {
            Some(length) => length,
            None if input.is_empty() => return Ok(None),
            None => {
                let length = self.read_length(input)?;
                take(input, input.len());
                output.extend_from_slice(&self.acknowledgement);
                length
            }
        };
        if input.len() < length {
            self.length = Some(length);
            return Ok(None);
        }
        self.length = None;
        Ok(Some(Cow::Borrowed(take(input, length))))
    }

    /// The peer sent its end.
    ///
    /// # Errors
    /// [`FramingError::Truncated`] where a body was announced and did not come.
    pub fn finish(&self) -> Result<(), FramingError> {
        match self.length {
            None => Ok(()),
            Some(_) => Err(FramingError::Truncated),
        }
    }

    /// The most bytes that a reader has to hold: a whole body, or a length.
    #[must_use]
    pub fn buffer_max(&self) -> usize {
        self.max.max(crate::digits::DIGITS_MAX)
    }

    fn read_length(&self, read: &[u8]) -> Result<usize, FramingError> {
        let length = parse_digits(read, self.max as u64)?;
        usize::try_from(length).map_err(|_| FramingError::TooLong {
            length,
            limit: self.max as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(body: &[u8]) -> SizedSender {
        let mut sender = SizedSender::default();
        sender.send(body.to_vec(), &mut Vec::new());
        sender
    }

    fn receiver() -> SizedReceiver {
        SizedReceiver::new(&b"recv_ready"[..], 100).unwrap()
    }

    #[test]
    fn the_length_goes_out_alone_and_any_read_brings_the_body() {
        for acknowledgement in [&b"recv_ready"[..], b"get number", b"123", b"\x00", b"go on"] {
            let mut sender = SizedSender::default();
            let mut output = Vec::new();
            sender.send(b"hello".to_vec(), &mut output);
            assert_eq!(output, b"5");
            assert!(sender.is_waiting());
            assert_eq!(sender.received(acknowledgement, &mut output), b"");
            assert_eq!(output, b"5hello");
            assert!(!sender.is_waiting());
        }
    }

    #[test]
    fn the_next_command_may_share_its_read_with_a_known_acknowledgement() {
        for read in [&b"recv_readyls -l"[..], b"get numberls -l", b"123ls -l"] {
            let mut output = Vec::new();
            assert_eq!(waiting(b"hello").received(read, &mut output), b"ls -l");
            assert_eq!(output, b"hello");
        }
    }

    #[test]
    fn only_one_acknowledgement_is_taken_off() {
        let mut sender = waiting(b"hello");
        let mut output = Vec::new();
        assert_eq!(sender.received(b"123123", &mut output), b"123");
        assert_eq!(sender.received(b"123", &mut output), b"123");
    }

    #[test]
    fn after_the_deadline_the_body_goes_out_and_a_late_acknowledgement_is_no_command() {
        let mut output = Vec::new();
        let mut sender = waiting(b"hello");
        sender.deadline_reached(&mut output);
        sender.deadline_reached(&mut output);
        assert_eq!(output, b"hello");
        assert_eq!(sender.received(b"recv_ready", &mut output), b"");
        assert_eq!(sender.received(b"recv_ready", &mut output), b"recv_ready");
        let mut sender = waiting(b"hello");
        sender.deadline_reached(&mut output);
        assert_eq!(sender.received(b"ls", &mut output), b"ls");
        assert_eq!(output, b"hellohello");
    }

    #[test]
    fn a_second_body_does_not_overtake_the_first() {
        let mut output = Vec::new();
        let mut sender = waiting(b"first");
        sender.send(b"second".to_vec(), &mut output);
        assert_eq!(output, b"first6");
        assert_eq!(sender.received(b"123", &mut output), b"");
        assert_eq!(output, b"first6second");
    }

    #[test]
    fn the_receiver_acknowledges_and_waits_for_exactly_the_body() {
        let mut receiver = receiver();
        let mut output = Vec::new();
        assert_eq!(receiver.received(&mut &b""[..], &mut output), Ok(None));
        assert_eq!(receiver.received(&mut &b"5"[..], &mut output), Ok(None));
        assert_eq!(output, b"recv_ready");
        assert_eq!(receiver.received(&mut &b"hel"[..], &mut output), Ok(None));
        assert_eq!(receiver.finish(), Err(FramingError::Truncated));
        let mut input = &b"hello5"[..];
        let body = receiver.received(&mut input, &mut output).unwrap();
        assert_eq!(body.as_deref(), Some(&b"hello"[..]));
        assert_eq!(input, b"5");
        assert_eq!(output, b"recv_ready");
        assert_eq!(receiver.finish(), Ok(()));
    }

    #[test]
    fn an_empty_body_is_acknowledged_and_is_there_at_once() {
        let mut output = Vec::new();
        let body = receiver().received(&mut &b"0"[..], &mut output).unwrap();
        assert_eq!(body.as_deref(), Some(&b""[..]));
        assert_eq!(output, b"recv_ready");
    }

    #[test]
    fn a_length_that_is_not_digits_or_too_great_is_refused_and_not_acknowledged() {
        for read in [
            &b"-1"[..],
            b"5hello",
            b"5\n",
            b" 5",
            b"101",
            b"9223372036854775808",
            b"99999999999999999999",
            b"x",
        ] {
            let mut output = Vec::new();
            assert!(receiver().received(&mut &*read, &mut output).is_err(), "{read:?}");
            assert!(output.is_empty());
        }
        assert!(SizedReceiver::new(&b""[..], 100).is_err());
        assert!(SizedReceiver::new(vec![b'x'; ACKNOWLEDGEMENT_MAX + 1], 100).is_err());
    }
}

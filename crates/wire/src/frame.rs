//! The native framing: a 4-byte big-endian length, a JSON object of that many bytes, and a raw body.
//!
//! ```text
//! +----------------+---------------------------------+---------------------+
//! | length: u32 BE | header: JSON object, UTF-8      | body: `"body"` bytes|
//! +----------------+---------------------------------+---------------------+
//! ```
//!
//! The header names its body's length in the member `"body"`; a header without it has no body.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// The longest header that any peer may send, in bytes.
pub const HEADER_MAX: usize = 64 * 1024;

/// The longest body that any peer may send, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;

/// The bytes of the length that stands before each header.
pub const LENGTH_BYTES: usize = 4;

/// The shortest header that can be right: an empty JSON object.
const HEADER_MIN: usize = 2;

/// One whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The header: a JSON object, at most [`HEADER_MAX`] bytes, known to be well-formed.
    pub header: Bytes,
    /// The body: exactly as many bytes as the header says, at most [`BODY_MAX`].
    pub body: Bytes,
}

/// What is wrong with a frame. Unless said otherwise the peer is at fault, and the connection cannot go on: the place
/// where the next message begins is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length says more than the limit.
    #[error("a header of {length} bytes; at most {limit} are allowed")]
    HeaderTooLong {
        /// What the peer announced, in bytes.
        length: usize,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The length says less than `{}` needs.
    #[error("a header of {0} bytes is too short to be a JSON object")]
    HeaderTooShort(usize),
    /// The header is not a JSON object, or its `"body"` is not a count.
    #[error("a header that is not a JSON object with a sound \"body\": {0}")]
    HeaderMalformed(String),
    /// The header announces a longer body than the limit.
    #[error("a body of {length} bytes; at most {limit} are allowed")]
    BodyTooLong {
        /// What the peer announced, in bytes.
        length: u64,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The stream ended inside a message.
    #[error("the connection ended in the middle of a message")]
    Truncated,
    /// Our own header cannot be sent. The caller is at fault; nothing was written.
    #[error("a message that cannot be sent: {0}")]
    Unsendable(String),
}

/// Finds the messages in a stream of bytes.
///
/// States: waiting for a length, waiting for a header of a known length, waiting for a body of a known length. Each
/// length is checked against its limit before the decoder waits for that many bytes, so that a caller that reads on
/// demand never holds more than one message's worth.
#[derive(Debug)]
pub struct FrameDecoder {
    header_max: usize,
    body_max: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Length,
    Header(usize),
    Body(Bytes, usize),
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self::new(HEADER_MAX, BODY_MAX)
    }
}

impl FrameDecoder {
    /// A decoder with limits of its own, in bytes; neither goes beyond [`HEADER_MAX`] and [`BODY_MAX`].
    #[must_use]
    pub fn new(header_max: usize, body_max: usize) -> Self {
        Self {
            header_max: header_max.min(HEADER_MAX),
            body_max: body_max.min(BODY_MAX),
            state: State::Length,
        }
    }

    /// Takes the next whole message off the front of `input`; `None` asks for more bytes.
    ///
    /// # Errors
    /// Any [`FrameError`] but `Truncated` and `Unsendable`. After an error the stream has no next message.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        loop {
            match std::mem::replace(&mut self.state, State::Length) {
                State::Length => {
                    let Some(prefix) = input.first_chunk::<LENGTH_BYTES>() else {
                        return Ok(None);
                    };
                    let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
                    self.check_header_length(length)?;
                    let _ = input.split_to(LENGTH_BYTES);
                    self.state = State::Header(length);
                }
                State::Header(length) if input.len() < length => {
                    self.state = State::Header(length);
                    return Ok(None);
                }
                State::Header(length) => {
                    let header = input.split_to(length).freeze();
                    let body = self.body_length(&header)?;
                    self.state = State::Body(header, body);
                }
                State::Body(header, length) if input.len() < length => {
                    self.state = State::Body(header, length);
                    return Ok(None);
                }
                State::Body(header, length) => {
                    return Ok(Some(Frame {
                        header,
                        body: input.split_to(length).freeze(),
                    }));
                }
            }
        }
    }

    /// How many more bytes the message under way needs at least, beside the `buffered` ones. Never zero right after
    /// [`decode`](Self::decode) answered `None`; a reader reserves this much and no more.
    #[must_use]
    pub fn wanted(&self, buffered: usize) -> usize {
        let whole = match &self.state {
            State::Length => LENGTH_BYTES,
            State::Header(length) | State::Body(_, length) => *length,
        };
        whole.saturating_sub(buffered)
    }

    /// Says whether the stream may end here, with `rest` bytes left over.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] when a message had begun.
    pub fn finish(&self, rest: usize) -> Result<(), FrameError> {
        if rest == 0 && matches!(self.state, State::Length) {
            Ok(())
        } else {
            Err(FrameError::Truncated)
        }
    }

    fn check_header_length(&self, length: usize) -> Result<(), FrameError> {
        if length > self.header_max {
            return Err(FrameError::HeaderTooLong {
                length,
                limit: self.header_max,
            });
        }
        if length < HEADER_MIN {
            return Err(FrameError::HeaderTooShort(length));
        }
        Ok(())
    }

    fn body_length(&self, header: &[u8]) -> Result<usize, FrameError> {
        // A serde struct also reads from a JSON array; only an object is a header.
        if header.trim_ascii_start().first() != Some(&b'{') {
            return Err(FrameError::HeaderMalformed(
                "it does not begin with '{'".to_owned(),
            ));
        }
        // The JSON reader looks only at the members that it keeps; the others must be text too.
        let text =
            std::str::from_utf8(header).map_err(|error| FrameError::HeaderMalformed(error.to_string()))?;
        let BodyLength { body } =
            serde_json::from_str(text).map_err(|error| FrameError::HeaderMalformed(error.to_string()))?;
        match usize::try_from(body) {
            Ok(length) if length <= self.body_max => Ok(length),
            _ => Err(FrameError::BodyTooLong {
                length: body,
                limit: self.body_max,
            }),
        }
    }
}

#[derive(Deserialize)]
struct BodyLength {
    #[serde(default)]
    body: u64,
}

/// Appends one message to `out`. `header` must serialise to a JSON object without a member `body`: that one is added
/// here, so that it cannot disagree with the body.
///
/// # Errors
/// [`FrameError::Unsendable`], [`FrameError::HeaderTooLong`] or [`FrameError::BodyTooLong`]; `out` is then as it was.
pub fn encode(header: &impl Serialize, body: &[u8], out: &mut BytesMut) -> Result<(), FrameError> {
    encode_head(header, body.len(), out)?;
    out.put_slice(body);
    Ok(())
}

/// As [`encode`], without the body: so many bytes that the caller sends behind it.
///
/// # Errors
/// As [`encode`].
pub fn encode_head(header: &impl Serialize, body: usize, out: &mut BytesMut) -> Result<(), FrameError> {
    if body > BODY_MAX {
        return Err(FrameError::BodyTooLong {
            length: body as u64,
            limit: BODY_MAX,
        });
    }
    let begin = out.len();
    encode_header(header, body, out).inspect_err(|_| out.truncate(begin))
}

fn encode_header(header: &impl Serialize, body: usize, out: &mut BytesMut) -> Result<(), FrameError> {
    let unsendable = |what: &dyn std::fmt::Display| FrameError::Unsendable(what.to_string());
    let begin = out.len();
    out.put_u32(0);
    let json = serde_json::to_vec(header).map_err(|error| unsendable(&error))?;
    let Some(members) = json.strip_prefix(b"{") else {
        return Err(unsendable(&"its header is not a JSON object"));
    };
    out.put_u8(b'{');
    if body > 0 {
        out.put_slice(format!("\"body\":{body}").as_bytes());
        if members != b"}" {
            out.put_u8(b',');
        }
    }
    out.put_slice(members);
    let length = out.len() - begin - LENGTH_BYTES;
    if length > HEADER_MAX {
        return Err(FrameError::HeaderTooLong {
            length,
            limit: HEADER_MAX,
        });
    }
    let prefix = u32::try_from(length)
        .map_err(|error| unsendable(&error))?
        .to_be_bytes();
    out[begin..begin + LENGTH_BYTES].copy_from_slice(&prefix);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn raw(header: &[u8], body: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        bytes.put_u32(u32::try_from(header.len()).unwrap());
        bytes.put_slice(header);
        bytes.put_slice(body);
        bytes
    }

    #[test]
    fn a_header_longer_than_the_limit_is_refused_before_it_arrives() {
        let mut input = BytesMut::from(&(70 * 1024_u32).to_be_bytes()[..]);
        let error = FrameDecoder::default().decode(&mut input).unwrap_err();
        assert_eq!(
            error,
            FrameError::HeaderTooLong {
                length: 70 * 1024,
                limit: HEADER_MAX
            }
        );
    }

    #[test]
    fn a_body_longer_than_the_limit_is_refused_before_it_arrives() {
        for body in ["1048577", "18446744073709551615"] {
            let error = FrameDecoder::default()
                .decode(&mut raw(format!("{{\"body\":{body}}}").as_bytes(), b""))
                .unwrap_err();
            assert!(matches!(error, FrameError::BodyTooLong { .. }), "{error}");
        }
    }

    #[test]
    fn a_header_that_is_not_an_object_with_a_count_is_refused() {
        for header in [
            "[5]",
            "17",
            "{}}",
            "{\"body\":-1}",
            "{\"body\":1.5}",
            "{\"body\":1,\"body\":2}",
            "{\"a\":\u{0}}",
        ] {
            let result = FrameDecoder::default().decode(&mut raw(header.as_bytes(), b""));
            assert!(
                matches!(result, Err(FrameError::HeaderMalformed(_))),
                "{header}: {result:?}"
            );
        }
    }

    #[test]
    fn a_header_that_is_not_utf8_is_refused_also_in_members_that_nobody_reads() {
        let result = FrameDecoder::default().decode(&mut raw(b"{\"other\":\"\xff\"}", b""));
        assert!(
            matches!(result, Err(FrameError::HeaderMalformed(_))),
            "{result:?}"
        );
    }

    #[test]
    fn a_length_below_an_empty_object_is_refused() {
        assert_eq!(
            FrameDecoder::default().decode(&mut raw(b"", b"")),
            Err(FrameError::HeaderTooShort(0))
        );
    }

    #[test]
    fn an_end_inside_a_message_is_truncation_and_between_messages_is_not() {
        let mut decoder = FrameDecoder::default();
        assert_eq!(decoder.finish(0), Ok(()));
        assert_eq!(decoder.finish(1), Err(FrameError::Truncated));
        let mut input = raw(b"{\"body\":3}", b"ab");
        assert_eq!(decoder.decode(&mut input), Ok(None));
        assert_eq!(decoder.wanted(input.len()), 1);
        assert_eq!(decoder.finish(input.len()), Err(FrameError::Truncated));
    }

    #[test]
    fn what_cannot_be_sent_leaves_the_output_as_it_was() {
        let mut out = BytesMut::from(&b"before"[..]);
        let long = json!({ "text": "x".repeat(HEADER_MAX) });
        assert!(matches!(
            encode(&long, b"", &mut out),
            Err(FrameError::HeaderTooLong { .. })
        ));
        assert!(matches!(
            encode(&[1], b"", &mut out),
            Err(FrameError::Unsendable(_))
        ));
        assert!(matches!(
            encode(&json!({}), &vec![0; BODY_MAX + 1], &mut out),
            Err(FrameError::BodyTooLong { .. })
        ));
        assert_eq!(&out[..], b"before");
    }

    proptest! {
        #[test]
        fn messages_survive_every_split(
            messages in prop::collection::vec((0_u64..1000, prop::collection::vec(any::<u8>(), 0..300)), 1..5),
            cuts in prop::collection::vec(1_usize..40, 1..40),
        ) {
            let mut stream = BytesMut::new();
            for (id, body) in &messages {
                encode(&json!({ "id": id }), body, &mut stream).unwrap();
            }
            let mut decoder = FrameDecoder::default();
            let mut input = BytesMut::new();
            let mut found = Vec::new();
            let mut cuts = cuts.iter().cycle();
            while !stream.is_empty() {
                let cut = (*cuts.next().unwrap()).min(stream.len());
                input.extend_from_slice(&stream.split_to(cut));
                while let Some(frame) = decoder.decode(&mut input).unwrap() {
                    let header: serde_json::Value = serde_json::from_slice(&frame.header).unwrap();
                    found.push((header["id"].as_u64().unwrap(), frame.body.to_vec()));
                }
            }
            prop_assert_eq!(found, messages);
            prop_assert_eq!(decoder.finish(input.len()), Ok(()));
        }
    }
}

//! A length, a JSON object of that length which says how long the body is, then the body.

use std::{borrow::Cow, fmt};

use serde::{
    Serialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor},
};

use super::{Framing, FramingError, LengthField, check_length, finish_empty, take};

/// The longest JSON header unless the caller says otherwise, in bytes.
pub const HEADER_JSON_MAX: usize = 64 * 1024;

/// The shortest header that can be right: an empty JSON object.
const HEADER_JSON_MIN: usize = b"{}".len();

/// Takes headers, and only headers, off the front of a stream: for bodies that are streamed and never held whole.
#[derive(Clone, Debug)]
pub struct HeaderCodec {
    field: LengthField,
    max: usize,
}

impl HeaderCodec {
    /// Headers whose length is written as `field` and which have at most `max` bytes of JSON.
    #[must_use]
    pub fn new(field: LengthField, max: usize) -> Self {
        Self {
            field,
            max: max.min(field.max()),
        }
    }

    /// Takes the next header off the front of `input`; the body is what follows. `None`: more bytes are needed, and
    /// `input` was left as it is.
    ///
    /// # Errors
    /// A length that is negative, over the limit or too short, and JSON that is not an object in UTF-8.
    pub fn decode<'a>(&self, input: &mut &'a [u8]) -> Result<Option<JsonHeader<'a>>, FramingError> {
        let Some(length) = self.field.read(input, self.max)? else {
            return Ok(None);
        };
        if length < HEADER_JSON_MIN {
            return Err(FramingError::malformed("a header too short for a JSON object"));
        }
        let Some(json) = input[self.field.size()..].get(..length) else {
            return Ok(None);
        };
        let header = JsonHeader::parse(json)?;
        take(input, self.field.size() + length);
        Ok(Some(header))
    }

    /// Appends a header, which must serialise to a JSON object; the body is the caller's to append.
    ///
    /// # Errors
    /// [`FramingError::TooLong`] or [`FramingError::Inexpressible`]; nothing was appended.
    pub fn encode(&self, header: &impl Serialize, output: &mut Vec<u8>) -> Result<(), FramingError> {
        let json = serde_json::to_vec(header)
            .map_err(|_| FramingError::Inexpressible("a header that JSON has no form for"))?;
        if json.first() != Some(&b'{') {
            return Err(FramingError::Inexpressible("a header that is not a JSON object"));
        }
        check_length(json.len(), self.max)?;
        self.field.write(json.len(), output)?;
        output.extend_from_slice(&json);
        Ok(())
    }

    /// The length of the longest header with its length before it, in bytes: what a reader has to hold.
    #[must_use]
    pub fn buffer_max(&self) -> usize {
        self.max.saturating_add(self.field.size())
    }
}

impl Default for HeaderCodec {
    /// As Python's `struct.pack('i', n)` before `json.dumps(...)` makes it.
    fn default() -> Self {
        Self::new(LengthField::PYTHON_I, HEADER_JSON_MAX)
    }
}

/// A header as it came: known to be one well-formed JSON object in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonHeader<'a>(&'a str);

impl<'a> JsonHeader<'a> {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// The size in bytes that `member` says.
    ///
    /// # Errors
    /// [`FramingError::Malformed`] where the member is missing, stands there twice, or is not a whole number from 0
    /// to 2^64 - 1.
    pub fn size(&self, member: &str) -> Result<u64, FramingError> {
        // The text is one well-formed object, so whatever is wrong now is wrong with the member.
        let size = read_member(self.0, member)
            .map_err(|error| FramingError::Malformed(format!("{member:?}: {error}").into()))?;
        size.ok_or_else(|| FramingError::Malformed(format!("a header without {member:?}").into()))
    }

    fn parse(json: &'a [u8]) -> Result<Self, FramingError> {
        let malformed =
            |error: &dyn fmt::Display| FramingError::Malformed(format!("a header: {error}").into());
        let text = std::str::from_utf8(json).map_err(|error| malformed(&error))?;
        if text.trim_ascii_start().as_bytes().first() != Some(&b'{') {
            return Err(FramingError::malformed("a header that is not a JSON object"));
        }
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| malformed(&error))?;
        Ok(Self(text))
    }
}

fn read_member(text: &str, member: &str) -> Result<Option<u64>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    SizeMember(member).deserialize(&mut reader)
}

/// Reads one member of an object as a `u64`, which refuses signs, fractions, exponents and texts, and passes over the
/// others. A map would keep the last of two; two sizes are one too many.
struct SizeMember<'m>(&'m str);

impl<'de> DeserializeSeed<'de> for SizeMember<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SizeMember<'_> {
    type Value = Option<u64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut size = None;
        while let Some(name) = members.next_key::<String>()? {
            if name != self.0 {
                members.next_value::<IgnoredAny>()?;
            } else if size.replace(members.next_value()?).is_some() {
                return Err(A::Error::custom("it stands there twice"));
            }
        }
        Ok(size)
    }
}

/// Messages that are the bodies; of the header only the member with the body's size is looked at, and only that one is
/// written.
#[derive(Clone, Debug)]
pub struct Header {
    codec: HeaderCodec,
    member: Cow<'static, str>,
    max: usize,
    /// The header at the front of the input, so that it is read once and not with every piece of the body.
    begun: Option<Begun>,
}

/// Both in bytes, both within their limits.
#[derive(Clone, Copy, Debug)]
struct Begun {
    header: usize,
    body: usize,
}

impl Header {
    /// Bodies of at most `max` bytes, behind headers in which `member` names the body's size.
    #[must_use]
    pub fn new(codec: HeaderCodec, member: impl Into<Cow<'static, str>>, max: usize) -> Self {
        Self {
            codec,
            member: member.into(),
            max,
            begun: None,
        }
    }

    /// The sizes of the header at the front and of its body; `None` while it is not whole.
    fn begin(&mut self, input: &[u8]) -> Result<Option<Begun>, FramingError> {
        if self.begun.is_none() {
            let mut rest = input;
            if let Some(header) = self.codec.decode(&mut rest)? {
                self.begun = Some(Begun {
                    header: input.len() - rest.len(),
                    body: self.body_size(&header)?,
                });
            }
        }
        Ok(self.begun)
    }

    fn body_size(&self, header: &JsonHeader<'_>) -> Result<usize, FramingError> {
        let length = header.size(&self.member)?;
        match usize::try_from(length) {
            Ok(size) if size <= self.max => Ok(size),
            _ => Err(FramingError::TooLong {
                length,
                limit: self.max as u64,
            }),
        }
    }
}

impl Framing for Header {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        match self.begin(input)? {
            Some(Begun { header, body }) if input.len() >= header.saturating_add(body) => {
                self.begun = None;
                take(input, header);
                Ok(Some(Cow::Borrowed(take(input, body))))
            }
            _ => Ok(None),
        }
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        let header = serde_json::json!({ (self.member.as_ref()): message.len() });
        self.codec.encode(&header, output)?;
        output.extend_from_slice(message);
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        finish_empty(rest)
    }

    fn buffer_max(&self) -> usize {
        self.codec.buffer_max().saturating_add(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_length(json: &[u8]) -> Vec<u8> {
        let mut bytes = i32::try_from(json.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(json);
        bytes
    }

    fn header(max: usize) -> Header {
        Header::new(HeaderCodec::default(), "data_size", max)
    }

    #[test]
    fn a_command_s_output_has_the_bytes_that_a_student_s_client_reads() {
        let mut output = Vec::new();
        header(100).encode(b"abc", &mut output).unwrap();
        assert_eq!(output, b"\x0f\0\0\0{\"data_size\":3}abc");
    }

    #[test]
    fn other_members_and_spaces_are_passed_over() {
        let json = br#" {"md5": "8f6f", "data_size" : 2, "more": [{"data_size": 9}]} "#;
        let bytes = [with_length(json), b"hi and more".to_vec()].concat();
        let mut input = &bytes[..];
        assert_eq!(header(2).decode(&mut input).unwrap().as_deref(), Some(&b"hi"[..]));
        assert_eq!(input, b" and more");
    }

    #[test]
    fn a_size_that_is_no_whole_number_of_bytes_is_refused() {
        for size in [
            "-1",
            "1.5",
            "1.0",
            "1e3",
            "\"3\"",
            "true",
            "null",
            "[]",
            "18446744073709551616",
        ] {
            let bytes = with_length(format!("{{\"data_size\":{size}}}").as_bytes());
            let result = header(100).decode(&mut &bytes[..]);
            assert!(
                matches!(result, Err(FramingError::Malformed(_))),
                "{size}: {result:?}"
            );
        }
    }

    #[test]
    fn a_size_that_is_missing_or_there_twice_is_refused() {
        for json in ["{}", "{\"size\":1}", "{\"data_size\":1,\"data_size\":1}"] {
            let bytes = with_length(json.as_bytes());
            let result = header(100).decode(&mut &bytes[..]);
            assert!(
                matches!(result, Err(FramingError::Malformed(_))),
                "{json}: {result:?}"
            );
        }
    }

    #[test]
    fn a_header_that_is_not_a_json_object_is_refused() {
        for json in [
            &b""[..],
            b"5",
            b"[]",
            b"[5]",
            b"null",
            b"{}}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\0}",
        ] {
            let bytes = with_length(json);
            let result = HeaderCodec::default().decode(&mut &bytes[..]);
            assert!(
                matches!(result, Err(FramingError::Malformed(_))),
                "{json:?}: {result:?}"
            );
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let bytes = with_length(&[&b"{\"a\":"[..], &b"[".repeat(60_000)].concat());
        let result = HeaderCodec::default().decode(&mut &bytes[..]);
        assert!(matches!(result, Err(FramingError::Malformed(_))), "{result:?}");
    }

    #[test]
    fn lengths_are_refused_before_the_bytes_arrive() {
        let codec = HeaderCodec::default();
        assert_eq!(
            codec.decode(&mut &b"\xff\xff\xff\xff"[..]),
            Err(FramingError::Negative(-1))
        );
        assert_eq!(
            codec.decode(&mut &b"\x01\x00\x01\x00"[..]),
            Err(FramingError::TooLong {
                length: 65_537,
                limit: 65_536
            })
        );
        let bytes = with_length(b"{\"data_size\":9223372036854775808}");
        assert_eq!(
            header(100).decode(&mut &bytes[..]),
            Err(FramingError::TooLong {
                length: 1 << 63,
                limit: 100
            })
        );
    }

    #[test]
    fn a_codec_leaves_the_body_and_takes_sizes_up_to_2_to_the_64() {
        let bytes = [
            with_length(b"{\"file_size\":18446744073709551615}"),
            b"body".to_vec(),
        ]
        .concat();
        let mut input = &bytes[..];
        let found = HeaderCodec::default().decode(&mut input).unwrap().unwrap();
        assert_eq!(found.size("file_size"), Ok(u64::MAX));
        assert!(matches!(found.size("filesize"), Err(FramingError::Malformed(_))));
        assert_eq!(input, b"body");
    }

    #[test]
    fn what_is_no_object_is_not_written() {
        let mut output = Vec::new();
        let codec = HeaderCodec::new(LengthField::PYTHON_I, 8);
        assert!(matches!(
            codec.encode(&[1], &mut output),
            Err(FramingError::Inexpressible(_))
        ));
        let long = serde_json::json!({ "name": "a.txt" });
        assert!(matches!(
            codec.encode(&long, &mut output),
            Err(FramingError::TooLong { .. })
        ));
        assert!(output.is_empty());
    }
}

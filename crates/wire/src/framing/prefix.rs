//! A length in binary, then the message.

use std::borrow::Cow;

use super::{Framing, FramingError, MESSAGE_MAX, check_length, finish_empty, take};

/// The integer that a length is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Unsigned, 2 bytes.
    U16,
    /// Unsigned, 4 bytes.
    U32,
    /// Unsigned, 8 bytes.
    U64,
    /// Two's complement, 4 bytes, as Python's `struct.pack('i', n)` makes it; below zero is refused.
    I32,
}

/// Which byte of an integer comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant one: network byte order.
    Big,
    /// The least significant one, as in the memory of today's machines.
    Little,
}

/// How a length looks on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthField {
    /// The integer.
    pub width: Width,
    /// Its byte order.
    pub order: ByteOrder,
}

impl LengthField {
    /// Four bytes, signed, little endian: what `struct.pack('i', n)` gives on common machines.
    pub const PYTHON_I: Self = Self {
        width: Width::I32,
        order: ByteOrder::Little,
    };

    /// How many bytes it takes.
    #[must_use]
    pub const fn size(self) -> usize {
        match self.width {
            Width::U16 => 2,
            Width::U32 | Width::I32 => 4,
            Width::U64 => 8,
        }
    }

    /// The greatest length that it can say, in bytes; no more than memory can be addressed with.
    #[must_use]
    pub const fn max(self) -> usize {
        match self.width {
            Width::U16 => u16::MAX as usize,
            Width::U32 => u32::MAX as usize,
            Width::I32 => i32::MAX as usize,
            Width::U64 => usize::MAX,
        }
    }

    /// The length at the front of `input`, which is left as it is; `None` while it is not whole.
    ///
    /// # Errors
    /// [`FramingError::Negative`], and [`FramingError::TooLong`] where it is more than `limit` bytes.
    pub fn read(self, input: &[u8], limit: usize) -> Result<Option<usize>, FramingError> {
        let Some(field) = input.get(..self.size()) else {
            return Ok(None);
        };
        let length = self.value(field)?;
        match usize::try_from(length) {
            Ok(length) if length <= limit => Ok(Some(length)),
            _ => Err(FramingError::TooLong {
                length,
                limit: limit as u64,
            }),
        }
    }

    /// Appends a length.
    ///
    /// # Errors
    /// [`FramingError::TooLong`] where the field is too narrow; nothing was appended.
    pub fn write(self, length: usize, output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(length, self.max())?;
        let bytes = (length as u64).to_be_bytes();
        let field = &bytes[bytes.len() - self.size()..];
        match self.order {
            ByteOrder::Big => output.extend_from_slice(field),
            ByteOrder::Little => output.extend(field.iter().rev()),
        }
        Ok(())
    }

    /// The unsigned value of a field of the right size.
    fn value(self, field: &[u8]) -> Result<u64, FramingError> {
        let shift = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = match self.order {
            ByteOrder::Big => field.iter().fold(0, shift),
            ByteOrder::Little => field.iter().rev().fold(0, shift),
        };
        // Bit 31 of a signed length is its sign; the value stands for itself less 2^32.
        if self.width == Width::I32 && value > u64::from(i32::MAX.unsigned_abs()) {
            return Err(FramingError::Negative(value.cast_signed() - (1 << 32)));
        }
        Ok(value)
    }
}

/// A length, then so many bytes.
#[derive(Clone, Debug)]
pub struct Prefix {
    field: LengthField,
    max: usize,
}

impl Prefix {
    /// Messages of at most `max` bytes, or as many as the field can say where that is less.
    #[must_use]
    pub fn new(width: Width, order: ByteOrder, max: usize) -> Self {
        let field = LengthField { width, order };
        Self {
            field,
            max: max.min(field.max()),
        }
    }
}

impl Default for Prefix {
    /// An unsigned length of 4 bytes in network byte order.
    fn default() -> Self {
        Self::new(Width::U32, ByteOrder::Big, MESSAGE_MAX)
    }
}

impl Framing for Prefix {
    fn decode<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        let Some(length) = self.field.read(input, self.max)? else {
            return Ok(None);
        };
        if input.len() - self.field.size() < length {
            return Ok(None);
        }
        take(input, self.field.size());
        Ok(Some(Cow::Borrowed(take(input, length))))
    }

    fn encode(&mut self, message: &[u8], output: &mut Vec<u8>) -> Result<(), FramingError> {
        check_length(message.len(), self.max)?;
        self.field.write(message.len(), output)?;
        output.extend_from_slice(message);
        Ok(())
    }

    fn finish<'a>(&mut self, rest: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, FramingError> {
        finish_empty(rest)
    }

    fn buffer_max(&self) -> usize {
        self.max.saturating_add(self.field.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(width: Width, order: ByteOrder, bytes: &[u8]) -> FramingError {
        Prefix::new(width, order, 1000).decode(&mut &*bytes).unwrap_err()
    }

    #[test]
    fn each_width_and_order_has_its_bytes() {
        let cases: [(Width, ByteOrder, &[u8]); 7] = [
            (Width::U16, ByteOrder::Big, b"\x00\x02hi"),
            (Width::U16, ByteOrder::Little, b"\x02\x00hi"),
            (Width::U32, ByteOrder::Big, b"\x00\x00\x00\x02hi"),
            (Width::U32, ByteOrder::Little, b"\x02\x00\x00\x00hi"),
            (Width::I32, ByteOrder::Little, b"\x02\x00\x00\x00hi"),
            (Width::U64, ByteOrder::Big, b"\x00\x00\x00\x00\x00\x00\x00\x02hi"),
            (
                Width::U64,
                ByteOrder::Little,
                b"\x02\x00\x00\x00\x00\x00\x00\x00hi",
            ),
        ];
        for (width, order, bytes) in cases {
            let mut prefix = Prefix::new(width, order, 1000);
            let mut output = Vec::new();
            prefix.encode(b"hi", &mut output).unwrap();
            assert_eq!(output, bytes);
            let mut input = bytes;
            assert_eq!(prefix.decode(&mut input).unwrap().as_deref(), Some(&b"hi"[..]));
            assert!(input.is_empty());
        }
    }

    #[test]
    fn a_negative_length_is_refused() {
        assert_eq!(
            refused(Width::I32, ByteOrder::Little, b"\xff\xff\xff\xff"),
            FramingError::Negative(-1)
        );
        assert_eq!(
            refused(Width::I32, ByteOrder::Big, b"\x80\x00\x00\x00"),
            FramingError::Negative(i64::from(i32::MIN))
        );
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_bytes_arrive() {
        assert_eq!(
            refused(Width::U16, ByteOrder::Big, &1001_u16.to_be_bytes()),
            FramingError::TooLong {
                length: 1001,
                limit: 1000
            }
        );
        assert_eq!(
            refused(Width::U64, ByteOrder::Big, &(1_u64 << 63).to_be_bytes()),
            FramingError::TooLong {
                length: 1 << 63,
                limit: 1000
            }
        );
        assert_eq!(
            refused(Width::U64, ByteOrder::Little, &u64::MAX.to_le_bytes()),
            FramingError::TooLong {
                length: u64::MAX,
                limit: 1000
            }
        );
    }

    #[test]
    fn a_narrow_field_lowers_the_maximum() {
        let mut prefix = Prefix::new(Width::U16, ByteOrder::Big, MESSAGE_MAX);
        let mut output = Vec::new();
        prefix.encode(&[7; 65_535], &mut output).unwrap();
        assert!(prefix.encode(&[7; 65_536], &mut output).is_err());
        assert_eq!(output.len(), prefix.buffer_max());
    }

    #[test]
    fn an_end_inside_a_message_is_truncation() {
        assert_eq!(Prefix::default().finish(b"\x00"), Err(FramingError::Truncated));
        assert_eq!(Prefix::default().finish(b""), Ok(None));
    }
}

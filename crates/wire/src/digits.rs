//! A length in ASCII digits.

use crate::framing::FramingError;

/// The most digits of a length: as many as 2^64 - 1 has.
pub(crate) const DIGITS_MAX: usize = 20;

/// The number that `digits` say: ASCII digits only, at least one and at most [`DIGITS_MAX`], and at most `limit`.
pub(crate) fn parse_digits(digits: &[u8], limit: u64) -> Result<u64, FramingError> {
    let Some(text) = std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
    else {
        return Err(FramingError::malformed("a length that is not in digits"));
    };
    if text.is_empty() || text.len() > DIGITS_MAX {
        return Err(FramingError::malformed("a length of no digits, or of too many"));
    }
    // Twenty digits that pass 2^64 - 1 are said as that.
    let length = text.parse().unwrap_or(u64::MAX);
    if length > limit || text.parse::<u64>().is_err() {
        return Err(FramingError::TooLong { length, limit });
    }
    Ok(length)
}

//! Amounts of bytes, as people write and read them.

use std::fmt;
use std::str::FromStr;

/// So many bytes. Written `1.5G` or `1.5 GiB`, `500M`, `0`: units are powers of 1024; shown with two digits behind the
/// point where it is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// The text is no amount of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a size is a number of bytes, or one with K, M, G, T or P behind it, such as 500M")]
pub struct SizeError;

const UNITS: [(char, u32); 5] = [('P', 50), ('T', 40), ('G', 30), ('M', 20), ('K', 10)];

/// The digits behind the point that count.
const DIGITS_MAX: usize = 6;

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        for (unit, shift) in UNITS {
            if bytes >> shift == 0 {
                continue;
            }
            // Hundredths, rounded down: what is shown fits into what is meant.
            let rest = (u128::from(bytes & ((1 << shift) - 1)) * 100) >> shift;
            return match rest {
                0 => write!(formatter, "{} {unit}iB", bytes >> shift),
                rest => write!(formatter, "{}.{rest:02} {unit}iB", bytes >> shift),
            };
        }
        write!(formatter, "{bytes} B")
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let end = text
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = unit.trim_start().to_ascii_uppercase();
        let shift = match unit
            .strip_suffix("IB")
            .or_else(|| unit.strip_suffix('B'))
            .unwrap_or(&unit)
        {
            "" if !unit.starts_with('I') => 0,
            name => {
                UNITS
                    .iter()
                    .find(|(unit, _)| name.len() == 1 && name.starts_with(*unit))
                    .ok_or(SizeError)?
                    .1
            }
        };
        let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || rest.contains('.') || rest.len() > DIGITS_MAX {
            return Err(SizeError);
        }
        let whole: u64 = whole.parse().map_err(|_| SizeError)?;
        let scale = 10_u64.pow(u32::try_from(rest.len()).unwrap_or(0));
        let rest: u64 = if rest.is_empty() {
            0
        } else {
            rest.parse().map_err(|_| SizeError)?
        };
        let parts = u128::from(whole) * u128::from(scale) + u128::from(rest);
        u64::try_from((parts << shift) / u128::from(scale))
            .map(Self)
            .map_err(|_| SizeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("10K", 10 << 10),
            ("1.5G", 3 << 29),
            ("1.5 GiB", 3 << 29),
            ("500mb", 500 << 20),
            ("15P", 15 << 50),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in [
            "",
            "-1",
            "G",
            ".5G",
            "1..5G",
            "1.5X",
            "iB",
            "1 iB",
            "99999999999P",
            "1e9",
            "0.1234567G",
        ] {
            assert_eq!(text.parse::<Size>(), Err(SizeError), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_with_the_largest_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.50 KiB"),
            (1 << 40, "1 TiB"),
            ((1 << 30) - 1, "1023.99 MiB"),
            (u64::MAX, "16383.99 PiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}

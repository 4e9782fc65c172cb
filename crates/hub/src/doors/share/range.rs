//! Range requests (RFC 9110, section 14): one range of bytes.

/// Which part of a file a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// From the first on, up to but without the second.
    Range(u64, u64),
    /// One of which the file has nothing.
    Unsatisfiable,
}

/// What the field `Range` asks of a file of this size. What is no range of bytes, or several of them, asks for all of it
/// (sections 14.2 and 15.3.7 let a server do so).
pub(super) fn part(field: &str, size: u64) -> Part {
    let Some(range) = field.trim().strip_prefix("bytes=") else {
        return Part::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Part::Whole;
    };
    match (number(first), number(last)) {
        // The last so many bytes.
        (None, Some(0)) if first.is_empty() => Part::Unsatisfiable,
        (None, Some(_)) if first.is_empty() && size == 0 => Part::Unsatisfiable,
        (None, Some(count)) if first.is_empty() => Part::Range(size.saturating_sub(count), size),
        (Some(first), Some(last)) if last < first => Part::Whole,
        (Some(first), _) if first >= size && (last.is_empty() || number(last).is_some()) => {
            Part::Unsatisfiable
        }
        (Some(first), None) if last.is_empty() => Part::Range(first, size),
        (Some(first), Some(last)) => Part::Range(first, last.saturating_add(1).min(size)),
        _ => Part::Whole,
    }
}

/// Digits alone; what is too large to count is as large as can be counted.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_a_part_and_nothing_leads_past_the_end() {
        use Part::{Range, Unsatisfiable, Whole};
        for (field, size, expected) in [
            ("bytes=0-", 10, Range(0, 10)),
            ("bytes=3-5", 10, Range(3, 6)),
            ("bytes=9-9", 10, Range(9, 10)),
            ("bytes=3-99", 10, Range(3, 10)),
            ("bytes=-4", 10, Range(6, 10)),
            ("bytes=-99", 10, Range(0, 10)),
            ("bytes=0-18446744073709551615", 10, Range(0, 10)),
            ("bytes=0-99999999999999999999999", 10, Range(0, 10)),
            ("bytes=10-", 10, Unsatisfiable),
            ("bytes=9223372036854775808-", 10, Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Unsatisfiable),
            ("bytes=-0", 10, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-1", 0, Unsatisfiable),
            ("bytes=5-3", 10, Whole),
            ("bytes=0-1,4-5", 10, Whole),
            ("bytes=+1-2", 10, Whole),
            ("bytes=1-x", 10, Whole),
            ("bytes=20-x", 10, Whole),
            ("bytes=-", 10, Whole),
            ("bytes=", 10, Whole),
            ("lines=0-1", 10, Whole),
            ("", 10, Whole),
        ] {
            assert_eq!(part(field, size), expected, "{field} of {size}");
        }
    }
}

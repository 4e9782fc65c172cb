//! Durations as people write them: `90s`, `15m`, `12h`, `7d`.

use std::time::Duration;

/// Reads a duration of at least a second.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let duration = parse_any(text)?;
    if duration.is_zero() {
        return Err("it has to be longer than nothing".to_owned());
    }
    Ok(duration)
}

/// Reads a duration, which may be nothing.
pub(crate) fn parse_any(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number with s, m, h or d behind it, like 90s, 15m, 12h or 7d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds_per_unit: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds_per_unit));
    match seconds {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("that is longer than this program can count".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_any};

    #[test]
    fn numbers_with_a_unit_are_durations_and_nothing_else_is() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(parse(text).map(|duration| duration.as_secs()), Ok(seconds));
        }
        for text in [
            "",
            "7",
            "d",
            "-7d",
            "+7d",
            "7 d",
            "7w",
            "0s",
            "1.5h",
            "7é",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(parse(text).is_err(), "{text}");
            assert_eq!(parse_any(text).is_ok(), text == "0s", "{text}");
        }
    }
}

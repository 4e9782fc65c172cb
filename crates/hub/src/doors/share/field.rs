//! Fields with a form of their own.

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The last second that has a date of four digits in its year: 9999-12-31T23:59:59Z.
const SECONDS_MAX: u64 = 253_402_300_799;

/// A time, in seconds since the epoch, as HTTP writes it (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn date(seconds: u64) -> Option<String> {
    let (year, month, day) = civil(seconds)?;
    let weekday = WEEKDAYS[usize::try_from(seconds / 86_400 % 7).ok()?];
    let month = MONTHS[month.checked_sub(1)?];
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    Some(format!(
        "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
    ))
}

/// The same for people: `1994-11-06 08:49 UTC`.
pub(super) fn short_date(seconds: u64) -> String {
    match civil(seconds) {
        Some((year, month, day)) => {
            let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
        }
        None => String::new(),
    }
}

/// Year, month (1 to 12) and day of a time. The calendar repeats itself every 400 years, which are 146,097 days; years are
/// counted from March here, so that a leap day is the last one of its year.
fn civil(seconds: u64) -> Option<(u64, usize, u64)> {
    if seconds > SECONDS_MAX {
        return None;
    }
    // Days since 0000-03-01.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let (month, next_year) = if march_month < 10 {
        (march_month + 3, 0)
    } else {
        (march_month - 9, 1)
    };
    Some((
        era * 400 + year_of_era + next_year,
        usize::try_from(month).ok()?,
        day,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_http_has_them() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (SECONDS_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(date(seconds).as_deref(), Some(text));
        }
        assert_eq!(date(SECONDS_MAX + 1), None);
        assert_eq!(short_date(784_111_777), "1994-11-06 08:49 UTC");
    }
}

//! Time as text, by the directives of C's `strftime` in the C locale.
//!
//! Source: ISO/IEC 9899:2018, 7.27.3.5, with what the GNU C library adds, because its answers are the ones that
//! a Python or C program shows: the conversions `%k %l %P %s`, the flags `_ - 0 ^ #`, a width, and that what is no
//! directive stays as it is written.

use jiff::Zoned;

/// The most bytes that a formatted time has; what goes beyond it is cut. A width makes a long text of a short format.
pub const FORMATTED_MAX: usize = 4096;

/// Appends `time` in `format` to `text`: at most [`FORMATTED_MAX`] bytes.
///
/// Bytes outside of directives are copied, whatever their encoding.
pub fn strftime(format: &[u8], time: &Zoned, text: &mut Vec<u8>) {
    Formatter {
        time,
        text: Bounded {
            left: FORMATTED_MAX,
            text,
        },
    }
    .format(format);
}

/// How a directive is to be written.
#[derive(Clone, Copy, Default)]
struct Style {
    /// `_`, `-` or `0`.
    padding: Option<u8>,
    upper: bool,
    swap: bool,
    width: usize,
    /// `E` or `O`: another calendar or other digits. The C locale has neither.
    modifier: Option<u8>,
}

/// Text that does not grow beyond its bound.
struct Bounded<'a> {
    left: usize,
    text: &'a mut Vec<u8>,
}

impl Bounded<'_> {
    fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(self.left)];
        self.left -= bytes.len();
        self.text.extend_from_slice(bytes);
    }

    fn fill(&mut self, byte: u8, count: usize) {
        let count = count.min(self.left);
        self.left -= count;
        self.text.resize(self.text.len() + count, byte);
    }
}

struct Formatter<'a, 'b> {
    time: &'a Zoned,
    text: Bounded<'b>,
}

impl Formatter<'_, '_> {
    fn format(&mut self, mut format: &[u8]) {
        while let Some(percent) = format.iter().position(|byte| *byte == b'%') {
            self.text.push(&format[..percent]);
            format = &format[percent..];
            let (style, length) = parse(format);
            let conversion = format.get(length).copied();
            let directive = &format[..format.len().min(length + 1)];
            if conversion.is_none_or(|conversion| !self.convert(conversion, style)) {
                // The C library raises the letters of `%#Eb` before it sees that there is no such directive.
                let raised = style.swap && matches!(conversion, Some(b'b' | b'h'));
                self.string(
                    directive,
                    Style {
                        upper: style.upper || raised,
                        ..style
                    },
                );
            }
            format = &format[directive.len()..];
            if self.text.left == 0 {
                return;
            }
        }
        self.text.push(format);
    }

    /// Writes one directive. Says whether it is one.
    fn convert(&mut self, conversion: u8, style: Style) -> bool {
        if !takes_modifier(conversion, style.modifier) {
            return false;
        }
        let raised = Style {
            upper: style.upper || style.swap,
            ..style
        };
        let time = self.time;
        match conversion {
            b'%' => self.string(b"%", style),
            b'n' => self.string(b"\n", style),
            b't' => self.string(b"\t", style),
            b'a' => self.string(&weekday(time)[..3], raised),
            b'A' => self.string(weekday(time), raised),
            b'b' | b'h' => self.string(&month(time)[..3], raised),
            b'B' => self.string(month(time), raised),
            b'p' if style.swap => self.string(
                &half(time).to_ascii_lowercase(),
                Style {
                    upper: false,
                    ..style
                },
            ),
            b'p' => self.string(half(time), style),
            b'P' => self.string(
                &half(time).to_ascii_lowercase(),
                Style {
                    upper: false,
                    ..style
                },
            ),
            b'Z' => self.zone_name(style),
            b'z' => self.zone_offset(style),
            b'c' => self.compound(b"%a %b %e %H:%M:%S %Y", style),
            b'D' | b'x' => self.compound(b"%m/%d/%y", style),
            b'F' => self.compound(b"%Y-%m-%d", style),
            b'R' => self.compound(b"%H:%M", style),
            b'r' => self.compound(b"%I:%M:%S %p", style),
            b'T' | b'X' => self.compound(b"%H:%M:%S", style),
            _ => return self.convert_number(conversion, style),
        }
        true
    }

    fn convert_number(&mut self, conversion: u8, style: Style) -> bool {
        let time = self.time;
        let year = i64::from(time.year());
        let week = time.date().iso_week_date();
        let weekday = i64::from(time.weekday().to_sunday_zero_offset());
        let days = i64::from(time.day_of_year()) - 1;
        let hour = i64::from(time.hour());
        let (value, digits) = match conversion {
            b'C' => (year.div_euclid(100), 2),
            b'd' | b'e' => (i64::from(time.day()), 2),
            b'G' => (i64::from(week.year()), 1),
            b'g' => (i64::from(week.year()).rem_euclid(100), 2),
            b'H' | b'k' => (hour, 2),
            b'I' | b'l' => ((hour + 11) % 12 + 1, 2),
            b'j' => (days + 1, 3),
            b'M' => (i64::from(time.minute()), 2),
            b'm' => (i64::from(time.month()), 2),
            b'S' => (i64::from(time.second()), 2),
            b's' => (time.timestamp().as_second(), 1),
            b'U' => ((days + 7 - weekday) / 7, 2),
            b'u' => (i64::from(time.weekday().to_monday_one_offset()), 1),
            b'V' => (i64::from(week.week()), 2),
            b'W' => ((days + 7 - (weekday + 6) % 7) / 7, 2),
            b'w' => (weekday, 1),
            b'Y' => (year, 1),
            b'y' => (year.rem_euclid(100), 2),
            _ => return false,
        };
        let spaced = matches!(conversion, b'e' | b'k' | b'l');
        let padding = style.padding.or(spaced.then_some(b'_'));
        self.number(value, digits, Style { padding, ..style });
        true
    }

    fn zone_name(&mut self, style: Style) {
        let info = self.time.time_zone().to_offset_info(self.time.timestamp());
        let name = info.abbreviation().as_bytes();
        if style.swap {
            self.string(
                &name.to_ascii_lowercase(),
                Style {
                    upper: false,
                    ..style
                },
            );
        } else {
            self.string(name, style);
        }
    }

    fn zone_offset(&mut self, style: Style) {
        let seconds = i64::from(self.time.offset().seconds());
        let minutes = seconds.abs() / 60;
        let sign: &[u8] = if seconds < 0 { b"-" } else { b"+" };
        self.string(sign, style);
        self.number(minutes / 60 * 100 + minutes % 60, 4, style);
    }

    /// Directives written by means of others.
    fn compound(&mut self, format: &[u8], style: Style) {
        let mut text = Vec::new();
        strftime(format, self.time, &mut text);
        self.string(&text, style);
    }

    /// Text, at least as wide as it shall be.
    fn string(&mut self, text: &[u8], style: Style) {
        let byte = if style.padding == Some(b'0') { b'0' } else { b' ' };
        self.text.fill(byte, style.width.saturating_sub(text.len()));
        if style.upper {
            self.text.push(&text.to_ascii_uppercase());
        } else {
            self.text.push(text);
        }
    }

    /// A number of at least `digits` digits.
    fn number(&mut self, value: i64, digits: usize, style: Style) {
        let text = value.unsigned_abs().to_string();
        let sign: &[u8] = if value < 0 { b"-" } else { b"" };
        let length = sign.len() + text.len();
        let missing = digits.max(style.width).saturating_sub(length);
        match style.padding {
            Some(b'-') => self.text.fill(b' ', style.width.saturating_sub(length)),
            Some(b'_') => self.text.fill(b' ', missing),
            _ => {}
        }
        self.text.push(sign);
        if !matches!(style.padding, Some(b'-' | b'_')) {
            self.text.fill(b'0', missing);
        }
        self.text.push(text.as_bytes());
    }
}

/// The style of the directive at the front of `format`, and how many bytes come before its conversion.
fn parse(format: &[u8]) -> (Style, usize) {
    let mut style = Style::default();
    let mut length = 1;
    while let Some(flag @ (b'_' | b'-' | b'0' | b'^' | b'#')) = format.get(length).copied() {
        match flag {
            b'^' => style.upper = true,
            b'#' => style.swap = true,
            _ => style.padding = Some(flag),
        }
        length += 1;
    }
    while let Some(digit @ b'0'..=b'9') = format.get(length) {
        style.width = style
            .width
            .saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'));
        length += 1;
    }
    if let Some(modifier @ (b'E' | b'O')) = format.get(length) {
        style.modifier = Some(*modifier);
        length += 1;
    }
    (style, length)
}

/// Which conversions may have which modifier.
fn takes_modifier(conversion: u8, modifier: Option<u8>) -> bool {
    match modifier {
        None => true,
        Some(b'E') => b"%CPRTXYZcnprstuxyz".contains(&conversion),
        Some(_) => b"%BCGHIMPRSTUVWZbdeghjklmnprstuwyz".contains(&conversion),
    }
}

fn weekday(time: &Zoned) -> &'static [u8] {
    const NAMES: [&[u8]; 7] = [
        b"Sunday",
        b"Monday",
        b"Tuesday",
        b"Wednesday",
        b"Thursday",
        b"Friday",
        b"Saturday",
    ];
    let index = usize::try_from(time.weekday().to_sunday_zero_offset()).unwrap_or(0);
    NAMES.get(index).copied().unwrap_or(b"???")
}

fn month(time: &Zoned) -> &'static [u8] {
    const NAMES: [&[u8]; 12] = [
        b"January",
        b"February",
        b"March",
        b"April",
        b"May",
        b"June",
        b"July",
        b"August",
        b"September",
        b"October",
        b"November",
        b"December",
    ];
    let index = usize::try_from(time.month() - 1).unwrap_or(0);
    NAMES.get(index).copied().unwrap_or(b"???")
}

fn half(time: &Zoned) -> &'static [u8] {
    if time.hour() < 12 { b"AM" } else { b"PM" }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    /// An evening in winter, a minute after midnight in summer, the last second of a year.
    const SECONDS: [i64; 3] = [1_795_219_389, 1_783_052_645, 1_514_782_799];

    /// What Python 3.11 says, on the GNU C library 2.36.
    const DIRECTIVES: [(&str, [&str; 3]); 41] = [
        ("%a", ["Fri", "Fri", "Sun"]),
        ("%A", ["Friday", "Friday", "Sunday"]),
        ("%b", ["Nov", "Jul", "Dec"]),
        ("%B", ["November", "July", "December"]),
        (
            "%c",
            [
                "Fri Nov 20 19:03:09 2026",
                "Fri Jul  3 00:24:05 2026",
                "Sun Dec 31 23:59:59 2017",
            ],
        ),
        ("%C", ["20", "20", "20"]),
        ("%d", ["20", "03", "31"]),
        ("%D", ["11/20/26", "07/03/26", "12/31/17"]),
        ("%e", ["20", " 3", "31"]),
        ("%F", ["2026-11-20", "2026-07-03", "2017-12-31"]),
        ("%g", ["26", "26", "17"]),
        ("%G", ["2026", "2026", "2017"]),
        ("%h", ["Nov", "Jul", "Dec"]),
        ("%H", ["19", "00", "23"]),
        ("%I", ["07", "12", "11"]),
        ("%j", ["324", "184", "365"]),
        ("%k", ["19", " 0", "23"]),
        ("%l", [" 7", "12", "11"]),
        ("%m", ["11", "07", "12"]),
        ("%M", ["03", "24", "59"]),
        ("%n", ["\n", "\n", "\n"]),
        ("%p", ["PM", "AM", "PM"]),
        ("%P", ["pm", "am", "pm"]),
        ("%r", ["07:03:09 PM", "12:24:05 AM", "11:59:59 PM"]),
        ("%R", ["19:03", "00:24", "23:59"]),
        ("%s", ["1795219389", "1783052645", "1514782799"]),
        ("%S", ["09", "05", "59"]),
        ("%t", ["\t", "\t", "\t"]),
        ("%T", ["19:03:09", "00:24:05", "23:59:59"]),
        ("%u", ["5", "5", "7"]),
        ("%U", ["46", "26", "53"]),
        ("%V", ["47", "27", "52"]),
        ("%w", ["5", "5", "0"]),
        ("%W", ["46", "26", "52"]),
        ("%x", ["11/20/26", "07/03/26", "12/31/17"]),
        ("%X", ["19:03:09", "00:24:05", "23:59:59"]),
        ("%y", ["26", "26", "17"]),
        ("%Y", ["2026", "2026", "2017"]),
        ("%z", ["-0500", "-0400", "-0500"]),
        ("%Z", ["EST", "EDT", "EST"]),
        ("%%", ["%", "%", "%"]),
    ];

    /// The same for flags, widths, modifiers, and what is no directive.
    const OTHERS: [(&str, [&str; 3]); 37] = [
        (
            "%Ec",
            [
                "Fri Nov 20 19:03:09 2026",
                "Fri Jul  3 00:24:05 2026",
                "Sun Dec 31 23:59:59 2017",
            ],
        ),
        ("%Ey", ["26", "26", "17"]),
        ("%OB", ["November", "July", "December"]),
        ("%Od", ["20", "03", "31"]),
        ("%^a", ["FRI", "FRI", "SUN"]),
        ("%#Z", ["est", "edt", "est"]),
        ("%#p", ["pm", "am", "pm"]),
        (
            "%^c",
            [
                "FRI NOV 20 19:03:09 2026",
                "FRI JUL  3 00:24:05 2026",
                "SUN DEC 31 23:59:59 2017",
            ],
        ),
        ("%_d", ["20", " 3", "31"]),
        ("%-d", ["20", "3", "31"]),
        ("%-j", ["324", "184", "365"]),
        ("%05e", ["00020", "00003", "00031"]),
        ("%10A", ["    Friday", "    Friday", "    Sunday"]),
        ("%010A", ["0000Friday", "0000Friday", "0000Sunday"]),
        ("%_5H", ["   19", "    0", "   23"]),
        ("%-5H", ["   19", "    0", "   23"]),
        ("%5%", ["    %", "    %", "    %"]),
        ("%3n", ["  \n", "  \n", "  \n"]),
        ("", ["", "", ""]),
        ("%", ["%", "%", "%"]),
        ("abc%", ["abc%", "abc%", "abc%"]),
        ("%!", ["%!", "%!", "%!"]),
        ("%Q", ["%Q", "%Q", "%Q"]),
        ("%f", ["%f", "%f", "%f"]),
        ("%N", ["%N", "%N", "%N"]),
        ("%+", ["%+", "%+", "%+"]),
        ("%L", ["%L", "%L", "%L"]),
        ("%i", ["%i", "%i", "%i"]),
        ("%Ed", ["%Ed", "%Ed", "%Ed"]),
        ("%5Q", ["  %5Q", "  %5Q", "  %5Q"]),
        ("%^Ed", ["%^ED", "%^ED", "%^ED"]),
        ("%#Eb", ["%#EB", "%#EB", "%#EB"]),
        ("%5", ["   %5", "   %5", "   %5"]),
        ("%E", ["%E", "%E", "%E"]),
        ("100%% %", ["100% %", "100% %", "100% %"]),
        ("é%Hé", ["é19é", "é00é", "é23é"]),
        (
            "%Y年%m月%d日",
            ["2026年11月20日", "2026年07月03日", "2017年12月31日"],
        ),
    ];

    fn formatted(format: &[u8], second: i64) -> Vec<u8> {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let time = Timestamp::from_second(second).unwrap().to_zoned(zone);
        let mut text = Vec::new();
        strftime(format, &time, &mut text);
        text
    }

    #[test]
    fn every_directive_says_what_c_says() {
        for (format, texts) in DIRECTIVES.iter().chain(&OTHERS) {
            for (second, text) in SECONDS.into_iter().zip(texts) {
                let formatted = formatted(format.as_bytes(), second);
                assert_eq!(String::from_utf8_lossy(&formatted), *text, "{format} at {second}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        assert_eq!(
            formatted(b"\xff\0%H\x81%\xff", SECONDS[0]),
            b"\xff\x0019\x81%\xff"
        );
    }

    #[test]
    fn a_text_is_never_longer_than_its_bound() {
        for format in [
            &b"%99999999999999999999999d"[..],
            b"%-5000A%5000%%_5000H",
            &b"%c".repeat(5000),
            &[b'x'; 5000],
        ] {
            assert_eq!(formatted(format, SECONDS[0]).len(), FORMATTED_MAX);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_format_is_an_error(
            format in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            second in -100_000_000_000_i64..200_000_000_000,
        ) {
            let directives: Vec<u8> = format.iter().flat_map(|byte| [b'%', *byte]).collect();
            proptest::prop_assert!(formatted(&format, second).len() <= FORMATTED_MAX);
            proptest::prop_assert!(formatted(&directives, second).len() <= FORMATTED_MAX);
        }
    }
}

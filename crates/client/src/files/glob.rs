//! Patterns of names: `*`, `?`, `[...]`, and `\` before a character that means itself.
//!
//! Names are bytes. Where they are UTF-8, a character is one thing to match; every other byte is one by itself.

/// What stands at a place of a name: a character, or behind all characters a byte that is part of none.
type Unit = u32;

/// Where the bytes begin that are no characters.
const BYTES: Unit = 0x11_0000;

/// A pattern of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This one.
    Just(Unit),
    /// Any one.
    One,
    /// Any number of any.
    Any,
    /// One of these, or with `true` none of them.
    Set(Vec<(Unit, Unit)>, bool),
}

impl Pattern {
    /// Reads a pattern. A `[` without its `]` means itself, and so does a `\` at the end.
    #[must_use]
    pub fn parse(pattern: &[u8]) -> Self {
        let units = units(pattern);
        let mut parts = Vec::new();
        let mut rest = &units[..];
        while let Some((unit, behind)) = rest.split_first() {
            rest = behind;
            parts.push(match character(*unit) {
                Some('*') => Part::Any,
                Some('?') => Part::One,
                Some('\\') => match rest.split_first() {
                    Some((quoted, behind)) => {
                        rest = behind;
                        Part::Just(*quoted)
                    }
                    None => Part::Just(*unit),
                },
                Some('[') => match set(behind) {
                    Some((part, behind)) => {
                        rest = behind;
                        part
                    }
                    None => Part::Just(*unit),
                },
                _ => Part::Just(*unit),
            });
        }
        parts.dedup_by(|one, other| *one == Part::Any && *other == Part::Any);
        Self { parts }
    }

    /// Whether a name with these characters in it would be a pattern to [`parse`](Self::parse).
    #[must_use]
    pub fn is_pattern(name: &[u8]) -> bool {
        name.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
    }

    /// The one name that this matches, where it has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        for part in &self.parts {
            let Part::Just(unit) = part else { return None };
            match character(*unit) {
                Some(character) => name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => name.push(u8::try_from(unit.wrapping_sub(BYTES)).ok()?),
            }
        }
        Some(name)
    }

    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        let name = units(name);
        let (mut part, mut place) = (0, 0);
        // Where the last `*` stands, and how far it has eaten: only that one is ever tried again, so the work is at most
        // the product of the two lengths.
        let mut again: Option<(usize, usize)> = None;
        while place < name.len() {
            match (self.parts.get(part), name.get(place)) {
                (Some(Part::Any), _) => {
                    part += 1;
                    again = Some((part, place));
                }
                (Some(one), Some(unit)) if one.takes(*unit) => {
                    part += 1;
                    place += 1;
                }
                _ => {
                    let Some((behind, eaten)) = again else {
                        return false;
                    };
                    (part, place) = (behind, eaten + 1);
                    again = Some((behind, place));
                }
            }
        }
        self.parts
            .get(part..)
            .unwrap_or_default()
            .iter()
            .all(|part| *part == Part::Any)
    }

    /// As [`matches`](Self::matches), but a name that begins with a dot only by a pattern that does.
    #[must_use]
    pub fn matches_visible(&self, name: &[u8]) -> bool {
        let dot = Part::Just(u32::from('.'));
        (!name.starts_with(b".") || self.parts.first() == Some(&dot)) && self.matches(name)
    }
}

impl Part {
    fn takes(&self, unit: Unit) -> bool {
        match self {
            Self::Just(just) => *just == unit,
            Self::One | Self::Any => true,
            Self::Set(ranges, none_of) => {
                let is_in = ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&unit));
                is_in != *none_of
            }
        }
    }
}

/// The set that begins behind a `[`, and what stands behind its `]`.
fn set(units: &[Unit]) -> Option<(Part, &[Unit])> {
    let mut rest = units;
    let none_of = matches!(rest.first().and_then(|unit| character(*unit)), Some('!' | '^'));
    if none_of {
        rest = rest.get(1..)?;
    }
    let mut ranges = Vec::new();
    loop {
        let (first, behind) = set_unit(rest, ranges.is_empty())?;
        let Some(first) = first else {
            return Some((Part::Set(ranges, none_of), behind));
        };
        rest = behind;
        let mut last = first;
        if rest.first().and_then(|unit| character(*unit)) == Some('-')
            && let Some((Some(end), behind)) = set_unit(rest.get(1..)?, false)
        {
            last = end;
            rest = behind;
        }
        ranges.push((first, last));
    }
}

/// The next member of a set, or none for its end. A `]` at the beginning is a member.
fn set_unit(units: &[Unit], is_first: bool) -> Option<(Option<Unit>, &[Unit])> {
    let (unit, rest) = units.split_first()?;
    match character(*unit) {
        Some(']') if !is_first => Some((None, rest)),
        Some('\\') => {
            let (quoted, rest) = rest.split_first()?;
            Some((Some(*quoted), rest))
        }
        _ => Some((Some(*unit), rest)),
    }
}

fn units(name: &[u8]) -> Vec<Unit> {
    let mut units = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        units.extend(chunk.valid().chars().map(u32::from));
        units.extend(chunk.invalid().iter().map(|byte| BYTES + u32::from(*byte)));
    }
    units
}

fn character(unit: Unit) -> Option<char> {
    char::from_u32(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say_and_nothing_else() {
        let long = "a".repeat(255);
        for (pattern, matching, other) in [
            (
                &b"*.iso"[..],
                &[&b"a.iso"[..], b".iso", b"a\n.iso", b"\xff.iso"][..],
                &[&b"a.is"[..], b"a.iso "][..],
            ),
            (
                b"?",
                &[b"a", "é".as_bytes(), b"\xff", "🚢".as_bytes()],
                &[b"", b"ab", b"\xff\xfe"],
            ),
            (b"[a-c]", &[b"a", b"b", b"c"], &[b"d", b"-", b""]),
            (b"[!a-c]x", &[b"dx", b"\xffx"], &[b"ax", b"x"]),
            (b"[^a]", &[b"b"], &[b"a"]),
            (b"[]x]", &[b"]", b"x"], &[b"[", b"]x"]),
            (b"[a-]", &[b"a", b"-"], &[b"b"]),
            (b"[\\]]", &[b"]"], &[b"\\"]),
            (b"[", &[b"["], &[b""]),
            (b"[ab", &[b"[ab"], &[b"a"]),
            (b"\\*", &[b"*"], &[b"a", b"\\*"]),
            (b"a\\", &[b"a\\"], &[b"a"]),
            (b"**a**", &[b"a", b"bac"], &[b"b"]),
            ("[а-я]".as_bytes(), &["ж".as_bytes()], &["z".as_bytes()]),
            (b"\xd6*", &[b"\xd6\xd0"], &[b"\xd0\xd6"]),
            (b"-*", &[b"-rf"], &[b"rf"]),
            (b"*a*a*a*a*a*a*a*b", &[b"aaaaaaab"], &[long.as_bytes()]),
        ] {
            let parsed = Pattern::parse(pattern);
            for name in matching {
                assert!(parsed.matches(name), "{pattern:?} {name:?}");
            }
            for name in other {
                assert!(!parsed.matches(name), "{pattern:?} {name:?}");
            }
        }
    }

    #[test]
    fn hidden_names_need_a_pattern_that_says_so() {
        for (pattern, name, visible) in [
            ("*", ".a", false),
            ("?a", ".a", false),
            ("[.]a", ".a", false),
            (".*", ".a", true),
            ("*", "a", true),
        ] {
            assert_eq!(
                Pattern::parse(pattern.as_bytes()).matches_visible(name.as_bytes()),
                visible,
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_has_no_wildcard_is_one_name() {
        assert_eq!(Pattern::parse(b"a\\*\xff").literal().unwrap(), b"a*\xff");
        assert_eq!(Pattern::parse(b"a*").literal(), None);
        assert_eq!(Pattern::parse(b"[a]").literal(), None);
    }
}

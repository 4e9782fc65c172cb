//! Text that came from somebody else, made safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with every character that could act on a terminal, a log or a reader's eye replaced by `\u{..}`: C0 and C1
/// controls, DEL, line and paragraph separators, bidirectional controls, and invisible format characters that hide or
/// reorder what stands beside them.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push(character, &mut safe);
    }
    Cow::Owned(safe)
}

/// Bytes that need not be UTF-8 (a file's name), made safe to show: what is UTF-8 as [`escape`] has it, every other
/// byte as `\x..`.
#[must_use]
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push(character, &mut safe);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\x{byte:02x}");
        }
    }
    safe
}

fn push(character: char, safe: &mut String) {
    match character {
        '\n' => safe.push_str("\\n"),
        '\t' => safe.push_str("\\t"),
        '\r' => safe.push_str("\\r"),
        character if acts(character) => {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        }
        character => safe.push(character),
    }
}

fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || is_default_ignorable(character) && !is_part_of_writing(character)
}

/// Whether nothing is to be seen of a character where it stands alone: the property `Default_Ignorable_Code_Point` of
/// Unicode 16 (DerivedCoreProperties.txt).
pub(crate) const fn is_default_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The two joiners and the variation selectors: Persian, Mongolian, Chinese names and emoji are written with them.
const fn is_part_of_writing(character: char) -> bool {
    matches!(character,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out_and_the_rest_is_left() {
        assert_eq!(escape("plain, 中文, emoji 🚢"), "plain, 中文, emoji 🚢");
        assert_eq!(
            escape("a\u{1b}[31m\nb\u{202e}c\u{9b}d\u{7f}"),
            "a\\u{1b}[31m\\nb\\u{202e}c\\u{9b}d\\u{7f}"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_written_out_but_for_what_writing_needs() {
        assert_eq!(
            escape("\u{3164}\u{115f}\u{1160}\u{ffa0}"),
            "\\u{3164}\\u{115f}\\u{1160}\\u{ffa0}"
        );
        assert_eq!(
            escape("a\u{200b}b\u{2028}c\u{fff9}"),
            "a\\u{200b}b\\u{2028}c\\u{fff9}"
        );
        for written in ["می\u{200c}خواهم", "❤\u{fe0f}", "👩\u{200d}🚀", "葛\u{e0100}城"] {
            assert_eq!(escape(written), written);
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_written_out_one_by_one() {
        assert_eq!(escape_bytes(b"a\xff\xfe\x1bb"), "a\\xff\\xfe\\u{1b}b");
    }
}

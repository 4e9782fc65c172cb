//! Letters of different alphabets that look alike.

use unicode_normalization::UnicodeNormalization as _;

/// The alphabets whose letters are mistaken for each other's: `a` and `а`, `o` and `ο` and `о`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Latin,
    Greek,
    Cyrillic,
}

/// Whether a text has letters of more than one of the Latin, Greek and Cyrillic alphabets.
///
/// Any of them beside Chinese, Japanese, Korean or another script is fine: those are not mistaken for each other. A text
/// that is written in the look-alikes of one alphabet throughout is not found: it is somebody's word in theirs.
pub(super) fn mixes_alphabets(text: &str) -> bool {
    // What NFKC makes plain letters of counts as those: full-width ones, and the signs for micro, ohm and kelvin.
    let mut alphabets = text.nfkc().filter_map(alphabet);
    alphabets
        .next()
        .is_some_and(|first| alphabets.any(|other| other != first))
}

/// The alphabet of a letter, by the property `Script` of Unicode 16 (Scripts.txt), as far as NFKC leaves letters of it
/// and a name may have them; none: any other character.
const fn alphabet(character: char) -> Option<Alphabet> {
    match character {
        'a'..='z'
        | 'A'..='Z'
        | '\u{c0}'..='\u{d6}'
        | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2b8}'
        | '\u{1d00}'..='\u{1d25}'
        | '\u{1d6b}'..='\u{1d77}'
        | '\u{1d79}'..='\u{1d9a}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
        | '\u{a722}'..='\u{a787}'
        | '\u{a78b}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{ab5a}'
        | '\u{ab60}'..='\u{ab64}'
        | '\u{ab66}'..='\u{ab68}'
        | '\u{1df00}'..='\u{1df2a}' => Some(Alphabet::Latin),
        '\u{370}'..='\u{373}'
        | '\u{376}'..='\u{377}'
        | '\u{37b}'..='\u{37d}'
        | '\u{37f}'..='\u{3e1}'
        | '\u{3f0}'..='\u{3ff}'
        | '\u{1d26}'..='\u{1d2a}'
        | '\u{1f00}'..='\u{1fff}'
        | '\u{ab65}' => Some(Alphabet::Greek),
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8a}' | '\u{1d2b}' | '\u{a640}'..='\u{a69f}' => {
            Some(Alphabet::Cyrillic)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_two_alphabets_are_mixed_and_of_other_scripts_are_not() {
        for mixed in [
            "p\u{430}ypal",   // а
            "\u{410}lice",    // А
            "b\u{3bf}b",      // ο
            "\u{3bf}\u{43e}", // Greek and Cyrillic
            "Ｂ\u{43e}b",
            "5\u{b5}m",
            "\u{2126}hm",
            "e\u{301}\u{435}",
            "张-\u{430}-a",
        ] {
            assert!(mixes_alphabets(mixed), "{mixed}");
        }
        for plain in [
            "",
            "alice-2.b_c",
            "Zoë",
            "Łukasz",
            "Nguyễn",
            "ＢＯＢ",
            "Алиса-2",
            "Ξένια",
            "ἀρχή",
            "张三",
            "张三-Bob",
            "алиса三",
            "田中Ken",
            "김lee",
            "9",
            "שלום",
            "\u{212a}elvin",
        ] {
            assert!(!mixes_alphabets(plain), "{plain}");
        }
    }
}

//! What is indexed of a text: each run of one, two and three characters in it.
//!
//! Chinese is written without spaces, and most of its words have two characters, so neither words nor runs of three
//! alone (what SQLite's own trigram tokenizer makes) would do. A text of more than three characters is looked for by
//! runs of three that cover it; what has them all is then compared with it.

use landline_model::id::AccountId;
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization as _;

/// The longest run, in characters.
const RUN: usize = 3;

/// Added to a character that SQLite would take for a separator: it becomes one of a private area. A text that has that
/// one itself is found too often; the comparison drops it.
const PRIVATE: u32 = 0xF_0000;

/// A text as it is compared: without upper case, and without differences in width and composition that the eye hardly
/// sees (Unicode's NFKC).
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// What [`fold`] goes by. What was folded by another version cannot be taken out of the index again.
pub(super) fn unicode() -> String {
    format!(
        "{:?} {:?}",
        char::UNICODE_VERSION,
        unicode_normalization::UNICODE_VERSION
    )
}

/// The words under which a message is indexed: the runs of its text, its room and its sender. The same message has the
/// same words whenever it is asked for.
pub(super) fn words(text: &str, room: i64, sender: &AccountId) -> String {
    let characters: Vec<char> = fold(text).chars().map(indexed).collect();
    let mut runs: Vec<[char; RUN]> = Vec::with_capacity(characters.len() * RUN);
    for begin in 0..characters.len() {
        let mut run = [FILLER; RUN];
        for (place, character) in characters[begin..].iter().take(RUN).enumerate() {
            run[place] = *character;
            runs.push(run);
        }
    }
    runs.sort_unstable();
    runs.dedup();
    let mut words = of_room(room);
    words.push(' ');
    words.push_str(&of_sender(sender));
    for run in runs {
        words.push(' ');
        words.extend(run.into_iter().filter(|character| *character != FILLER));
    }
    words
}

/// The expression, in FTS5's language, for messages that may have `folded` in them, of this room and sender; none:
/// that is every message. What a person typed is never part of that language: it stands between quotes, and no
/// character in it is ASCII but letters and digits.
pub(super) fn expression(folded: &str, room: Option<i64>, sender: Option<&AccountId>) -> Option<String> {
    let characters: Vec<char> = folded.chars().map(indexed).collect();
    let mut expression = String::new();
    let mut and = |word: &mut dyn Iterator<Item = char>| {
        expression.push('"');
        expression.extend(word);
        expression.push_str("\" ");
    };
    for run in characters.chunks(RUN) {
        // The last run that covers the text begins earlier, so that it has three characters too.
        let end = characters.len();
        let run = if run.len() < RUN {
            &characters[end.saturating_sub(RUN)..]
        } else {
            run
        };
        and(&mut run.iter().copied());
    }
    if let Some(room) = room {
        and(&mut of_room(room).chars());
    }
    if let Some(sender) = sender {
        and(&mut of_sender(sender).chars());
    }
    (!expression.is_empty()).then_some(expression)
}

/// Whether a text has a folded one in it.
pub(super) fn contains(text: &str, folded: &str) -> bool {
    folded.is_empty() || fold(text).contains(folded)
}

/// Stands where a run is shorter than [`RUN`]; no text has it, because [`indexed`] moves it away.
const FILLER: char = '\0';

/// A character as SQLite's `ascii` tokenizer lets it be part of a word.
fn indexed(character: char) -> char {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        char::from_u32(PRIVATE + u32::from(character)).unwrap_or(character)
    } else {
        character
    }
}

/// Longer than any run.
fn of_room(room: i64) -> String {
    format!("room{room}")
}

fn of_sender(sender: &AccountId) -> String {
    let mut word = "from".to_owned();
    // Writing to a String cannot fail.
    let _ = write!(word, "{sender}");
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: AccountId = AccountId::from_bytes([0xa1; 16]);

    #[test]
    fn each_run_is_a_word_once_and_what_separates_words_is_part_of_one() {
        let words = words("Aa a", 7, &ALICE);
        let words: Vec<&str> = words.split(' ').collect();
        assert_eq!(words[0], "room7");
        assert_eq!(words[1], format!("from{ALICE}"));
        let space = '\u{f0020}';
        let expected = [
            "a".to_owned(),
            "aa".to_owned(),
            format!("aa{space}"),
            format!("a{space}"),
            format!("a{space}a"),
            space.to_string(),
            format!("{space}a"),
        ];
        assert_eq!(words[2..], expected);
    }

    #[test]
    fn an_expression_covers_the_text_with_runs_and_quotes_all_of_it() {
        assert_eq!(expression("", None, None), None);
        assert_eq!(expression("中", None, None).unwrap(), "\"中\" ");
        assert_eq!(expression("中文", None, None).unwrap(), "\"中文\" ");
        assert_eq!(
            expression("abcdefg", Some(3), None).unwrap(),
            "\"abc\" \"def\" \"efg\" \"room3\" "
        );
        assert_eq!(expression("abcd", None, None).unwrap(), "\"abc\" \"bcd\" ");
        let hostile = expression("\"*^:()-\0", None, None).unwrap();
        assert!(
            hostile
                .chars()
                .all(|character| !character.is_ascii() || character == '"' || character == ' ')
        );
        assert_eq!(hostile.matches('"').count(), 6, "{hostile}");
    }

    #[test]
    fn case_width_and_composition_do_not_matter() {
        for (one, other) in [
            ("ÄB", "a\u{308}b"),
            ("ＡＢＣ１", "abc1"),
            ("İ", "i\u{307}"),
            ("Σ", "σ"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        assert!(contains("Hello 中文字", &fold("LO 中文")));
        assert!(!contains("中国文", &fold("中文")));
    }
}

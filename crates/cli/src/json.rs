//! JSON that is safe to show: what a terminal would act on is written as `\u....`, which reads back the same.

use landline_model::text::escape;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// One line of JSON, without the newline.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string(value)?;
    // Escapes of ASCII are serde_json's business; DEL is the one that it leaves. Outside of strings JSON is ASCII.
    let acts = |character: char| {
        character == '\u{7f}'
            || (!character.is_ascii() && matches!(escape(character.encode_utf8(&mut [0; 4])), Cow::Owned(_)))
    };
    if !plain.contains(acts) {
        return Ok(plain);
    }
    let mut safe = String::with_capacity(plain.len() + 32);
    for character in plain.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Ok(safe)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_acts_on_a_terminal_is_written_out_and_reads_back_the_same() {
        let text = "plain é 🚢 \u{1b}[31m \u{9b}31m \u{202e} \u{7f} \u{e0041} \n";
        let json = line(&text).unwrap();
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        for character in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{7f}', '\u{e0041}', '\n'] {
            assert!(!json.contains(character), "{json}");
        }
        assert!(json.contains("plain é 🚢"));
    }
}

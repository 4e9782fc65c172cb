//! Words that end a conversation.

/// A text without the newline that tools like nc put behind it: one LF, or CR and LF.
#[must_use]
pub fn without_newline(text: &[u8]) -> &[u8] {
    match text.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => text,
    }
}

/// Whether a text is exactly `bye` or `q`.
#[must_use]
pub fn is_parting(text: &[u8]) -> bool {
    matches!(without_newline(text), b"bye" | b"q")
}

/// Whether a text ends with `bye`.
#[must_use]
pub fn ends_with_bye(text: &[u8]) -> bool {
    without_newline(text).ends_with(b"bye")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_is_not_part_of_the_word() {
        for text in [&b"bye"[..], b"bye\n", b"bye\r\n", b"q", b"q\n"] {
            assert!(is_parting(text), "{text:?}");
        }
        for text in [
            &b"bye\n\n"[..],
            b"bye\r",
            b" bye",
            b"bye.",
            b"goodbye",
            b"Q",
            b"",
            b"\n",
        ] {
            assert!(!is_parting(text), "{text:?}");
        }
        assert!(ends_with_bye(b"good bye\r\n"));
        assert!(!ends_with_bye(b"bye now"));
    }
}

//! The name of a file that is put where there is one of that name.

use landline_model::path::{COMPONENT_MAX, Component};

/// The longest ending of a name that stays at its end, with its dot.
const ENDING_MAX: usize = 16;

/// `name (2).txt` for `name.txt`: the same name with a number, at most as long as a name may be.
pub(super) fn numbered(name: &Component, number: u32) -> Option<Component> {
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|byte| *byte == b'.');
    let split = dot
        .filter(|dot| *dot > 0 && bytes.len() - dot <= ENDING_MAX)
        .unwrap_or(bytes.len());
    let (stem, ending) = bytes.split_at(split);
    let suffix = format!(" ({number})");
    let mut length = stem.len().min(COMPONENT_MAX - suffix.len() - ending.len());
    if std::str::from_utf8(stem).is_ok() {
        // Not in the middle of a character.
        while length < stem.len() && stem[length] & 0xc0 == 0x80 {
            length -= 1;
        }
    }
    Component::new([&stem[..length], suffix.as_bytes(), ending].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_before_the_ending_and_the_name_stays_one() {
        let of = |name: &[u8]| numbered(&Component::new(name).unwrap(), 2).unwrap();
        for (name, expected) in [
            (&b"a.txt"[..], &b"a (2).txt"[..]),
            (b"a", b"a (2)"),
            (b".profile", b".profile (2)"),
            (b"a.tar.gz", b"a.tar (2).gz"),
            (b"\xff.x", b"\xff (2).x"),
            (b"a.", b"a (2)."),
            (b"a.no ending at all", b"a.no ending at all (2)"),
        ] {
            assert_eq!(of(name).as_bytes(), expected);
        }
        let long = "é".repeat(125) + ".html";
        let number = of(long.as_bytes());
        assert!(number.as_bytes().len() <= COMPONENT_MAX);
        assert!(
            std::str::from_utf8(number.as_bytes())
                .unwrap()
                .ends_with("é (2).html")
        );
        assert_eq!(of(&[b'x'; 255]).as_bytes().len(), 255);
    }
}

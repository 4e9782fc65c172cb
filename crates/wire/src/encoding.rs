//! Text on the wire: UTF-8, GBK and GB2312.
//!
//! Receiving is lenient, sending is strict: what is malformed is read as U+FFFD, and what a strict reader of the
//! encoding would refuse is not sent. The judge of strictness is Python 3's codec of the same name, which most peers
//! that use these encodings run.

use std::{fmt, str::FromStr};

/// How a peer writes text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 (RFC 3629), without a byte order mark of its own.
    #[default]
    Utf8,
    /// GBK: GB2312 with the rest of Unicode's older Chinese characters, in two bytes.
    Gbk,
    /// GB2312-80 as EUC-CN. Read as GBK, which holds all of it; sent within EUC-CN.
    Gb2312,
}

impl Encoding {
    /// Every encoding, as it is named on a command line.
    pub const NAMES: [(&'static str, Self); 3] = [
        ("utf-8", Self::Utf8),
        ("gbk", Self::Gbk),
        ("gb2312", Self::Gb2312),
    ];

    /// `text` in this encoding.
    ///
    /// # Errors
    /// The first character that the encoding does not have. Nothing stands in for it.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, UnmappableCharacter> {
        if self == Self::Utf8 {
            return Ok(text.as_bytes().to_vec());
        }
        // At most two bytes for a character that takes two or three in UTF-8.
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            match self.double_bytes(character) {
                _ if character.is_ascii() => bytes.extend(u8::try_from(character)),
                Some(pair) => bytes.extend_from_slice(&pair),
                None => {
                    return Err(UnmappableCharacter {
                        character,
                        encoding: self,
                    });
                }
            }
        }
        Ok(bytes)
    }

    /// The two bytes of a character beyond ASCII.
    fn double_bytes(self, character: char) -> Option<[u8; 2]> {
        if self == Self::Gb2312
            && let Some((_, pair)) = GB2312_OWN.iter().find(|(own, _)| *own == character)
        {
            return Some(*pair);
        }
        let mut text = [0; 4];
        let (bytes, _, unmappable) = encoding_rs::GBK.encode(character.encode_utf8(&mut text));
        // The euro sign is a single byte there, which is Windows' and not GBK's.
        let pair = <[u8; 2]>::try_from(bytes.as_ref()).ok().filter(|_| !unmappable)?;
        let known = match self {
            Self::Gb2312 => is_gb2312(pair),
            Self::Gbk | Self::Utf8 => is_gbk(character, pair),
        };
        known.then_some(pair)
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    /// By name, in any case; `utf8` without the hyphen too.
    fn from_str(name: &str) -> Result<Self, UnknownEncoding> {
        let lower = name.to_ascii_lowercase();
        let lower = if lower == "utf8" { "utf-8" } else { &lower };
        Self::NAMES
            .iter()
            .find_map(|(known, encoding)| (*known == lower).then_some(*encoding))
            .ok_or_else(|| UnknownEncoding(name.to_owned()))
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Utf8 => "utf-8",
            Self::Gbk => "gbk",
            Self::Gb2312 => "gb2312",
        })
    }
}

/// A name that is no encoding's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no encoding is called {0:?}: use utf-8, gbk or gb2312")]
pub struct UnknownEncoding(String);

/// A character that an encoding does not have. The caller is at fault; nothing can be sent for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{encoding} has no character {character:?} (U+{:04X})", u32::from(*.character))]
pub struct UnmappableCharacter {
    /// The character.
    pub character: char,
    /// The encoding that lacks it.
    pub encoding: Encoding,
}

/// What GBK's table maps otherwise than GB2312's. GB2312's interpunct and dash are U+30FB and U+2015; U+00B7 and U+2014,
/// as GBK has them and as people type them, are sent as the same two bytes, so that what was read can be sent back.
const GB2312_OWN: [(char, [u8; 2]); 2] = [('\u{30fb}', [0xa1, 0xa4]), ('\u{2015}', [0xa1, 0xaa])];

/// Whether GB2312-80 assigns a character to these bytes: rows 1 to 9 are symbols with gaps, 16 to 55 the hanzi of level
/// 1, up to 87 those of level 2. GBK filled the gaps.
fn is_gb2312([row, cell]: [u8; 2]) -> bool {
    let is_assigned = match row {
        0xa2 => matches!(cell, 0xb1..=0xe2 | 0xe5..=0xee | 0xf1..=0xfc),
        0xa4 => matches!(cell, 0xa1..=0xf3),
        0xa5 => matches!(cell, 0xa1..=0xf6),
        0xa6 => matches!(cell, 0xa1..=0xb8 | 0xc1..=0xd8),
        0xa7 => matches!(cell, 0xa1..=0xc1 | 0xd1..=0xf1),
        0xa8 => matches!(cell, 0xa1..=0xba | 0xc5..=0xe9),
        0xa9 => matches!(cell, 0xa4..=0xef),
        0xd7 => matches!(cell, 0xa1..=0xf9),
        0xa1 | 0xa3 | 0xb0..=0xf7 => true,
        _ => false,
    };
    is_assigned && (0xa1..=0xfe).contains(&cell)
}

/// Whether GBK has the character, of those that encoding_rs writes in two bytes. Its table is the one of web browsers: it
/// fills GBK's gaps with private use and with what GB 18030 added, which strict readers refuse.
fn is_gbk(character: char, [row, cell]: [u8; 2]) -> bool {
    let is_added = match row {
        0xa6 => matches!(cell, 0xd9..=0xdf | 0xec | 0xed | 0xf3),
        0xa8 => matches!(cell, 0xbc | 0xbf),
        0xa9 => matches!(cell, 0x89..=0x95),
        0xfe => cell >= 0x50,
        _ => false,
    };
    let is_private = matches!(character, '\u{e000}'..='\u{f8ff}');
    !is_added && !is_private
}

/// Reads the text of one peer, in pieces: a character may be cut between two reads.
pub struct Decoder {
    encoding: Encoding,
    state: encoding_rs::Decoder,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        let table = match encoding {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Gbk | Encoding::Gb2312 => encoding_rs::GBK,
        };
        Self {
            encoding,
            state: table.new_decoder_without_bom_handling(),
        }
    }

    /// The text of `bytes`, behind what an earlier piece left unfinished; U+FFFD for what is malformed. An unfinished
    /// character at the end, at most three bytes, waits for the next piece.
    pub fn decode(&mut self, bytes: &[u8]) -> String {
        self.run(bytes, false)
    }

    /// The stream ended: U+FFFD where a character was unfinished, else nothing. The decoder then begins anew.
    pub fn finish(&mut self) -> String {
        let text = self.run(&[], true);
        *self = Self::new(self.encoding);
        text
    }

    fn run(&mut self, bytes: &[u8], last: bool) -> String {
        // `None` where three times the input does not fit a usize, which no slice reaches on 64 bits.
        let mut text = String::with_capacity(self.state.max_utf8_buffer_length(bytes.len()).unwrap_or(0));
        let mut rest = bytes;
        loop {
            let (result, read, _) = self.state.decode_to_string(rest, &mut text, last);
            rest = &rest[read..];
            match result {
                encoding_rs::CoderResult::InputEmpty => return text,
                encoding_rs::CoderResult::OutputFull => text.reserve(rest.len() + FULL_ROOM),
            }
        }
    }
}

/// Bytes of text that let a decoder go on in any case.
const FULL_ROOM: usize = 16;

impl fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decoder")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// The SHA-256 of every character that the encoding has, in order: its number in four bytes, then its bytes.
    fn fingerprint(encoding: Encoding, without: &[char]) -> String {
        let mut hash = Sha256::new();
        for character in ('\u{80}'..=char::MAX).filter(|character| !without.contains(character)) {
            if let Ok(bytes) = encoding.encode(character.encode_utf8(&mut [0; 4])) {
                hash.update(u32::from(character).to_be_bytes());
                hash.update(bytes);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The fingerprints are what Python 3.11 prints for `gbk` and `gb2312` as NAME in
    ///
    /// ```python
    /// import hashlib
    /// hash = hashlib.sha256()
    /// for n in [*range(0x80, 0xd800), *range(0xe000, 0x110000)]:
    ///     b = chr(n).encode(NAME, 'ignore')
    ///     if b: hash.update(n.to_bytes(4, 'big') + b)
    /// print(hash.hexdigest())
    /// ```
    #[test]
    fn what_is_sent_is_what_python_s_strict_codecs_have_and_no_more() {
        assert_eq!(
            fingerprint(Encoding::Gbk, &[]),
            "3978af00c4348cae4a0c8ca7bbab896ec64cdbcbb8f1bed3376792a2f9190b96"
        );
        assert_eq!(
            fingerprint(Encoding::Gb2312, &['\u{b7}', '\u{2014}']),
            "4be9326d3ae97944067ee1ada0cde3789bc78e9b903d564f67de669b92090ae1"
        );
    }

    #[test]
    fn the_dash_and_the_interpunct_of_gb2312_can_be_read_and_sent_back() {
        let bytes = b"\xa1\xaa\xa1\xa4";
        let text = Decoder::new(Encoding::Gb2312).decode(bytes);
        assert_eq!(Encoding::Gb2312.encode(&text).unwrap(), bytes);
        assert_eq!(Encoding::Gb2312.encode("\u{2014}\u{b7}").unwrap(), bytes);
        assert_eq!(Encoding::Gb2312.encode("\u{2015}\u{30fb}").unwrap(), bytes);
    }

    #[test]
    fn an_unmappable_character_is_named_and_nothing_stands_in_for_it() {
        let error = Encoding::Gb2312
            .encode("\u{4f60}\u{597d} \u{20ac}5 \u{8a71}")
            .unwrap_err();
        assert_eq!(error.to_string(), "gb2312 has no character '\u{20ac}' (U+20AC)");
        assert!(Encoding::Gb2312.encode("\u{8a71}").is_err());
        assert_eq!(Encoding::Gbk.encode("\u{8a71}").unwrap(), b"\xd4\x92");
        for text in ["\u{20ac}", "\u{1f600}", "\u{e5e5}", "\u{fffd}"] {
            assert!(Encoding::Gbk.encode(text).is_err(), "{text}");
        }
        assert_eq!(
            Encoding::Utf8.encode("\u{1f600}").unwrap(),
            "\u{1f600}".as_bytes()
        );
    }

    #[test]
    fn ascii_is_itself_in_every_encoding() {
        let ascii: String = ('\0'..='\x7f').collect();
        for (_, encoding) in Encoding::NAMES {
            assert_eq!(encoding.encode(&ascii).unwrap(), ascii.as_bytes());
            assert_eq!(Decoder::new(encoding).decode(ascii.as_bytes()), ascii);
        }
    }

    #[test]
    fn a_character_may_be_cut_between_two_reads() {
        let text = "\u{4f60}\u{597d}, world \u{4e16}\u{754c}";
        for (_, encoding) in Encoding::NAMES {
            let bytes = encoding.encode(text).unwrap();
            for cut in 0..=bytes.len() {
                let mut decoder = Decoder::new(encoding);
                let read = decoder.decode(&bytes[..cut]) + &decoder.decode(&bytes[cut..]);
                assert_eq!(read, text, "{encoding} cut at {cut}");
                assert_eq!(decoder.finish(), "");
            }
        }
    }

    #[test]
    fn what_is_malformed_is_marked_and_the_rest_is_read() {
        for (encoding, bytes) in [
            (Encoding::Utf8, &b"a\xffb"[..]),
            (Encoding::Gbk, b"a\xffb"),
            (Encoding::Gb2312, b"a\xffb"),
        ] {
            assert_eq!(Decoder::new(encoding).decode(bytes), "a\u{fffd}b", "{encoding}");
        }
    }

    #[test]
    fn an_unfinished_character_is_marked_at_the_end_and_the_decoder_begins_anew() {
        for (_, encoding) in Encoding::NAMES {
            let mut decoder = Decoder::new(encoding);
            assert_eq!(decoder.decode(&encoding.encode("\u{4f60}").unwrap()[..1]), "");
            assert_eq!(decoder.finish(), "\u{fffd}");
            assert_eq!(decoder.decode(b"ok"), "ok");
        }
    }

    #[test]
    fn a_byte_order_mark_does_not_change_the_encoding() {
        let mut decoder = Decoder::new(Encoding::Gbk);
        assert_ne!(decoder.decode(b"\xef\xbb\xbfhi"), "hi");
        assert_eq!(
            Decoder::new(Encoding::Utf8).decode(b"\xef\xbb\xbfhi"),
            "\u{feff}hi"
        );
    }

    #[test]
    fn encodings_are_known_by_name() {
        for (name, encoding) in Encoding::NAMES {
            assert_eq!(name.parse(), Ok(encoding));
            assert_eq!(encoding.to_string(), name);
        }
        assert_eq!("UTF8".parse(), Ok(Encoding::Utf8));
        let error = "latin1".parse::<Encoding>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no encoding is called \"latin1\": use utf-8, gbk or gb2312"
        );
    }
}

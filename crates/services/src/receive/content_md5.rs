//! The MD5 of a file's content: what old peers send so that a broken transfer is noticed. It proves nothing against
//! somebody who wants to deceive.

use std::fmt;

use md5::{Digest, Md5};

/// An MD5 (RFC 1321).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Md5Digest([u8; 16]);

impl Md5Digest {
    /// Reads 32 hexadecimal digits, of either case; `None` for anything else.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(digits, 16)
            .ok()
            .map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Md5Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Takes content in pieces and makes its MD5.
#[derive(Clone, Default)]
pub struct ContentMd5(Md5);

impl ContentMd5 {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The MD5 of everything that was taken.
    #[must_use]
    pub fn finish(self) -> Md5Digest {
        Md5Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for ContentMd5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ContentMd5")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_are_those_of_rfc_1321() {
        let mut content = ContentMd5::default();
        assert_eq!(
            content.clone().finish().to_string(),
            "d41d8cd98f00b204e9800998ecf8427e"
        );
        content.update(b"message ");
        content.update(b"digest");
        assert_eq!(content.finish().to_string(), "f96b697d7cb7938d525a2f31aaf161d0");
    }

    #[test]
    fn hexadecimal_digits_are_read_in_either_case_and_nothing_else_is() {
        let digits = "00b204e9800998ecf8427ed41d8cd98f";
        let digest = Md5Digest::from_hex(digits).unwrap();
        assert_eq!(digest.to_string(), digits);
        assert_eq!(Md5Digest::from_hex(&digits.to_uppercase()), Some(digest));
        for wrong in [
            "",
            "8f6f",
            "+0b204e9800998ecf8427ed41d8cd98f",
            "0gb204e9800998ecf8427ed41d8cd98f",
        ] {
            assert_eq!(Md5Digest::from_hex(wrong), None, "{wrong:?}");
        }
    }
}

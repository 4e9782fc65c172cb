//! Short codes that bring somebody in: read out by one person, typed by another.
//!
//! A code is eleven digits, `417-2984-6071`: three that say which of the hub's codes it is (the slot, no secret), and
//! eight that are the secret. Digits are the same in every language and on every keyboard.
//!
//! Eight digits would be guessed soon by whoever may try them at leisure. So neither side shows them to the other:
//! SPAKE2 (RFC 9382's protocol, in the form that the `spake2` crate and Magic Wormhole share) makes a key of them, one
//! guess a run, and the hub ends a code after a few wrong runs. The client does not know the hub's certificate yet: each
//! side proves that it has the key by a MAC over [`statement`], which names the TLS connection and the certificate
//! authority. Somebody in between has two TLS connections, and so no proof that holds on either.
//!
//! ```text
//! client (A)                                          hub (B)
//!   code_begin {slot, SPAKE2 message} -->
//!                                                 <-- {SPAKE2 message}
//!   code_finish {HMAC-SHA-256(key, statement(Client))} -->
//!                                                 <-- {HMAC-SHA-256(key, statement(Hub)), token}
//! ```
//!
//! The client proves first: whoever only guesses hears nothing but that the guess was wrong.

use crate::link::Pin;
pub use crate::token::Side;
use std::ops::RangeInclusive;
use unicode_normalization::UnicodeNormalization as _;

/// The label of the exporter (RFC 8446, section 7.5) to which joining by code is bound.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-Landline-code";

/// The bytes of the exporter's value.
pub const EXPORTER_BYTES: usize = 32;

/// The slots that there are: three digits, so that all codes have one length.
pub const SLOTS: RangeInclusive<u16> = 100..=999;

/// How many secrets there are: more than 2^26.
pub const SECRETS: u32 = 100_000_000;

/// The bytes of a SPAKE2 message on Edwards25519: which side it is from, and a point.
pub const MESSAGE_BYTES: usize = 33;

/// The longest text that is read as a code, in bytes: its digits at their widest, and as many separators.
pub const TEXT_MAX: usize = 64;

/// The digits of a code.
const DIGITS: usize = 11;

/// A code. It is a secret while it is open: it has no `Display`, and its `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// In [`SLOTS`].
    slot: u16,
    /// Less than [`SECRETS`].
    secret: u32,
}

/// Why a text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has eleven digits, such as 417-2984-6071")]
pub struct CodeError;

impl Code {
    /// A code in this slot from random bits; none where there is no such slot.
    ///
    /// Of 2^64 values of `random`, [`SECRETS`] divides all but one in 2^37 evenly.
    #[must_use]
    pub fn from_random(slot: u16, random: u64) -> Option<Self> {
        let secret = u32::try_from(random % u64::from(SECRETS)).ok()?;
        SLOTS.contains(&slot).then_some(Self { slot, secret })
    }

    /// Which of the hub's codes it is. It is no secret.
    #[must_use]
    pub const fn slot(&self) -> u16 {
        self.slot
    }

    /// What both sides put into SPAKE2 as the password. Handle it as a secret.
    #[must_use]
    pub fn password(&self) -> String {
        format!("{:08}", self.secret)
    }

    /// The code as people read it out. Handle it as a secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        let Self { slot, secret } = self;
        format!("{slot:03}-{:04}-{:04}", secret / 10_000, secret % 10_000)
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Code")
            .field("slot", &self.slot)
            .finish_non_exhaustive()
    }
}

impl std::str::FromStr for Code {
    type Err = CodeError;

    /// Dashes, spaces and full stops may stand anywhere or nowhere, digits may be wide ones, and the letters that look
    /// like 0 and 1 are taken for them.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        if text.len() > TEXT_MAX {
            return Err(CodeError);
        }
        let mut digits = Vec::with_capacity(DIGITS);
        for character in text.nfkc().filter(|character| !is_separator(*character)) {
            let digit = match character {
                'o' | 'O' => 0,
                'i' | 'I' | 'l' | 'L' => 1,
                other => other.to_digit(10).ok_or(CodeError)?,
            };
            digits.push(digit);
        }
        if digits.len() != DIGITS {
            return Err(CodeError);
        }
        let number = |digits: &[u32]| digits.iter().fold(0_u32, |number, digit| number * 10 + digit);
        let (slot, secret) = digits.split_at(3);
        let slot = u16::try_from(number(slot)).map_err(|_| CodeError)?;
        Self::from_random(slot, u64::from(number(secret))).ok_or(CodeError)
    }
}

/// The identity of one side of a code, as SPAKE2 takes it.
#[must_use]
pub fn identity(side: Side, slot: u16) -> Vec<u8> {
    let label: &[u8] = match side {
        Side::Client => b"Landline code v1 client\0",
        Side::Hub => b"Landline code v1 hub\0",
    };
    [label, &slot.to_be_bytes()].concat()
}

/// What the proof of one side is computed over: `pin` is the certificate authority that was shown on the connection
/// (client) or that is one's own (hub).
#[must_use]
pub fn statement(side: Side, slot: u16, pin: &Pin, exporter: &[u8; EXPORTER_BYTES]) -> Vec<u8> {
    [&identity(side, slot)[..], pin.as_bytes(), exporter].concat()
}

/// What people and phones put between digits.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code() -> Code {
        Code::from_random(417, 29_846_071).unwrap()
    }

    #[test]
    fn a_code_is_understood_however_it_is_typed() {
        assert_eq!(code().reveal(), "417-2984-6071");
        for text in [
            "417-2984-6071",
            "41729846071",
            " 417 2984 6071\t",
            "417.2984.6071",
            "4-1-7-2-9-8-4-6-0-7-1",
            "417–2984—6071",
            "４１７－２９８４－６０７１",
            "4l7-2984-6O7I",
        ] {
            assert_eq!(text.parse(), Ok(code()), "{text}");
        }
        let zeros = Code::from_random(100, 0).unwrap();
        assert_eq!(zeros.reveal(), "100-0000-0000");
        assert_eq!("looooooooo0".parse(), Ok(zeros));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let long = "4".repeat(TEXT_MAX + 1);
        for text in [
            "",
            "417",
            "417-2984-607",
            "417-2984-60711",
            "017-2984-6071",
            "417-2984-607x",
            "417-2984-607\u{663}",
            "-417298460 7 1 2",
            "417+2984+6071",
            &long,
        ] {
            assert_eq!(text.parse::<Code>(), Err(CodeError), "{text}");
        }
    }

    #[test]
    fn a_code_has_one_of_the_slots_and_does_not_show_in_debug_output() {
        assert_eq!(Code::from_random(99, 0), None);
        assert_eq!(Code::from_random(1000, 0), None);
        let shown = format!("{:?}", code());
        assert!(!shown.contains("2984") && !shown.contains("29846071"), "{shown}");
    }

    #[test]
    fn statements_differ_in_everything_that_they_name() {
        let (pin, other_pin) = (Pin::from_bytes([1; 32]), Pin::from_bytes([2; 32]));
        let all = [
            statement(Side::Client, 417, &pin, &[3; 32]),
            statement(Side::Hub, 417, &pin, &[3; 32]),
            statement(Side::Client, 418, &pin, &[3; 32]),
            statement(Side::Client, 417, &other_pin, &[3; 32]),
            statement(Side::Client, 417, &pin, &[4; 32]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[index + 1..].contains(one), "{index}");
        }
    }

    proptest! {
        #[test]
        fn every_code_round_trips(slot in SLOTS, random: u64) {
            let code = Code::from_random(slot, random).unwrap();
            prop_assert_eq!(code.reveal().parse(), Ok(code));
            prop_assert_eq!(code.password().len(), 8);
            let written = code.reveal();
            prop_assert!(written.replace('-', "").ends_with(&code.password()));
        }

        #[test]
        fn no_text_makes_the_parser_fail_otherwise(text: String) {
            let _ = text.parse::<Code>();
        }
    }
}

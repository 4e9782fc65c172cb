//! Names that people choose.

mod script;

use crate::text::is_default_ignorable;
use unicode_normalization::UnicodeNormalization as _;

/// The longest name, in bytes of UTF-8.
pub const NAME_MAX: usize = 64;

macro_rules! name {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// As it was chosen.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// What two names that count as the same have in common: NFKC, lower case.
            #[must_use]
            pub fn key(&self) -> String {
                key(&self.0)
            }

            /// Whether it may be given to something new. Names that there are already need not pass: the rule is
            /// younger than some of them.
            ///
            /// # Errors
            /// [`NameError::Alphabets`].
            pub fn check_new(&self) -> Result<(), NameError> {
                if script::mixes_alphabets(&self.0) {
                    return Err(NameError::Alphabets);
                }
                Ok(())
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// An account's name, without the `@`.
    AccountName
}
name! {
    /// A public room's name, without the `#`.
    RoomName
}

/// Why a name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing there.
    #[error("a name needs at least one character")]
    Empty,
    /// More than [`NAME_MAX`] bytes.
    #[error("a name has at most {NAME_MAX} bytes")]
    TooLong,
    /// A first character that is not a letter or digit.
    #[error("a name begins with a letter or a digit")]
    Beginning,
    /// A character that names do not have.
    #[error("a name has letters, digits, '-', '_' and '.' only")]
    Character,
    /// Letters of several alphabets that look alike: the name could pass for another one. Only new names are refused
    /// for it.
    #[error("a name has no Latin letters beside Greek or Cyrillic ones, which look like them")]
    Alphabets,
}

fn check(text: &str) -> Result<(), NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if text.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    if !is_letter_or_digit(first) {
        return Err(NameError::Beginning);
    }
    // Combining marks are not alphanumeric: a name is written composed, or not at all.
    if !text
        .chars()
        .all(|character| is_letter_or_digit(character) || matches!(character, '-' | '_' | '.'))
    {
        return Err(NameError::Character);
    }
    Ok(())
}

/// The fillers of Hangul are letters by their category, and there is nothing to be seen of them: two names that look
/// the same would be two people.
fn is_letter_or_digit(character: char) -> bool {
    character.is_alphanumeric() && !is_default_ignorable(character)
}

/// What texts that count as the same name have in common, whether they are names or parts of one: NFKC, lower case.
#[must_use]
pub fn key(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_three_marks() {
        for name in ["bob", "Alice.B", "张三", "x-1_2", "9lives"] {
            assert!(name.parse::<AccountName>().is_ok(), "{name}");
        }
        let long = "x".repeat(65);
        for name in [
            "",
            "-x",
            ".x",
            "a b",
            "a/b",
            "a\u{1b}b",
            "a\u{202e}b",
            "@x",
            "#x",
            "a:b",
            "a\\b",
            &long,
        ] {
            assert!(name.parse::<AccountName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_no_letter_that_cannot_be_seen() {
        for invisible in [
            '\u{3164}', '\u{115f}', '\u{1160}', '\u{ffa0}', '\u{34f}', '\u{fe0f}',
        ] {
            assert_eq!(
                format!("al{invisible}ice").parse::<AccountName>(),
                Err(NameError::Character)
            );
            assert_eq!(
                invisible.to_string().parse::<RoomName>(),
                Err(NameError::Beginning)
            );
        }
    }

    #[test]
    fn a_new_name_does_not_pass_for_another_one_by_letters_of_two_alphabets() {
        for (name, expected) in [
            ("p\u{430}ypal", Err(NameError::Alphabets)),
            ("paypal", Ok(())),
            ("Алиса", Ok(())),
            ("张三-Bob", Ok(())),
        ] {
            // One that is there already is still a name.
            assert_eq!(
                name.parse::<AccountName>().unwrap().check_new(),
                expected,
                "{name}"
            );
            assert_eq!(name.parse::<RoomName>().unwrap().check_new(), expected, "{name}");
        }
    }

    #[test]
    fn names_that_differ_in_case_or_width_have_one_key() {
        let keys = ["Bob", "bob", "ＢＯＢ"].map(|name| name.parse::<AccountName>().unwrap().key());
        assert!(keys.iter().all(|key| key == "bob"), "{keys:?}");
    }
}

//! The path of a request: the token, and the names below it, decoded once.

use super::reply::Failure;
use data_encoding::HEXUPPER;
use hyper::StatusCode;
use landline_model::link::Token;
use landline_model::path::{Component, DEPTH_MAX, PATH_MAX};

const PREFIX: &str = "/s/";

/// What a request's path says.
#[derive(Debug)]
pub(super) struct SharePath {
    /// None: what stands in its place is no token.
    pub(super) token: Option<Token>,
    /// The names below the share.
    pub(super) below: Vec<Component>,
    /// It ended in '/'.
    pub(super) directory: bool,
}

/// Whether a path is one of this door's.
pub(in super::super) fn is_of_a_share(path: &str) -> bool {
    path.starts_with(PREFIX)
}

impl SharePath {
    /// Reads a path as it stands in the request.
    pub(super) fn parse(path: &str) -> Result<Self, Failure> {
        let rest = path.strip_prefix(PREFIX).unwrap_or_default();
        if rest.len() > 3 * PATH_MAX {
            return Err(wrong());
        }
        let (token, names) = rest.split_once('/').unwrap_or((rest, ""));
        let (names, directory) = match names.strip_suffix('/') {
            Some("") => return Err(wrong()),
            Some(names) => (names, true),
            None => (names, names.is_empty() && rest.contains('/')),
        };
        let below = match names {
            "" => Vec::new(),
            names => names
                .split('/')
                .map(component)
                .collect::<Option<_>>()
                .ok_or_else(wrong)?,
        };
        if below.len() > DEPTH_MAX {
            return Err(wrong());
        }
        Ok(Self {
            token: Token::parse(token),
            below,
            directory,
        })
    }
}

/// A name out of a path, or out of a query.
pub(super) fn component(text: &str) -> Option<Component> {
    Component::new(decode(text)?).ok()
}

/// A name as it stands in a link: byte for byte, nothing but letters, digits and `-._~` as they are.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            text.push_str(&HEXUPPER.encode(&[*byte]));
        }
    }
    text
}

/// Takes `%XX` back. Two digits belong to each `%`.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |digit: &u8| char::from(*digit).to_digit(16);
                let byte = digit(high)? * 16 + digit(low)?;
                bytes.push(u8::try_from(byte).ok()?);
                tail
            }
            (b'%', _) => return None,
            (byte, tail) => {
                bytes.push(*byte);
                tail
            }
        };
    }
    Some(bytes)
}

fn wrong() -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "the path is not one")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn names_are_decoded_once_and_cannot_lead_out() {
        let path = |rest: &str| SharePath::parse(&format!("/s/{TOKEN}{rest}"));
        for (rest, names, directory) in [
            ("", &[][..], false),
            ("/", &[], true),
            ("/a/b", &[&b"a"[..], b"b"], false),
            ("/a%20b/", &[b"a b"], true),
            ("/%ff%0A", &[b"\xff\n"], false),
            ("/%252e%252E", &[b"%2e%2E"], false),
            ("/c%5Cd:", &[b"c\\d:"], false),
        ] {
            let path = path(rest).unwrap();
            let found: Vec<&[u8]> = path.below.iter().map(Component::as_bytes).collect();
            assert_eq!((&found[..], path.directory), (names, directory), "{rest}");
            assert!(path.token.is_some());
        }
        for rest in [
            "/..",
            "/%2e%2e/a",
            "/a/%2E",
            "/a%2fb",
            "/a//b",
            "//",
            "/%00",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
        ] {
            assert!(path(rest).is_err(), "{rest}");
        }
        assert!(path(&"/a".repeat(DEPTH_MAX + 1)).is_err());
        for token in ["", "AAAA", "..", &"A".repeat(23), "AAAAAAAAAAAAAAAAAAAA%41A"] {
            assert!(
                SharePath::parse(&format!("/s/{token}/x"))
                    .unwrap()
                    .token
                    .is_none(),
                "{token}"
            );
        }
    }

    #[test]
    fn every_byte_comes_back_from_a_link() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = encode(&bytes);
        assert_eq!(decode(&text).unwrap(), bytes);
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
        );
    }
}

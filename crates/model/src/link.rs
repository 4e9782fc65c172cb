//! Join links: `https://HOST:PORT/join#TOKEN.PIN`.
//!
//! One link serves the program and a phone's camera. The fragment is never sent by a browser, so neither the token nor
//! the pin reaches a log on the way.

use data_encoding::BASE64URL_NOPAD;

/// The bytes of a one-time token: enough that nobody guesses one.
pub const TOKEN_BYTES: usize = 16;

/// The longest text that can be a link: a 253-byte host, the fixed parts and the fragment, generously.
pub const LINK_MAX: usize = 512;

/// The port of a hub where nothing else is said: "LAND" on a phone's keys.
pub const DEFAULT_PORT: u16 = 5263;

/// A one-time token of an invitation. It is a secret: it has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; TOKEN_BYTES]);

/// SHA-256 of the SubjectPublicKeyInfo of a hub's certificate authority: what a client pins.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);
crate::hash::hexadecimal!(Pin, 32);

/// An invitation to a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinLink {
    /// Where the hub is.
    pub address: HubAddress,
    /// What the invitation is redeemed with.
    pub token: Token,
    /// Whom to trust.
    pub pin: Pin,
}

/// A host (name, IPv4, or IPv6 without brackets) and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HubAddress {
    /// A host name or an address; never empty.
    pub host: String,
    /// A TCP port; never 0.
    pub port: u16,
}

/// Why a text is no join link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// It does not look like one at all.
    #[error("a join link looks like https://HOST:PORT/join#TOKEN.PIN; was it cut?")]
    Shape,
    /// The host or the port is none.
    #[error("the link's host or port is not one")]
    Address,
    /// The part behind `#` is damaged.
    #[error("the part of the link behind '#' is damaged; copy the whole link, or ask for a new one")]
    Fragment,
}

impl Token {
    /// From random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes; only a hash of them is ever stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TOKEN_BYTES] {
        &self.0
    }

    /// The text that stands in a link. Handle it as a secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// The token of that text, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(..)")
    }
}

impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.reveal())
    }
}

impl<'de> serde::Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a token"))
    }
}

impl Pin {
    /// As people compare it and other tools show it: pairs of upper-case hexadecimal digits with colons between them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

impl JoinLink {
    /// The link as text. Handle it as a secret: it carries the token.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!(
            "https://{}/join#{}.{}",
            self.address,
            self.token.reveal(),
            BASE64URL_NOPAD.encode(self.pin.as_bytes())
        )
    }
}

impl std::str::FromStr for JoinLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > LINK_MAX {
            return Err(LinkError::Shape);
        }
        let rest = text.strip_prefix("https://").ok_or(LinkError::Shape)?;
        let (address, fragment) = rest.split_once("/join#").ok_or(LinkError::Shape)?;
        let (token, pin) = fragment.split_once('.').ok_or(LinkError::Fragment)?;
        Ok(Self {
            address: address.parse()?,
            token: Token::parse(token).ok_or(LinkError::Fragment)?,
            pin: decode(pin).map(Pin).ok_or(LinkError::Fragment)?,
        })
    }
}

impl std::fmt::Display for HubAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

impl std::str::FromStr for HubAddress {
    type Err = LinkError;

    /// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; the port is [`DEFAULT_PORT`] unless said.
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or(LinkError::Address)?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| LinkError::Address)?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':').ok_or(LinkError::Address)?)
                },
            )
        } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
            (text, None)
        } else {
            match text.split_once(':') {
                Some((host, port)) => (check_host(host)?, Some(port)),
                None => (check_host(text)?, None),
            }
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(LinkError::Address)?,
            Some(_) => return Err(LinkError::Address),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

fn check_host(host: &str) -> Result<&str, LinkError> {
    let right = !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if right { Ok(host) } else { Err(LinkError::Address) }
}

fn decode<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(host: &str) -> JoinLink {
        JoinLink {
            address: HubAddress {
                host: host.to_owned(),
                port: 5263,
            },
            token: Token::from_bytes([7; TOKEN_BYTES]),
            pin: Pin([9; 32]),
        }
    }

    #[test]
    fn a_link_round_trips_whatever_its_host() {
        for host in ["192.0.2.1", "2001:db8::1", "hub.local"] {
            assert_eq!(link(host).reveal().parse(), Ok(link(host)));
        }
    }

    #[test]
    fn damaged_links_are_refused() {
        let whole = link("192.0.2.1").reveal();
        for end in 0..whole.len() {
            assert!(whole[..end].parse::<JoinLink>().is_err(), "{end}");
        }
        for (from, to) in [
            ("https", "http"),
            (":5263", ":0"),
            (":5263", ":+5"),
            (":5263", ":99999"),
            ("192", "1 2"),
        ] {
            assert!(
                whole.replace(from, to).parse::<JoinLink>().is_err(),
                "{from} -> {to}"
            );
        }
    }

    #[test]
    fn a_token_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", link("h")).contains(&link("h").token.reveal()));
    }

    #[test]
    fn a_fingerprint_is_pairs_of_digits_with_colons() {
        let fingerprint = Pin([0xab; 32]).fingerprint();
        assert!(fingerprint.starts_with("AB:AB:"), "{fingerprint}");
        assert_eq!(fingerprint.len(), 32 * 3 - 1);
    }

    #[test]
    fn addresses_have_a_default_port() {
        for (text, host, port) in [
            ("h", "h", 5263),
            ("h:1", "h", 1),
            ("::1", "::1", 5263),
            ("[::1]", "::1", 5263),
            ("[::1]:9", "::1", 9),
        ] {
            assert_eq!(
                text.parse(),
                Ok(HubAddress {
                    host: host.to_owned(),
                    port
                })
            );
        }
    }
}

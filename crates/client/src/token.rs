//! Tokens: what scripts and machines get into a hub with, and the login with one.
//!
//! A token is one line of text with everything that it takes: where the hub is, whom to trust, and the secret. Whoever
//! has it needs no profile and no password.

use crate::connection::Connection;
use crate::error::ClientError;
use crate::hubs::{Hub, KnownAccount, Session};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use landline_model::hash::{Hash, HeadKey};
use landline_model::id::{AccountId, SessionId};
use landline_model::link::{HubAddress, Pin};
use landline_model::name::AccountName;
use landline_model::protocol::people::{
    Account, Nonce, SessionSecret, TokenChallenge, TokenCreated, TokenLogin,
};
use landline_model::token::{Side, statement};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The environment variable that holds a token.
pub const TOKEN_VARIABLE: &str = "LANDLINE_TOKEN";

/// The longest text that can be a token, in bytes.
pub const TOKEN_TEXT_MAX: usize = 8 * 1024;

/// How the text of a token begins: what it is, and in which version.
const BEGINNING: &str = "landline-token-1.";

/// The most addresses in a token.
const ADDRESSES_MAX: usize = 8;

/// What stands in a token's text, as JSON in base64url.
#[derive(Serialize, Deserialize)]
struct Content {
    hub: String,
    addresses: Vec<String>,
    pin: Pin,
    head_key: HeadKey,
    account: AccountId,
    name: AccountName,
    session: SessionId,
    secret: SessionSecret,
}

/// Why a text is no token. It does not show the text: most of it may be the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It does not look like one at all.
    #[error("it does not begin with {BEGINNING}")]
    Beginning,
    /// It was cut or changed.
    #[error("it is damaged; was it cut?")]
    Damaged,
}

/// The text of a token that was just made, for a hub that is known here. Handle it as a secret.
#[must_use]
pub fn text(hub: &Hub, created: &TokenCreated, reached_at: &HubAddress) -> String {
    let content = Content {
        hub: hub.name.clone(),
        addresses: addresses(reached_at, &created.addresses),
        pin: hub.pin,
        head_key: hub.head_key,
        account: created.account.id,
        name: created.account.name.clone(),
        session: created.session,
        secret: created.secret.clone(),
    };
    let json = serde_json::to_vec(&content).expect("texts and numbers have a JSON form");
    format!("{BEGINNING}{}", BASE64URL_NOPAD.encode(&json))
}

/// The hub that a token leads to, and the way in.
///
/// # Errors
/// Why the text is no token.
pub fn hub(text: &str) -> Result<Hub, TokenError> {
    let text = text.trim();
    let encoded = text.strip_prefix(BEGINNING).ok_or(TokenError::Beginning)?;
    if text.len() > TOKEN_TEXT_MAX {
        return Err(TokenError::Damaged);
    }
    let json = BASE64URL_NOPAD
        .decode(encoded.as_bytes())
        .map_err(|_| TokenError::Damaged)?;
    let content: Content = serde_json::from_slice(&json).map_err(|_| TokenError::Damaged)?;
    let addresses = content.addresses.iter().take(ADDRESSES_MAX);
    Ok(Hub {
        name: content.hub,
        addresses: addresses
            .map(|address| address.parse().map_err(|_| TokenError::Damaged))
            .collect::<Result<_, _>>()?,
        pin: content.pin,
        head_key: content.head_key,
        account: KnownAccount {
            id: content.account,
            name: content.name,
        },
        session: Some(Session {
            id: content.session,
            secret: content.secret,
            token: true,
        }),
    })
}

/// The hub of the token in the variable `LANDLINE_TOKEN`; none where there is none.
///
/// # Errors
/// What it holds is no token.
pub fn hub_of_variable() -> Result<Option<Hub>, ClientError> {
    match std::env::var(TOKEN_VARIABLE) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => hub(&text)
            .map(Some)
            .map_err(|error| unreadable(TOKEN_VARIABLE, &error)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(unreadable(TOKEN_VARIABLE, &error)),
    }
}

/// The hub of the token in a file.
///
/// # Errors
/// The file cannot be read, or what it holds is no token.
pub fn hub_of_file(path: &Path) -> Result<Hub, ClientError> {
    use std::io::Read as _;
    let place = path.display().to_string();
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(TOKEN_TEXT_MAX as u64 + 2).read_to_string(&mut text))
        .map_err(|error| ClientError::File {
            path: place.clone(),
            reason: error.to_string(),
            hint: None,
        })?;
    hub(&text).map_err(|error| unreadable(&place, &error))
}

fn unreadable(place: &str, error: &dyn std::fmt::Display) -> ClientError {
    ClientError::File {
        path: place.to_owned(),
        reason: format!("there is no token in it: {error}"),
        hint: Some("landline user token NAME makes one; copy the whole line".to_owned()),
    }
}

/// Logs in with a token. The hub shows first that it has the secret; to one that does not, nothing is shown.
pub(crate) async fn log_in(connection: &Connection, session: &Session) -> Result<Account, ClientError> {
    let address = || connection.address().to_string();
    let unproven = || ClientError::HubUnproven { address: address() };
    let exporter = connection.exporter().ok_or_else(unproven)?;
    let mut random = [0; 32];
    aws_lc_rs::rand::fill(&mut random).expect("the system has random bytes");
    let nonce = Nonce::from_bytes(random);
    let challenge = TokenChallenge {
        session: session.id,
        nonce,
    };
    let challenged = connection.call(&challenge).await?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, session.secret.as_bytes());
    let said = |side| statement(side, &session.id, &nonce, &challenged.nonce, exporter);
    // In constant time.
    hmac::verify(&key, &said(Side::Hub), challenged.proof.as_bytes()).map_err(|_| unproven())?;
    let proof = hmac::sign(&key, &said(Side::Client));
    let proof = Hash::try_from(proof.as_ref()).expect("an HMAC-SHA-256 has 32 bytes");
    connection.call(&TokenLogin { proof }).await
}

/// Where others find the hub, best first: where it answered, and where it says that it is. An address that works only
/// on this machine stands there only where there is no other.
fn addresses(reached_at: &HubAddress, known: &[String]) -> Vec<String> {
    let known = known
        .iter()
        .filter_map(|address| address.parse::<HubAddress>().ok());
    let mut all: Vec<HubAddress> = vec![reached_at.clone()];
    for address in known {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    if all.iter().any(|address| !is_loopback(address)) {
        all.retain(|address| !is_loopback(address));
    }
    all.iter().take(ADDRESSES_MAX).map(ToString::to_string).collect()
}

fn is_loopback(address: &HubAddress) -> bool {
    match address.host.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => address.host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use landline_model::role::Role;
    use landline_model::time::Timestamp;

    fn profile() -> Hub {
        Hub {
            name: "lab".to_owned(),
            addresses: vec!["hub.local:9".parse().unwrap()],
            pin: Pin::from_bytes([1; 32]),
            head_key: HeadKey::from_bytes([2; 32]),
            account: KnownAccount {
                id: AccountId::from_bytes([3; 16]),
                name: "alice".parse().unwrap(),
            },
            session: None,
        }
    }

    fn created(addresses: &[&str]) -> TokenCreated {
        TokenCreated {
            account: Account {
                id: AccountId::from_bytes([4; 16]),
                name: "robot".parse().unwrap(),
                role: Role::Member,
            },
            session: SessionId::from_bytes([5; 16]),
            secret: SessionSecret::from_bytes([6; 32]),
            expires: Timestamp(7),
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        }
    }

    #[test]
    fn a_token_holds_all_that_a_login_takes() {
        let text = text(&profile(), &created(&[]), &"192.0.2.1:9".parse().unwrap());
        assert!(!text.contains(char::is_whitespace), "{text}");
        let hub = hub(&format!("{text}\n")).unwrap();
        assert_eq!(hub.addresses, ["192.0.2.1:9".parse().unwrap()]);
        assert_eq!((hub.pin, hub.head_key), (profile().pin, profile().head_key));
        assert_eq!(hub.account.name.as_str(), "robot");
        let session = Session {
            id: SessionId::from_bytes([5; 16]),
            secret: SessionSecret::from_bytes([6; 32]),
            token: true,
        };
        assert_eq!(hub.session, Some(session));
    }

    #[test]
    fn a_token_that_was_cut_or_is_none_is_refused() {
        let text = text(&profile(), &created(&[]), &"192.0.2.1:9".parse().unwrap());
        for end in BEGINNING.len()..text.len() {
            assert_eq!(hub(&text[..end]).unwrap_err(), TokenError::Damaged, "{end}");
        }
        assert_eq!(hub("").unwrap_err(), TokenError::Beginning);
        assert_eq!(hub("https://hub/join#x").unwrap_err(), TokenError::Beginning);
        let long = format!("{BEGINNING}{}", "A".repeat(TOKEN_TEXT_MAX));
        assert_eq!(hub(&long).unwrap_err(), TokenError::Damaged);
    }

    #[test]
    fn an_address_that_works_only_here_stands_there_only_alone() {
        let of = |reached: &str, known: &[&str]| {
            let known: Vec<String> = known.iter().map(|address| (*address).to_owned()).collect();
            addresses(&reached.parse().unwrap(), &known)
        };
        assert_eq!(of("127.0.0.1:9", &["[::1]:9", "192.0.2.1:9"]), ["192.0.2.1:9"]);
        assert_eq!(of("127.0.0.1:9", &["127.0.0.1:9", "nonsense!"]), ["127.0.0.1:9"]);
        assert_eq!(
            of("hub.local:9", &["192.0.2.1:9"]),
            ["hub.local:9", "192.0.2.1:9"]
        );
    }
}

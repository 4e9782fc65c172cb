//! How the hubs stand in their file.

use super::{Hub, Hubs, KnownAccount, Session};
use landline_model::hash::HeadKey;
use landline_model::id::{AccountId, SessionId};
use landline_model::link::Pin;
use landline_model::name::AccountName;
use landline_model::protocol::people::SessionSecret;
use serde::{Deserialize, Serialize};

const HEADING: &str = "# Landline's hubs. Session secrets are in here: keep it to yourself.\n\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default, rename = "hub", skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    addresses: Vec<Address>,
    pin: Pin,
    head_key: HeadKey,
    account: AccountName,
    account_id: AccountId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SessionSecret>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    token: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Address(#[serde(with = "address")] landline_model::link::HubAddress);

mod address {
    use landline_model::link::HubAddress;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(address: &HubAddress, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HubAddress, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Reads the file's text. The error says the line; it does not show it, because it may be the one with the secret.
pub(super) fn read(text: &str) -> Result<Hubs, String> {
    let File { current, hubs } = toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("line {line}: {}", error.message())
    })?;
    let hubs: Vec<Hub> = hubs.into_iter().map(Entry::into_hub).collect();
    for (index, hub) in hubs.iter().enumerate() {
        if hubs[..index].iter().any(|other| other.name == hub.name) {
            return Err(format!("two hubs are called {}", hub.name));
        }
    }
    Ok(Hubs { hubs, current })
}

pub(super) fn write(hubs: &Hubs) -> String {
    let file = File {
        current: hubs.current.clone(),
        hubs: hubs.hubs.iter().map(Entry::from_hub).collect(),
    };
    let text = toml::to_string(&file).expect("tables of texts have a TOML form");
    format!("{HEADING}{text}")
}

impl Entry {
    fn from_hub(hub: &Hub) -> Self {
        Self {
            name: hub.name.clone(),
            addresses: hub.addresses.iter().cloned().map(Address).collect(),
            pin: hub.pin,
            head_key: hub.head_key,
            account: hub.account.name.clone(),
            account_id: hub.account.id,
            session: hub.session.as_ref().map(|session| session.id),
            secret: hub.session.as_ref().map(|session| session.secret.clone()),
            token: hub.session.as_ref().is_some_and(|session| session.token),
        }
    }

    fn into_hub(self) -> Hub {
        Hub {
            name: self.name,
            addresses: self
                .addresses
                .into_iter()
                .map(|Address(address)| address)
                .collect(),
            pin: self.pin,
            head_key: self.head_key,
            account: KnownAccount {
                id: self.account_id,
                name: self.account,
            },
            session: self.session.zip(self.secret).map(|(id, secret)| Session {
                id,
                secret,
                token: self.token,
            }),
        }
    }
}

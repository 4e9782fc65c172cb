//! Who is there: greeting, joining, sessions, invitations.

use super::{Done, calls};
use crate::hash::HeadKey;
use crate::id::{AccountId, SessionId};
use crate::link::{Pin, Token};
use crate::name::AccountName;
use crate::role::Role;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest password, in bytes: hashing must not become a way to keep a hub busy.
pub const PASSWORD_MAX: usize = 1024;

/// The longest name of a device, in bytes.
pub const DEVICE_MAX: usize = 64;

/// The first request on every connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// [`super::VERSION`].
    pub protocol: u32,
    /// The client's name and version, for the log.
    #[serde(default)]
    pub client: String,
}

/// The hub's greeting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// [`super::VERSION`].
    pub protocol: u32,
    /// The hub's name, for people.
    pub hub: String,
    /// The program's version.
    pub version: String,
    /// What clients pin.
    pub pin: Pin,
    /// The key that signs rooms' heads. A client keeps it with the hub; it does not change.
    pub head_key: HeadKey,
    /// The hub's clock.
    pub time: Timestamp,
}

/// Redeems an invitation: makes an account and logs in to it. With a secret it can be sent again where the answer was
/// lost.
#[derive(Serialize, Deserialize)]
pub struct Join {
    /// The token of the link.
    pub token: Token,
    /// The name to be known by.
    pub name: AccountName,
    /// A password to log in with elsewhere; none: this session is the only way in until one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// What the person calls this machine.
    #[serde(default)]
    pub device: String,
    /// The secret that the session is to have, random; none: the hub makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SessionSecret>,
}

/// Logs in by password.
#[derive(Serialize, Deserialize)]
pub struct Login {
    /// The account's name.
    pub name: AccountName,
    /// Its password.
    pub password: Secret,
    /// What the person calls this machine.
    #[serde(default)]
    pub device: String,
}

/// Continues a session.
#[derive(Serialize, Deserialize)]
pub struct Resume {
    /// The secret of the session.
    pub session: SessionSecret,
}

/// Ends the session of this connection, here and on all its other connections.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Logout {}

/// Asks who one is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WhoAmI {}

/// Sets the account's password. All other sessions of the account end.
#[derive(Serialize, Deserialize)]
pub struct SetPassword {
    /// The password so far, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Secret>,
    /// The password from now on.
    pub new: Secret,
}

/// Makes an invitation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Invite {
    /// What those who follow it become.
    pub role: Role,
    /// How many may, 1 or more.
    pub uses: u32,
    /// For how long, in seconds.
    pub expires: u64,
}

/// An invitation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// The token. Together with the hub's address and pin it makes the link.
    pub token: Token,
    /// The hosts (names or addresses) and port at which the hub can be reached, best first.
    pub addresses: Vec<String>,
    /// When it ends.
    pub expires: Timestamp,
}

/// An account that has just been logged in to.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The account.
    pub account: Account,
    /// The session.
    pub session: SessionId,
    /// Its secret: what [`Resume`] takes.
    pub secret: SessionSecret,
}

/// An account, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// It never changes.
    pub id: AccountId,
    /// It may.
    pub name: AccountName,
    /// What the account is on this hub.
    pub role: Role,
}

/// A password in transit. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// The secret of a session: 32 random bytes, known to the client; the hub keeps their hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret([u8; 32]);

impl SessionSecret {
    /// From random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SessionSecret(..)")
    }
}

impl Serialize for SessionSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for SessionSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a session's secret"))
    }
}

calls! {
    "hello": Hello => Welcome;
    "join": Join => LoggedIn;
    "login": Login => LoggedIn;
    "resume": Resume => Account;
    "logout": Logout => Done;
    "whoami": WhoAmI => Account;
    "set_password": SetPassword => Done;
    "invite": Invite => Invitation;
}

//! Who is there: greeting, joining, sessions, invitations.

use super::{Done, calls};
use crate::hash::{Hash, HeadKey};
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

/// An account with what only those see who look after the hub (and its owner).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What everybody sees.
    #[serde(flatten)]
    pub account: Account,
    /// What the person wrote about what they are doing; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Whether it has a connection to the hub now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
    /// Nobody gets in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// When it was made; for those who look after the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it was used last; for those who look after the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// The longest status text, in bytes.
pub const STATUS_MAX: usize = 256;

/// Lists accounts, those whose name has `search` in it (whatever the case), in the order of their ids. The body is
/// JSON lines of [`User`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UserList {
    /// A part of the name; empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// Where to begin: what the page before said under `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AccountId>,
    /// How many at most; never more than [`super::PAGE_MAX`].
    pub limit: u32,
}

/// A page of accounts; they are in the body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserPage {
    /// Where the next page begins; none: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AccountId>,
}

/// Lets nobody into an account any more, or lets them in again. Its sessions end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserDisable {
    /// Which.
    pub name: AccountName,
    /// False: lets them in again.
    pub disabled: bool,
}

/// Gives an account another role. It counts at once, on open connections too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserRole {
    /// Which account.
    pub name: AccountName,
    /// What it is from now on.
    pub role: Role,
}

/// Gives an account a new random password, and ends its sessions and tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserReset {
    /// Which.
    pub name: AccountName,
}

/// A new password, for handing over.
#[derive(Debug, Serialize, Deserialize)]
pub struct NewPassword {
    /// It.
    pub password: Secret,
}

/// Lists the sessions of an account: one's own, or as an admin anybody's. The body is JSON lines of [`Session`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sessions {
    /// Whose; none: one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<AccountName>,
}

/// A session, or a token, which is a session that machines log in to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// It is not the secret.
    pub id: SessionId,
    /// What the person calls the machine, or what the token is for.
    pub device: String,
    /// True for a token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub token: bool,
    /// When it was opened.
    pub created: Timestamp,
    /// When it was used last, to the minute.
    pub last_seen: Timestamp,
    /// When it ends, used or not.
    pub expires: Timestamp,
    /// How many connections it has now.
    #[serde(default)]
    pub connections: u32,
    /// Whether it is the one that asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub current: bool,
}

/// Ends sessions and tokens, and their connections at once: one's own, or as an admin anybody's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revoke {
    /// Which session; none: all of `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// All of this account, but for the session that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<AccountName>,
}

/// What was ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Revoked {
    /// How many sessions.
    pub sessions: u32,
}

/// Makes a token for an account: one's own, or as an admin anybody's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenCreate {
    /// Whose.
    pub name: AccountName,
    /// Makes the account first, a robot's, with this role; admins only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<Role>,
    /// What it is for, at most [`DEVICE_MAX`] bytes.
    #[serde(default)]
    pub device: String,
    /// For how long, in seconds.
    pub expires: u64,
}

/// A token that was made: the hub does not show its secret again.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokenCreated {
    /// The account.
    pub account: Account,
    /// The session that it is.
    pub session: SessionId,
    /// Its secret.
    pub secret: SessionSecret,
    /// When it ends.
    pub expires: Timestamp,
    /// The hosts (names or addresses) and port at which the hub can be reached, best first.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// Begins to log in with a token: HMAC-SHA-256 in both directions, bound to the TLS connection (RFC 9266,
/// `tls-exporter`). See [`crate::token`] for what is computed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenChallenge {
    /// The session that the token is.
    pub session: SessionId,
    /// Random.
    pub nonce: Nonce,
}

/// The hub's side of the challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenChallenged {
    /// Random.
    pub nonce: Nonce,
    /// Shows that the hub knows the secret.
    pub proof: Hash,
}

/// Logs in with a token, after [`TokenChallenge`] on the same connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenLogin {
    /// Shows that the client knows the secret.
    pub proof: Hash,
}

/// Sets one's status text, at most [`STATUS_MAX`] bytes; empty: none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetStatus {
    /// The text.
    pub status: String,
}

/// Asks who is there, and for a [`super::chat::Signal::Presence`] from now on whenever somebody comes, goes or changes
/// their status. The body is JSON lines of [`Present`], only those who are there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Presence {}

/// Whether somebody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Who.
    pub account: AccountId,
    /// What that account is called.
    pub name: AccountName,
    /// Whether it has a connection to the hub.
    pub online: bool,
    /// What the person wrote about what they are doing; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
}

/// What to do about a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactAct {
    /// Asks somebody to be a contact. Where they have asked already, that is an acceptance.
    Ask,
    /// Accepts.
    Accept,
    /// Takes the contact, or what was asked, back; turns down.
    Remove,
    /// Takes no direct messages and no asking from them any more.
    Block,
    /// Takes that back.
    Unblock,
}

/// Does something about a contact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContactDo {
    /// Whom it is about.
    pub name: AccountName,
    /// What.
    pub act: ContactAct,
}

/// Lists one's contacts. The body is JSON lines of [`Contact`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ContactList {}

/// How one stands to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// One has asked.
    Asked,
    /// They have asked.
    Asking,
    /// Both want it.
    Contact,
    /// One has blocked them. They are not told.
    Blocked,
    /// Neither.
    None,
}

/// Somebody, and how one stands to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who.
    #[serde(flatten)]
    pub person: Present,
    /// How.
    pub state: ContactState,
}

/// 32 random bytes that are used once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 32]);
crate::hash::hexadecimal!(Nonce, 32);

/// Makes an invitation that goes by a short code, to be read out: see [`crate::code`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct InviteCode {
    /// What those who use it become.
    pub role: Role,
}

/// A code that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeMade {
    /// The code, as people read it out.
    pub code: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Begins to join by code: SPAKE2, bound to the TLS connection. The client has not verified the hub's certificate yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeBegin {
    /// The public part of the code: which of the hub's codes it is.
    pub slot: u16,
    /// The client's SPAKE2 message, hexadecimal.
    pub message: String,
}

/// The hub's side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeBegun {
    /// The hub's SPAKE2 message, hexadecimal.
    pub message: String,
}

/// Shows that the client has the code, after [`CodeBegin`] on the same connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeFinish {
    /// The client's confirmation.
    pub proof: Hash,
}

/// Shows that the hub has it, and hands over the invitation.
#[derive(Debug, Serialize, Deserialize)]
pub struct CodeFinished {
    /// The hub's confirmation. The client checks it before it believes the rest.
    pub proof: Hash,
    /// The invitation.
    pub token: Token,
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
    "user_list": UserList => UserPage;
    "user_disable": UserDisable => Done;
    "user_role": UserRole => Done;
    "user_reset": UserReset => NewPassword;
    "sessions": Sessions => Done;
    "revoke": Revoke => Revoked;
    "token_create": TokenCreate => TokenCreated;
    "token_challenge": TokenChallenge => TokenChallenged;
    "token_login": TokenLogin => Account;
    "set_status": SetStatus => Done;
    "presence": Presence => Done;
    "contact": ContactDo => Contact;
    "contact_list": ContactList => Done;
    "invite_code": InviteCode => CodeMade;
    "code_begin": CodeBegin => CodeBegun;
    "code_finish": CodeFinish => CodeFinished;
}

//! The hubs that this user knows, and how to get into them.
//!
//! They stand in `hubs.toml` of the client's configuration directory, with the secrets of the sessions.

mod file;

use crate::connection::Connection;
use crate::error::ClientError;
use crate::heads::HeadError;
use crate::private_file::{PrivateFile, configuration_directory};
use crate::token;
use landline_model::hash::HeadKey;
use landline_model::id::{AccountId, SessionId};
use landline_model::link::{HubAddress, Pin};
use landline_model::name::AccountName;
use landline_model::protocol::people::{Account, LoggedIn, Resume, SessionSecret, Welcome};
use std::path::Path;

/// The environment variable that names the hub to use.
pub const HUB_VARIABLE: &str = "LANDLINE_HUB";

/// The file's name in the configuration directory.
pub const FILE_NAME: &str = "hubs.toml";

/// The longest name that a hub gets here, in bytes.
pub const HUB_NAME_MAX: usize = 64;

/// A hub that this user knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// What it is called here; no other hub here has the name.
    pub name: String,
    /// Where it is, best first.
    pub addresses: Vec<HubAddress>,
    /// Its certificate authority's key.
    pub pin: Pin,
    /// The key with which it signs rooms' heads.
    pub head_key: HeadKey,
    /// Who one is there.
    pub account: KnownAccount,
    /// The way in; none after a logout.
    pub session: Option<Session>,
}

/// An account on a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// It never changes.
    pub id: AccountId,
    /// What it was called when this was written.
    pub name: AccountName,
}

/// A session on a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its secret.
    pub secret: SessionSecret,
    /// True for a token: the secret is never shown to the hub, both sides prove that they have it.
    pub token: bool,
}

/// All hubs that this user knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hubs {
    /// In the order in which they were added.
    hubs: Vec<Hub>,
    /// The name of the one to use where nobody says another.
    current: Option<String>,
}

/// Connects to a hub and continues the session there.
///
/// # Errors
/// As [`Connection::open`]; also no session, or one that the hub has ended, or a hub that signs with another key.
pub async fn connect(hub: &Hub) -> Result<Connection, ClientError> {
    let (connection, _) = connect_as(hub).await?;
    Ok(connection)
}

/// As [`connect`]; also tells who one is now.
///
/// # Errors
/// As [`connect`].
pub async fn connect_as(hub: &Hub) -> Result<(Connection, Account), ClientError> {
    let session = hub
        .session
        .as_ref()
        .ok_or_else(|| ClientError::NotLoggedIn(hub.name.clone()))?;
    let (connection, welcome) = Connection::open(&hub.addresses, hub.pin).await?;
    hub.check(&welcome)?;
    let account = if session.token {
        token::log_in(&connection, session).await?
    } else {
        let call = Resume {
            session: session.secret.clone(),
        };
        connection.call(&call).await?
    };
    Ok((connection, account))
}

impl Hub {
    /// Checks that a hub with the right certificate authority also has the head key that it had.
    ///
    /// # Errors
    /// [`HeadError::KeyChanged`]
    pub fn check(&self, welcome: &Welcome) -> Result<(), ClientError> {
        if welcome.head_key == self.head_key {
            Ok(())
        } else {
            Err(HeadError::KeyChanged(self.name.clone()).into())
        }
    }
}

impl Hubs {
    /// Reads the user's hubs; none where there is no file yet.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged; the line is named.
    pub fn load() -> Result<Self, ClientError> {
        Self::load_from(&configuration_directory()?)
    }

    /// As [`load`](Self::load), from another configuration directory.
    ///
    /// # Errors
    /// The same.
    pub fn load_from(directory: &Path) -> Result<Self, ClientError> {
        Self::read(&PrivateFile::new(directory.join(FILE_NAME)))
    }

    /// Changes the user's hubs. Other processes that do the same wait, so that nothing is lost. What `change` refuses
    /// leaves the file as it was.
    ///
    /// # Errors
    /// What `change` says, or the file cannot be read or written.
    pub fn change<T>(change: impl FnOnce(&mut Self) -> Result<T, ClientError>) -> Result<T, ClientError> {
        Self::change_in(&configuration_directory()?, change)
    }

    /// As [`change`](Self::change), in another configuration directory.
    ///
    /// # Errors
    /// The same.
    pub fn change_in<T>(
        directory: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let file = PrivateFile::new(directory.join(FILE_NAME));
        let locked = file.lock()?;
        let before = Self::read(&file)?;
        let mut hubs = before.clone();
        let result = change(&mut hubs)?;
        if hubs != before {
            locked.replace(&file::write(&hubs))?;
        }
        Ok(result)
    }

    /// The hub to use: the one that `name` says, else the variable `LANDLINE_HUB`, else the current one.
    ///
    /// # Errors
    /// There is none of that name, or none at all.
    pub fn current(&self, name: Option<&str>) -> Result<&Hub, ClientError> {
        let variable = std::env::var(HUB_VARIABLE).ok().filter(|name| !name.is_empty());
        match name.or(variable.as_deref()).or(self.current.as_deref()) {
            Some(name) => self.named(name),
            None => Err(ClientError::NoSuchHub("no hub is known here yet".to_owned())),
        }
    }

    /// The hub of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(&self, name: &str) -> Result<&Hub, ClientError> {
        let found = self.hubs.iter().find(|hub| hub.name == name);
        found.ok_or_else(|| ClientError::NoSuchHub(format!("no hub is known here as {name}")))
    }

    /// All of them, in the order in which they were added.
    #[must_use]
    pub fn all(&self) -> &[Hub] {
        &self.hubs
    }

    /// True for the hub that is used where nobody says another.
    #[must_use]
    pub fn is_current(&self, hub: &Hub) -> bool {
        self.current.as_deref() == Some(hub.name.as_str())
    }

    /// The known hub with this pin.
    #[must_use]
    pub fn pinned(&self, pin: &Pin) -> Option<&Hub> {
        self.hubs.iter().find(|hub| hub.pin == *pin)
    }

    /// Takes a login: adds the hub, or renews what is known of it, and makes it the current one. Its name is the one it
    /// gives itself, with `-2` and so on where another hub has that already; a hub that is known keeps its name.
    pub fn logged_in(&mut self, address: &HubAddress, pin: Pin, welcome: &Welcome, login: &LoggedIn) -> &Hub {
        let known = self.hubs.iter().position(|hub| hub.pin == pin);
        let hub = Hub {
            name: known.map_or_else(
                || self.free_name(&welcome.hub),
                |index| self.hubs[index].name.clone(),
            ),
            addresses: known.map_or_else(Vec::new, |index| self.hubs[index].addresses.clone()),
            pin,
            head_key: welcome.head_key,
            account: KnownAccount {
                id: login.account.id,
                name: login.account.name.clone(),
            },
            session: Some(Session {
                id: login.session,
                secret: login.secret.clone(),
                token: false,
            }),
        };
        self.current = Some(hub.name.clone());
        let index = known.unwrap_or(self.hubs.len());
        match known {
            Some(index) => self.hubs[index] = hub,
            None => self.hubs.push(hub),
        }
        let hub = &mut self.hubs[index];
        hub.reached_at(address);
        hub
    }

    /// Takes a token, which leads to a hub: adds the hub, or renews what is known of it, and makes it the current one.
    pub fn token_taken(&mut self, hub: &Hub) -> &Hub {
        let known = self.hubs.iter().position(|other| other.pin == hub.pin);
        let name = known.map_or_else(
            || self.free_name(&hub.name),
            |index| self.hubs[index].name.clone(),
        );
        self.current = Some(name.clone());
        let hub = Hub { name, ..hub.clone() };
        let index = known.unwrap_or(self.hubs.len());
        match known {
            Some(index) => self.hubs[index] = hub,
            None => self.hubs.push(hub),
        }
        &self.hubs[index]
    }

    /// Makes the hub of that name the current one.
    ///
    /// # Errors
    /// There is none.
    pub fn make_current(&mut self, name: &str) -> Result<(), ClientError> {
        self.current = Some(self.named(name)?.name.clone());
        Ok(())
    }

    /// Forgets the way into a hub, but not the hub: its pin and address stay for the next login.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn logged_out(&mut self, name: &str) -> Result<(), ClientError> {
        self.named(name)?;
        self.hubs
            .iter_mut()
            .filter(|hub| hub.name == name)
            .for_each(|hub| hub.session = None);
        Ok(())
    }

    /// Forgets a hub altogether. Where it was the current one, the one added last is from now on.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn forget(&mut self, name: &str) -> Result<(), ClientError> {
        self.named(name)?;
        self.hubs.retain(|hub| hub.name != name);
        if self.current.as_deref() == Some(name) {
            self.current = self.hubs.last().map(|hub| hub.name.clone());
        }
        Ok(())
    }

    fn free_name(&self, wanted: &str) -> String {
        let wanted = plain_name(wanted);
        let taken = |name: &str| self.hubs.iter().any(|hub| hub.name == name);
        if !taken(&wanted) {
            return wanted;
        }
        let numbered = (2_u64..)
            .map(|number| format!("{wanted}-{number}"))
            .find(|name| !taken(name));
        numbered.unwrap_or(wanted)
    }

    fn read(file: &PrivateFile) -> Result<Self, ClientError> {
        match file.read()? {
            None => Ok(Self::default()),
            Some(text) => file::read(&text).map_err(|reason| file.damaged(&reason)),
        }
    }
}

impl Hub {
    /// The most addresses that are kept of a hub.
    const ADDRESSES_MAX: usize = 8;

    fn reached_at(&mut self, address: &HubAddress) {
        self.addresses.retain(|other| other != address);
        self.addresses.insert(0, address.clone());
        self.addresses.truncate(Self::ADDRESSES_MAX);
    }
}

/// What a hub calls itself, as a word that one can type: anything but letters, digits, `-`, `_` and `.` becomes `-`.
fn plain_name(name: &str) -> String {
    let right = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    let mut plain = String::new();
    for character in name
        .chars()
        .map(|character| if right(character) { character } else { '-' })
    {
        if plain.len() + character.len_utf8() > HUB_NAME_MAX {
            break;
        }
        plain.push(character);
    }
    let plain = plain.trim_matches('-');
    if plain.is_empty() {
        "hub".to_owned()
    } else {
        plain.to_owned()
    }
}

#[cfg(test)]
mod tests;

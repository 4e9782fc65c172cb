//! `landline login`: gets into an account by password.

use super::join::{device, own_name, tell};
use crate::context::{Context, Usage};
use crate::password;
use anyhow::{Context as _, Result};
use landline_client::{Connection, Hub, Hubs, token};
use landline_model::link::{HubAddress, Pin};
use landline_model::name::AccountName;
use landline_model::protocol::people;
use std::path::Path;
use std::process::ExitCode;

/// Log in to a hub by password, or with a token (--token-file).
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// A hub that this machine knows by name, or a hub's address [default: the current hub].
    #[arg(value_name = "HUB|ADDRESS")]
    place: Option<String>,
    /// The account's name [default: who you were there, or your name on this machine].
    #[arg(long)]
    name: Option<AccountName>,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// The fingerprint of a hub that this machine does not know yet; its admin can tell it.
    #[arg(long, value_name = "FINGERPRINT", value_parser = parse_fingerprint)]
    fingerprint: Option<Pin>,
    /// JSON: an object with `hub`, `name`, `role`, `id` and `address`.
    #[arg(long)]
    json: bool,
}

/// Where to log in.
struct Door {
    addresses: Vec<HubAddress>,
    pin: Pin,
    known: Option<Hub>,
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        if let Some(path) = &context.token_file {
            return self.with_token(path, context).await;
        }
        let hubs = Hubs::change(|hubs| Ok(hubs.clone()))?;
        let door = self.door(&hubs)?;
        let name = match (self.name, &door.known) {
            (Some(name), _) => name,
            (None, Some(hub)) => hub.account.name.clone(),
            (None, None) => own_name()?,
        };
        let password = match password::given(self.password_stdin, &mut std::io::stdin().lock())? {
            Some(password) => Some(password),
            None => password::ask(&format!("Password of {name}: "))?,
        };
        let password = password.ok_or_else(|| {
            Usage::new(
                "there is nobody to ask for the password",
                "give it with --password-stdin, or LANDLINE_PASSWORD",
            )
        })?;
        let (connection, welcome) = Connection::open(&door.addresses, door.pin).await?;
        if let Some(hub) = &door.known {
            hub.check(&welcome)?;
        }
        let login = connection
            .call(&people::Login {
                name,
                password,
                device: device(),
            })
            .await?;
        let address = connection.address().clone();
        let hub = Hubs::change(|hubs| Ok(hubs.logged_in(&address, door.pin, &welcome, &login).clone()))?;
        tell(&hub, &login, "logged in to", self.json, context)
    }

    /// Keeps a token, once it has been seen to work.
    async fn with_token(&self, path: &Path, context: &Context) -> Result<ExitCode> {
        if self.place.is_some() || self.name.is_some() || self.password_stdin || self.fingerprint.is_some() {
            let hint = "leave out the hub, --name, --password-stdin and --fingerprint";
            return Err(Usage::new("a token says who logs in, and where", hint).into());
        }
        let hub = token::hub_of_file(path)?;
        let (_, account) = landline_client::connect_as(&hub).await?;
        let session = hub.session.clone().context("a token is a session")?;
        let hub = Hubs::change(|hubs| Ok(hubs.token_taken(&hub).clone()))?;
        let login = people::LoggedIn {
            account,
            session: session.id,
            secret: session.secret,
        };
        tell(&hub, &login, "logged in to", self.json, context)
    }

    fn door(&self, hubs: &Hubs) -> Result<Door> {
        let known = match &self.place {
            None => Some(hubs.current(None)?),
            Some(name) => hubs.named(name).ok(),
        };
        let Some(text) = self.place.as_ref().filter(|_| known.is_none()) else {
            return self.known_door(known, known.map(|hub| hub.addresses.clone()).unwrap_or_default());
        };
        let address: HubAddress = text.parse().map_err(|_| {
            Usage::new(
                format!("{text} is neither a hub that is known here nor an address"),
                "landline hubs lists the known ones",
            )
        })?;
        let known = match self.fingerprint {
            Some(pin) => hubs.pinned(&pin),
            None => hubs.all().iter().find(|hub| hub.addresses.contains(&address)),
        };
        self.known_door(known, vec![address])
    }

    fn known_door(&self, known: Option<&Hub>, addresses: Vec<HubAddress>) -> Result<Door> {
        let pin = match (known, self.fingerprint) {
            (Some(hub), Some(pin)) if hub.pin != pin => {
                let message = format!("the hub {} is known here by another fingerprint", hub.name);
                let hint =
                    "if it was really reinstalled: landline hubs forget NAME, then log in by its address";
                return Err(Usage::new(message, hint).into());
            }
            (Some(hub), _) => hub.pin,
            (None, Some(pin)) => pin,
            (None, None) => {
                let message = "this machine does not know that hub";
                let hint = "add --fingerprint with what the hub's admin tells you, or use an invite link: landline join LINK";
                return Err(Usage::new(message, hint).into());
            }
        };
        Ok(Door {
            addresses,
            pin,
            known: known.cloned(),
        })
    }
}

/// 64 hexadecimal digits, in groups or not.
fn parse_fingerprint(text: &str) -> Result<Pin, String> {
    let digits: String = text
        .chars()
        .filter(|character| !matches!(character, ' ' | ':' | '-'))
        .collect();
    digits
        .parse()
        .map_err(|_| "a fingerprint has 64 hexadecimal digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_taken_as_it_is_shown() {
        let pin = Pin::from_bytes([0xa7; 32]);
        for text in [
            pin.to_string(),
            pin.fingerprint(),
            pin.fingerprint().replace(' ', ":"),
        ] {
            assert_eq!(parse_fingerprint(&text), Ok(pin));
        }
        assert!(parse_fingerprint("a7").is_err());
    }
}

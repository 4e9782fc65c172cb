//! The ways to an invitation: its link, or a code and the hub that showed it.

use crate::context::Usage;
use crate::password;
use anyhow::{Context as _, Result};
use landline_client::discover::find;
use landline_client::{ClientError, join::code::invitation};
use landline_model::code::{Code, TEXT_MAX};
use landline_model::link::{HubAddress, JoinLink, LINK_MAX, LinkError};
use std::io::{BufRead, IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::time::Duration;

/// How long a hub may take to answer to its name.
const ANNOUNCEMENT_WAIT: Duration = Duration::from_secs(5);

/// How somebody comes to an invitation.
pub(super) enum Way {
    /// By its link.
    Link(JoinLink),
    /// By a code of the hub at this place.
    Code(Place, Code),
}

/// Where a hub is.
pub(super) enum Place {
    /// Here.
    Address(HubAddress),
    /// Where the local network says that the hub of this name is; else at the host of this name.
    Name(String),
}

impl Way {
    /// Understands the arguments; what is missing comes from the lines of `input`.
    pub(super) fn of(place: &str, code: Option<&str>, input: &mut impl BufRead) -> Result<Self> {
        let place = match place {
            "-" => password::line(input, LINK_MAX)?.unwrap_or_default(),
            place => place.to_owned(),
        };
        // Nothing else that names a hub has these characters.
        if place.is_empty() || place.contains(['/', '#']) {
            let link: JoinLink = place.parse().map_err(|error: LinkError| {
                let hint = "landline join 'https://HOST:5263/join#TOKEN.PIN'";
                Usage::new(error.to_string(), hint)
            })?;
            return match code {
                None => Ok(Self::Link(link)),
                Some(_) => Err(Usage::new(
                    "a link needs no code",
                    "leave out --code, or say the hub's name or address instead of the link",
                )
                .into()),
            };
        }
        let text = match code {
            Some("-") => password::line(input, TEXT_MAX)?.unwrap_or_default(),
            Some(code) => code.to_owned(),
            None => asked(input)?,
        };
        let code = text.parse().map_err(|error: landline_model::code::CodeError| {
            Usage::new(
                error.to_string(),
                "an admin of the hub makes one: landline invite --code",
            )
        })?;
        Ok(Self::Code(Place::of(place), code))
    }

    /// Comes to the invitation. It is good for minutes only where it came by a code.
    pub(super) async fn invitation(self) -> Result<JoinLink, ClientError> {
        match self {
            Self::Link(link) => Ok(link),
            Self::Code(place, code) => invitation(&place.addresses().await?, code).await,
        }
    }
}

impl Place {
    fn of(text: String) -> Self {
        let is_ip = text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        match text.parse() {
            Ok(address) if is_ip || text.contains(':') => Self::Address(address),
            _ => Self::Name(text),
        }
    }

    async fn addresses(self) -> Result<Vec<HubAddress>, ClientError> {
        let name = match self {
            Self::Address(address) => return Ok(vec![address]),
            Self::Name(name) => name,
        };
        match find(&name, ANNOUNCEMENT_WAIT).await {
            Ok(found) => Ok(found.addresses),
            Err(error @ (ClientError::NotAnnounced(_) | ClientError::Discovery(_))) => {
                let Ok(host) = name.parse::<HubAddress>() else {
                    return Err(error);
                };
                let known = tokio::net::lookup_host((host.host.as_str(), host.port))
                    .await
                    .is_ok();
                if known { Ok(vec![host]) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }
}

/// Asks for the code on a terminal.
fn asked(input: &mut impl BufRead) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage::new(
            "this needs the code that the hub shows",
            "landline join HUB --code CODE, or: landline join LINK",
        )
        .into());
    }
    let mut errors = std::io::stderr().lock();
    write!(errors, "Code: ")
        .and_then(|()| errors.flush())
        .context("the question cannot be shown")?;
    Ok(password::line(input, TEXT_MAX)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(place: &str, code: Option<&str>, input: &str) -> Result<Way> {
        Way::of(place, code, &mut input.as_bytes())
    }

    fn place_of(place: &str) -> String {
        match way(place, Some("417-2984-6071"), "") {
            Ok(Way::Code(Place::Address(address), _)) => format!("address {address}"),
            Ok(Way::Code(Place::Name(name), _)) => format!("name {name}"),
            _ => "none".to_owned(),
        }
    }

    #[test]
    fn a_hub_is_named_or_said_by_address() {
        for (text, place) in [
            ("Dr. Who's hub", "name Dr. Who's hub"),
            ("ship", "name ship"),
            ("ship.example.org", "name ship.example.org"),
            ("ship:99", "address ship:99"),
            ("192.0.2.1", "address 192.0.2.1:5263"),
            ("::1", "address [::1]:5263"),
            ("[2001:db8::1]:7", "address [2001:db8::1]:7"),
            ("a: b", "name a: b"),
        ] {
            assert_eq!(place_of(text), place);
        }
    }

    #[test]
    fn what_is_not_in_the_arguments_comes_line_by_line() {
        let Ok(Way::Code(Place::Name(name), code)) = way("-", Some("-"), "ship\n417 2984 6071\npassword\n")
        else {
            panic!("a name and a code");
        };
        assert_eq!((name.as_str(), code.slot()), ("ship", 417));
        assert!(way("ship", Some("-"), "417\n").is_err());
    }

    #[test]
    fn a_link_takes_no_code() {
        let link = format!("https://h:1/join#{}.{}", "A".repeat(22), "A".repeat(43));
        assert!(matches!(way(&link, None, ""), Ok(Way::Link(_))));
        assert!(way(&link, Some("417-2984-6071"), "").is_err());
        assert!(way("https://h/join", None, "").is_err());
    }
}

//! `landline invite`: a link that brings somebody in.

use crate::context::Context;
use crate::{duration, json, qr, show};
use anyhow::Result;
use landline_client::Connection;
use landline_model::link::{HubAddress, JoinLink};
use landline_model::protocol::people;
use landline_model::role::Role;
use landline_model::text::escape;
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::process::ExitCode;
use std::str::FromStr as _;
use std::time::Duration;

/// Make a link that brings somebody in.
///
/// The link is a secret until it is used up or expires: whoever follows it gets an account.
#[derive(Debug, clap::Args)]
pub(crate) struct Invite {
    /// What those who follow it become: admin, member or guest.
    #[arg(long, default_value = "member", value_parser = Role::from_str)]
    role: Role,
    /// How many may follow it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// Make a short code instead, to be read out to one person on the same network; it is good for 10 minutes.
    #[arg(long, conflicts_with_all = ["uses", "expires"])]
    code: bool,
    /// How long it is good for, like 90s, 15m, 12h or 7d.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration::parse)]
    expires: Duration,
    /// JSON: an object with `link` (or `code`), `role`, `uses` and `expires`.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    role: Role,
    uses: u32,
    expires: String,
}

impl Invite {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let hub = context.hub()?;
        let connection = landline_client::connect(&hub).await?;
        if self.code {
            return self.run_code(&connection).await;
        }
        let call = people::Invite {
            role: self.role,
            uses: self.uses,
            expires: self.expires.as_secs(),
        };
        let invitation = connection.call(&call).await?;
        let address = best_address(connection.address(), &invitation.addresses);
        let link = JoinLink {
            address,
            token: invitation.token,
            pin: hub.pin,
        }
        .reveal();
        let mut output = std::io::stdout().lock();
        if self.json {
            let expires = show::rfc3339(invitation.expires);
            let line = Line {
                link: Some(&link),
                code: None,
                role: self.role,
                uses: self.uses,
                expires,
            };
            writeln!(output, "{}", json::line(&line)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(output, "{link}")?;
        if std::io::stdout().is_terminal() {
            if let Some(code) = qr::code(&link) {
                writeln!(output, "\n{code}")?;
            }
            let until = show::local(invitation.expires, "%Y-%m-%d %H:%M");
            writeln!(
                output,
                "\nGood for {} {} until {until}.",
                self.uses,
                plural(self.role, self.uses)
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn run_code(&self, connection: &Connection) -> Result<ExitCode> {
        let made = connection.call(&people::InviteCode { role: self.role }).await?;
        let mut output = std::io::stdout().lock();
        if self.json {
            let line = Line {
                link: None,
                code: Some(&made.code),
                role: self.role,
                uses: 1,
                expires: show::rfc3339(made.expires),
            };
            writeln!(output, "{}", json::line(&line)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(output, "{}", escape(&made.code))?;
        if std::io::stdout().is_terminal() {
            let until = show::local(made.expires, "%H:%M");
            let role = self.role;
            writeln!(
                output,
                "\nGood for 1 {role} until {until}: landline join HUB (its name in landline discover, or its address)"
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The address by which others find the hub: the one that works from here, unless it works only here and the hub knows
/// a better one.
pub(super) fn best_address(own: &HubAddress, known: &[String]) -> HubAddress {
    if !is_loopback(own) {
        return own.clone();
    }
    known
        .iter()
        .filter_map(|address| address.parse::<HubAddress>().ok())
        .find(|address| !is_loopback(address))
        .unwrap_or_else(|| own.clone())
}

fn is_loopback(address: &HubAddress) -> bool {
    match address.host.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => address.host.eq_ignore_ascii_case("localhost"),
    }
}

fn plural(role: Role, count: u32) -> String {
    if count == 1 {
        role.name().to_owned()
    } else {
        format!("{role}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(own: &str, known: &[&str]) -> String {
        let known: Vec<String> = known.iter().map(|address| (*address).to_owned()).collect();
        best_address(&own.parse().unwrap(), &known).to_string()
    }

    #[test]
    fn a_link_has_the_address_that_works_from_here_unless_it_works_only_here() {
        assert_eq!(best("hub.local:9", &["192.0.2.1:9"]), "hub.local:9");
        assert_eq!(best("127.0.0.1:9", &["[::1]:9", "192.0.2.1:9"]), "192.0.2.1:9");
        assert_eq!(best("localhost:9", &["192.0.2.1:9"]), "192.0.2.1:9");
        assert_eq!(best("[::1]:9", &["127.0.0.1:9", "nonsense!"]), "[::1]:9");
    }
}

//! `landline join`: becomes somebody on a hub.

mod way;

use crate::context::{Context, Usage};
use crate::{json, password, report};
use anyhow::{Context as _, Result};
use landline_client::doubt::PATIENCE;
use landline_client::join::{fresh_secret, join};
use landline_client::{Hub, Hubs};
use landline_model::name::AccountName;
use landline_model::protocol::people::{self, DEVICE_MAX, LoggedIn};
use landline_model::role::Role;
use landline_model::text::escape;
use serde::Serialize;
use std::io::Write as _;
use std::process::ExitCode;
use way::Way;

/// Follow an invite link, or a short code that a hub on this network shows, and become somebody there.
#[derive(Debug, clap::Args)]
pub(crate) struct Join {
    /// The link; or the hub's name on this network or its `HOST[:PORT]`, with a code; `-` reads it from the first line of
    /// standard input.
    #[arg(value_name = "LINK|HUB|-")]
    link: String,
    /// The code that `landline invite --code` shows [default: asks for it]; `-` reads it from the next line of standard
    /// input.
    #[arg(long, value_name = "CODE|-")]
    code: Option<String>,
    /// What to be called there [default: your name on this machine].
    #[arg(long)]
    name: Option<AccountName>,
    /// Read a password from the (next) line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// JSON: an object with `hub`, `name`, `role`, `id` and `address`.
    #[arg(long)]
    json: bool,
}

/// Who one is, as `--json` shows it.
#[derive(Serialize)]
pub(super) struct AccountLine<'a> {
    pub(super) hub: &'a str,
    pub(super) name: &'a str,
    pub(super) role: Role,
    pub(super) id: String,
    pub(super) address: String,
}

impl Join {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let mut input = std::io::stdin().lock();
        let way = Way::of(&self.link, self.code.as_deref(), &mut input)?;
        let name = self.name.map_or_else(own_name, Ok)?;
        // A file that cannot be written must not be found out after the invitation was used.
        Hubs::change(|_| Ok(()))?;
        let password = match password::given(self.password_stdin, &mut input)? {
            Some(password) => Some(password),
            None => password::ask_new(&format!(
                "Password for {name} (empty: none; only this machine can log in): "
            ))?,
        };
        drop(input);
        let has_password = password.is_some();
        // Only now: what a code is exchanged for is good for minutes.
        let link = way.invitation().await?;
        let call = people::Join {
            token: link.token.clone(),
            name,
            password,
            device: device(),
            secret: Some(fresh_secret().context("no random numbers for the session")?),
        };
        let (_connection, welcome, login) = join(&link, &call, PATIENCE).await?;
        let (before, hub) = Hubs::change(|hubs| {
            let before = hubs
                .pinned(&link.pin)
                .filter(|hub| hub.session.is_some())
                .cloned();
            Ok((
                before,
                hubs.logged_in(&link.address, link.pin, &welcome, &login).clone(),
            ))
        })?;
        if let Some(before) = before.filter(|before| before.account.id != hub.account.id) {
            let name = before.account.name;
            report::note(&format!(
                "you were {name} there; that account stays, and its login here is forgotten"
            ));
        }
        let told = tell(&hub, &login, "joined", self.json, context)?;
        if !has_password && !context.quiet {
            report::note(
                "no password is set: this machine is the only way in until `landline password` sets one",
            );
        }
        Ok(told)
    }
}

/// Says who one is from now on.
pub(super) fn tell(
    hub: &Hub,
    login: &LoggedIn,
    done: &str,
    as_json: bool,
    context: &Context,
) -> Result<ExitCode> {
    let mut output = std::io::stdout().lock();
    let account = &login.account;
    if as_json {
        let line = AccountLine {
            hub: &hub.name,
            name: account.name.as_str(),
            role: account.role,
            id: account.id.to_string(),
            address: hub.addresses.first().map(ToString::to_string).unwrap_or_default(),
        };
        writeln!(output, "{}", json::line(&line)?)?;
    } else if !context.quiet {
        writeln!(
            output,
            "{done} {} as {} ({})",
            escape(&hub.name),
            escape(account.name.as_str()),
            account.role
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The user's name on this machine, as far as it is one on a hub.
pub(super) fn own_name() -> Result<AccountName> {
    let name = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|variable| std::env::var(variable).ok());
    let name = name
        .map(|name| sanitised(&name))
        .find_map(|name| name.parse().ok());
    name.context(Usage::new("who do you want to be?", "say it with --name NAME"))
}

/// What this machine is called.
pub(super) fn device() -> String {
    let system = rustix::system::uname();
    let mut name = system.nodename().to_string_lossy().into_owned();
    while name.len() > DEVICE_MAX {
        name.pop();
    }
    name
}

fn sanitised(name: &str) -> String {
    let right = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    let name = name.trim_start_matches(|character: char| !character.is_alphanumeric());
    name.chars()
        .map(|character| if right(character) { character } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_name_becomes_one_that_a_hub_takes() {
        for (user, name) in [
            ("bob", "bob"),
            ("_apt", "apt"),
            ("CORP\\bob", "CORP-bob"),
            ("a b", "a-b"),
        ] {
            assert_eq!(sanitised(user), name);
            assert!(name.parse::<AccountName>().is_ok());
        }
    }

    #[test]
    fn a_device_name_is_short_enough_for_the_hub() {
        assert!(device().len() <= DEVICE_MAX);
    }
}

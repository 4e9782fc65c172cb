//! `landline hubs`: the hubs that this machine knows.

use crate::json;
use anyhow::Result;
use landline_client::Hubs as Known;
use landline_model::text::escape;
use serde::Serialize;
use std::io::Write as _;
use std::process::ExitCode;

/// List the hubs that this machine knows, or choose one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Hubs {
    /// JSON: an object a line.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Use this hub from now on.
    Use {
        /// Its name here.
        name: String,
    },
    /// Forget this hub: its address, its fingerprint and the session.
    Forget {
        /// Its name here.
        name: String,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    current: bool,
    addresses: Vec<String>,
    fingerprint: String,
    account: &'a str,
    logged_in: bool,
}

impl Hubs {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.command {
            None => list(self.json)?,
            Some(Command::Use { name }) => Known::change(|hubs| hubs.make_current(&name))?,
            Some(Command::Forget { name }) => Known::change(|hubs| hubs.forget(&name))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(as_json: bool) -> Result<()> {
    let hubs = Known::load()?;
    let mut output = std::io::stdout().lock();
    for hub in hubs.all() {
        let addresses: Vec<String> = hub.addresses.iter().map(ToString::to_string).collect();
        let (current, logged_in) = (hubs.is_current(hub), hub.session.is_some());
        if as_json {
            let (name, account) = (hub.name.as_str(), hub.account.name.as_str());
            let fingerprint = hub.pin.to_string();
            let line = Line {
                name,
                current,
                addresses,
                fingerprint,
                account,
                logged_in,
            };
            writeln!(output, "{}", json::line(&line)?)?;
        } else {
            let mark = if current { '*' } else { ' ' };
            let (name, account) = (escape(&hub.name), escape(hub.account.name.as_str()));
            let out = if logged_in { "" } else { " (logged out)" };
            writeln!(output, "{mark} {name}  {account}{out}  {}", addresses.join(", "))?;
        }
    }
    Ok(())
}

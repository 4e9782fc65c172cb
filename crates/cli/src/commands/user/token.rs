//! `landline user token`: a secret for machines and scripts.

use super::person;
use crate::context::Context;
use crate::{duration, json, report, show};
use anyhow::Result;
use landline_client::token;
use landline_model::name::AccountName;
use landline_model::protocol::people::TokenCreate;
use landline_model::role::Role;
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};
use std::str::FromStr as _;
use std::time::Duration;

/// Make a token: one line with which a machine or a script is somebody on the hub.
///
/// Give it to a script in LANDLINE_TOKEN, or in a file with --token-file. It needs nothing else: no profile, no
/// password. It is a secret, and it is shown once; landline user sessions lists the tokens that there are, and landline
/// user revoke ends one.
#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    /// Whose: your own name, or as an admin anybody's.
    #[arg(value_parser = person)]
    name: AccountName,
    /// Make the account first, a robot's, with this role: admin, member or guest.
    #[arg(long, value_name = "ROLE", value_parser = Role::from_str)]
    create: Option<Role>,
    /// What it is for, in a few words.
    #[arg(long = "for", value_name = "WHAT", default_value = "")]
    device: String,
    /// How long it is good for, like 12h or 90d.
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = duration::parse)]
    expires: Duration,
    /// JSON: an object with `token`, `name`, `role`, `session` and `expires`.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    token: &'a str,
    name: &'a str,
    role: Role,
    session: String,
    expires: String,
}

impl Token {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let hub = context.hub()?;
        let connection = landline_client::connect(&hub).await?;
        let call = TokenCreate {
            name: self.name,
            create: self.create,
            device: self.device,
            expires: self.expires.as_secs(),
        };
        let created = connection.call(&call).await?;
        let text = token::text(&hub, &created, connection.address());
        let mut output = std::io::stdout().lock();
        if self.json {
            let line = Line {
                token: &text,
                name: created.account.name.as_str(),
                role: created.account.role,
                session: created.session.to_string(),
                expires: show::rfc3339(created.expires),
            };
            writeln!(output, "{}", json::line(&line)?)?;
            return Ok(());
        }
        writeln!(output, "{text}")?;
        if std::io::stdout().is_terminal() && !context.quiet {
            report::note(&format!(
                "whoever has this line is {} ({}) until {}; it is not shown again",
                created.account.name,
                created.account.role,
                show::local(created.expires, "%Y-%m-%d")
            ));
        }
        Ok(())
    }
}

//! `landline whoami`: who one is, and where.

use super::join::AccountLine;
use crate::context::Context;
use crate::json;
use anyhow::Result;
use landline_model::text::escape;
use std::io::Write as _;
use std::process::ExitCode;

/// Say who you are on the hub.
#[derive(Debug, clap::Args)]
pub(crate) struct Whoami {
    /// JSON: an object with `hub`, `name`, `role`, `id` and `address`.
    #[arg(long)]
    json: bool,
}

impl Whoami {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let hub = context.hub()?;
        let (connection, account) = landline_client::connect_as(&hub).await?;
        let address = connection.address().to_string();
        let mut output = std::io::stdout().lock();
        if self.json {
            let (name, id) = (account.name.as_str(), account.id.to_string());
            let line = AccountLine {
                hub: &hub.name,
                name,
                role: account.role,
                id,
                address,
            };
            writeln!(output, "{}", json::line(&line)?)?;
        } else {
            let (name, hub) = (escape(account.name.as_str()), escape(&hub.name));
            writeln!(output, "{name} ({}) on {hub}, {address}", account.role)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

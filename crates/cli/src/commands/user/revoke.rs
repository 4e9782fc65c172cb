//! `landline user revoke`: ends sessions and tokens.

use super::person;
use crate::context::Context;
use anyhow::Result;
use landline_model::id::SessionId;
use landline_model::name::AccountName;
use landline_model::protocol::people;
use std::io::Write as _;

/// End a session or a token, and its connections at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Revoke {
    /// Which: an id out of `landline user sessions`.
    #[arg(required_unless_present = "all")]
    session: Option<SessionId>,
    /// All of this account, but the one that asks. Other people's are for admins.
    #[arg(long, value_name = "NAME", value_parser = person, conflicts_with = "session")]
    all: Option<AccountName>,
}

impl Revoke {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let call = people::Revoke {
            session: self.session,
            name: self.all,
        };
        let revoked = context.connect().await?.call(&call).await?;
        if !context.quiet {
            let sessions = match revoked.sessions {
                1 => "1 session has ended".to_owned(),
                count => format!("{count} sessions have ended"),
            };
            writeln!(std::io::stdout().lock(), "{sessions}")?;
        }
        Ok(())
    }
}

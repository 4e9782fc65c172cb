//! `landline logout`: ends the session of this machine.

use crate::context::{Context, Usage};
use anyhow::Result;
use landline_client::{ClientError, Hubs};
use landline_model::error::ErrorCode;
use landline_model::protocol::people;
use landline_model::text::escape;
use std::io::Write as _;
use std::process::ExitCode;

/// End this machine's session on the hub. The hub stays known here.
#[derive(Debug, clap::Args)]
pub(crate) struct Logout {
    /// Only forget the session here, without telling the hub: there it lasts until it expires.
    #[arg(long)]
    local: bool,
}

impl Logout {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let hub = context.hub()?;
        let is_kept_token = hub.session.as_ref().is_some_and(|session| session.token);
        if context.has_token() || (is_kept_token && !self.local) {
            let hint = "landline logout --local forgets a token that is kept here; landline user revoke ends it everywhere";
            return Err(Usage::new("a token does not log out: others may use it as well", hint).into());
        }
        if !self.local {
            let ended = match landline_client::connect(&hub).await {
                Ok(connection) => connection.call(&people::Logout {}).await.map(|_| ()),
                Err(error) => Err(error),
            };
            match ended {
                // The hub has ended it already, or there was none.
                Ok(()) | Err(ClientError::NotLoggedIn(_)) => {}
                Err(error) if error.code() == Some(ErrorCode::Unauthenticated) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Hubs::change(|hubs| hubs.logged_out(&hub.name))?;
        if !context.quiet {
            writeln!(std::io::stdout().lock(), "logged out of {}", escape(&hub.name))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

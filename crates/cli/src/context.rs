//! What every command may need: which hub, and how talkative.

use landline_client::{ClientError, Connection, Heads, Hub, Hubs, token};
use std::path::PathBuf;

/// The choices made before the command's own.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// `--hub`
    pub(crate) hub: Option<String>,
    /// `--token-file`
    pub(crate) token_file: Option<PathBuf>,
    /// `--quiet`: no progress, no confirmations.
    pub(crate) quiet: bool,
}

impl Context {
    /// The hub to use, and who one is there: what the command line says, else the environment, else the current one. A
    /// token says both.
    pub(crate) fn hub(&self) -> Result<Hub, ClientError> {
        if let Some(path) = &self.token_file {
            return token::hub_of_file(path);
        }
        if self.hub.is_none()
            && let Some(hub) = token::hub_of_variable()?
        {
            return Ok(hub);
        }
        Hubs::load()?.current(self.hub.as_deref()).cloned()
    }

    /// Whether a token says which hub to use, and not what is known here of hubs.
    pub(crate) fn has_token(&self) -> bool {
        self.token_file.is_some() || (self.hub.is_none() && matches!(token::hub_of_variable(), Ok(Some(_))))
    }

    /// A connection to the hub to use, logged in.
    pub(crate) async fn connect(&self) -> Result<Connection, ClientError> {
        landline_client::connect(&self.hub()?).await
    }
}

/// What this machine remembers of the rooms of a hub. To be read before the hub is asked.
pub(crate) fn heads(hub: &Hub) -> Result<Heads, ClientError> {
    Heads::load(&hub.pin, hub.head_key, hub.account.id)
}

/// The command was used wrongly in a way that only its own code can tell: exit code 2.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Usage {
    message: String,
    pub(crate) hint: String,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

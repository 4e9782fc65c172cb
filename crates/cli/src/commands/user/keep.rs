//! `landline user disable`, `enable`, `role` and `reset`.

use super::person;
use crate::context::Context;
use crate::{json, report};
use anyhow::Result;
use landline_model::name::AccountName;
use landline_model::protocol::people::{UserDisable, UserReset, UserRole};
use landline_model::role::Role;
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};
use std::str::FromStr as _;

/// Let nobody into an account any more. Its sessions, its tokens and the invitations that it made end at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Disable {
    /// The account's name.
    #[arg(value_parser = person)]
    name: AccountName,
}

/// Let people into an account again. They have to log in anew.
#[derive(Debug, clap::Args)]
pub(crate) struct Enable {
    /// The account's name.
    #[arg(value_parser = person)]
    name: AccountName,
}

/// Give an account another role. It counts at once.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeRole {
    /// The account's name.
    #[arg(value_parser = person)]
    name: AccountName,
    /// What it is from now on: admin, member or guest.
    #[arg(value_parser = Role::from_str)]
    role: Role,
}

/// Give an account a new random password, and end its sessions, its tokens and the invitations that it made.
///
/// The password is shown once. Hand it over, and have it changed: landline password.
#[derive(Debug, clap::Args)]
pub(crate) struct Reset {
    /// The account's name.
    #[arg(value_parser = person)]
    name: AccountName,
    /// JSON: an object with `name` and `password`.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ResetLine<'a> {
    name: &'a str,
    password: &'a str,
}

impl Disable {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let name = self.name.clone();
        let call = UserDisable { name, disabled: true };
        context.connect().await?.call(&call).await?;
        confirm(
            context,
            &format!("{} is disabled; the sessions have ended", self.name),
        )
    }
}

impl Enable {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let name = self.name.clone();
        let call = UserDisable {
            name,
            disabled: false,
        };
        context.connect().await?.call(&call).await?;
        confirm(context, &format!("{} may log in again", self.name))
    }
}

impl ChangeRole {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let call = UserRole {
            name: self.name.clone(),
            role: self.role,
        };
        context.connect().await?.call(&call).await?;
        confirm(context, &format!("{}: {} from now on", self.name, self.role))
    }
}

impl Reset {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let call = UserReset {
            name: self.name.clone(),
        };
        let made = context.connect().await?.call(&call).await?;
        let mut output = std::io::stdout().lock();
        if self.json {
            let line = ResetLine {
                name: self.name.as_str(),
                password: &made.password.0,
            };
            writeln!(output, "{}", json::line(&line)?)?;
            return Ok(());
        }
        writeln!(output, "{}", landline_model::text::escape(&made.password.0))?;
        if std::io::stdout().is_terminal() && !context.quiet {
            report::note(&format!(
                "this is the password of {} from now on; it is not shown again",
                self.name
            ));
        }
        Ok(())
    }
}

fn confirm(context: &Context, text: &str) -> Result<()> {
    if !context.quiet {
        writeln!(std::io::stdout().lock(), "{text}")?;
    }
    Ok(())
}

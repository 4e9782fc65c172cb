//! `landline password`: sets the account's password.

use crate::context::{Context, Usage};
use crate::password;
use anyhow::Result;
use landline_model::protocol::people::{PASSWORD_MAX, Secret, SetPassword};
use std::io::Write as _;
use std::process::ExitCode;

/// Set your password. All your other sessions, your tokens and the invitations that you made end.
#[derive(Debug, clap::Args)]
pub(crate) struct Password {
    /// Read the password so far (an empty line where there is none) and the new one from two lines of standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let hub = context.hub()?;
        let (old, new) = if self.password_stdin { read()? } else { ask()? };
        let connection = landline_client::connect(&hub).await?;
        connection.call(&SetPassword { old, new }).await?;
        if !context.quiet {
            writeln!(
                std::io::stdout().lock(),
                "the password is set; all other sessions, tokens and invitations of yours have ended"
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn read() -> Result<(Option<Secret>, Secret)> {
    let mut input = std::io::stdin().lock();
    let mut next = || password::line(&mut input, PASSWORD_MAX);
    let (old, new) = (next()?.unwrap_or_default(), next()?.unwrap_or_default());
    Ok((some(old), some(new).ok_or_else(nothing)?))
}

fn ask() -> Result<(Option<Secret>, Secret)> {
    let old = password::ask("Password so far (empty: none): ")?.ok_or_else(|| {
        Usage::new(
            "there is nobody to ask for a password",
            "printf '%s\\n' OLD NEW | landline password --password-stdin",
        )
    })?;
    let new = password::ask_new("New password: ")?.ok_or_else(nothing)?;
    Ok((some(old.0), new))
}

fn some(password: String) -> Option<Secret> {
    (!password.is_empty()).then_some(Secret(password))
}

fn nothing() -> Usage {
    Usage::new(
        "the new password is empty; nothing was changed",
        "a password has at least one character",
    )
}

//! `landline share :PATH`: makes the link.

use super::super::argument::RemoteArgument;
use crate::commands::invite::best_address;
use crate::context::{Context, Usage};
use crate::{duration, json, password, qr, show};
use anyhow::{Result, bail};
use landline_model::name::AccountName;
use landline_model::path::RemotePath;
use landline_model::protocol::people::{PASSWORD_MAX, Secret};
use landline_model::protocol::shares::{Share, ShareCreate, ShareKind};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(super) struct Make {
    /// What to share: a file or a directory at the hub.
    #[arg(value_name = ":PATH", required = true)]
    path: Option<OsString>,
    /// How long the link is good for, like 12h or 7d; none: until you end it.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = life)]
    expires: Life,
    /// Ask for a password that whoever follows the link has to know as well; with -, read it from standard input.
    #[arg(long, value_name = "-", value_parser = ["-"])]
    #[allow(
        clippy::option_option,
        reason = "clap's form of an option with an optional value"
    )]
    password: Option<Option<String>>,
    /// How many downloads may begin, or how many files a drop box takes [default: any number].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Make it a drop box: with the link one puts files into the directory (curl -T FILE LINK/), and sees nothing of it.
    #[arg(long)]
    drop: bool,
    /// What to call it, for the list and on its page.
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,
    /// JSON: an object with `url`, `id`, `owner`, `kind`, `path`, `name`, `password`, `created`, `expires` and `left`.
    #[arg(long)]
    json: bool,
}

/// How long a link is good for.
#[derive(Clone, Copy, Debug)]
enum Life {
    For(Duration),
    UntilRevoked,
}

/// A share as `--json` shows it.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    id: String,
    owner: Option<&'a str>,
    kind: ShareKind,
    path: &'a RemotePath,
    name: &'a str,
    password: bool,
    created: String,
    /// Null: when it is ended.
    expires: Option<String>,
    /// Null: any number.
    left: Option<u64>,
}

impl<'a> Line<'a> {
    pub(super) fn new(url: Option<&'a str>, share: &'a Share) -> Self {
        Self {
            url,
            id: share.id.to_string(),
            owner: share.owner.as_ref().map(AccountName::as_str),
            kind: share.kind,
            path: &share.path,
            name: &share.name,
            password: share.password,
            created: show::rfc3339(share.created),
            expires: share.expires.map(show::rfc3339),
            left: share.left,
        }
    }
}

impl Make {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode> {
        let path = self.path.as_deref().unwrap_or_default();
        let path = RemoteArgument::parse(path)?.path;
        let call = ShareCreate {
            path,
            drop: self.drop,
            password: self.password()?,
            name: self.name,
            expires: match self.expires {
                Life::For(time) => Some(time.as_secs()),
                Life::UntilRevoked => None,
            },
            count: self.count,
        };
        let connection = context.connect().await?;
        let made = connection.call(&call).await?;
        let address = best_address(connection.address(), &made.addresses);
        let slash = if made.share.kind == ShareKind::File {
            ""
        } else {
            "/"
        };
        let url = format!("https://{address}/s/{}{slash}", made.token.reveal());
        let mut output = std::io::stdout().lock();
        if self.json {
            writeln!(output, "{}", json::line(&Line::new(Some(&url), &made.share))?)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(output, "{url}")?;
        if std::io::stdout().is_terminal() {
            if let Some(code) = qr::code(&url) {
                writeln!(output, "\n{code}")?;
            }
            writeln!(output, "\n{}", good_for(&made.share))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn password(&self) -> Result<Option<Secret>> {
        let password = match &self.password {
            None => return Ok(None),
            Some(None) => password::ask_new("Password for the link: ")?,
            Some(Some(_)) => password::line(&mut std::io::stdin().lock(), PASSWORD_MAX)?.map(Secret),
        };
        match password.filter(|password| !password.0.is_empty()) {
            Some(password) => Ok(Some(password)),
            None => bail!(Usage::new(
                "there is no password",
                "printf '%s\\n' PASSWORD | landline share :PATH --password -"
            )),
        }
    }
}

fn good_for(share: &Share) -> String {
    let until = share.expires.map_or_else(
        || format!("until landline share rm {}", share.id),
        |expires| format!("until {}", show::local(expires, "%Y-%m-%d %H:%M")),
    );
    match share.left {
        Some(left) => format!("Good for {left} {}, {until}.", what(share.kind)),
        None => format!("Good {until}."),
    }
}

fn what(kind: ShareKind) -> &'static str {
    if kind == ShareKind::Drop {
        "files"
    } else {
        "downloads"
    }
}

fn life(text: &str) -> Result<Life, String> {
    if text == "none" {
        return Ok(Life::UntilRevoked);
    }
    duration::parse(text)
        .map(Life::For)
        .map_err(|error| format!("{error}, or none"))
}

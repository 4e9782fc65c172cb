//! `landline user ls` and `landline user search`: who there is.

use crate::context::Context;
use crate::{json, show};
use anyhow::Result;
use bytes::Bytes;
use landline_client::{Connection, lines};
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::people::{User, UserList};
use landline_model::role::Role;
use landline_model::text::escape;
use serde::Serialize;
use std::io::{BufWriter, Write};

/// List the people of the hub.
#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    /// JSON: an object a line.
    #[arg(long)]
    json: bool,
}

/// List the people whose name has this in it, whatever the case.
#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// A part of the name.
    part: String,
    /// JSON: an object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    role: Role,
    id: String,
    online: bool,
    disabled: bool,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
}

impl Ls {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        list(&context.connect().await?, "", self.json).await
    }
}

impl Search {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let part = self.part.strip_prefix('@').unwrap_or(&self.part);
        list(&context.connect().await?, part, self.json).await
    }
}

async fn list(connection: &Connection, search: &str, as_json: bool) -> Result<()> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut call = UserList {
        search: search.to_owned(),
        after: None,
        limit: PAGE_MAX,
    };
    loop {
        let page = connection.exchange(&call, Bytes::new()).await?;
        for user in lines::<User>(&page.body, connection)? {
            write(&user, as_json, &mut output)?;
        }
        match page.reply.next {
            Some(next) => call.after = Some(next),
            None => return Ok(output.flush()?),
        }
    }
}

fn write(user: &User, as_json: bool, output: &mut impl Write) -> Result<()> {
    let account = &user.account;
    if as_json {
        let line = Line {
            name: account.name.as_str(),
            role: account.role,
            id: account.id.to_string(),
            online: user.online,
            disabled: user.disabled,
            status: &user.status,
            created: user.created.map(show::rfc3339),
            last_seen: user.last_seen.map(show::rfc3339),
        };
        writeln!(output, "{}", json::line(&line)?)?;
        return Ok(());
    }
    write!(output, "{}  {}", escape(account.name.as_str()), account.role)?;
    match user.last_seen {
        _ if user.disabled => write!(output, ", disabled")?,
        _ if user.online => write!(output, ", online")?,
        Some(seen) => write!(output, ", seen {}", show::local(seen, "%Y-%m-%d %H:%M"))?,
        None => {}
    }
    if !user.status.is_empty() {
        write!(output, "  {}", escape(&user.status))?;
    }
    Ok(writeln!(output)?)
}

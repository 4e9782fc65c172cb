//! `landline user sessions`: where somebody is logged in.

use super::person;
use crate::context::Context;
use crate::{json, show};
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::name::AccountName;
use landline_model::protocol::people::{self, Session};
use landline_model::text::escape;
use serde::Serialize;
use std::io::{BufWriter, Write};

/// List the sessions and tokens of an account.
#[derive(Debug, clap::Args)]
pub(crate) struct Sessions {
    /// Whose [default: yours]. Other people's are for admins.
    #[arg(value_parser = person)]
    name: Option<AccountName>,
    /// JSON: an object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    id: String,
    device: &'a str,
    token: bool,
    created: String,
    last_seen: String,
    expires: String,
    connections: u32,
    current: bool,
}

impl Sessions {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let connection = context.connect().await?;
        let call = people::Sessions { name: self.name };
        let page = connection.exchange(&call, Bytes::new()).await?;
        let mut output = BufWriter::new(std::io::stdout().lock());
        for session in lines::<Session>(&page.body, &connection)? {
            write(&session, self.json, &mut output)?;
        }
        Ok(output.flush()?)
    }
}

fn write(session: &Session, as_json: bool, output: &mut impl Write) -> Result<()> {
    if as_json {
        let line = Line {
            id: session.id.to_string(),
            device: &session.device,
            token: session.token,
            created: show::rfc3339(session.created),
            last_seen: show::rfc3339(session.last_seen),
            expires: show::rfc3339(session.expires),
            connections: session.connections,
            current: session.current,
        };
        writeln!(output, "{}", json::line(&line)?)?;
        return Ok(());
    }
    let device = match session.device.as_str() {
        "" => "?".into(),
        device => escape(device),
    };
    let kind = if session.token { "token" } else { "session" };
    let day = |time| show::local(time, "%Y-%m-%d");
    write!(
        output,
        "{}  {kind} {device}, used {}, until {}",
        session.id,
        show::local(session.last_seen, "%Y-%m-%d %H:%M"),
        day(session.expires)
    )?;
    if session.connections > 0 {
        write!(output, ", online")?;
    }
    if session.current {
        write!(output, " (this one)")?;
    }
    Ok(writeln!(output)?)
}

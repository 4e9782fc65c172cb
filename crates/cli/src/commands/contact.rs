//! `landline contact`: how people stand to each other.

use super::user::person;
use crate::context::Context;
use crate::json;
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::name::AccountName;
use landline_model::protocol::people::{Contact as Known, ContactAct, ContactDo, ContactList, ContactState};
use landline_model::text::escape;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Your contacts: ask people, accept, block.
#[derive(Debug, clap::Args)]
pub(crate) struct Contact {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List your contacts, who has asked, and whom you have blocked.
    Ls {
        /// JSON: an object a line.
        #[arg(long)]
        json: bool,
    },
    /// Ask somebody to be your contact.
    Ask(Whom),
    /// Accept somebody who has asked.
    Accept(Whom),
    /// Take a contact, or what was asked, back; turn somebody down.
    Remove(Whom),
    /// Take no direct messages and no asking from somebody any more. They are not told.
    Block(Whom),
    /// Take that back.
    Unblock(Whom),
}

#[derive(Debug, clap::Args)]
struct Whom {
    /// The person's name.
    #[arg(value_parser = person)]
    name: AccountName,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    id: String,
    state: ContactState,
    online: bool,
    status: &'a str,
}

impl Contact {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let (whom, act) = match self.command {
            Command::Ls { json } => {
                list(context, json).await?;
                return Ok(ExitCode::SUCCESS);
            }
            Command::Ask(whom) => (whom, ContactAct::Ask),
            Command::Accept(whom) => (whom, ContactAct::Accept),
            Command::Remove(whom) => (whom, ContactAct::Remove),
            Command::Block(whom) => (whom, ContactAct::Block),
            Command::Unblock(whom) => (whom, ContactAct::Unblock),
        };
        let call = ContactDo { name: whom.name, act };
        let contact = context.connect().await?.call(&call).await?;
        if !context.quiet {
            let name = escape(contact.person.name.as_str());
            writeln!(std::io::stdout().lock(), "{name}: {}", words(contact.state))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(context: &Context, as_json: bool) -> Result<()> {
    let connection = context.connect().await?;
    let page = connection.exchange(&ContactList {}, Bytes::new()).await?;
    let mut output = BufWriter::new(std::io::stdout().lock());
    for contact in lines::<Known>(&page.body, &connection)? {
        write(&contact, as_json, &mut output)?;
    }
    Ok(output.flush()?)
}

fn write(contact: &Known, as_json: bool, output: &mut impl Write) -> Result<()> {
    let person = &contact.person;
    if as_json {
        let line = Line {
            name: person.name.as_str(),
            id: person.account.to_string(),
            state: contact.state,
            online: person.online,
            status: &person.status,
        };
        writeln!(output, "{}", json::line(&line)?)?;
        return Ok(());
    }
    write!(
        output,
        "{}  {}",
        escape(person.name.as_str()),
        words(contact.state)
    )?;
    if person.online {
        write!(output, ", online")?;
    }
    if !person.status.is_empty() {
        write!(output, "  {}", escape(&person.status))?;
    }
    Ok(writeln!(output)?)
}

const fn words(state: ContactState) -> &'static str {
    match state {
        ContactState::Asked => "you have asked",
        ContactState::Asking => "asks you",
        ContactState::Contact => "contact",
        ContactState::Blocked => "blocked",
        ContactState::None => "no contact",
    }
}

//! `landline room members` and `landline room requests`: who stands how to a room.

use super::ls::standing;
use super::room_name;
use crate::context::Context;
use crate::{json, show};
use anyhow::Result;
use bytes::Bytes;
use landline_client::lines;
use landline_model::name::RoomName;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{self, Member};
use landline_model::room::Standing;
use landline_model::target::Target;
use serde::Serialize;
use std::io::{BufWriter, Write as _};

/// List who is in a room.
#[derive(Debug, clap::Args)]
pub(super) struct Members {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
    /// Those who asked, were invited, put out or banned, instead of members; for moderators.
    #[arg(long)]
    others: bool,
    /// JSON: an object a line, with `name`, `account`, `standing`, `online` and, of who is muted, `muted_until`.
    #[arg(long)]
    json: bool,
}

/// List who has asked to join a room; for moderators.
#[derive(Debug, clap::Args)]
pub(super) struct Requests {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
    /// JSON, as `members` has it.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    account: String,
    standing: &'static str,
    online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<String>,
}

impl Members {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        list(context, self.room, self.others, self.json, |_| true).await
    }
}

impl Requests {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let has_asked = |member: &Member| member.membership.standing == Standing::Asked;
        list(context, self.room, true, self.json, has_asked).await
    }
}

async fn list(
    context: &Context,
    room: RoomName,
    others: bool,
    as_json: bool,
    wanted: impl Fn(&Member) -> bool,
) -> Result<()> {
    let connection = context.connect().await?;
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut call = chat::Members {
        target: Target::Room(room),
        others,
        after: None,
        limit: PAGE_MAX,
    };
    loop {
        let page = connection.exchange(&call, Bytes::new()).await?;
        let members = lines::<Member>(&page.body, &connection)?;
        for member in members.iter().filter(|member| wanted(member)) {
            if as_json {
                writeln!(output, "{}", json::line(&Line::of(member))?)?;
            } else {
                writeln!(output, "{}", plain(member))?;
            }
        }
        match page.reply.next {
            // A hub that turns in circles would keep us for ever.
            Some(next) if call.after.is_none_or(|after| after < next) => call.after = Some(next),
            _ => break,
        }
    }
    Ok(output.flush()?)
}

impl<'a> Line<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            name: member.name.as_str(),
            account: member.account.to_string(),
            standing: standing(member.membership.standing),
            online: member.online,
            muted_until: member.membership.muted_until.map(show::rfc3339),
        }
    }
}

/// `@bob  moderator, online`
pub(in crate::commands) fn plain(member: &Member) -> String {
    let online = if member.online { ", online" } else { "" };
    let muted = member.membership.muted_until.map_or_else(String::new, |until| {
        format!(", muted until {}", show::local(until, "%Y-%m-%d %H:%M"))
    });
    format!(
        "@{}  {}{online}{muted}",
        member.name,
        standing(member.membership.standing)
    )
}

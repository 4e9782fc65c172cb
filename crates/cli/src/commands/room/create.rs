//! `landline room create`: makes a room.

use super::room_name;
use crate::context::Context;
use anyhow::Result;
use landline_model::event::RoomKind;
use landline_model::name::RoomName;
use landline_model::protocol::chat::RoomCreate;
use std::io::Write as _;

/// Make a room: public, unless you say otherwise. You are its owner. What a room is never changes.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Its name, with or without '#'.
    #[arg(value_parser = room_name)]
    name: RoomName,
    /// Only those who are invited; nobody else learns that it exists.
    #[arg(long, conflicts_with = "approval")]
    private: bool,
    /// Everybody sees that it exists and may ask to join; a moderator lets them in.
    #[arg(long)]
    approval: bool,
}

impl Create {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let kind = match (self.private, self.approval) {
            (true, _) => RoomKind::Private,
            (_, true) => RoomKind::Approval,
            _ => RoomKind::Public,
        };
        let connection = context.connect().await?;
        let call = RoomCreate {
            name: self.name,
            kind,
        };
        let room = connection.call(&call).await?;
        if !context.quiet {
            writeln!(std::io::stdout().lock(), "made {}", room.target)?;
        }
        Ok(())
    }
}

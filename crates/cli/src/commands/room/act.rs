//! `landline room join`, `invite`, `mute` and the like: one thing that is done in a room.

use super::{person_name, room_name};
use crate::commands::send::until_answered;
use crate::context::{Context, heads};
use crate::duration;
use anyhow::Result;
use bytes::Bytes;
use landline_client::ClientError;
use landline_client::chat::fresh_client_id;
use landline_model::name::{AccountName, RoomName};
use landline_model::protocol::chat::{Do, History};
use landline_model::room::{Act, RoomRole};
use landline_model::target::Target;
use landline_model::text::escape;
use std::io::Write as _;
use std::time::Duration;

/// One thing that is done in a room.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Deed {
    /// Join a room; where you were invited, that accepts.
    Join(Where),
    /// Leave a room, decline an invitation, or take back that you asked.
    Leave(Where),
    /// Ask to be let into a room.
    Ask(Where),
    /// Invite somebody into a room.
    Invite(Whom),
    /// Let somebody in who has asked.
    Approve(Whom),
    /// Turn somebody down who has asked, or take an invitation back.
    Decline(Whom),
    /// Put somebody out of a room; they may come back the usual way.
    Kick(WhomAndWhy),
    /// Put somebody out of a room for good.
    Ban(WhomAndWhy),
    /// Take a ban back.
    Unban(Whom),
    /// Keep somebody from speaking for a while.
    Mute(Mute),
    /// Let somebody speak again.
    Unmute(Whom),
    /// Give a member another role.
    Role(Role),
    /// Make everybody wait between two messages.
    Slow(Slow),
}

/// A room.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
}

/// Somebody and a room.
#[derive(Debug, clap::Args)]
pub(super) struct Whom {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
    /// The person, with or without '@'.
    #[arg(value_parser = person_name)]
    person: AccountName,
}

/// Somebody, a room and a reason.
#[derive(Debug, clap::Args)]
pub(super) struct WhomAndWhy {
    #[command(flatten)]
    whom: Whom,
    /// Why, for everybody in the room to read.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// `mute`
#[derive(Debug, clap::Args)]
pub(super) struct Mute {
    #[command(flatten)]
    whom: Whom,
    /// For how long: 90s, 15m, 12h, 7d.
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    time: Duration,
    /// Why, for everybody in the room to read.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// `role`
#[derive(Debug, clap::Args)]
pub(super) struct Role {
    #[command(flatten)]
    whom: Whom,
    /// owner, moderator or member.
    role: RoomRole,
}

/// `slow`
#[derive(Debug, clap::Args)]
pub(super) struct Slow {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
    /// How long, like 30s or 5m, or off.
    #[arg(value_name = "TIME|off", value_parser = slow_seconds)]
    time: u32,
}

/// Show a room's topic, or set it.
#[derive(Debug, clap::Args)]
pub(super) struct Topic {
    /// The room, with or without '#'.
    #[arg(value_parser = room_name)]
    room: RoomName,
    /// The topic from now on; empty: none.
    text: Option<String>,
}

impl Deed {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let (room, act) = self.act();
        let room = Target::Room(room);
        let told = told(&act, &room);
        act_in(context, room, act, String::new()).await?;
        tell(context, &told)
    }

    fn act(self) -> (RoomName, Act<AccountName>) {
        match self {
            Self::Join(Where { room }) => (room, Act::Join {}),
            Self::Leave(Where { room }) => (room, Act::Leave {}),
            Self::Ask(Where { room }) => (room, Act::Ask {}),
            Self::Invite(Whom { room, person: who }) => (room, Act::Invite { who }),
            Self::Approve(Whom { room, person: who }) => (room, Act::Approve { who }),
            Self::Decline(Whom { room, person: who }) => (room, Act::Decline { who }),
            Self::Kick(WhomAndWhy { whom, reason }) => {
                let who = whom.person;
                (whom.room, Act::Kick { who, reason })
            }
            Self::Ban(WhomAndWhy { whom, reason }) => {
                let who = whom.person;
                (whom.room, Act::Ban { who, reason })
            }
            Self::Unban(Whom { room, person: who }) => (room, Act::Unban { who }),
            Self::Mute(Mute { whom, time, reason }) => {
                let (who, seconds) = (whom.person, time.as_secs());
                (whom.room, Act::Mute { who, seconds, reason })
            }
            Self::Unmute(Whom { room, person: who }) => (room, Act::Unmute { who }),
            Self::Role(Role { whom, role }) => {
                let who = whom.person;
                (whom.room, Act::Grant { who, role })
            }
            Self::Slow(Slow { room, time: seconds }) => (room, Act::Slow { seconds }),
        }
    }
}

impl Topic {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let target = Target::Room(self.room);
        let Some(text) = self.text else {
            let connection = context.connect().await?;
            let last = History {
                target,
                since: 0,
                limit: 1,
                last: true,
                proof: false,
                fold: false,
            };
            let room = connection.call(&last).await?.room;
            writeln!(std::io::stdout().lock(), "{}", escape(&room.topic))?;
            return Ok(());
        };
        let told = match text.as_str() {
            "" => format!("{target} has no topic now"),
            text => format!("{target}: {}", escape(text)),
        };
        act_in(context, target, Act::Topic {}, text).await?;
        tell(context, &told)
    }
}

/// Does it, and remembers the room's head.
async fn act_in(context: &Context, target: Target, act: Act<AccountName>, text: String) -> Result<()> {
    let hub = context.hub()?;
    let mut heads = heads(&hub)?;
    let call = Do {
        target,
        client_id: fresh_client_id(),
        act,
    };
    let doubt = "it may have been done or not: landline room ls and landline history show";
    let sent = until_answered(&hub, &call, &Bytes::from(text), doubt)
        .await?
        .reply;
    // It is done all the same; that the log is not what it was is what the user has to know.
    if sent.private {
        heads.note_private(sent.room, &call.target);
    }
    heads.observe(sent.room, &sent.head).map_err(ClientError::from)?;
    Ok(heads.save()?)
}

fn tell(context: &Context, what: &str) -> Result<()> {
    if !context.quiet {
        writeln!(std::io::stdout().lock(), "{what}")?;
    }
    Ok(())
}

/// What was done, once it is.
pub(in crate::commands) fn told(act: &Act<AccountName>, room: &Target) -> String {
    match act {
        Act::Join {} => format!("you are in {room}"),
        Act::Leave {} => format!("you are out of {room}"),
        Act::Ask {} => format!("asked to join {room}; its moderators decide"),
        Act::Invite { who } => format!("invited @{who} to {room}"),
        Act::Approve { who } => format!("let @{who} into {room}"),
        Act::Decline { who } => format!("turned @{who} down in {room}"),
        Act::Kick { who, .. } => format!("put @{who} out of {room}"),
        Act::Ban { who, .. } => format!("banned @{who} from {room}"),
        Act::Unban { who } => format!("took the ban of @{who} from {room} back"),
        Act::Mute { who, seconds, .. } => format!("muted @{who} in {room} for {seconds} s"),
        Act::Unmute { who } => format!("@{who} may speak in {room} again"),
        Act::Grant { who, role } => format!("@{who} is {role} in {room}"),
        Act::Slow { seconds: 0 } => format!("{room} is not in slow mode any more"),
        Act::Slow { seconds } => format!("{seconds} s between two messages in {room}"),
        _ => format!("done in {room}"),
    }
}

/// A pause between two messages, in seconds; `off` is none.
pub(in crate::commands) fn slow_seconds(text: &str) -> Result<u32, String> {
    if text == "off" {
        return Ok(0);
    }
    let pause = duration::parse(text).map_err(|error| format!("{error}, or off"))?;
    u32::try_from(pause.as_secs()).map_err(|_| "that is longer than slow mode goes".to_owned())
}

//! `landline chat`: talks in one room, a line editor on a terminal, line by line when piped; or follows everything.

mod aside;
mod editor;
mod everything;
mod lines;
mod marks;
mod order;
mod piped;
mod screen;
mod terminal;
mod view;

use crate::context::{Context, Usage, heads};
use anyhow::Result;
use landline_client::chat::Chat as Talk;
use landline_client::{ClientError, Heads, Hub};
use landline_model::head::SignedHead;
use landline_model::id::RoomId;
use landline_model::protocol::chat::Room;
use landline_model::target::Target;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Talk in a room or with a person.
///
/// On a terminal: type, and see what others say; /help lists what else there is, Ctrl-D leaves. Piped: every line of standard input is one message
/// (empty lines are none), and what is said in the room goes to standard output. With --follow and no target, what is
/// said in all rooms and conversations that you are in, and in those that come later; standard input is not read.
#[derive(Debug, clap::Args)]
pub(crate) struct Chat {
    /// #room or @person; none with --follow: everything that you are in.
    target: Option<Target>,
    /// Line by line, each event a JSON object with `room`, `seq`, `time`, `sender`, `kind` and `text`, and where there is
    /// one `target`, `subject`, `until`, `role`, `reason`, `mentions` and `mentions_me`.
    #[arg(long)]
    json: bool,
    /// Line by line, and go on after the end of standard input until Ctrl-C or SIGTERM.
    #[arg(long)]
    follow: bool,
    /// Begin behind this event instead of now.
    #[arg(long, value_name = "SEQ", requires = "target")]
    since: Option<u64>,
}

impl Chat {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let Some(target) = self.target.clone() else {
            return self.everything(context).await;
        };
        let signals = Signals::catch()?;
        let hub = context.hub()?;
        let mut remembered = Remembered::load(&hub)?;
        let at_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if at_terminal && !self.json && !self.follow {
            terminal::run(&hub, target, self.since, &mut remembered, signals).await
        } else {
            let style = self.style(&hub, context);
            let talk = Talk::begin(&hub, target, self.since).await?;
            piped::run(talk, style, &mut remembered, signals).await
        }
    }

    async fn everything(self, context: &Context) -> Result<ExitCode> {
        if !self.follow {
            return Err(Usage::new(
                "a chat needs a room or a person: landline chat '#general'",
                "landline room ls lists the rooms; landline chat --follow shows what is said in all that you are in",
            )
            .into());
        }
        let signals = Signals::catch()?;
        let hub = context.hub()?;
        let mut remembered = Remembered::load(&hub)?;
        let style = self.style(&hub, context);
        everything::run(&hub, style, &mut remembered, signals).await
    }

    const fn style(&self, hub: &Hub, context: &Context) -> piped::Style {
        piped::Style {
            json: self.json,
            follow: self.follow,
            reader: hub.account.id,
            notes: !context.quiet,
        }
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn came(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What this machine remembers of the rooms, and the first thing that contradicted it.
struct Remembered {
    heads: Heads,
    fault: Option<ClientError>,
}

impl Remembered {
    fn load(hub: &Hub) -> Result<Self, ClientError> {
        Ok(Self {
            heads: heads(hub)?,
            fault: None,
        })
    }

    /// The room as it is when the chat begins.
    fn begin(&mut self, room: &Room) {
        self.heads.note(room);
        self.observe(room.id, &room.head);
    }

    fn observe(&mut self, room: RoomId, head: &SignedHead) {
        if let Err(error) = self.heads.observe(room, head) {
            self.fault.get_or_insert(error.into());
        }
    }

    /// Writes what is new. A contradiction is told at the end: it does not keep people from talking.
    fn finish(&mut self) -> Result<(), ClientError> {
        self.heads.save()?;
        self.fault.take().map_or(Ok(()), Err)
    }
}

//! A chat through pipes: lines in, lines or JSON out.

use super::lines::{Line, standard_input};
use super::{Remembered, Signals};
use crate::json;
use crate::report::{complain_of, note};
use crate::show::{self, EventLine};
use anyhow::{Result, bail};
use landline_client::ClientError;
use landline_client::chat::{Chat, Speaker, Update};
use landline_model::id::AccountId;
use landline_model::protocol::chat::RoomEvent;
use landline_model::target::Target;
use std::io::{BufWriter, Stdout, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

/// How a chat shows itself.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) json: bool,
    pub(super) follow: bool,
    /// Who reads: who is mentioned is told so.
    pub(super) reader: AccountId,
    /// Tells of lost and new connections.
    pub(super) notes: bool,
}

pub(super) async fn run(
    chat: Chat,
    style: Style,
    remembered: &mut Remembered,
    mut signals: Signals,
) -> Result<ExitCode> {
    let Chat {
        room,
        speaker,
        mut updates,
        ..
    } = chat;
    remembered.begin(&room);
    let unfit = Arc::new(AtomicBool::new(false));
    tokio::spawn(say_all(standard_input(), speaker, Arc::clone(&unfit)));
    let mut showing = Showing {
        target: room.target,
        style,
        remembered,
        refused: false,
    };
    let ended = tokio::select! {
        ended = show_all(&mut updates, |update, output| showing.show(update, output)) => ended,
        () = signals.came() => match style.follow {
            true => Ok(()),
            false => Err(anyhow::anyhow!("interrupted; not everything may have been said")),
        },
    };
    let refused = showing.refused;
    remembered.finish()?;
    ended?;
    Ok(if refused || unfit.load(Ordering::Acquire) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Says every line of standard input, and notes in `unfit` where one of them could not be said.
async fn say_all(mut lines: mpsc::Receiver<Line>, speaker: Speaker, unfit: Arc<AtomicBool>) {
    while let Some(line) = lines.recv().await {
        match line {
            Line::Text(text) => {
                if speaker.say(text).await.is_err() {
                    break;
                }
            }
            Line::Unfit(number, reason) => {
                unfit.store(true, Ordering::Release);
                note(&format!("line {number} of standard input was not sent: {reason}"));
            }
            Line::Failed(reason) => {
                unfit.store(true, Ordering::Release);
                note(&format!("standard input cannot be read: {reason}"));
            }
        }
    }
}

struct Showing<'a> {
    target: Target,
    style: Style,
    remembered: &'a mut Remembered,
    refused: bool,
}

/// Shows what happens until `show` says that it is over. What is there at once is written at once.
pub(super) async fn show_all<U>(
    updates: &mut mpsc::Receiver<U>,
    mut show: impl FnMut(U, &mut BufWriter<Stdout>) -> Result<bool>,
) -> Result<()> {
    let mut output = BufWriter::new(std::io::stdout());
    loop {
        let Some(mut update) = updates.recv().await else {
            bail!("the chat is over")
        };
        loop {
            if show(update, &mut output)? {
                return Ok(output.flush()?);
            }
            match updates.try_recv() {
                Ok(next) => update = next,
                Err(_) => break,
            }
        }
        output.flush()?;
    }
}

impl Style {
    /// An event as a line.
    pub(super) fn line(&self, room: &Target, event: &RoomEvent, text: &str) -> Result<String> {
        if self.json {
            return Ok(json::line(
                &EventLine::new(room, event, text).read_by(&self.reader),
            )?);
        }
        Ok(show::event(event, text, false))
    }

    /// Tells that the connection was lost.
    pub(super) fn lost(&self, error: &ClientError) {
        if self.notes {
            note(&format!("{error}; connecting again ..."));
        }
    }

    /// Tells that there is one again.
    pub(super) fn back(&self) {
        if self.notes {
            note("connected again");
        }
    }
}

impl Showing<'_> {
    /// True when it is over.
    fn show(&mut self, update: Update, output: &mut impl Write) -> Result<bool> {
        match update {
            Update::Event(event, text) => {
                writeln!(output, "{}", self.style.line(&self.target, &event, &text)?)?;
            }
            Update::Acknowledged(_, sent) => self.remembered.observe(sent.room, &sent.head),
            Update::Refused { error, .. } => {
                self.refused = true;
                complain_of(&error);
            }
            Update::Lost(error) => self.style.lost(&error),
            Update::Back => self.style.back(),
            Update::AllSaid => return Ok(!self.style.follow),
            Update::Ended(error) => {
                output.flush()?;
                return Err(error.into());
            }
            _ => {}
        }
        Ok(false)
    }
}

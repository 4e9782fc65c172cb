//! A chat through pipes: lines in, lines or JSON out.

use super::lines::{Line, standard_input};
use super::{Remembered, Signals};
use crate::json;
use crate::report::{complain_of, note};
use crate::show::{self, EventLine};
use anyhow::{Result, bail};
use landline_client::chat::{Chat, Speaker, Update};
use landline_model::id::AccountId;
use landline_model::target::Target;
use std::io::{BufWriter, Write};
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
        updates,
        ..
    } = chat;
    remembered.begin(&room);
    let unfit = Arc::new(AtomicBool::new(false));
    tokio::spawn(say_all(standard_input(), speaker, Arc::clone(&unfit)));
    let mut showing = Showing {
        target: room.target,
        style,
        updates,
        remembered,
        refused: false,
    };
    let ended = tokio::select! {
        ended = showing.run() => ended,
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
    updates: mpsc::Receiver<Update>,
    remembered: &'a mut Remembered,
    refused: bool,
}

impl Showing<'_> {
    /// Shows what happens until it is over. What is there at once is written at once.
    async fn run(&mut self) -> Result<()> {
        let mut output = BufWriter::new(std::io::stdout());
        loop {
            let Some(mut update) = self.updates.recv().await else {
                bail!("the chat is over")
            };
            loop {
                if self.show(update, &mut output)? {
                    return Ok(output.flush()?);
                }
                match self.updates.try_recv() {
                    Ok(next) => update = next,
                    Err(_) => break,
                }
            }
            output.flush()?;
        }
    }

    /// True when it is over.
    fn show(&mut self, update: Update, output: &mut impl Write) -> Result<bool> {
        match update {
            Update::Event(event, text) if self.style.json => {
                writeln!(
                    output,
                    "{}",
                    json::line(&EventLine::new(&self.target, &event, &text).read_by(&self.style.reader))?
                )?;
            }
            Update::Event(event, text) => writeln!(output, "{}", show::event(&event, &text, false))?,
            Update::Acknowledged(_, sent) => self.remembered.observe(sent.room, &sent.head),
            Update::Refused { error, .. } => {
                self.refused = true;
                complain_of(&error);
            }
            Update::Lost(error) if self.style.notes => note(&format!("{error}; connecting again ...")),
            Update::Back if self.style.notes => note("connected again"),
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

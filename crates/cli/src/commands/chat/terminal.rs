//! A chat on a terminal: a line editor at the bottom, what is said above it.

use super::{Remembered, Signals};
use crate::show;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use landline_client::chat::{Chat, Speaker, Update, fresh_client_id};
use landline_client::{Hub, connect, lines};
use landline_model::error::ErrorCode;
use landline_model::event::TEXT_MAX;
use landline_model::id::ClientId;
use landline_model::protocol::chat::{History, RoomEvent};
use landline_model::target::Target;
use landline_model::text::escape;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Editor, ExternalPrinter};
use std::collections::HashSet;
use std::process::ExitCode;
use tokio::sync::mpsc;

/// How many messages are shown at the beginning.
const BEGINNING: u32 = 20;

/// Lines that were typed and wait to be said.
const TYPED_MAX: usize = 16;

type Printer = Box<dyn ExternalPrinter + Send>;

pub(super) async fn run(
    hub: &Hub,
    target: Target,
    since: Option<u64>,
    remembered: &mut Remembered,
    mut signals: Signals,
) -> Result<ExitCode> {
    let (beginning, chat) = begin(hub, target, since).await?;
    let Chat {
        room,
        speaker,
        updates,
    } = chat;
    remembered.observe(room.id, &room.head);
    let mut editor: Editor<(), MemHistory> =
        Editor::with_history(rustyline::Config::default(), MemHistory::new())
            .context("this terminal cannot be used")?;
    let mut printer: Printer = Box::new(
        editor
            .create_external_printer()
            .context("this terminal cannot be used")?,
    );
    print(
        &mut printer,
        &format!("{} on {}. Ctrl-D leaves.", room.target, escape(&hub.name)),
    )?;
    for event in &beginning {
        print(
            &mut printer,
            &show::event(event, event.text.as_deref().unwrap_or_default(), false),
        )?;
    }
    let typed = type_lines(editor, format!("{}> ", escape(hub.account.name.as_str())));
    let mut talk = Talk {
        speaker: Some(speaker),
        updates,
        own: HashSet::new(),
        printer,
        remembered,
    };
    let result = tokio::select! {
        result = talk.run(typed) => result,
        () = signals.came() => Ok(()),
    };
    remembered.finish()?;
    result.map(|()| ExitCode::SUCCESS)
}

/// The last messages, or those behind `since`, and the chat that goes on behind them.
async fn begin(hub: &Hub, target: Target, since: Option<u64>) -> Result<(Vec<RoomEvent>, Chat)> {
    let connection = connect(hub).await?;
    if since.is_some() {
        return Ok((Vec::new(), Chat::begin_on(connection, hub, target, since).await?));
    }
    let history = History {
        target: target.clone(),
        since: 0,
        limit: BEGINNING,
        last: true,
        proof: false,
    };
    let beginning = match connection.exchange(&history, Bytes::new()).await {
        Ok(page) => lines::<RoomEvent>(&page.body, &connection)?,
        // Nothing was said with that person yet; following makes the conversation, or says what is really missing.
        Err(error) if error.code() == Some(ErrorCode::NotFound) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let seen = beginning.last().map_or(0, |event| event.sequence);
    Ok((
        beginning,
        Chat::begin_on(connection, hub, target, Some(seen)).await?,
    ))
}

/// Reads lines with an editor, in a thread of its own, until Ctrl-D, Ctrl-C or a failure. The receiver ends with it.
fn type_lines(mut editor: Editor<(), MemHistory>, prompt: String) -> mpsc::Receiver<Result<String, String>> {
    let (sender, typed) = mpsc::channel(TYPED_MAX);
    tokio::task::spawn_blocking(move || {
        loop {
            match editor.readline(&prompt) {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => {
                    // That a line cannot be recalled is no reason not to say it.
                    let _ = editor.add_history_entry(&line);
                    if sender.blocking_send(Ok(line)).is_err() {
                        return;
                    }
                }
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return,
                Err(error) => return drop(sender.blocking_send(Err(error.to_string()))),
            }
        }
    });
    typed
}

struct Talk<'a> {
    /// None once the user has left: what was typed before is still said.
    speaker: Option<Speaker>,
    updates: mpsc::Receiver<Update>,
    /// What was typed here stands on the screen already; its event is not shown again.
    own: HashSet<ClientId>,
    printer: Printer,
    remembered: &'a mut Remembered,
}

impl Talk<'_> {
    async fn run(&mut self, mut typed: mpsc::Receiver<Result<String, String>>) -> Result<()> {
        loop {
            // Saying something must not keep what comes in from being taken: a full queue stops the hub's answers too.
            let room_to_say = self.own.len() < landline_client::chat::UNACKNOWLEDGED_MAX;
            tokio::select! {
                line = typed.recv(), if self.speaker.is_some() && room_to_say => match line {
                    Some(Ok(line)) => self.say(line).await?,
                    Some(Err(reason)) => anyhow::bail!("the terminal cannot be read: {}", escape(&reason)),
                    None => self.speaker = None,
                },
                update = self.updates.recv() => match update {
                    Some(update) => if self.show(update)? { return Ok(()) },
                    None => return Ok(()),
                },
            }
        }
    }

    async fn say(&mut self, line: String) -> Result<()> {
        if line.len() > TEXT_MAX {
            return print(
                &mut self.printer,
                &format!("(not sent: it has more than {TEXT_MAX} bytes)"),
            );
        }
        let client_id = fresh_client_id();
        self.own.insert(client_id);
        if let Some(speaker) = &self.speaker {
            // Should the chat be over, its last update says why.
            let _ = speaker.say_as(client_id, line).await;
        }
        Ok(())
    }

    /// True when it is over.
    fn show(&mut self, update: Update) -> Result<bool> {
        match update {
            Update::Event(event, _) if self.own.remove(&event.client_id) => {}
            Update::Event(event, text) => print(&mut self.printer, &show::event(&event, &text, false))?,
            Update::Acknowledged(_, sent) => self.remembered.observe(sent.room, &sent.head),
            Update::Refused {
                client_id,
                text,
                error,
            } => {
                self.own.remove(&client_id);
                print(
                    &mut self.printer,
                    &format!("(not sent: {}: {})", escape(&error.to_string()), escape(&text)),
                )?;
            }
            Update::Lost(error) => {
                print(
                    &mut self.printer,
                    &format!("({}; connecting again ...)", escape(&error.to_string())),
                )?;
            }
            Update::Back => print(&mut self.printer, "(connected again)")?,
            Update::AllSaid => return Ok(true),
            Update::Ended(error) => return Err(error.into()),
            _ => {}
        }
        Ok(false)
    }
}

fn print(printer: &mut Printer, line: &str) -> Result<()> {
    printer
        .print(format!("{line}\n"))
        .context("this terminal cannot be written to")
}

//! A chat on a terminal: a line editor at the bottom, what is said above it.

use super::aside::{self, Answered, Question};
use super::editor::{Desk, Typed, editor};
use super::marks::Marks;
use super::order::{COMMANDS, Order, read};
use super::screen::{Look, Screen, rows};
use super::view::View;
use super::{Remembered, Signals};
use anyhow::{Context as _, Result, bail};
use landline_client::chat::{Chat, Speaker, UNACKNOWLEDGED_MAX, Update, fresh_client_id};
use landline_client::{ClientError, Connection, Hub, connect};
use landline_model::error::ErrorCode;
use landline_model::event::TEXT_MAX;
use landline_model::id::ClientId;
use landline_model::name::AccountName;
use landline_model::protocol::chat::{RoomEvent, Signal};
use landline_model::room::Act;
use landline_model::target::Target;
use landline_model::text::escape;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::collections::HashMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How many messages are shown at the beginning.
const BEGINNING: u32 = 20;

/// Questions whose answers are awaited.
const ASIDES_MAX: usize = 8;

pub(super) async fn run(
    hub: &Hub,
    target: Target,
    since: Option<u64>,
    remembered: &mut Remembered,
    mut signals: Signals,
) -> Result<ExitCode> {
    let (beginning, chat) = begin(hub, target, since).await?;
    remembered.begin(&chat.room);
    let desk = Desk::default();
    let (mut editor, typing) = editor(desk.clone()).context("this terminal cannot be used")?;
    let printer = editor
        .create_external_printer()
        .context("this terminal cannot be used")?;
    let mut screen = Screen::new(Box::new(printer), desk.clone());
    let target = &chat.room.target;
    screen.line(
        &format!(
            "{target} on {}. /help lists commands, Ctrl-D leaves.",
            escape(&hub.name)
        ),
        Look::Plain,
    )?;
    let marks = Marks::start(
        chat.connection.clone(),
        target.clone(),
        chat.room.read.unwrap_or(0),
    );
    let mut view = View::new(screen, marks, desk, &chat.room, hub.account.id);
    view.begin(&beginning, &chat.room)?;
    let prompt = format!("{}> ", escape(hub.account.name.as_str()));
    let settings = Settings::kept();
    let mut talk = Talk {
        speaker: Some(chat.speaker),
        updates: chat.updates,
        connection: chat.connection,
        target: chat.room.target,
        asides: JoinSet::new(),
        own: HashMap::new(),
        prompt: prompt.clone(),
        entered: 0,
        left: false,
        is_typing: true,
        view,
        remembered,
    };
    talk.ask(Question::Presence);
    let typed = typing.start(editor, prompt);
    let result = tokio::select! {
        result = talk.run(typed) => result,
        () = signals.came() => Ok(()),
    };
    settings.restore(talk.is_typing);
    talk.view.marks.finish().await;
    remembered.finish()?;
    result.map(|()| ExitCode::SUCCESS)
}

/// The last messages, or those behind `since`, and the chat that goes on behind them.
async fn begin(hub: &Hub, target: Target, since: Option<u64>) -> Result<(Vec<RoomEvent>, Chat)> {
    let connection = connect(hub).await?;
    if since.is_some() {
        return Ok((Vec::new(), Chat::begin_on(connection, hub, target, since).await?));
    }
    let beginning = match aside::history(&connection, target.clone(), BEGINNING).await {
        Ok(events) => events,
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

struct Talk<'a> {
    /// None once the user has left: what was typed before is still said.
    speaker: Option<Speaker>,
    updates: mpsc::Receiver<Update>,
    connection: watch::Receiver<Connection>,
    target: Target,
    asides: JoinSet<Result<Answered, ClientError>>,
    /// What was typed here and is no event yet: true where it is the room that is left.
    own: HashMap<ClientId, bool>,
    prompt: String,
    /// How many lines were entered.
    entered: u64,
    /// The room is left, as the user wanted.
    left: bool,
    /// The editor reads a line.
    is_typing: bool,
    view: View,
    remembered: &'a mut Remembered,
}

impl Talk<'_> {
    async fn run(&mut self, mut typed: mpsc::Receiver<Typed>) -> Result<()> {
        loop {
            // Saying something must not keep what comes in from being taken: a full queue stops the hub's answers too.
            let room_to_say = self.own.len() < UNACKNOWLEDGED_MAX;
            let passes = self.view.passes();
            tokio::select! {
                typed = typed.recv(), if self.speaker.is_some() && room_to_say => match typed {
                    Some(Typed::Line(line)) => self.entered(line).await?,
                    Some(Typed::Writing) => self.view.marks.writing(Instant::now()),
                    Some(Typed::Failed(reason)) => bail!("the terminal cannot be read: {}", escape(&reason)),
                    None => (self.speaker, self.is_typing) = (None, false),
                },
                update = self.updates.recv() => match update {
                    Some(update) => if self.show(update)? { return Ok(()) },
                    None => return Ok(()),
                },
                Some(Ok(answered)) = self.asides.join_next() => self.answered(answered)?,
                () = at(passes) => self.view.pass()?,
            }
        }
    }

    /// A line was typed.
    async fn entered(&mut self, line: String) -> Result<()> {
        self.entered += 1;
        if line.trim().is_empty() {
            return Ok(());
        }
        self.view.marks.said();
        match read(&line) {
            Ok(order) => self.obey(order, &line).await,
            Err(wrong) => self.view.screen.note(&escape(&wrong)),
        }
    }

    async fn obey(&mut self, order: Order, line: &str) -> Result<()> {
        let target = self.target.clone();
        match order {
            Order::Act(act, text) => return self.act(act, text, line).await,
            Order::EditMine(text) => {
                let edit = self.view.mine().map(|message| Act::Edit { message });
                return self.act_on_mine(edit, text, line).await;
            }
            Order::DeleteMine => {
                let delete = self.view.mine().map(|message| Act::Delete { message });
                return self.act_on_mine(delete, String::new(), line).await;
            }
            Order::Help => return self.help(),
            Order::Quit => self.speaker = None,
            Order::Members => self.ask(Question::Members(target)),
            Order::Who => self.ask(Question::Who),
            Order::Topic => self.ask(Question::Topic(target)),
            Order::Search(text) => self.ask(Question::Search(target, text)),
            Order::History(limit) => self.ask(Question::History(target, limit)),
            Order::Status(text) => self.ask(Question::Status(text)),
            Order::Elsewhere(target, act) => self.ask(Question::Elsewhere(target, act)),
        }
        Ok(())
    }

    async fn act_on_mine(&mut self, act: Option<Act<AccountName>>, text: String, line: &str) -> Result<()> {
        match act {
            Some(act) => self.act(act, text, line).await,
            None => self
                .view
                .screen
                .note("none of your messages was shown here; name it by its number"),
        }
    }

    async fn act(&mut self, act: Act<AccountName>, text: String, line: &str) -> Result<()> {
        if text.len() > TEXT_MAX {
            let note = format!("not sent: it has more than {TEXT_MAX} bytes");
            return self.view.screen.note(&note);
        }
        let client_id = fresh_client_id();
        if let Some(rows) = rows(&self.prompt, line) {
            self.view.screen.typed(client_id, rows, self.entered);
        }
        self.own.insert(client_id, act == Act::Leave {});
        if let Some(speaker) = &self.speaker {
            // Should the chat be over, its last update says why.
            let _ = speaker.act_as(client_id, act, text).await;
        }
        Ok(())
    }

    fn help(&mut self) -> Result<()> {
        for (usage, what) in COMMANDS {
            self.view
                .screen
                .line(&format!("{usage:24} {what}"), Look::Plain)?;
        }
        Ok(())
    }

    /// Asks beside the chat. Where too much is asked already, the oldest answers come first.
    fn ask(&mut self, question: Question) {
        if self.asides.len() < ASIDES_MAX {
            let connection = self.connection.borrow().clone();
            self.asides
                .spawn(async move { aside::ask(&connection, question).await });
        }
    }

    fn answered(&mut self, answered: Result<Answered, ClientError>) -> Result<()> {
        match answered {
            Ok(Answered::Lines(lines)) => {
                for line in lines {
                    self.view.screen.line(&line, Look::Plain)?;
                }
                Ok(())
            }
            Ok(Answered::Present(present)) => self.view.are_present(&present),
            Err(error) => self.complain("", &error),
        }
    }

    fn complain(&mut self, what: &str, error: &ClientError) -> Result<()> {
        let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        let note = format!("{what}{error}{hint}");
        self.view.screen.note(&escape(&note))
    }

    /// True when it is over.
    fn show(&mut self, update: Update) -> Result<bool> {
        match update {
            Update::Event(event, text) => {
                let own = self.own.remove(&event.client_id).is_some();
                self.view.event(&event, &text, own)?;
            }
            // Something was missed that is not told again: who is there has to be asked for.
            Update::Signal(Signal::Missed {}) => self.ask(Question::Presence),
            Update::Signal(signal) => self.view.signal(&signal)?,
            Update::Acknowledged(client_id, sent) => {
                self.left |= self.own.get(&client_id) == Some(&true);
                self.remembered.observe(sent.room, &sent.head);
            }
            Update::Refused { client_id, error, .. } => {
                self.own.remove(&client_id);
                self.complain("not done: ", &error)?;
            }
            Update::Lost(error) => {
                let note = format!("{error}; connecting again ...");
                self.view.screen.note(&escape(&note))?;
            }
            Update::Back => {
                self.view.screen.note("connected again")?;
                self.ask(Question::Presence);
            }
            Update::AllSaid => return Ok(true),
            Update::Ended(_) if self.left => {
                self.view.screen.note(&format!("you left {}", self.target))?;
                return Ok(true);
            }
            Update::Ended(error) => return Err(error.into()),
            _ => {}
        }
        Ok(false)
    }
}

/// How the terminal was set before the editor set it to its needs. The editor's thread may still wait for a key when the
/// chat is over, and cannot set it back.
struct Settings(Option<Termios>);

impl Settings {
    fn kept() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }

    fn restore(self, is_typing: bool) {
        if let Some(settings) = self.0 {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &settings);
        }
        if is_typing {
            // What comes next does not stand behind the prompt.
            let _ = writeln!(std::io::stdout().lock());
        }
    }
}

async fn at(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

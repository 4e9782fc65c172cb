//! What a person sees of a room on a terminal.

use super::aside::text_of;
use super::editor::Desk;
use super::marks::Marks;
use super::screen::{Look, Screen};
use crate::show;
use anyhow::Result;
use landline_model::event::{EventKind, RoomKind};
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::protocol::chat::{Room, RoomEvent, Signal, TYPING_SECONDS};
use landline_model::protocol::people::{Contact, ContactState, Present};
use landline_model::room::Standing;
use landline_model::target::Target;
use landline_model::text::escape;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// How long a passing note stands.
const PASSING: Duration = Duration::from_secs(TYPING_SECONDS);

/// The most people whose coming and going is told.
const FAMILIAR_MAX: usize = 1000;

pub(super) struct View {
    pub(super) screen: Screen,
    pub(super) marks: Marks,
    desk: Desk,
    room: RoomId,
    target: Target,
    me: AccountId,
    /// The last message of one's own.
    mine: Option<u64>,
    /// Who has said or done something in what was shown: whose coming and going is told.
    familiar: HashSet<AccountId>,
    /// Who is there, of those.
    present: HashMap<AccountId, bool>,
    /// The day of the last event that was shown.
    day: String,
    /// When a passing note is taken away.
    passes: Option<Instant>,
}

impl View {
    pub(super) fn new(screen: Screen, marks: Marks, desk: Desk, room: &Room, me: AccountId) -> Self {
        Self {
            screen,
            marks,
            desk,
            room: room.id,
            target: room.target.clone(),
            me,
            mine: None,
            familiar: HashSet::new(),
            present: HashMap::new(),
            day: String::new(),
            passes: None,
        }
    }

    /// Shows what was said last, and where one had read to.
    pub(super) fn begin(&mut self, events: &[RoomEvent], room: &Room) -> Result<()> {
        if !room.topic.is_empty() {
            self.screen.note(&format!("topic: {}", escape(&room.topic)))?;
        }
        let read = room.read.unwrap_or(u64::MAX);
        let before = events.first().map_or(0, |first| first.sequence.saturating_sub(1));
        if read < before {
            let unseen = before - read;
            self.screen
                .note(&format!("{unseen} more are unread; /history shows them"))?;
        }
        let mut is_marked = false;
        for event in events {
            if event.sequence > read && !is_marked {
                is_marked = true;
                self.screen.line("---- unread ----", Look::Faint)?;
            }
            // What was changed stands in the message itself.
            if is_folded(&event.kind) {
                self.marks.shown(event.sequence);
                continue;
            }
            self.show(event, text_of(event), None, Look::Plain)?;
        }
        Ok(())
    }

    /// Shows an event as it comes. `own` where it was typed here.
    pub(super) fn event(&mut self, event: &RoomEvent, text: &str, own: bool) -> Result<()> {
        let look = if event.mentions.contains(&self.me) && event.sender != self.me {
            Look::Loud
        } else {
            Look::Plain
        };
        self.show(event, text, own.then_some(event.client_id), look)
    }

    fn show(&mut self, event: &RoomEvent, text: &str, own: Option<ClientId>, look: Look) -> Result<()> {
        self.notice(event);
        let mut line = show::event(event, text, false);
        let day = show::local(event.time, "%Y-%m-%d");
        if day != self.day {
            line = format!("---- {day} ----\n{line}");
            self.day = day;
        }
        match own {
            Some(client_id) => self.screen.line_of(client_id, &line, look)?,
            None => self.screen.line(&line, look)?,
        }
        self.marks.shown(event.sequence);
        Ok(())
    }

    fn notice(&mut self, event: &RoomEvent) {
        if event.sender == self.me {
            match &event.kind {
                kind if *kind == EventKind::MESSAGE && !event.erased => self.mine = Some(event.sequence),
                kind if *kind == EventKind::DELETE && event.target == self.mine => self.mine = None,
                _ => {}
            }
        } else {
            self.meet(event.sender);
            self.desk.knows(event.sender_name.as_str());
        }
        if let Some(name) = &event.subject_name {
            self.desk.knows(name.as_str());
        }
    }

    /// The last message of one's own, where it was shown.
    pub(super) const fn mine(&self) -> Option<u64> {
        self.mine
    }

    fn meet(&mut self, account: AccountId) {
        if self.familiar.len() < FAMILIAR_MAX {
            self.familiar.insert(account);
        }
    }

    /// Takes note of who is there.
    pub(super) fn are_present(&mut self, present: &[Present]) -> Result<()> {
        self.present.clear();
        for person in present {
            self.desk.knows(person.name.as_str());
            self.present.insert(person.account, person.online);
        }
        if let Target::Person(name) = &self.target
            && !present
                .iter()
                .any(|person| person.name.key() == name.key() && person.online)
        {
            self.screen.note(&format!("{name} is not there now"))?;
        }
        Ok(())
    }

    pub(super) fn signal(&mut self, signal: &Signal) -> Result<()> {
        match signal {
            Signal::Typing { room, account, name } if *room == self.room && *account != self.me => {
                self.passing(&format!("{} is writing ...", escape(name.as_str())))
            }
            Signal::Presence(person) => self.came_or_went(person),
            Signal::Standing { room: Some(room), .. } if room.id != self.room => self.stands(room),
            Signal::Contact(contact) => self.contact(contact),
            _ => Ok(()),
        }
    }

    fn came_or_went(&mut self, person: &Present) -> Result<()> {
        self.desk.knows(person.name.as_str());
        let before = self.present.insert(person.account, person.online);
        let is_peer = matches!(&self.target, Target::Person(name) if name.key() == person.name.key());
        let concerns = is_peer || self.familiar.contains(&person.account);
        if person.account == self.me || !concerns {
            return Ok(());
        }
        let name = escape(person.name.as_str());
        match (before == Some(true), person.online) {
            (false, true) => self.passing(&format!("{name} is there")),
            (true, false) => self.passing(&format!("{name} is gone")),
            _ => Ok(()),
        }
    }

    fn stands(&mut self, room: &Room) -> Result<()> {
        let target = &room.target;
        if room.kind == RoomKind::Direct {
            // One is told of it when it begins; who began it, oneself on another machine perhaps, stands in it.
            let note = format!("a conversation with {target} has begun: landline chat '{target}'");
            return self.screen.note(&escape(&note));
        }
        match room.me.standing {
            Standing::Invited => self
                .screen
                .note(&format!("you are invited to {target}: /join {target}")),
            Standing::Member(role) => self.screen.note(&format!("you are {role} in {target}")),
            Standing::Kicked | Standing::Banned => self.screen.note(&format!("you were put out of {target}")),
            _ => Ok(()),
        }
    }

    fn contact(&mut self, contact: &Contact) -> Result<()> {
        let name = escape(contact.person.name.as_str());
        match contact.state {
            ContactState::Asking => self.screen.note(&format!("{name} asks to be your contact")),
            ContactState::Contact => self.screen.note(&format!("{name} is your contact now")),
            _ => Ok(()),
        }
    }

    fn passing(&mut self, note: &str) -> Result<()> {
        self.screen.passing_note(note)?;
        self.passes = Some(Instant::now() + PASSING);
        Ok(())
    }

    /// When [`pass`](Self::pass) is due.
    pub(super) const fn passes(&self) -> Option<Instant> {
        self.passes
    }

    /// Takes the passing note away.
    pub(super) fn pass(&mut self) -> Result<()> {
        self.passes = None;
        self.screen.clear()
    }
}

fn is_folded(kind: &EventKind) -> bool {
    [
        EventKind::EDIT,
        EventKind::DELETE,
        EventKind::REACT,
        EventKind::UNREACT,
    ]
    .contains(kind)
}

//! Messages: said without waiting, and repeated where the hub died before it answered.

use crate::choice::Choice;
use crate::storm::{Acknowledged, Storm, answered};
use bytes::Bytes;
use landline_client::chat::fresh_client_id;
use landline_client::{Connection, Heads, Hub, Pending, lines};
use landline_model::id::ClientId;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{History, RoomEvent, Send, Sent};
use landline_model::target::Target;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use tokio::task::JoinHandle;

/// Who speaks where, as the speaker calls it: each on a connection of its own.
const SPEAKERS: [(usize, &str); 4] = [(0, "#lab"), (1, "#lab"), (1, "#hall"), (0, "@bob")];

/// All rooms, as the first of the people calls them.
const ROOMS: [&str; 3] = ["#lab", "#hall", "@bob"];

/// How many messages a speaker has under way at a time.
const WINDOW: usize = 16;

/// How many acknowledged messages each speaker repeats, as if the answer had been lost.
const REPEATED: usize = 3;

/// All that was said.
pub(crate) struct Talk {
    messages: Vec<Message>,
    by_id: HashMap<ClientId, usize>,
    /// How many are checked and acknowledged.
    settled: usize,
    /// How far each room is checked.
    read: [u64; ROOMS.len()],
    /// What was acknowledged since heads were remembered, and to which of the people.
    heads: Vec<(usize, Sent)>,
}

/// Something that was said.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    speaker: usize,
    client_id: ClientId,
    text: String,
    /// The acknowledgement, where one came.
    sent: Option<Sent>,
    /// Where it was found in its room.
    stored: Option<u64>,
}

impl Talk {
    /// Each speaker has said something, so that all rooms are there.
    pub(crate) async fn begin(hubs: &[Hub]) -> Self {
        let mut talk = Self {
            messages: Vec::new(),
            by_id: HashMap::new(),
            settled: 0,
            read: [0; ROOMS.len()],
            heads: Vec::new(),
        };
        for speaker in 0..SPEAKERS.len() {
            let message = Message::new(speaker, 0, &mut Choice::seeded(0));
            talk.by_id.insert(message.client_id, talk.messages.len());
            talk.messages.push(message);
            // To the hub, what was never sent is like what never arrived.
            talk.repeat(speaker, hubs).await;
        }
        talk
    }

    pub(crate) fn count(&self) -> usize {
        self.messages.len()
    }

    pub(crate) async fn storm(
        &mut self,
        storm: &Storm,
        hubs: &[Hub],
        choice: &mut Choice,
    ) -> Vec<JoinHandle<Vec<Message>>> {
        let mut tasks = Vec::new();
        for (speaker, (person, _)) in SPEAKERS.iter().enumerate() {
            let connection = landline_client::connect(&hubs[*person]).await.unwrap();
            tasks.push(tokio::spawn(talk(
                storm.clone(),
                connection,
                speaker,
                choice.split(),
            )));
        }
        tasks
    }

    pub(crate) async fn done(&mut self, tasks: Vec<JoinHandle<Vec<Message>>>) {
        for task in tasks {
            let said = task.await.unwrap();
            let sequences: Vec<u64> = said
                .iter()
                .filter_map(|message| Some(message.sent.as_ref()?.sequence))
                .collect();
            assert!(
                sequences.is_sorted_by(|one, next| one < next),
                "a connection's messages, in order"
            );
            for message in said {
                self.heads
                    .extend(message.sent.clone().map(|sent| (message.person(), sent)));
                self.by_id.insert(message.client_id, self.messages.len());
                self.messages.push(message);
            }
        }
    }

    /// What was acknowledged is there, where it was acknowledged, and once; what was not is repeated and is there once
    /// then, whether it was there before or not.
    pub(crate) async fn check(&mut self, hubs: &[Hub]) {
        self.read_on(hubs).await;
        for message in &self.messages[self.settled..] {
            if let Some(sent) = &message.sent {
                assert_eq!(message.stored, Some(sent.sequence), "{message:?}");
            }
        }
        for speaker in 0..SPEAKERS.len() {
            self.repeat(speaker, hubs).await;
        }
        self.read_on(hubs).await;
        for message in &self.messages[self.settled..] {
            assert_eq!(
                message.stored,
                message.sent.as_ref().map(|sent| sent.sequence),
                "{message:?}"
            );
            assert!(message.stored.is_some(), "{message:?}");
        }
        self.settled = self.messages.len();
    }

    /// Everything once more: each message is where it was, and there is nothing else.
    pub(crate) async fn check_from_the_beginning(&mut self, hubs: &[Hub]) {
        let stored: Vec<Option<u64>> = self.messages.iter().map(|message| message.stored).collect();
        self.messages.iter_mut().for_each(|message| message.stored = None);
        self.read = [0; ROOMS.len()];
        self.read_on(hubs).await;
        let found: Vec<Option<u64>> = self.messages.iter().map(|message| message.stored).collect();
        assert!(stored == found, "a message has moved");
    }

    /// Lets each of the people's programs remember how far the rooms were when something was acknowledged, so that an
    /// audit compares with that.
    pub(crate) fn remember_heads(&mut self, configurations: &[PathBuf], hubs: &[Hub]) {
        for (person, (configuration, hub)) in configurations.iter().zip(hubs).enumerate() {
            let mut heads = Heads::load_from(configuration, &hub.pin, hub.head_key, hub.account.id).unwrap();
            for (_, sent) in self.heads.iter().filter(|(told, _)| *told == person) {
                heads.observe(sent.room, &sent.head).unwrap();
            }
            heads.save().unwrap();
        }
        self.heads.clear();
    }

    /// Reads what is new in all rooms. Each event is the next one, and a message of ours that was not seen before.
    async fn read_on(&mut self, hubs: &[Hub]) {
        let connection = landline_client::connect(&hubs[0]).await.unwrap();
        for (room, target) in ROOMS.iter().enumerate() {
            loop {
                let (events, more) = page(&connection, target, self.read[room]).await;
                for event in events {
                    self.note(room, &event, hubs);
                }
                if !more {
                    break;
                }
            }
        }
    }

    fn note(&mut self, room: usize, event: &RoomEvent, hubs: &[Hub]) {
        self.read[room] += 1;
        assert_eq!(event.sequence, self.read[room], "the sequence is dense");
        let known = self
            .by_id
            .get(&event.client_id)
            .expect("nobody else says anything");
        let message = &mut self.messages[*known];
        let (person, target) = SPEAKERS[message.speaker];
        assert_eq!(
            (event.sender, ROOMS[room]),
            (hubs[person].account.id, target),
            "{message:?}"
        );
        assert_eq!(event.text.as_ref(), Some(&message.text));
        assert_eq!(
            message.stored, None,
            "{message:?} is there twice, now as {}",
            event.sequence
        );
        message.stored = Some(event.sequence);
    }

    /// Says again what was not acknowledged, and some of what was.
    async fn repeat(&mut self, speaker: usize, hubs: &[Hub]) {
        let (person, target) = SPEAKERS[speaker];
        let connection = landline_client::connect(&hubs[person]).await.unwrap();
        let mine =
            (self.settled..self.messages.len()).filter(|index| self.messages[*index].speaker == speaker);
        let (lost, known): (Vec<usize>, Vec<usize>) =
            mine.partition(|index| self.messages[*index].sent.is_none());
        let mut waiting = Vec::new();
        for index in known.into_iter().rev().take(REPEATED).chain(lost) {
            let message = &self.messages[index];
            let call = call(target, message.client_id);
            let text = Bytes::from(message.text.clone());
            waiting.push((index, connection.start(&call, text).await.unwrap()));
        }
        for (index, pending) in waiting {
            let sent = pending.finished().await.unwrap().reply;
            let message = &mut self.messages[index];
            assert_eq!(sent.duplicate, message.stored.is_some(), "{message:?}");
            assert!(
                message.stored.is_none_or(|sequence| sequence == sent.sequence),
                "{message:?}"
            );
            message.sent = Some(sent.clone());
            self.heads.push((person, sent));
        }
    }
}

impl Message {
    fn person(&self) -> usize {
        SPEAKERS[self.speaker].0
    }
}

/// Talks until the hub is dead.
async fn talk(storm: Storm, connection: Connection, speaker: usize, mut choice: Choice) -> Vec<Message> {
    storm.begun().await;
    let mut said: Vec<Message> = Vec::new();
    let mut waiting: VecDeque<(usize, Pending<Send>)> = VecDeque::new();
    let mut alive = true;
    while alive || !waiting.is_empty() {
        if alive && waiting.len() < WINDOW {
            let message = Message::new(speaker, said.len(), &mut choice);
            let call = call(SPEAKERS[speaker].1, message.client_id);
            let started = connection.start(&call, Bytes::from(message.text.clone())).await;
            match answered(started) {
                Some(pending) => waiting.push_back((said.len(), pending)),
                None => alive = false,
            }
            said.push(message);
        } else if let Some((index, pending)) = waiting.pop_front() {
            // Behind an answer that was lost, nothing is lost that came before.
            match answered(pending.finished().await) {
                Some(answer) => {
                    assert!(!answer.reply.duplicate);
                    said[index].sent = Some(answer.reply);
                    storm.saw(Acknowledged::Message);
                }
                None => alive = false,
            }
        }
    }
    said
}

impl Message {
    fn new(speaker: usize, number: usize, choice: &mut Choice) -> Self {
        let client_id = fresh_client_id();
        let padding = match choice.below(8) {
            0 => choice.below(8_000),
            _ => choice.below(80),
        };
        Self {
            speaker,
            client_id,
            text: format!("{client_id} {speaker} {number} {}", "é\n".repeat(padding / 3)),
            sent: None,
            stored: None,
        }
    }
}

fn call(target: &str, client_id: ClientId) -> Send {
    Send {
        target: parsed(target),
        client_id,
        reply_to: None,
    }
}

fn parsed(target: &str) -> Target {
    target.parse().unwrap()
}

/// A page of a room's events behind `since`, and whether there are more.
async fn page(connection: &Connection, target: &str, since: u64) -> (Vec<RoomEvent>, bool) {
    let call = History {
        target: parsed(target),
        since,
        limit: PAGE_MAX,
        last: false,
        proof: false,
        fold: false,
    };
    let answer = connection.exchange(&call, Bytes::new()).await;
    let answer = answer.unwrap_or_else(|error| panic!("{target}: {error}"));
    (lines(&answer.body, connection).unwrap(), answer.reply.more)
}

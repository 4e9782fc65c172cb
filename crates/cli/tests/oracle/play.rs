//! One seed, from the first person's joining to the last audit.

use crate::deed::{Deed, told};
use crate::follower::{Follower, Means};
use crate::house::House;
use crate::log::Log;
use crate::look::{Look, whole};
use crate::model::{Person, Room};
use crate::people::{ADMIN, NAMES, OWNER};
use crate::resolve::resolve;
use crate::script::{DIRECT, Ending, Following, Planned, Script, Step};
use crate::shared::Shared;
use crate::speaking::{Attempt, Request, Speaker};
use bytes::Bytes;
use landline_client::Heads;
use landline_client::chat::fresh_client_id;
use landline_model::error::ErrorCode;
use landline_model::event::RoomKind;
use landline_model::id::{AccountId, RoomId};
use landline_model::protocol::chat::{Do, RoomCreate};
use landline_model::room::Act;
use landline_model::target::Target;
use std::sync::{Arc, Mutex, PoisonError};

/// What happened so far, to be shown when something is wrong.
pub(crate) type Transcript = Arc<Mutex<Vec<String>>>;

/// A seed under way.
pub(crate) struct Play {
    house: House,
    shared: Arc<Shared>,
    accounts: Vec<AccountId>,
    /// By person: what they call the rooms.
    targets: Vec<Vec<Target>>,
    ids: Vec<Option<RoomId>>,
    logs: Vec<Log>,
    deeds: Vec<Deed>,
    /// How many of the deeds are told in the transcript.
    told: usize,
    speakers: Vec<Option<Speaker>>,
    followers: Vec<Follower>,
    heads: Vec<Heads>,
    /// How many connections there were to do things on.
    connections: u64,
    transcript: Transcript,
}

/// Plays a seed, and says how much happened.
pub(crate) async fn play(seed: u64, transcript: Transcript) -> String {
    let script = Script::new(seed);
    let mut play = Play::new(&script, transcript).await;
    for (number, step) in script.steps.iter().enumerate() {
        let recorded = is_to_lose_power(&script.steps[number + 1..]);
        play.step(number, step, recorded).await;
    }
    let deaths = script
        .steps
        .iter()
        .filter(|step| step.ending != Ending::Answered)
        .count();
    let summary = play.summary();
    play.finish().await;
    format!("{summary}, {deaths} deaths")
}

/// Whether the next death is a power cut.
fn is_to_lose_power(steps: &[Step]) -> bool {
    let ending = steps.iter().find(|step| step.ending != Ending::Answered);
    ending.is_some_and(|step| matches!(step.ending, Ending::PowerCut(..)))
}

impl Play {
    async fn new(script: &Script, transcript: Transcript) -> Self {
        let mut house = House::new(script.people).await;
        let connection = house.connect(OWNER).await;
        let admins: Vec<bool> = (0..script.people).map(|person| person == ADMIN).collect();
        let (mut ids, mut logs) = (Vec::new(), Vec::new());
        for (room, kind) in script.rooms.iter().enumerate() {
            if *kind == RoomKind::Direct {
                ids.push(None);
                logs.push(Log::new(room, Room::direct(DIRECT, &admins)));
                continue;
            }
            let call = RoomCreate {
                name: kind.name().parse().unwrap(),
                kind: *kind,
            };
            ids.push(Some(connection.call(&call).await.unwrap().id));
            logs.push(Log::new(room, Room::new(*kind, OWNER, &admins)));
        }
        if is_to_lose_power(&script.steps) {
            house.stop();
            house.start_again_recorded();
        }
        let people = 0..script.people;
        Self {
            shared: Arc::new(Shared::new(script.rooms.len())),
            accounts: house.people().iter().map(|hub| hub.account.id).collect(),
            targets: people
                .clone()
                .map(|person| targets(person, &script.rooms))
                .collect(),
            ids,
            logs,
            deeds: Vec::new(),
            told: 0,
            speakers: people.clone().map(|_| None).collect(),
            followers: people
                .clone()
                .map(|person| Follower::new(person, script.rooms.len()))
                .collect(),
            heads: people.map(|person| house.heads(person)).collect(),
            connections: 0,
            transcript,
            house,
        }
    }

    async fn step(&mut self, number: usize, step: &Step, recorded: bool) {
        let mut requests: Vec<Vec<Request>> = self.speakers.iter().map(|_| Vec::new()).collect();
        for planned in &step.deeds {
            let request = self.planned(number, planned);
            let copies = if planned.twice { 2 } else { 1 };
            requests[planned.who].extend(std::iter::repeat_n(request, copies));
        }
        if let Ending::Kill(after) | Ending::PowerCut(after, _) = step.ending {
            self.shared.dies_after(self.house.pid(), after);
        }
        self.burst(requests, step).await;
        match step.ending {
            Ending::Answered => self.ask_again().await,
            Ending::Kill(_) => self.dies(recorded, House::kill).await,
            Ending::PowerCut(_, seed) => self.dies(recorded, |house| house.cut_the_power(seed)).await,
        }
        self.catch_up().await;
        if step.ending != Ending::Answered {
            self.look().await;
        }
    }

    /// What somebody does, in the room as it is known now.
    fn planned(&mut self, step: usize, planned: &Planned) -> Request {
        let (number, log) = (self.deeds.len(), &self.logs[planned.room]);
        let (act, text) = resolve(planned, log.now(), log.len(), number);
        self.deeds.push(Deed {
            number,
            step,
            who: planned.who,
            room: planned.room,
            act,
            text,
            client_id: fresh_client_id(),
            attempts: Vec::new(),
            judged: 0,
            stored: None,
        });
        self.request(number)
    }

    fn request(&self, number: usize) -> Request {
        let deed = &self.deeds[number];
        let named = deed.act.clone().named(|who| NAMES[who].parse());
        Request {
            deed: number,
            room: deed.room,
            call: Do {
                target: self.targets[deed.who][deed.room].clone(),
                client_id: deed.client_id,
                act: named.expect("names are names"),
            },
            short: number.is_multiple_of(2) && matches!(deed.act, Act::Say { .. }),
            text: Bytes::from(deed.text.clone()),
        }
    }

    /// Everybody does what they do, while streams are cut and taken up again.
    async fn burst(&mut self, requests: Vec<Vec<Request>>, step: &Step) {
        let mut ready = Vec::new();
        for (person, requests) in requests.into_iter().enumerate() {
            if !requests.is_empty() {
                ready.push((self.speaker(person).await, requests));
            }
        }
        let mut speaking = Vec::new();
        for (speaker, requests) in ready {
            let hang_up = step.hang_ups.iter().find(|(who, _)| *who == speaker.person);
            let hang_up = hang_up.map(|(_, after)| *after);
            speaking.push(tokio::spawn(speaker.does(
                Arc::clone(&self.shared),
                requests,
                hang_up,
            )));
        }
        let following = self.streams(&step.streams);
        for speaking in speaking {
            let (attempts, speaker) = speaking.await.unwrap();
            self.answered(attempts);
            if let Some(speaker) = speaker {
                let person = speaker.person;
                self.speakers[person] = Some(speaker);
            }
        }
        for (person, following) in following {
            self.followers[person] = following.await.unwrap();
        }
    }

    fn streams(
        &mut self,
        changes: &[(Person, Following)],
    ) -> Vec<(Person, tokio::task::JoinHandle<Follower>)> {
        let mut tasks = Vec::new();
        for (person, following) in changes {
            let means = self.means(*person);
            let follower = std::mem::replace(&mut self.followers[*person], Follower::new(*person, 0));
            tasks.push((*person, tokio::spawn(follower.change(means, *following))));
        }
        tasks
    }

    fn means(&self, person: Person) -> Means {
        Means {
            hub: self.house.people()[person].clone(),
            targets: self.targets[person].clone(),
            ids: self.ids.clone(),
            shared: Arc::clone(&self.shared),
        }
    }

    async fn speaker(&mut self, person: Person) -> Speaker {
        if let Some(speaker) = self.speakers[person].take() {
            return speaker;
        }
        self.connections += 1;
        Speaker {
            person,
            number: self.connections,
            connection: self.house.connect(person).await,
        }
    }

    fn answered(&mut self, attempts: Vec<Attempt>) {
        for attempt in attempts {
            let deed = &mut self.deeds[attempt.deed];
            if let Some(Ok(sent)) = attempt.answer.as_ref().map(|answer| &answer.says) {
                self.heads[deed.who].observe(sent.room, &sent.head).unwrap();
                self.ids[deed.room] = Some(sent.room);
            }
            deed.attempts.push(attempt);
        }
    }

    /// The hub dies and comes back; everybody connects again, and repeats what was not answered.
    async fn dies(&mut self, recorded: bool, how: impl FnOnce(&mut House)) {
        self.shared.is_dead();
        how(&mut self.house);
        self.speakers.iter_mut().for_each(|speaker| *speaker = None);
        self.followers.iter_mut().for_each(Follower::cut);
        if recorded {
            self.house.start_again_recorded();
        } else {
            self.house.start_again();
        }
        self.tell("the hub died and is back");
        self.ask_again().await;
        let everybody: Vec<_> = (0..self.followers.len())
            .map(|person| (person, Following::Again))
            .collect();
        for (person, following) in self.streams(&everybody) {
            self.followers[person] = following.await.unwrap();
        }
    }

    /// Everybody repeats what was not answered, until all is.
    async fn ask_again(&mut self) {
        let mut requests: Vec<Vec<Request>> = self.speakers.iter().map(|_| Vec::new()).collect();
        for deed in self.deeds.iter().filter(|deed| deed.is_open()) {
            requests[deed.who].push(self.request(deed.number));
        }
        self.burst(requests, &Step::default()).await;
        let open = self.deeds.iter().find(|deed| deed.is_open());
        assert!(open.is_none(), "the hub is alive, but does not answer: {open:?}");
    }

    /// Reads what is new in the logs, judges all answers, and waits until the followers have seen it.
    async fn catch_up(&mut self) {
        for room in 0..self.logs.len() {
            self.read(room, self.logs[room].len()).await;
        }
        for index in self.told..self.deeds.len() {
            self.tell(&told(&self.deeds[index]));
        }
        self.told = self.deeds.len();
        for deed in &self.deeds {
            deed.judge(&self.logs[deed.room], &self.deeds);
        }
        for deed in &mut self.deeds {
            deed.judged = deed.attempts.len();
        }
        for follower in &mut self.followers {
            follower.catch_up(&self.logs, &self.deeds).await;
        }
    }

    /// Reads a room's log behind `since`; what was known of it is as it was.
    async fn read(&mut self, room: usize, since: u64) {
        let reader = if self.logs[room].now().kind == RoomKind::Direct {
            DIRECT[0]
        } else {
            OWNER
        };
        let connection = self.house.connect(reader).await;
        let events = match whole(&connection, &self.targets[reader][room], since, (true, false)).await {
            Ok(events) => events,
            Err((ErrorCode::NotFound, _)) if self.ids[room].is_none() => Vec::new(),
            Err((code, message)) => panic!("room {room} cannot be read: {code:?}, {message}"),
        };
        let log = &mut self.logs[room];
        let known = log.len();
        for event in events {
            if event.sequence <= known {
                log.compare(&event);
            } else {
                log.take(event, &mut self.deeds, &self.accounts);
            }
        }
        assert!(
            log.len() >= known.max(self.shared.known(room)),
            "room {room} has lost events"
        );
    }

    /// Everything is read from the beginning, by everybody.
    async fn look(&mut self) {
        for room in 0..self.logs.len() {
            self.read(room, 0).await;
        }
        for person in 0..self.accounts.len() {
            let connection = self.house.connect(person).await;
            let look = Look {
                person,
                connection: &connection,
                accounts: &self.accounts,
                logs: &self.logs,
                targets: &self.targets[person],
                deeds: &self.deeds,
            };
            look.at_everything().await;
        }
    }

    /// Every client id gives its first result; everything is as the model says; the logs are intact, and fit what
    /// everybody was told of them.
    async fn finish(mut self) {
        if self
            .deeds
            .iter()
            .any(|deed| deed.stored.is_none() && has_lost_answer(deed))
        {
            // What was sent on a connection that is gone may still be done; a hub that was stopped has done it.
            self.dies(false, House::stop).await;
            self.catch_up().await;
        }
        self.repeat_everything().await;
        self.catch_up().await;
        self.look().await;
        for person in 0..self.accounts.len() {
            self.audit(person).await;
        }
        self.followers.iter_mut().for_each(Follower::cut);
        self.speakers.clear();
        self.house.stop();
        let audit = landline_store::chat::audit(&self.house.databases()).unwrap();
        assert!(audit.intact(), "{audit:?}");
    }

    /// The logs are intact, and fit the heads that somebody was told of.
    async fn audit(&mut self, person: Person) {
        let connection = self.house.connect(person).await;
        self.heads[person].save().unwrap();
        let heads = &mut self.house.heads(person);
        let (ids, logs) = (&self.ids, &self.logs);
        let hidden = |id: RoomId| {
            let room = ids.iter().position(|known| *known == Some(id));
            room.is_some_and(|room| !logs[room].now().sees(person))
        };
        let told = landline_client::audit::audit(&connection, heads, |finding| {
            // Who may not know of a room any more cannot tell that from a log that was taken away.
            let fine = finding.fault.is_none() || (hidden(finding.room) && finding.target.is_none());
            assert!(fine, "{}: {finding:?}", NAMES[person]);
            Ok(())
        });
        told.await.unwrap();
    }

    async fn repeat_everything(&mut self) {
        let mut requests: Vec<Vec<Request>> = self.speakers.iter().map(|_| Vec::new()).collect();
        for deed in self.deeds.iter().filter(|deed| deed.stored.is_some()) {
            requests[deed.who].push(self.request(deed.number));
        }
        self.burst(requests, &Step::default()).await;
    }

    fn summary(&self) -> String {
        let stored = self.deeds.iter().filter(|deed| deed.stored.is_some()).count();
        let lost = self.deeds.iter().filter(|deed| has_lost_answer(deed)).count();
        let followers = self.followers.iter();
        let (seen, closed) = followers.fold((0, 0), |(seen, closed), follower| {
            (seen + follower.seen(), closed + follower.closed())
        });
        format!(
            "{stored} of {} deeds taken, {lost} answers lost, {seen} events followed, {closed} streams closed",
            self.deeds.len()
        )
    }

    fn tell(&self, line: &str) {
        let mut transcript = self.transcript.lock().unwrap_or_else(PoisonError::into_inner);
        transcript.push(line.to_owned());
    }
}

/// Whether a request of it was never answered.
fn has_lost_answer(deed: &Deed) -> bool {
    deed.attempts.iter().any(|attempt| attempt.answer.is_none())
}

/// What somebody calls the rooms. Who is not in the conversation has no name for it, and calls it by one that is not
/// there.
fn targets(person: Person, rooms: &[RoomKind]) -> Vec<Target> {
    let name = |kind: &RoomKind| match kind {
        RoomKind::Direct if person == DIRECT[0] => format!("@{}", NAMES[DIRECT[1]]),
        RoomKind::Direct if person == DIRECT[1] => format!("@{}", NAMES[DIRECT[0]]),
        RoomKind::Direct => "#elsewhere".to_owned(),
        kind => format!("#{}", kind.name()),
    };
    rooms.iter().map(|kind| name(kind).parse().unwrap()).collect()
}

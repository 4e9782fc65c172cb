//! Somebody who follows the rooms: on one connection at a time, which is cut and taken up again.

use crate::deed::Deed;
use crate::log::Log;
use crate::model::Person;
use crate::script::Following;
use crate::shared::Shared;
use crate::stream::{Asked, Episode, Item, Stream};
use crate::verdict::{Ends, check, check_refusal};
use landline_model::id::RoomId;
use landline_model::target::Target;
use std::sync::Arc;

/// Somebody who follows the rooms.
pub(crate) struct Follower {
    person: Person,
    stream: Option<Stream>,
    /// By room.
    views: Vec<View>,
    /// What is over and not judged yet.
    over: Vec<Episode>,
    /// How many events were seen in what is over, and how often the hub closed a room.
    seen: usize,
    closed: usize,
}

/// How far somebody sees a room.
#[derive(Default)]
struct View {
    now: Option<Now>,
    /// The last event that was seen, or behind which a stream began.
    seen: u64,
    /// The room, once it was followed.
    id: Option<RoomId>,
    /// How often the room was followed on this connection. Each time ends before the next one begins.
    parts: usize,
    /// What the hub refused and is not judged yet.
    refused: Vec<Asked>,
}

/// A room that is followed, as far as one knows.
struct Now {
    asked: Asked,
    since: u64,
    id: RoomId,
    /// How often the room was followed, and closed, before on this connection.
    part: usize,
}

/// What somebody needs to follow rooms.
#[derive(Clone)]
pub(crate) struct Means {
    /// The way in.
    pub(crate) hub: landline_client::Hub,
    /// What they call the rooms.
    pub(crate) targets: Vec<Target>,
    /// The rooms, as far as they are known.
    pub(crate) ids: Vec<Option<RoomId>>,
    /// What all share.
    pub(crate) shared: Arc<Shared>,
}

impl Follower {
    pub(crate) fn new(person: Person, rooms: usize) -> Self {
        Self {
            person,
            stream: None,
            views: (0..rooms).map(|_| View::default()).collect(),
            over: Vec::new(),
            seen: 0,
            closed: 0,
        }
    }

    /// How many events were seen, in what is over.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// How often the hub closed a room that was followed.
    pub(crate) fn closed(&self) -> usize {
        self.closed
    }

    /// Cuts the stream, takes it up again, or asks for more. A hub that dies meanwhile ends it.
    pub(crate) async fn change(mut self, means: Means, following: Following) -> Self {
        if following != Following::More || self.stream.is_none() {
            self.cut();
            if following == Following::Cut {
                return self;
            }
            let Ok(connection) = landline_client::connect(&means.hub).await else {
                return self;
            };
            let stream = Stream::on(connection, Arc::clone(&means.shared), means.ids.clone());
            self.stream = Some(stream);
        }
        self.settle();
        for room in 0..self.views.len() {
            self.ask(&means, following, room).await;
        }
        self
    }

    async fn ask(&mut self, means: &Means, following: Following, room: usize) {
        let (Some(stream), view) = (&self.stream, &mut self.views[room]) else {
            return;
        };
        if view.now.is_some() {
            return;
        }
        let since = match following {
            Following::FromNow => None,
            Following::FromTheBeginning => Some(0),
            Following::Back(events) => Some(view.seen.saturating_sub(events)),
            _ => Some(view.seen),
        };
        let target = means.targets[room].clone();
        let asked = stream.follow(&means.shared, room, target, since).await;
        match asked.says {
            Some(Ok((id, head))) => {
                let since = since.unwrap_or(head);
                view.seen = since;
                let part = view.parts;
                view.parts += 1;
                view.id = Some(id);
                view.now = Some(Now {
                    asked,
                    since,
                    id,
                    part,
                });
            }
            Some(Err(_)) => view.refused.push(asked),
            None => {}
        }
    }

    /// The connection ends, whoever ends it.
    pub(crate) fn cut(&mut self) {
        self.settle();
        let Some(stream) = self.stream.take() else { return };
        let items = stream.items();
        for (room, view) in self.views.iter_mut().enumerate() {
            view.parts = 0;
            if let Some(now) = view.now.take() {
                let mut episode = episode(self.person, room, &now, &items);
                episode.cut = true;
                view.seen = last(&episode);
                self.over.push(episode);
            }
        }
    }

    /// Takes note of the rooms that the hub has closed.
    fn settle(&mut self) {
        let Some(stream) = &self.stream else { return };
        let items = stream.items();
        for (room, view) in self.views.iter_mut().enumerate() {
            let Some(now) = &view.now else { continue };
            let episode = episode(self.person, room, now, &items);
            if episode.closed {
                view.seen = last(&episode);
                view.now = None;
                self.over.push(episode);
            }
        }
    }

    /// Everything that is still to come has come, and all that came is right. The logs are whole.
    pub(crate) async fn catch_up(&mut self, logs: &[Log], deeds: &[Deed]) {
        for (room, view) in self.views.iter_mut().enumerate() {
            for asked in view.refused.drain(..) {
                check_refusal(self.person, &asked, &logs[room], deeds);
            }
            let (Some(now), Some(stream)) = (&view.now, &mut self.stream) else {
                continue;
            };
            let (person, log) = (self.person, &logs[room]);
            let ends = Ends::of(person, &now.asked, log, deeds);
            let enough = |items: &[Item]| {
                let episode = episode(person, room, now, items);
                (ends.open && last(&episode) >= log.len()) || (ends.closes && episode.closed)
            };
            let came = stream.until(enough).await;
            let episode = episode(person, room, now, &stream.items());
            if let Err(why) = came {
                panic!(
                    "{why}: of {} events, with {ends:?}, there came {episode:#?}",
                    log.len()
                );
            }
            check(&episode, log, deeds);
        }
        self.settle();
        for episode in self.over.drain(..) {
            self.seen += episode.seen.len();
            self.closed += usize::from(episode.closed);
            check(&episode, &logs[episode.room], deeds);
        }
        self.nothing_else_came();
    }

    /// No event of a room came that is not followed, or not any more.
    fn nothing_else_came(&self) {
        let Some(stream) = &self.stream else { return };
        for (room, view) in self.views.iter().enumerate() {
            let (Some(id), None) = (view.id, &view.now) else {
                continue;
            };
            let closed = |item: &Item| matches!(item, Item::Closed(room) if *room == id);
            let items = stream.items();
            let behind = items.rsplit(closed).next().unwrap_or_default();
            let more = behind
                .iter()
                .find(|item| matches!(item, Item::Event(_, event, _) if event.room == id));
            let count = items.iter().filter(|item| closed(item)).count();
            assert_eq!(
                count, view.parts,
                "room {room} was closed as often as it was followed"
            );
            assert!(more.is_none(), "room {room} is closed, but there came {more:?}");
        }
    }
}

/// The part of what came that belongs to one wish to follow a room.
fn episode(person: Person, room: usize, now: &Now, items: &[Item]) -> Episode {
    let (mut part, mut seen, mut closed) = (0, Vec::new(), false);
    for item in items {
        match item {
            Item::Closed(id) if *id == now.id => {
                closed |= part == now.part;
                part += 1;
            }
            Item::Event(moment, event, text) if event.room == now.id && part == now.part => {
                seen.push((*moment, event.as_ref().clone(), text.clone()));
            }
            _ => {}
        }
    }
    Episode {
        person,
        room,
        asked: now.asked.clone(),
        since: now.since,
        seen,
        closed,
        cut: false,
    }
}

fn last(episode: &Episode) -> u64 {
    episode
        .seen
        .last()
        .map_or(episode.since, |(_, event, _)| event.sequence)
}

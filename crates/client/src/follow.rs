//! Following everything that an account is in, through lost connections: each event of each room comes once, in order.

mod places;

pub use places::{KNOWN_MAX, ROOMS_MAX};

use crate::chat::{BACKOFF_FIRST, BACKOFF_MAX, KEEP_ALIVE, UPDATES_MAX, jittered};
use crate::connection::{ClientEvent, Connection};
use crate::error::ClientError;
use crate::heads::HeadError;
use crate::hubs::{Hub, connect};
use crate::page::lines;
use bytes::Bytes;
use landline_model::error::ErrorCode;
use landline_model::event::RoomKind;
use landline_model::id::RoomId;
use landline_model::protocol::PAGE_MAX;
use landline_model::protocol::chat::{Room, RoomEvent, RoomList, Signal, Subscribe, Unsubscribe};
use landline_model::room::Standing;
use landline_model::target::Target;
use places::{Came, Places};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Rooms that are asked for at once: fewer than a connection queues, so that asking never waits for the hub to read
/// while the hub waits for us to.
const ASKED_MAX: usize = 16;

/// What happens in all that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// This room is followed now, or again on another connection: its head, to be remembered.
    Room(Room),
    /// An event of a room, with its text. Each comes once, in the room's order.
    Event(Target, RoomEvent, String),
    /// So many rooms and conversations are followed; everything from now on comes.
    Begun(usize),
    /// So many are not followed, because a connection follows no more than [`ROOMS_MAX`].
    LeftOut(usize),
    /// The connection was lost.
    Lost(ClientError),
    /// There is a connection again, and all is followed on it.
    Back,
    /// It is over, and connecting again would not help.
    Ended(ClientError),
}

/// Everything that an account is in: the rooms of which it is a member and its direct conversations.
///
/// What is there when it begins is followed from then on; what comes later (joined, made, let into, a first direct
/// message) from its first event on. What one is put out of ends without a word, and goes on behind the last event that
/// was seen should one come back.
#[derive(Debug)]
pub struct Everything {
    /// What happens. Dropping it ends it.
    pub updates: mpsc::Receiver<Update>,
}

impl Everything {
    /// Connects and follows all.
    ///
    /// # Errors
    /// As [`connect`]. The first connection is not tried twice.
    pub async fn begin(hub: &Hub) -> Result<Self, ClientError> {
        let connection = connect(hub).await?;
        let (sender, updates) = mpsc::channel(UPDATES_MAX);
        let (connection, events) = listened_to(connection);
        let follower = Follower {
            hub: hub.clone(),
            connection,
            events,
            answers: JoinSet::new(),
            asked: 0,
            due: VecDeque::new(),
            again: false,
            places: Places::new(ROOMS_MAX),
            unknown: 0,
            told_left_out: 0,
            phase: Phase::Beginning,
            backoff: BACKOFF_FIRST,
            updates: sender,
        };
        tokio::spawn(follower.run());
        Ok(Self { updates })
    }
}

/// From here on, what the hub says unasked is kept, so that nothing falls between a listing and what comes behind it.
fn listened_to(connection: Connection) -> (Connection, mpsc::Receiver<ClientEvent>) {
    let events = connection.events();
    connection.keep_alive(KEEP_ALIVE);
    (connection, events)
}

/// The task behind it.
struct Follower {
    hub: Hub,
    connection: Connection,
    events: mpsc::Receiver<ClientEvent>,
    answers: JoinSet<Answer>,
    /// Rooms that are asked for; at most [`ASKED_MAX`].
    asked: usize,
    /// Rooms to ask for; all of them count as followed.
    due: VecDeque<RoomId>,
    /// Something has changed while answers were under way that may be older: all rooms are to be listed once they are
    /// there.
    again: bool,
    places: Places,
    /// How many more rooms there are than can be remembered.
    unknown: usize,
    /// How many were told of last.
    told_left_out: usize,
    phase: Phase,
    /// The next wait before connecting again.
    backoff: Duration,
    updates: mpsc::Sender<Update>,
}

/// What the hub answered.
enum Answer {
    Listed(Result<Listing, ClientError>),
    Subscribed {
        room: RoomId,
        /// How far the room was, as we knew when we asked.
        stored: u64,
        answer: Result<Box<Room>, ClientError>,
    },
}

/// The rooms that one is in.
#[derive(Default)]
struct Listing {
    /// At most [`KNOWN_MAX`].
    rooms: Vec<Room>,
    /// How many more there are.
    beyond: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first listing is not there yet.
    Beginning,
    /// It is, and what it has is asked for.
    Listed,
    /// All that there is is followed.
    Settled,
    /// The connection was lost since that was so.
    Lost,
}

enum Stop {
    /// Nobody listens any more.
    Unheard,
    Failed(ClientError),
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::Failed(error)
    }
}

impl Follower {
    async fn run(mut self) {
        self.list();
        loop {
            let stop = match self.turn().await {
                Ok(()) => continue,
                Err(Stop::Failed(error)) if error.is_passing() => match self.reconnect(error).await {
                    Ok(()) => continue,
                    Err(stop) => stop,
                },
                Err(stop) => stop,
            };
            if let Stop::Failed(error) = stop {
                // Whether or not anybody hears it, it is over.
                let _ = self.updates.send(Update::Ended(error)).await;
            }
            return;
        }
    }

    /// Waits for the next thing that happens and deals with it.
    async fn turn(&mut self) -> Result<(), Stop> {
        tokio::select! {
            event = self.events.recv() => self.happened(event).await?,
            Some(Ok(answer)) = self.answers.join_next() => self.answered(answer).await?,
            () = self.updates.closed() => return Err(Stop::Unheard),
        }
        self.ask().await?;
        if self.answers.is_empty() {
            self.settled().await?;
            if std::mem::take(&mut self.again) {
                self.list();
            }
        }
        Ok(())
    }

    async fn happened(&mut self, event: Option<ClientEvent>) -> Result<(), Stop> {
        match event {
            Some(ClientEvent::Room(event, text)) => match self.places.pass(&event) {
                Some(target) => self.tell(Update::Event(target, event, text)).await,
                None => Ok(()),
            },
            Some(ClientEvent::Signal(signal)) => {
                self.heard(signal);
                Ok(())
            }
            None => Err(self.connection.ended().await.into()),
        }
    }

    fn heard(&mut self, signal: Signal) {
        match signal {
            Signal::Standing { room: Some(room), .. } if belongs(&room) => {
                if self.answers.is_empty() {
                    self.come(&room, 0);
                } else {
                    self.list();
                }
            }
            // Of those that are followed, `closed` tells.
            Signal::Standing { id, .. } if !self.places.follows(&id) => drop(self.places.close(&id)),
            // It may be open again by now: that was told before, and said nothing new then.
            Signal::Closed { room, .. } if self.places.close(&room) => self.list(),
            Signal::Missed {} => self.list(),
            _ => {}
        }
    }

    /// Asks for all rooms, now or when nothing else is asked any more.
    fn list(&mut self) {
        if self.answers.is_empty() {
            let connection = self.connection.clone();
            self.answers
                .spawn(async move { Answer::Listed(listed(&connection).await) });
        } else {
            self.again = true;
        }
    }

    async fn answered(&mut self, answer: Answer) -> Result<(), Stop> {
        match answer {
            Answer::Listed(listing) => {
                self.take(listing?);
                Ok(())
            }
            Answer::Subscribed { room, stored, answer } => {
                self.asked -= 1;
                match answer {
                    Ok(found) => self.subscribed(room, *found, stored).await,
                    Err(error) => self.refused(room, error),
                }
            }
        }
    }

    fn take(&mut self, Listing { mut rooms, beyond }: Listing) {
        self.unknown = beyond;
        rooms.sort_by_key(|room| !self.places.was_followed(&room.id));
        for room in &rooms {
            let since = match self.phase {
                Phase::Beginning => room.head.sequence,
                _ => 0,
            };
            self.come(room, since);
        }
        if self.phase == Phase::Beginning {
            self.phase = Phase::Listed;
        }
    }

    /// A room that one is in.
    fn come(&mut self, room: &Room, since: u64) {
        match self.places.come(room, since) {
            Came::Due => self.due.push_back(room.id),
            Came::AsBefore => {}
            Came::Unknown => self.unknown += 1,
        }
    }

    /// Asks for rooms that are due, as many as may be asked for at once.
    async fn ask(&mut self) -> Result<(), Stop> {
        while self.asked < ASKED_MAX {
            let Some(room) = self.due.pop_front().or_else(|| self.places.promote()) else {
                break;
            };
            let Some(place) = self.places.find(&room).filter(|_| self.places.follows(&room)) else {
                continue;
            };
            let (stored, since) = (place.stored, Some(place.seen));
            let target = place.target.clone();
            let pending = self
                .connection
                .start(&Subscribe { target, since }, Bytes::new())
                .await?;
            self.answers.spawn(async move {
                let answer = pending.finished().await.map(|answer| Box::new(answer.reply));
                Answer::Subscribed { room, stored, answer }
            });
            self.asked += 1;
        }
        Ok(())
    }

    async fn subscribed(&mut self, asked: RoomId, room: Room, stored: u64) -> Result<(), Stop> {
        if room.id != asked || !belongs(&room) {
            // One has left it meanwhile, and may read it all the same.
            self.places.close(&asked);
            let call = Unsubscribe { room: room.id };
            drop(self.connection.start(&call, Bytes::new()).await?);
            return Ok(());
        }
        // A hub that was restored from an older copy would give out numbers again that were seen here.
        if room.head.sequence < stored {
            return Err(Stop::Failed(ClientError::Head(HeadError::Shorter {
                room: asked,
                sequence: room.head.sequence,
                remembered: stored,
            })));
        }
        self.places.is_as_far_as(&asked, room.head.sequence);
        self.tell(Update::Room(room)).await
    }

    fn refused(&mut self, room: RoomId, error: ClientError) -> Result<(), Stop> {
        match error.code() {
            // One was put out before the question came.
            Some(ErrorCode::Forbidden | ErrorCode::NotFound) => drop(self.places.close(&room)),
            Some(ErrorCode::TooLarge) => self.places.is_too_much(room),
            _ => return Err(error.into()),
        }
        Ok(())
    }

    /// Nothing is asked: all there is is followed.
    async fn settled(&mut self) -> Result<(), Stop> {
        self.backoff = BACKOFF_FIRST;
        match std::mem::replace(&mut self.phase, Phase::Settled) {
            Phase::Settled => {}
            Phase::Lost => self.tell(Update::Back).await?,
            Phase::Beginning | Phase::Listed => self.tell(Update::Begun(self.places.followed())).await?,
        }
        let left_out = self.places.left_out() + self.unknown;
        if left_out != std::mem::replace(&mut self.told_left_out, left_out) && left_out > 0 {
            self.tell(Update::LeftOut(left_out)).await?;
        }
        Ok(())
    }

    /// Connects again until it works, or until it is clear that it will not.
    async fn reconnect(&mut self, error: ClientError) -> Result<(), Stop> {
        self.answers = JoinSet::new();
        self.asked = 0;
        self.due.clear();
        self.again = false;
        self.places.lose();
        if self.phase == Phase::Settled {
            self.phase = Phase::Lost;
            self.tell(Update::Lost(error)).await?;
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(jittered(self.backoff)) => {}
                () = self.updates.closed() => return Err(Stop::Unheard),
            }
            self.backoff = BACKOFF_MAX.min(self.backoff * 2);
            match connect(&self.hub).await {
                Ok(connection) => {
                    (self.connection, self.events) = listened_to(connection);
                    self.list();
                    return Ok(());
                }
                Err(error) if error.is_passing() => tracing::debug!(%error, "still no connection"),
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn tell(&self, update: Update) -> Result<(), Stop> {
        self.updates.send(update).await.map_err(|_| Stop::Unheard)
    }
}

/// Whether it is a room that one is in, and not one that one only knows of.
const fn belongs(room: &Room) -> bool {
    matches!(room.kind, RoomKind::Direct) || matches!(room.me.standing, Standing::Member(_))
}

async fn listed(connection: &Connection) -> Result<Listing, ClientError> {
    let mut listing = Listing::default();
    let mut after = None;
    loop {
        let limit = PAGE_MAX;
        let page = connection
            .exchange(&RoomList { after, limit }, Bytes::new())
            .await?;
        for room in lines::<Room>(&page.body, connection)?.into_iter().filter(belongs) {
            if listing.rooms.len() < KNOWN_MAX {
                listing.rooms.push(room);
            } else {
                listing.beyond += 1;
            }
        }
        match page.reply.next {
            // A hub that turns in circles would keep us for ever.
            Some(next) if after.is_none_or(|after| after < next) => after = Some(next),
            _ => return Ok(listing),
        }
    }
}

//! Talking in one room, through lost connections: what was said is said once, what comes is seen once.

use crate::connection::{ClientEvent, Connection, Pending};
use crate::error::ClientError;
use crate::heads::HeadError;
use crate::hubs::{Hub, connect};
use aws_lc_rs::rand;
use bytes::Bytes;
use landline_model::error::Refusal;
use landline_model::id::{ClientId, RoomId};
use landline_model::name::AccountName;
use landline_model::protocol::Call;
use landline_model::protocol::chat::{Do, Room, RoomEvent, Send, Sent, Signal, Subscribe};
use landline_model::room::Act;
use landline_model::target::Target;
use landline_model::time::Timestamp;
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Messages that may wait for their acknowledgement. At most 1 MiB of text: less than a connection queues, so that
/// saying something never waits for the hub to read while the hub waits for us to.
pub const UNACKNOWLEDGED_MAX: usize = 64;

/// The first wait before connecting again.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(200);

/// The longest wait before connecting again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How often a quiet chat shows the hub that it is still there. A hub closes connections that were silent for 300 s.
pub const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// News that wait to be taken.
pub(crate) const UPDATES_MAX: usize = 64;

/// What happens in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// An event of the room, with its text. Each comes once, in the room's order.
    Event(RoomEvent, String),
    /// Something that is not stored. That this room is closed to one is not among them: it ends the chat.
    Signal(Signal),
    /// Something that was said or done is committed.
    Acknowledged(ClientId, Sent),
    /// The hub does not take something that was said or done.
    Refused {
        /// What it was called.
        client_id: ClientId,
        /// What was to be done.
        act: Act<AccountName>,
        /// What was said.
        text: String,
        /// Why not.
        error: ClientError,
    },
    /// The connection was lost. What was said and is not acknowledged waits for the next one.
    Lost(ClientError),
    /// There is a connection again.
    Back,
    /// All [`Speaker`]s are gone, and all they said is acknowledged and was seen.
    AllSaid,
    /// It is over, and connecting again would not help.
    Ended(ClientError),
}

/// Says and does things. Clones share the chat.
#[derive(Clone, Debug)]
pub struct Speaker {
    sayings: mpsc::Sender<Saying>,
}

#[derive(Clone, Debug)]
struct Saying {
    client_id: ClientId,
    act: Act<AccountName>,
    text: Bytes,
}

/// The chat is over; its last [`Update`] says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chat is over")]
pub struct Over;

/// A chat that has begun.
#[derive(Debug)]
pub struct Chat {
    /// The room, as it was when the chat began.
    pub room: Room,
    /// Says things.
    pub speaker: Speaker,
    /// What happens. It must be taken, or saying things stops too; dropping it ends the chat.
    pub updates: mpsc::Receiver<Update>,
    /// The connection that the chat is on now, for requests beside it. What is asked on a connection that is lost is
    /// not asked again.
    pub connection: watch::Receiver<Connection>,
}

impl Chat {
    /// Connects and follows a room: from behind `since`, or from now on.
    ///
    /// # Errors
    /// As [`connect`]; also the hub's refusal. The first connection is not tried twice.
    pub async fn begin(hub: &Hub, target: Target, since: Option<u64>) -> Result<Self, ClientError> {
        let connection = connect(hub).await?;
        Self::begin_on(connection, hub, target, since).await
    }

    /// As [`begin`](Self::begin), on a connection to that hub that is there already and has no other use.
    ///
    /// # Errors
    /// The hub's refusal, or how the connection ended.
    pub async fn begin_on(
        connection: Connection,
        hub: &Hub,
        target: Target,
        since: Option<u64>,
    ) -> Result<Self, ClientError> {
        let (events, room) = subscribe(&connection, &target, since).await?;
        let (sayings, said) = mpsc::channel(UNACKNOWLEDGED_MAX);
        let (sender, updates) = mpsc::channel(UPDATES_MAX);
        let (current, connections) = watch::channel(connection.clone());
        let talk = Talk {
            hub: hub.clone(),
            target,
            room: room.id,
            connection,
            current,
            events,
            seen: since.unwrap_or(room.head.sequence),
            stored: room.head.sequence,
            said: Some(said),
            waiting: VecDeque::new(),
            answers: JoinSet::new(),
            own: 0,
            updates: sender,
        };
        tokio::spawn(talk.run());
        Ok(Self {
            room,
            speaker: Speaker { sayings },
            updates,
            connection: connections,
        })
    }
}

impl Speaker {
    /// Says something; returns when it is queued, which waits while too much is unacknowledged.
    ///
    /// # Errors
    /// The chat is over.
    pub async fn say(&self, text: impl Into<Bytes>) -> Result<(), Over> {
        self.say_as(fresh_client_id(), text).await
    }

    /// As [`say`](Self::say), with an id that the caller chose: it knows its own event by it.
    ///
    /// # Errors
    /// The same.
    pub async fn say_as(&self, client_id: ClientId, text: impl Into<Bytes>) -> Result<(), Over> {
        self.act_as(client_id, Act::Say { reply_to: None }, text).await
    }

    /// Does something in the room, with its text where it has one: as safe from lost connections as a message.
    ///
    /// # Errors
    /// The same.
    pub async fn act_as(
        &self,
        client_id: ClientId,
        act: Act<AccountName>,
        text: impl Into<Bytes>,
    ) -> Result<(), Over> {
        self.sayings
            .send(Saying {
                client_id,
                act,
                text: text.into(),
            })
            .await
            .map_err(|_| Over)
    }
}

/// An id that no other message has.
#[must_use]
pub fn fresh_client_id() -> ClientId {
    let mut random = [0; 10];
    rand::fill(&mut random).expect("the system has random bytes");
    ClientId::from_time_and_random(Timestamp::from_system(SystemTime::now()).0, random)
}

async fn subscribe(
    connection: &Connection,
    target: &Target,
    since: Option<u64>,
) -> Result<(mpsc::Receiver<ClientEvent>, Room), ClientError> {
    let events = connection.events();
    let room = connection
        .call(&Subscribe {
            target: target.clone(),
            since,
        })
        .await?;
    connection.keep_alive(KEEP_ALIVE);
    Ok((events, room))
}

/// The task behind a chat.
struct Talk {
    hub: Hub,
    target: Target,
    room: RoomId,
    connection: Connection,
    /// Tells of each new connection.
    current: watch::Sender<Connection>,
    events: mpsc::Receiver<ClientEvent>,
    /// The last event that was passed on, or the one behind which the chat began.
    seen: u64,
    /// None once all speakers are gone and [`Update::AllSaid`] was told.
    said: Option<mpsc::Receiver<Saying>>,
    /// What was sent and is not acknowledged, in order; at most [`UNACKNOWLEDGED_MAX`].
    waiting: VecDeque<Saying>,
    answers: JoinSet<(ClientId, Result<Sent, ClientError>)>,
    /// The last event of our own that is acknowledged.
    own: u64,
    /// How far the hub has said that the room is.
    stored: u64,
    updates: mpsc::Sender<Update>,
}

/// Nobody listens any more.
struct Unheard;

enum Stop {
    Unheard,
    Failed(ClientError),
    /// The hub closed the room to us.
    Closed(Refusal),
}

impl From<Unheard> for Stop {
    fn from(_: Unheard) -> Self {
        Self::Unheard
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::Failed(error)
    }
}

impl Talk {
    async fn run(mut self) {
        loop {
            let stop = match self.turn().await {
                Ok(()) => continue,
                Err(Stop::Failed(error)) if error.is_passing() => match self.reconnect(error).await {
                    Ok(()) => continue,
                    Err(stop) => stop,
                },
                Err(stop) => stop,
            };
            let error = match stop {
                Stop::Unheard => return,
                Stop::Failed(error) => error,
                Stop::Closed(refusal) => match self.answers_of_the_rest().await {
                    Ok(()) => refusal.into(),
                    Err(Unheard) => return,
                },
            };
            let _ = self.tell(Update::Ended(error)).await;
            return;
        }
    }

    /// Waits for the next thing that happens and deals with it.
    async fn turn(&mut self) -> Result<(), Stop> {
        let may_say = self.said.is_some() && self.waiting.len() < UNACKNOWLEDGED_MAX;
        tokio::select! {
            event = self.events.recv() => self.happened(event).await?,
            Some(Ok((client_id, answer))) = self.answers.join_next() => self.answered(client_id, answer).await?,
            saying = receive(&mut self.said), if may_say => match saying {
                Some(saying) => {
                    // It waits before it is sent: should the connection break on it, it is sent again.
                    self.waiting.push_back(saying.clone());
                    self.send(saying).await?;
                }
                None => self.said_all().await?,
            },
            () = self.updates.closed() => return Err(Stop::Unheard),
        }
        Ok(())
    }

    async fn happened(&mut self, event: Option<ClientEvent>) -> Result<(), Stop> {
        match event {
            Some(ClientEvent::Room(event, text)) => self.pass_on(event, text).await,
            Some(ClientEvent::Signal(Signal::Closed { room, refusal })) if room == self.room => {
                Err(Stop::Closed(refusal))
            }
            Some(ClientEvent::Signal(signal)) => Ok(self.tell(Update::Signal(signal)).await?),
            None => Err(self.connection.ended().await.into()),
        }
    }

    async fn pass_on(&mut self, event: RoomEvent, text: String) -> Result<(), Stop> {
        // After a reconnection the hub may repeat what was on its way.
        if event.sequence > self.seen {
            self.seen = event.sequence;
            self.stored = self.stored.max(event.sequence);
            self.tell(Update::Event(event, text)).await?;
        }
        Ok(())
    }

    async fn answered(&mut self, client_id: ClientId, answer: Result<Sent, ClientError>) -> Result<(), Stop> {
        if let Err(error) = &answer
            && error.is_passing()
        {
            return Err(error.clone().into());
        }
        Ok(self.settled(client_id, answer).await?)
    }

    /// Tells what became of something that was said: for good, whatever the answer is.
    async fn settled(
        &mut self,
        client_id: ClientId,
        answer: Result<Sent, ClientError>,
    ) -> Result<(), Unheard> {
        let index = self
            .waiting
            .iter()
            .position(|saying| saying.client_id == client_id);
        let Some(saying) = index.and_then(|index| self.waiting.remove(index)) else {
            return Ok(());
        };
        let update = match answer {
            Ok(sent) => {
                self.own = self.own.max(sent.sequence);
                self.stored = self.stored.max(sent.sequence);
                Update::Acknowledged(client_id, sent)
            }
            Err(error) => Update::Refused {
                client_id,
                act: saying.act,
                text: String::from_utf8_lossy(&saying.text).into_owned(),
                error,
            },
        };
        self.tell(update).await
    }

    /// The connection is of no use any more. What it has answered counts; the rest fails by itself, and is sent again on
    /// the next one. So it is with events: they come again.
    async fn answers_that_came(&mut self) -> Result<(), Unheard> {
        loop {
            tokio::select! {
                answer = self.answers.join_next() => match answer {
                    Some(Ok((_, Err(error)))) if error.is_passing() => {}
                    Some(Ok((client_id, answer))) => self.settled(client_id, answer).await?,
                    Some(Err(_)) => {}
                    None => return Ok(()),
                },
                Some(_) = self.events.recv() => {}
                () = self.updates.closed() => return Err(Unheard),
            }
        }
    }

    /// The room is closed to us. What was sent before gets its answer all the same: that we left is one.
    async fn answers_of_the_rest(&mut self) -> Result<(), Unheard> {
        while !self.waiting.is_empty() {
            tokio::select! {
                answer = self.answers.join_next() => match answer {
                    Some(Ok((client_id, answer))) => self.settled(client_id, answer).await?,
                    Some(Err(_)) => {}
                    None => return Ok(()),
                },
                // Events of a room that is closed, and signals, are of no use any more; they must not stop answers.
                Some(_) = self.events.recv() => {}
                () = self.updates.closed() => return Err(Unheard),
            }
        }
        Ok(())
    }

    async fn send(&mut self, saying: Saying) -> Result<(), ClientError> {
        let Saying { client_id, act, text } = saying;
        let target = self.target.clone();
        if let Act::Say { reply_to } = act {
            let send = Send {
                target,
                client_id,
                reply_to,
            };
            let pending = self.connection.start(&send, text).await?;
            self.await_answer(client_id, pending);
        } else {
            let call = Do {
                target,
                client_id,
                act,
            };
            let pending = self.connection.start(&call, text).await?;
            self.await_answer(client_id, pending);
        }
        Ok(())
    }

    fn await_answer<C: Call<Reply = Sent> + 'static>(&mut self, client_id: ClientId, pending: Pending<C>) {
        self.answers.spawn(async move {
            let answer = pending.finished().await;
            (client_id, answer.map(|answer| answer.reply))
        });
    }

    /// The speakers are gone; once nothing of theirs is under way, that is told.
    async fn said_all(&mut self) -> Result<(), Stop> {
        while !self.waiting.is_empty() || self.seen < self.own {
            tokio::select! {
                event = self.events.recv() => self.happened(event).await?,
                Some(Ok((client_id, answer))) = self.answers.join_next() => self.answered(client_id, answer).await?,
                () = self.updates.closed() => return Err(Stop::Unheard),
            }
        }
        self.said = None;
        self.tell(Update::AllSaid).await?;
        Ok(())
    }

    /// Connects again until it works, or until it is clear that it will not.
    async fn reconnect(&mut self, error: ClientError) -> Result<(), Stop> {
        self.answers_that_came().await?;
        self.tell(Update::Lost(error)).await?;
        let mut backoff = BACKOFF_FIRST;
        loop {
            tokio::select! {
                () = tokio::time::sleep(jittered(backoff)) => {}
                () = self.updates.closed() => return Err(Stop::Unheard),
            }
            backoff = BACKOFF_MAX.min(backoff * 2);
            match self.resume().await {
                Ok(()) => break,
                Err(error) if error.is_passing() => tracing::debug!(%error, "still no connection"),
                Err(error) => return Err(error.into()),
            }
        }
        self.tell(Update::Back).await?;
        Ok(())
    }

    async fn resume(&mut self) -> Result<(), ClientError> {
        let connection = connect(&self.hub).await?;
        let (events, room) = subscribe(&connection, &self.target, Some(self.seen)).await?;
        // A hub that was restored from an older copy would give out numbers again that this chat has seen.
        if room.head.sequence < self.stored {
            return Err(ClientError::Head(HeadError::Shorter {
                room: room.id,
                sequence: room.head.sequence,
                remembered: self.stored,
            }));
        }
        self.current.send_replace(connection.clone());
        (self.connection, self.events) = (connection, events);
        self.answers = JoinSet::new();
        for saying in self.waiting.clone() {
            self.send(saying).await?;
        }
        Ok(())
    }

    async fn tell(&self, update: Update) -> Result<(), Unheard> {
        self.updates.send(update).await.map_err(|_| Unheard)
    }
}

async fn receive(said: &mut Option<mpsc::Receiver<Saying>>) -> Option<Saying> {
    match said {
        Some(said) => said.recv().await,
        None => std::future::pending().await,
    }
}

/// Between half of it and all of it, so that a thousand clients of a restarted hub do not come at the same moment.
pub(crate) fn jittered(backoff: Duration) -> Duration {
    let mut byte = [0];
    rand::fill(&mut byte).expect("the system has random bytes");
    backoff / 2 + backoff.mul_f64(f64::from(byte[0]) / 512.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_at_least_half_and_at_most_all_of_the_backoff() {
        for _ in 0..1000 {
            let wait = jittered(BACKOFF_MAX);
            assert!(wait >= BACKOFF_MAX / 2 && wait <= BACKOFF_MAX, "{wait:?}");
        }
    }
}

//! Following rooms: one connection of somebody's, and all that came on it.

use crate::model::Person;
use crate::shared::{Moment, Shared};
use landline_client::{ClientError, ClientEvent, Connection};
use landline_model::error::ErrorCode;
use landline_model::id::RoomId;
use landline_model::protocol::chat::{RoomEvent, Signal, Subscribe};
use landline_model::target::Target;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long an event may take that has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection on which somebody follows rooms.
pub(crate) struct Stream {
    connection: Connection,
    items: Arc<Mutex<Vec<Item>>>,
    /// How many items there are; one more when it has ended.
    count: watch::Receiver<usize>,
}

/// Something that came.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// An event and its text.
    Event(Moment, Box<RoomEvent>, String),
    /// A room is not followed any more.
    Closed(RoomId),
}

/// How the hub took a wish to follow a room.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// How many events the room had, at least, when it was asked.
    pub(crate) known: u64,
    /// When it was asked.
    pub(crate) sent: Moment,
    /// When the answer came.
    pub(crate) came: Moment,
    /// The room's number and its last event; or the refusal; or neither, where the hub died.
    pub(crate) says: Option<Result<(RoomId, u64), (ErrorCode, String)>>,
}

impl Stream {
    /// Takes everything that comes on a connection.
    pub(crate) fn on(connection: Connection, shared: Arc<Shared>, rooms: Vec<Option<RoomId>>) -> Self {
        let mut events = connection.events();
        let items: Arc<Mutex<Vec<Item>>> = Arc::default();
        let (counted, count) = watch::channel(0);
        let taken = Arc::clone(&items);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let item = match event {
                    ClientEvent::Room(event, text) => {
                        if let Some(room) = rooms.iter().position(|room| *room == Some(event.room)) {
                            shared.knows(room, event.sequence);
                        }
                        Item::Event(shared.moment(), Box::new(event), text)
                    }
                    ClientEvent::Signal(Signal::Closed { room, .. }) => Item::Closed(room),
                    _ => continue,
                };
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(item);
                counted.send_modify(|count| *count += 1);
            }
        });
        Self {
            connection,
            items,
            count,
        }
    }

    /// Asks to follow a room.
    pub(crate) async fn follow(
        &self,
        shared: &Shared,
        room: usize,
        target: Target,
        since: Option<u64>,
    ) -> Asked {
        let (known, sent) = (shared.known(room), shared.moment());
        let answer = self.connection.call(&Subscribe { target, since }).await;
        let came = shared.moment();
        let says = match answer {
            Ok(room) => Some(Ok((room.id, room.head.sequence))),
            Err(ClientError::Refused(refusal)) => Some(Err((refusal.code, refusal.message))),
            Err(ClientError::Lost { .. }) => None,
            Err(error) => panic!("subscribe: {error}"),
        };
        Asked {
            known,
            sent,
            came,
            says,
        }
    }

    /// All that came so far.
    pub(crate) fn items(&self) -> Vec<Item> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until what came is enough.
    ///
    /// # Errors
    /// The connection ended, or nothing more comes.
    pub(crate) async fn until(&mut self, enough: impl Fn(&[Item]) -> bool) -> Result<(), String> {
        let waiting = async {
            loop {
                self.count.borrow_and_update();
                if enough(&self.items()) {
                    return Ok(());
                }
                if self.count.changed().await.is_err() {
                    return if enough(&self.items()) {
                        Ok(())
                    } else {
                        Err("the stream has ended".to_owned())
                    };
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| Err("nothing more comes".to_owned()))
    }
}

/// A part of a room's log, as one follower saw it: from a wish to follow it to its end.
#[derive(Debug)]
pub(crate) struct Episode {
    /// Who follows.
    pub(crate) person: Person,
    /// Which of the seed's rooms.
    pub(crate) room: usize,
    /// How it began.
    pub(crate) asked: Asked,
    /// The event behind which it begins.
    pub(crate) since: u64,
    /// What came.
    pub(crate) seen: Vec<(Moment, RoomEvent, String)>,
    /// The hub said that it is over.
    pub(crate) closed: bool,
    /// The connection was cut, by either side.
    pub(crate) cut: bool,
}

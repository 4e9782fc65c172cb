mod damage;
mod failure;
mod growth;
mod heads;
mod importing;
mod log;
mod marks;
mod members;
mod messages;
mod migration;
mod moderation;
mod rooms;

use super::{Append, Appended, Chat, ChatOptions, NewRoom, Place, RoomRecord};
use crate::error::StoreError;
use crate::lock;
use crate::writer::{Outcome, completion};
use landline_model::denied::Denied;
use landline_model::event::{Event, RoomKind, Salt};
use landline_model::hash::Signature;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::room::{Act, Membership, RoomFacts, Standing};
use landline_model::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use tempfile::TempDir;

const ALICE: AccountId = AccountId::from_bytes([0xa1; 16]);
const BOB: AccountId = AccountId::from_bytes([0xb0; 16]);
const CAROL: AccountId = AccountId::from_bytes([0xca; 16]);
const ROOM: RoomId = RoomId::from_bytes([1; 16]);

/// A directory, a clock that is set by hand, and what was delivered.
struct Bench {
    directory: TempDir,
    clock: Arc<AtomicU64>,
    delivered: Arc<Mutex<Vec<Event>>>,
    signatures: Arc<AtomicU64>,
}

impl Bench {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(AtomicU64::new(1_000)),
            delivered: Arc::default(),
            signatures: Arc::default(),
        }
    }

    fn set_clock(&self, time: u64) {
        self.clock.store(time, Ordering::SeqCst);
    }

    fn delivered(&self) -> Vec<Event> {
        lock(&self.delivered).clone()
    }

    fn options(&self) -> ChatOptions {
        let clock = Arc::clone(&self.clock);
        let delivered = Arc::clone(&self.delivered);
        let signatures = Arc::clone(&self.signatures);
        let mut salts = 0_u128;
        ChatOptions {
            clock: Arc::new(move || Timestamp(clock.load(Ordering::SeqCst))),
            salt: Box::new(move || {
                salts += 1;
                Salt::from_bytes(salts.to_be_bytes())
            }),
            // Not a signature, but a function of the whole statement.
            sign: Box::new(move |statement| {
                signatures.fetch_add(1, Ordering::SeqCst);
                let mut bytes = [0; 64];
                blake3::Hasher::new()
                    .update(statement)
                    .finalize_xof()
                    .fill(&mut bytes);
                Signature::from_bytes(bytes)
            }),
            deliver: Box::new(move |event| lock(&delivered).push(event.clone())),
            settled: Box::new(|| {}),
        }
    }

    fn open(&self) -> Chat {
        Chat::open(self.directory.path(), self.options()).unwrap()
    }

    /// With a room in it.
    async fn open_with_room(&self) -> Chat {
        let chat = self.open();
        create(&chat, ROOM, "general").await.unwrap();
        chat
    }
}

async fn create(chat: &Chat, id: RoomId, name: &str) -> Result<RoomRecord, StoreError> {
    create_of(chat, id, name, RoomKind::Public).await
}

async fn create_of(chat: &Chat, id: RoomId, name: &str, kind: RoomKind) -> Result<RoomRecord, StoreError> {
    let (done, outcome) = completion();
    let new = NewRoom {
        id,
        name: name.parse().unwrap(),
        creator: ALICE,
        kind,
    };
    chat.create_room(new, done).await;
    outcome.await
}

/// Whatever Alice does in the room, without a text. Equal numbers make equal client ids.
fn act(number: u64, act: Act) -> Append {
    Append {
        place: Place::Room(ROOM),
        sender: ALICE,
        client_id: ClientId::from_time_and_random(number, [0; 10]),
        act,
        text: String::new(),
        permit: Box::new(|_, _| Ok(())),
    }
}

/// The same by somebody else.
fn act_by(sender: AccountId, number: u64, what: Act) -> Append {
    Append {
        sender,
        ..act(number, what)
    }
}

/// A message of Alice to the room.
fn message(number: u64) -> Append {
    Append {
        text: format!("text {number}"),
        ..act(number, Act::Say { reply_to: None })
    }
}

/// The same to Bob.
fn direct(number: u64) -> Append {
    let fresh = RoomId::from_bytes([u8::try_from(number).unwrap(); 16]);
    Append {
        place: Place::Direct { peer: BOB, fresh },
        ..message(number)
    }
}

/// The standing of somebody to the room.
fn standing(chat: &Chat, account: AccountId) -> Standing {
    chat.membership(&ROOM, &account).standing
}

async fn queue(chat: &Chat, append: Append) -> Outcome<Appended> {
    let (done, outcome) = completion();
    chat.append(append, done).await;
    outcome
}

async fn send(chat: &Chat, append: Append) -> Result<Appended, StoreError> {
    queue(chat, append).await.await
}

/// Keeps the writer busy until what it returns is dropped: what is queued meanwhile is one group.
async fn hold(chat: &Chat) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (done, begun) = completion();
    chat.barrier(Box::new(move |result| {
        done(result);
        let _ = held.recv();
    }))
    .await;
    begun.await.unwrap();
    release
}

/// Everything in a room.
fn events(chat: &Chat, room: &RoomId) -> Vec<Event> {
    chat.events(room, 0, usize::MAX, usize::MAX).unwrap()
}

//! The messages of a hub that is stopped, through the store itself: what would take hours over the network.

use crate::support::Hub;
use landline_model::event::Salt;
use landline_model::hash::Signature;
use landline_model::id::{AccountId, ClientId, RoomId};
use landline_model::room::Act;
use landline_model::time::Timestamp;
use landline_store::StoreError;
use landline_store::chat::{Append, Chat, ChatOptions, NewRoom, Place};
use landline_store::writer::completion;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The store of a hub that does not run.
pub(crate) struct Stopped {
    runtime: Runtime,
    chat: Chat,
}

impl Stopped {
    pub(crate) fn open(hub: &Hub) -> Self {
        let mut salts = 0_u128;
        let options = ChatOptions {
            // Long ago: a room goes by its own time then.
            clock: Arc::new(|| Timestamp(0)),
            salt: Box::new(move || {
                salts += 1;
                Salt::from_bytes(salts.to_be_bytes())
            }),
            // No head leaves this store.
            sign: Box::new(|_| Signature::from_bytes([0; 64])),
            deliver: Box::new(|_| {}),
            settled: Box::new(|| {}),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let chat = Chat::open(&hub.data().join("db"), options).unwrap();
        Self { runtime, chat }
    }

    /// Says something in a room, numbered from `first` on.
    pub(crate) fn says(&self, room: RoomId, sender: AccountId, numbers: std::ops::RangeInclusive<u64>) {
        self.runtime.block_on(async {
            let last = *numbers.end();
            for number in numbers {
                let append = Append {
                    place: Place::Room(room),
                    sender,
                    client_id: ClientId::from_time_and_random(number, [1; 10]),
                    act: Act::Say { reply_to: None },
                    text: text(number),
                    permit: Box::new(|_, _| Ok(())),
                };
                let (done, outcome) = completion::<_, StoreError>();
                self.chat.append(append, done).await;
                if number == last {
                    assert_eq!(outcome.await.unwrap().sequence, last);
                }
            }
        });
    }

    /// Makes rooms, and waits for the last one.
    pub(crate) fn makes(&self, rooms: impl Iterator<Item = NewRoom>) {
        self.runtime.block_on(async {
            let mut made = None;
            for room in rooms {
                let (done, outcome) = completion::<_, StoreError>();
                self.chat.create_room(room, done).await;
                made = Some(outcome);
            }
            made.unwrap().await.unwrap();
        });
    }
}

/// What event `number` says.
pub(crate) fn text(number: u64) -> String {
    format!("what was said as number {number}")
}

/// An id out of JSON.
pub(crate) fn id<I: serde::de::DeserializeOwned>(text: &serde_json::Value) -> I {
    serde_json::from_value(text.clone()).unwrap()
}

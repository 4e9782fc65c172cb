//! Talking on a native connection: what goes through the store's thread in order.

use super::{Connection, answered, arguments};
use crate::answer::{Answered, encode_answer, encode_refusal};
use crate::authorise::Identity;
use crate::chat;
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::chat::{Ping, Room, Send, Subscribe, Unsubscribe};
use landline_model::protocol::{Call as _, Done, RequestHeader};
use landline_store::StoreError;
use std::sync::Arc;

/// How many rooms one connection may follow.
const SUBSCRIPTIONS_MAX: usize = 1024;

impl Connection {
    /// Answers the requests that need this connection's outbox or cursors; none: it is not one of them. An empty
    /// answer comes later, through the outbox.
    pub(super) async fn talk(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
        body: &Bytes,
    ) -> Option<Bytes> {
        let id = header.id;
        Some(match &*header.name {
            Send::NAME => self
                .send(who, header, body)
                .await
                .unwrap_or_else(|no| encode_refusal(id, no)),
            Ping::NAME => self
                .ping(header)
                .await
                .unwrap_or_else(|no| encode_refusal(id, no)),
            Subscribe::NAME => answered(id, self.subscribe(who, header)).await,
            Unsubscribe::NAME => encode_answer(
                id,
                arguments::<Unsubscribe>(header).map(|call| {
                    self.cursors.retain(|cursor| cursor.room() != call.room);
                    Done {}.into()
                }),
            ),
            _ => return None,
        })
    }

    async fn send(
        &mut self,
        who: &Identity,
        header: &RequestHeader<'_>,
        body: &Bytes,
    ) -> Result<Bytes, Refusal> {
        let append = chat::prepare(&self.services, who, arguments::<Send>(header)?, body).await?;
        let permit = self.permit()?;
        let (id, outbox) = (header.id, Arc::clone(&self.outbox));
        let done = Box::new(move |result| {
            outbox.put(encode_answer(id, chat::acknowledge(result)), permit);
        });
        self.services.chat.append(append, done).await;
        Ok(Bytes::new())
    }

    async fn ping(&mut self, header: &RequestHeader<'_>) -> Result<Bytes, Refusal> {
        arguments::<Ping>(header)?;
        let permit = self.permit()?;
        let (id, outbox) = (header.id, Arc::clone(&self.outbox));
        let done = Box::new(move |result: Result<(), StoreError>| {
            let answer = result
                .map(|()| Done {}.into())
                .map_err(|error| crate::refusals::from_store(&error));
            outbox.put(encode_answer(id, answer), permit);
        });
        self.services.chat.barrier(done).await;
        Ok(Bytes::new())
    }

    async fn subscribe(&mut self, who: &Identity, header: &RequestHeader<'_>) -> Answered<Room> {
        if self.cursors.len() >= SUBSCRIPTIONS_MAX {
            return Err(Refusal::new(
                ErrorCode::TooLarge,
                format!("a connection follows at most {SUBSCRIPTIONS_MAX} rooms"),
            ));
        }
        let call = arguments::<Subscribe>(header)?;
        let (room, cursor) = chat::subscribe(&self.services, who, call, &self.outbox).await?;
        self.cursors.retain(|old| old.room() != room.id);
        self.cursors.push(cursor);
        // What lies before the ring must be fetched without waiting for the next event.
        self.outbox.wake();
        Ok(room.into())
    }

    /// A place among the sends in flight. There is one: nothing is read while there is none.
    fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.in_flight)
            .try_acquire_owned()
            .map_err(|_| Refusal::new(ErrorCode::Busy, "too many sends wait for their acknowledgement"))
    }
}

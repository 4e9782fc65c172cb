//! Talking on a native connection: what goes through the store's thread in order.

use super::{Connection, answered, arguments};
use crate::answer::{Answered, encode_answer, encode_event, encode_refusal};
use crate::authorise::Identity;
use crate::chat::{self, Asked};
use crate::outbox::{About, News, Signals};
use bytes::Bytes;
use landline_model::error::{ErrorCode, Refusal};
use landline_model::protocol::chat::{Do, Ping, Room, Send, Signal, Subscribe, Unsubscribe};
use landline_model::protocol::people::Presence;
use landline_model::protocol::{Call as _, Done, RequestHeader};
use landline_store::StoreError;
use std::sync::Arc;

/// How many rooms one connection may follow.
const SUBSCRIPTIONS_MAX: usize = 1024;

/// Whether a request of this name is only put into the connection's batch.
pub(super) fn is_batched(request: &str) -> bool {
    [Send::NAME, Do::NAME, Ping::NAME].contains(&request)
}

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
            Send::NAME => {
                let asked = arguments::<Send>(header).map(Asked::from);
                self.act(who, id, asked, body)
            }
            Do::NAME => {
                let asked = arguments::<Do>(header).map(Asked::from);
                self.act(who, id, asked, body)
            }
            Ping::NAME => self.ping(header).unwrap_or_else(|no| encode_refusal(id, no)),
            Subscribe::NAME => answered(id, self.subscribe(who, header)).await,
            Unsubscribe::NAME => encode_answer(
                id,
                arguments::<Unsubscribe>(header).map(|call| {
                    self.cursors.retain(|cursor| cursor.room() != call.room);
                    Done {}.into()
                }),
            ),
            Presence::NAME => encode_answer(
                id,
                arguments::<Presence>(header).and_then(|_| chat::presence(&self.services, who, &self.outbox)),
            ),
            _ => return None,
        })
    }

    fn act(&mut self, who: &Identity, id: u64, asked: Result<Asked, Refusal>, text: &Bytes) -> Bytes {
        let prepared = asked.and_then(|asked| chat::prepare(&self.services, who, asked, text));
        match prepared.and_then(|prepared| Ok((prepared, self.permit()?))) {
            Ok(((append, teller), permit)) => {
                let outbox = Arc::clone(&self.outbox);
                let done = Box::new(move |result| {
                    outbox.put(encode_answer(id, teller.tell(result)), permit);
                });
                self.batch.append(append, done);
                Bytes::new()
            }
            Err(refusal) => encode_refusal(id, refusal),
        }
    }

    fn ping(&mut self, header: &RequestHeader<'_>) -> Result<Bytes, Refusal> {
        arguments::<Ping>(header)?;
        let permit = self.permit()?;
        let (id, outbox) = (header.id, Arc::clone(&self.outbox));
        let done = Box::new(move |result: Result<(), StoreError>| {
            let answer = result
                .map(|()| Done {}.into())
                .map_err(|error| crate::refusals::from_store(&error));
            outbox.put(encode_answer(id, answer), permit);
        });
        self.batch.barrier(done);
        Ok(Bytes::new())
    }

    async fn subscribe(&mut self, who: &Identity, header: &RequestHeader<'_>) -> Answered<Room> {
        if self.cursors.len() >= SUBSCRIPTIONS_MAX {
            // Those that give nothing more may be here until their next turn.
            self.cursors.retain(|cursor| !cursor.is_cut());
        }
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

    /// Asks for every followed room whether it still may be.
    pub(super) fn judge(&mut self) {
        let who = self.session.identity(|account| self.services.role(account)).ok();
        let (services, outbox) = (&self.services, &self.outbox);
        self.cursors.retain(|cursor| {
            let room = cursor.room();
            let verdict = chat::judge(services, who.as_ref(), &room);
            verdict
                .map_err(|closed| outbox.signal(About::Closed(room), News::Said(closed)))
                .is_ok()
        });
    }

    /// Puts signals into the output, those that were only announced as what is so now.
    pub(super) fn add_signals(&mut self, signals: Signals) {
        for (about, news) in signals.waiting {
            let said = match (news, about) {
                (News::Said(said), _) => said,
                (News::Look, About::Standing(room)) => {
                    match self.session.identity(|account| self.services.role(account)) {
                        Ok(who) => chat::standing(&self.services, &who, room),
                        // Nobody is left to be told.
                        Err(_) => continue,
                    }
                }
                (News::Look, _) => continue,
            };
            self.output.extend_from_slice(&said);
        }
        if signals.missed {
            let missed = encode_event(Signal::NAME, &Signal::Missed {}, b"");
            self.output.extend_from_slice(&missed);
        }
    }

    /// A place among the sends in flight. There is one: nothing is read while there is none.
    pub(super) fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.in_flight)
            .try_acquire_owned()
            .map_err(|_| Refusal::new(ErrorCode::Busy, "too many sends wait for their acknowledgement"))
    }
}

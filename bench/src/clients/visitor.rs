//! Somebody who comes again: with the session of the last time, and with what TLS keeps of a connection.

use super::Link;
use super::hub::{HubDoor, call, take_events};
use anyhow::{Context as _, Result, ensure};
use landline_model::protocol::HubHeader;
use landline_model::protocol::chat::{RoomEvent, Subscribe};
use landline_model::protocol::people::{Resume, SessionSecret};
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::{ClientConfig, HandshakeKind};

/// Servers that a visitor remembers: there is one.
const REMEMBERED: usize = 1;

/// Somebody with an account.
pub(crate) struct Visitor {
    /// Of its own, so that it remembers its own tickets.
    tls: Arc<ClientConfig>,
    source: Ipv4Addr,
    session: SessionSecret,
}

/// A visitor who is there, logged in, and follows the room.
pub(crate) struct Visit {
    pub(crate) link: Link,
    /// Whether the handshake was a short one, by a ticket.
    pub(crate) resumed: bool,
    /// The sequence number of the last event that was heard.
    sequence: u64,
}

impl Visitor {
    /// Joins, and leaves again.
    pub(crate) async fn join(door: &HubDoor, name: &str) -> Result<Self> {
        let mut tls = door.tls().clone();
        tls.resumption = Resumption::in_memory_sessions(REMEMBERED);
        let (tls, source) = (Arc::new(tls), door.source());
        let (mut link, _) = door.connect(&tls, source).await?;
        let session = door.enter(&mut link, name).await?.secret;
        Ok(Self { tls, source, session })
    }

    /// Comes, and follows the room from behind `since` on.
    pub(crate) async fn come(&self, door: &HubDoor, since: Option<u64>) -> Result<Visit> {
        let (mut link, handshake) = door.connect(&self.tls, self.source).await?;
        let session = self.session.clone();
        call(&mut link, &Resume { session }).await?;
        let target = door.room().clone();
        let room = call(&mut link, &Subscribe { target, since }).await?;
        Ok(Visit {
            link,
            resumed: handshake == Some(HandshakeKind::Resumed),
            sequence: since.unwrap_or(room.head.sequence),
        })
    }
}

impl Visit {
    /// Reads so many events. More, or another one at the end than the one with that distance, is an error.
    pub(crate) async fn catch_up(&mut self, events: u64) -> Result<()> {
        let last = self.sequence + events;
        let mut count = 0;
        loop {
            let sequence = &mut self.sequence;
            let look = |header: &[u8]| {
                *sequence = sequence_of(header)?;
                Ok(())
            };
            count += take_events(&mut self.link.input, look)?;
            if count >= events {
                break;
            }
            self.link.receive().await?;
        }
        ensure!(
            (count, self.sequence) == (events, last),
            "{count} events up to {} came instead of {events} up to {last}",
            self.sequence
        );
        Ok(())
    }
}

fn sequence_of(header: &[u8]) -> Result<u64> {
    let header: HubHeader<'_> = serde_json::from_slice(header)?;
    let event = header.args.context("an event without content")?;
    Ok(serde_json::from_str::<RoomEvent>(event.get())?.sequence)
}

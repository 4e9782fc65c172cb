//! How other threads reach connections.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use landline_protocol::{Conn, ConnId, Ended, StreamProtocol};
use rustix::event::EventfdFlags;

use crate::slab::shard_of;

/// News for a connection, or for the loop that has it.
#[derive(Debug)]
pub(crate) enum Message<C> {
    /// The service says something.
    Command(ConnId, C),
    /// What was asked is answered.
    Answer(ConnId, C),
    /// Let it flush and end.
    Finish(ConnId),
    /// Break it off: what it asked will not be answered.
    Abort(ConnId),
    /// The server stops: the first time in order, the second time at once.
    Stop,
}

impl<C> Message<C> {
    /// Does to a connection what the message says.
    pub(crate) fn deliver<P: StreamProtocol<Command = C>>(self, conn: &mut Conn<P>, now: Instant) {
        match self {
            Self::Command(_, command) => conn.command(command, now),
            Self::Answer(_, command) => conn.answer(command, now),
            Self::Finish(_) => conn.finish(),
            Self::Abort(_) => conn.close(Ended::Aborted("what it asked was not answered")),
            Self::Stop => conn.drain(now),
        }
    }
}

/// A queue with a bell. Whoever empties it waits for the bell beside its sockets.
#[derive(Debug)]
pub(crate) struct Mailbox<C> {
    messages: Mutex<Vec<Message<C>>>,
    bell: OwnedFd,
}

impl<C> Mailbox<C> {
    pub(crate) fn new() -> io::Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self {
            messages: Mutex::new(Vec::new()),
            bell,
        })
    }

    /// Readable while there is something to take.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    pub(crate) fn post(&self, message: Message<C>) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(message);
        // One ring is enough for all that is taken at once. The counter cannot be full at one.
        if messages.len() == 1 {
            let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        }
    }

    /// Takes everything, in order, into `taken`, which is empty.
    pub(crate) fn take(&self, taken: &mut Vec<Message<C>>) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if !messages.is_empty() {
            let _ = rustix::io::read(&self.bell, &mut [0_u8; 8]);
            std::mem::swap(&mut *messages, taken);
        }
    }
}

/// Which mailbox a connection listens to.
#[derive(Debug)]
pub(crate) enum Router<C> {
    /// By the shard in its id.
    Shards(Vec<Arc<Mailbox<C>>>),
    /// Each its own.
    Each(Mutex<BTreeMap<ConnId, Arc<Mailbox<C>>>>),
}

impl<C> Router<C> {
    /// Hands a message over; for a connection that is gone it is dropped.
    pub(crate) fn post(&self, to: ConnId, message: Message<C>) {
        match self {
            Self::Shards(shards) => {
                if let Some(mailbox) = shards.get(shard_of(to)) {
                    mailbox.post(message);
                }
            }
            Self::Each(mailboxes) => {
                let mailbox = mailboxes
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(&to)
                    .cloned();
                if let Some(mailbox) = mailbox {
                    mailbox.post(message);
                }
            }
        }
    }

    /// Whether connections live on several loops.
    pub(crate) fn has_several(&self) -> bool {
        !matches!(self, Self::Shards(shards) if shards.len() == 1)
    }

    /// Has every loop stop.
    pub(crate) fn stop_all(&self) {
        match self {
            Self::Shards(shards) => shards.iter().for_each(|mailbox| mailbox.post(Message::Stop)),
            Self::Each(mailboxes) => {
                let mailboxes = mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
                mailboxes.values().for_each(|mailbox| mailbox.post(Message::Stop));
            }
        }
    }
}

//! `receive`: files to a server and back, each behind a header of JSON.
//!
//! ```text
//!   client ── i32 LE n, n bytes of JSON, the file's bytes ──▶ server        put, as often as it likes; no answer
//!   client ── i32 LE n, {"cmd":"get","filename":...} ───────▶ server
//!   client ◀─ i32 LE n, {"cmd":"put",...}, the file's bytes ── server       or {"cmd":"error","message":...}
//! ```
//!
//! The file system is a worker's: [`FileWork`] is what it is asked, and [`FileAnswer`] what it says. One thing is asked
//! at a time, and nothing is read meanwhile, so a slow disk slows the peer down and fills no memory.

mod client;
mod connection;
mod content_md5;
mod file_name;
mod header;
mod incoming;
mod note;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use landline_protocol::{Admission, CommandOf, ConnId, Effects, Load, Peer, Service};
use landline_wire::FramingError;

pub use client::ReceiveClient;
pub use connection::ReceiveConnection;
pub use content_md5::{ContentMd5, Md5Digest};
pub use file_name::{FILE_NAME_MAX, FileName, FileNameError, PARTIAL_PREFIX, PARTIAL_SUFFIX};
pub use header::{HeaderError, PutHeader};
pub use note::Note;
pub use work::{BLOCK_MAX, FileAnswer, FileFailure, FileWork};

/// What a connection asks of its worker and tells its log.
#[derive(Debug)]
pub enum ReceiveEvent {
    /// Asked: the next thing for the file worker, whose answer is awaited.
    Work(FileWork),
    /// Told: something that an operator wants to read.
    Note(Note),
    /// Told, by the server's side, once for each header that does not arrive in one piece: its beginning is there. A
    /// connection that breaks cannot say that it was in the middle of one.
    HeaderBegun,
}

/// The server: takes files in and hands them out. `log` is told what becomes of each, and who sent it.
#[derive(Debug)]
pub struct Receive<L> {
    log: L,
    clients: BTreeMap<ConnId, Client>,
}

impl<L: FnMut(SocketAddr, &Note)> Receive<L> {
    /// A server without clients.
    pub fn new(log: L) -> Self {
        Self {
            log,
            clients: BTreeMap::new(),
        }
    }
}

impl<L: FnMut(SocketAddr, &Note)> Service for Receive<L> {
    type Connection = ReceiveConnection;
    type Work = FileWork;

    fn admit(
        &mut self,
        id: ConnId,
        peer: &Peer,
        _load: &Load,
        _now: Instant,
    ) -> Admission<ReceiveConnection> {
        self.clients.insert(
            id,
            Client {
                address: peer.remote,
                upload: None,
                in_header: false,
            },
        );
        Admission::Accept(ReceiveConnection::default())
    }

    fn event(
        &mut self,
        from: ConnId,
        event: ReceiveEvent,
        effects: &mut Effects<CommandOf<Self>, FileWork>,
        _now: Instant,
    ) {
        match event {
            ReceiveEvent::Work(work) => {
                if let Some(client) = self.clients.get_mut(&from) {
                    client.asks(&work);
                }
                effects.work(from, work);
            }
            ReceiveEvent::Note(note) => {
                if let Some(client) = self.clients.get_mut(&from) {
                    client.upload = None;
                    client.in_header = false;
                    (self.log)(client.address, &note);
                }
            }
            ReceiveEvent::HeaderBegun => {
                if let Some(client) = self.clients.get_mut(&from) {
                    client.in_header = true;
                }
            }
        }
    }

    fn left(&mut self, id: ConnId, effects: &mut Effects<CommandOf<Self>, FileWork>, _now: Instant) {
        let Some(client) = self.clients.remove(&id) else {
            return;
        };
        let address = client.address;
        if client.in_header {
            let error = HeaderError::Framing(FramingError::Truncated);
            (self.log)(address, &Note::BadHeader(error));
        }
        let Some(Upload { name, size, is_whole }) = client.upload else {
            return;
        };
        if is_whole {
            (self.log)(address, &Note::Unconfirmed { name });
        } else {
            effects.work(id, FileWork::Abandon);
            (self.log)(address, &Note::Incomplete { name, size });
        }
    }

    fn is_isolated(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Client {
    address: SocketAddr,
    /// The file that the worker was asked to open, until its fate is known.
    upload: Option<Upload>,
    /// Whether a part of a header has arrived, and not its rest.
    in_header: bool,
}

#[derive(Debug)]
struct Upload {
    name: FileName,
    /// As its header said, in bytes.
    size: u64,
    /// Whether the worker was asked to publish it.
    is_whole: bool,
}

impl Client {
    /// Remembers what has begun: a connection that breaks cannot say so itself.
    fn asks(&mut self, work: &FileWork) {
        self.in_header = false;
        match work {
            FileWork::Open { name, size } => {
                self.upload = Some(Upload {
                    name: name.clone(),
                    size: *size,
                    is_whole: false,
                });
            }
            FileWork::Finish => {
                if let Some(upload) = &mut self.upload {
                    upload.is_whole = true;
                }
            }
            FileWork::Block(_) | FileWork::Abandon | FileWork::Find(_) => {}
        }
    }
}

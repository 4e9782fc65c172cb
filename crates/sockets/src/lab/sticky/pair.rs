//! Two ends of one connection on the loopback address, and a record of what passes between them.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::net::{RecvFlags, recv, sockopt};

use super::{Event, ROOM};

/// Nothing on the loopback address takes as long; who waits longer waits for something that was lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Who sends, who reads, and what happened.
pub(super) struct Pair {
    pub(super) sender: TcpStream,
    pub(super) reader: TcpStream,
    pub(super) events: Vec<Event>,
}

impl Pair {
    /// A connection on which every send leaves at once (TCP_NODELAY).
    pub(super) fn open() -> io::Result<Self> {
        Self::connect(&TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?)
    }

    /// The same with room for about so many bytes in the buffers of each side.
    pub(super) fn with_buffers(bytes: usize) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Set before the connection is made: it decides how much the peer is told to send.
        sockopt::set_socket_recv_buffer_size(&listener, bytes)?;
        let pair = Self::connect(&listener)?;
        sockopt::set_socket_send_buffer_size(&pair.sender, bytes)?;
        Ok(pair)
    }

    fn connect(listener: &TcpListener) -> io::Result<Self> {
        let sender = TcpStream::connect(listener.local_addr()?)?;
        // Anybody on this machine may have come first.
        let reader = loop {
            let (reader, peer) = listener.accept()?;
            if peer == sender.local_addr()? {
                break reader;
            }
        };
        for end in [&sender, &reader] {
            end.set_nodelay(true)?;
            end.set_read_timeout(Some(PATIENCE))?;
            end.set_write_timeout(Some(PATIENCE))?;
        }
        Ok(Self {
            sender,
            reader,
            events: Vec::new(),
        })
    }

    /// One call to `send`; of what it took.
    pub(super) fn send(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.sender.write(data)?;
        self.events.push(Event::Sent(data[..count].to_vec()));
        Ok(count)
    }

    /// Waits until the reader could read so many bytes. Reads none.
    pub(super) fn wait_for(&self, count: usize) -> io::Result<()> {
        let mut seen = vec![0; count];
        let (_, arrived) = recv(&self.reader, &mut seen[..], RecvFlags::PEEK | RecvFlags::WAITALL)?;
        if arrived < count {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// One call to `recv`.
    pub(super) fn receive(&mut self, room: usize) -> io::Result<Vec<u8>> {
        let data = receive(&mut self.reader, room)?;
        self.events.push(Event::Received {
            room,
            data: data.clone(),
        });
        Ok(data)
    }

    /// The reader sends, and the sender reads it.
    pub(super) fn answer(&mut self, data: &[u8]) -> io::Result<Vec<u8>> {
        self.reader.write_all(data)?;
        let heard = receive(&mut self.sender, ROOM)?;
        self.events.push(Event::Answered(heard.clone()));
        Ok(heard)
    }

    pub(super) fn remark(&mut self, text: impl Into<String>) {
        self.events.push(Event::Remark(text.into()));
    }

    pub(super) fn message(&mut self, message: &[u8]) {
        self.events.push(Event::Message(message.to_vec()));
    }
}

fn receive(stream: &mut TcpStream, room: usize) -> io::Result<Vec<u8>> {
    let mut data = vec![0; room];
    let count = stream.read(&mut data)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    data.truncate(count);
    Ok(data)
}

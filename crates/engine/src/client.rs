//! The other side: one connection that we opened, and one socket of datagrams.

use std::io;
use std::net::{TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use landline_protocol::{Conn, ConnId, ConnLimits, DatagramProtocol, Ended, StreamProtocol};

use crate::datagram;
use crate::link::Link;
use crate::mailbox::{Mailbox, Message};
use crate::socket;
use crate::solo;

/// The one connection of an inbox.
const ONLY: ConnId = ConnId(0);

/// Reaches a connection from other threads, such as the one that reads standard input.
#[derive(Debug)]
pub struct Handle<C>(Arc<Mailbox<C>>);

impl<C> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Handle<C> {
    pub(crate) fn new(mailbox: Arc<Mailbox<C>>) -> Self {
        Self(mailbox)
    }

    /// Says something to the protocol.
    pub fn command(&self, command: C) {
        self.0.post(Message::Command(ONLY, command));
    }

    /// Answers what the protocol asked.
    pub fn answer(&self, command: C) {
        self.0.post(Message::Answer(ONLY, command));
    }

    /// Sends what is queued, and ends the connection.
    pub fn finish(&self) {
        self.0.post(Message::Finish(ONLY));
    }

    /// Breaks the connection off.
    pub fn abort(&self) {
        self.0.post(Message::Abort(ONLY));
    }

    /// Asks the protocol to come to its end; the second time nothing is asked.
    pub fn stop(&self) {
        self.0.post(Message::Stop);
    }
}

/// Where a [`Handle`]'s words arrive.
#[derive(Debug)]
pub struct Inbox<C>(Arc<Mailbox<C>>);

/// A handle and its inbox.
///
/// # Errors
/// The system's: no descriptor left.
pub fn inbox<C>() -> io::Result<(Handle<C>, Inbox<C>)> {
    let mailbox = Arc::new(Mailbox::new()?);
    Ok((Handle(Arc::clone(&mailbox)), Inbox(mailbox)))
}

/// Drives one connection on this thread until it has ended, and says how: [`Ended::Finished`] only where the server
/// closed it too, and had taken everything, else [`Ended::Unclosed`]. Events go to `on_event` in order.
///
/// # Errors
/// The system's. What the peer does is no error here, but a way to end.
pub fn drive<P: StreamProtocol>(
    stream: TcpStream,
    protocol: P,
    limits: ConnLimits,
    inbox: &Inbox<P::Command>,
    mut on_event: impl FnMut(P::Event),
) -> io::Result<Ended> {
    stream.set_nonblocking(true)?;
    let _ = stream.set_nodelay(true);
    let remote = socket::remote_address(&stream)?;
    let grace = limits.linger;
    let conn = Conn::open(protocol, Arc::new(limits), Instant::now());
    let mut link = Link::new(stream.into(), remote, conn);
    let ended = solo::run(&mut link, &inbox.0, grace, |event, _| on_event(event))?;
    // Who closes before our last bytes arrive refuses them, and the system keeps that as the socket's error.
    let is_taken = matches!(rustix::net::sockopt::socket_error(&link.socket), Ok(Ok(())));
    let is_unclosed = ended == Ended::Finished && !(link.conn.peer_has_finished() && is_taken);
    link.close(ended);
    Ok(if is_unclosed { Ended::Unclosed } else { ended })
}

/// The same, until the protocol has nothing under way: for clients whose commands wait in `inbox` already, or that
/// began by themselves.
///
/// # Errors
/// The system's.
pub fn drive_datagrams_to_the_end<D: DatagramProtocol>(
    socket: UdpSocket,
    protocol: D,
    inbox: &Inbox<D::Command>,
    on_work: impl FnMut(D::Work),
) -> io::Result<()> {
    datagram::run(
        socket,
        protocol,
        &inbox.0,
        datagram::Until::Idle,
        on_work,
        &Arc::default(),
    )
}

/// Drives a protocol of datagrams on this thread until it is drained after a [`Handle::finish`] or [`Handle::stop`].
/// Slow work goes to `on_work`; its result comes back through the handle.
///
/// # Errors
/// The system's.
pub fn drive_datagrams<D: DatagramProtocol>(
    socket: UdpSocket,
    protocol: D,
    inbox: &Inbox<D::Command>,
    on_work: impl FnMut(D::Work),
) -> io::Result<()> {
    datagram::run(
        socket,
        protocol,
        &inbox.0,
        datagram::Until::Stopped(Duration::ZERO),
        on_work,
        &Arc::default(),
    )
}

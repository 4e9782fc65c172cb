//! Driving a protocol of datagrams: one loop, any number of sockets, many datagrams in a call.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use landline_protocol::{ConnId, DatagramEvent, DatagramProtocol, Path, SocketId};

use crate::client::Handle;
use crate::kind::Kind;
use crate::mailbox::{Mailbox, Message, Router};
use crate::mmsg::{Receiver, Sender};
use crate::report::Counters;
use crate::running::Running;
use crate::selector::{Epoll, Interest, Poll, Ready, Select, Selector};
use crate::worker::{Reply, Worker};
use crate::{Error, Options};

/// Batches from one socket in a turn.
const BATCHES_A_TURN: usize = 16;
/// Segments that one call may carry (UDP_SEGMENT, udp(7)).
const SEGMENTS: usize = 64;
/// The sockets that a protocol may have beside its first.
const SOCKETS_MAX: usize = 10_000;
/// The token of the mailbox; sockets have the number of their id.
const BELL: u64 = u64::MAX;
/// Datagrams have no connections; their work is asked for by this one.
const NOBODY: ConnId = ConnId(1);

/// Serves `protocol` on a bound socket, on a thread of its own. Engines that are about connections (threads, shards,
/// processes) serve datagrams as `epoll` does: there is one socket for all peers.
///
/// # Errors
/// The system's.
pub fn serve_datagrams<D, W>(
    socket: UdpSocket,
    protocol: D,
    worker: W,
    options: &Options,
) -> Result<Running, Error>
where
    D: DatagramProtocol<Command: Send + 'static> + Send + 'static,
    W: Worker<D::Work, D::Command> + 'static,
{
    serve_datagrams_commanded(socket, protocol, worker, options).map(|(running, _)| running)
}

/// The same, with a handle for commands of the caller's own, such as what a person types.
///
/// # Errors
/// The system's.
pub fn serve_datagrams_commanded<D, W>(
    socket: UdpSocket,
    protocol: D,
    worker: W,
    options: &Options,
) -> Result<(Running, Handle<D::Command>), Error>
where
    D: DatagramProtocol<Command: Send + 'static> + Send + 'static,
    W: Worker<D::Work, D::Command> + 'static,
{
    let address = socket
        .local_addr()
        .map_err(Error::system("read the socket's address"))?;
    // Before this returns: what arrives from then on may be asked where it was sent to.
    tell_addresses(&socket).map_err(Error::system("have the socket tell addresses"))?;
    let mailbox = Arc::new(Mailbox::new().map_err(Error::system("make a mailbox"))?);
    let router = Arc::new(Router::Shards(vec![Arc::clone(&mailbox)]));
    let counters = Arc::<Counters>::default();
    let (own, counted, kind) = (Arc::clone(&mailbox), Arc::clone(&counters), options.kind);
    let until = Until::Stopped(options.grace);
    let work = move |work| worker.start(work, Reply::new(NOBODY, Arc::clone(&router)));
    let thread = thread::Builder::new()
        .name("datagrams".to_owned())
        .spawn(move || {
            let result = match kind {
                Kind::Select => drive(Select::new(), socket, protocol, &own, until, work, &counted),
                Kind::Poll => drive(Poll::new(), socket, protocol, &own, until, work, &counted),
                Kind::EpollEdge => Epoll::<true>::new()
                    .and_then(|selector| drive(selector, socket, protocol, &own, until, work, &counted)),
                _ => run(socket, protocol, &own, until, work, &counted),
            };
            if let Err(error) = result {
                tracing::error!(%error, "the server cannot wait for datagrams any more");
            }
        });
    let thread = thread.map_err(Error::system("start a thread"))?;
    let handle = Handle::new(Arc::clone(&mailbox));
    let stop = Arc::new(move || mailbox.post(Message::Stop));
    Ok((
        Running {
            address,
            stop,
            counters,
            threads: vec![thread],
        },
        handle,
    ))
}

/// When a driver is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Once it was told to stop and the protocol is drained, or this long after.
    Stopped(Duration),
    /// Once nothing is under way; being told to stop ends it at once.
    Idle,
}

/// Drives `protocol` on this thread until it is told to stop, and drained.
pub(crate) fn run<D: DatagramProtocol>(
    socket: UdpSocket,
    protocol: D,
    mailbox: &Mailbox<D::Command>,
    until: Until,
    on_work: impl FnMut(D::Work),
    counters: &Arc<Counters>,
) -> io::Result<()> {
    drive(
        Epoll::<false>::new()?,
        socket,
        protocol,
        mailbox,
        until,
        on_work,
        counters,
    )
}

fn drive<D: DatagramProtocol, L: Selector>(
    mut selector: L,
    socket: UdpSocket,
    protocol: D,
    mailbox: &Mailbox<D::Command>,
    until: Until,
    mut on_work: impl FnMut(D::Work),
    counters: &Counters,
) -> io::Result<()> {
    selector.add(mailbox.bell(), BELL, Interest::READ)?;
    let mut driver = Driver {
        selector,
        protocol,
        sockets: BTreeMap::new(),
        last: SocketId(0),
        receiver: Receiver::new(),
        sender: Sender::new(),
        sending: SocketId(0),
        scratch: Vec::new(),
        unread: Vec::new(),
        counters,
    };
    driver.enter(SocketId(0), socket)?;
    let mut ready = Vec::new();
    let mut taken = Vec::new();
    let mut stopping: Option<Instant> = None;
    let mut now = Instant::now();
    loop {
        mailbox.take(&mut taken);
        for message in taken.drain(..) {
            match message {
                Message::Command(_, command) | Message::Answer(_, command) => {
                    driver.protocol.commanded(command, now)
                }
                // Work that came to nothing is nobody's end: its protocol has a deadline for it, or the peer asks again.
                Message::Abort(NOBODY) => {}
                Message::Stop | Message::Finish(_) | Message::Abort(_) => {
                    driver.protocol.drain(now);
                    let Until::Stopped(grace) = until else {
                        return Ok(());
                    };
                    stopping = Some(stopping.map_or(now + grace, |_| now));
                }
            }
        }
        if driver.protocol.deadline().is_some_and(|deadline| deadline <= now) {
            driver.protocol.deadline_reached(now);
        }
        driver.transmit(now);
        driver.act(&mut on_work, now);
        let is_drained = driver.protocol.is_drained();
        if stopping.is_some_and(|end| end <= now || is_drained) || until == Until::Idle && is_drained {
            return Ok(());
        }
        driver.wait(&mut ready, stopping)?;
        now = Instant::now();
        driver.receive(&ready, &mut on_work, now);
    }
}

struct Driver<'a, D, L> {
    selector: L,
    protocol: D,
    sockets: BTreeMap<SocketId, UdpSocket>,
    last: SocketId,
    receiver: Receiver,
    sender: Sender,
    /// The socket that what waits in `sender` leaves by.
    sending: SocketId,
    scratch: Vec<u8>,
    /// Sockets that had more than a turn takes.
    unread: Vec<SocketId>,
    counters: &'a Counters,
}

impl<D: DatagramProtocol, L: Selector> Driver<'_, D, L> {
    fn enter(&mut self, id: SocketId, socket: UdpSocket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        tell_addresses(&socket)?;
        self.selector
            .add(socket.as_fd(), u64::from(id.0), Interest::READ)?;
        self.sockets.insert(id, socket);
        Ok(())
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, stopping: Option<Instant>) -> io::Result<()> {
        let until = [self.protocol.deadline(), stopping].into_iter().flatten().min();
        let timeout = if self.unread.is_empty() {
            until.map(|until| until.saturating_duration_since(Instant::now()))
        } else {
            Some(Duration::ZERO)
        };
        self.selector.wait(ready, timeout)
    }

    /// Reads in rounds, so that no socket waits for all of another's; what a round brought is acted upon before the next
    /// one. Asking a socket once more often finds what came meanwhile, and costs no more than waiting for nothing.
    fn receive(&mut self, ready: &[Ready], on_work: &mut impl FnMut(D::Work), now: Instant) {
        let mut readable = std::mem::take(&mut self.unread);
        let told = ready.iter().filter(|ready| ready.readable && ready.token != BELL);
        readable.extend(told.filter_map(|ready| u32::try_from(ready.token).ok().map(SocketId)));
        for _ in 0..BATCHES_A_TURN {
            readable.retain(|id| self.receive_batch(*id, now));
            if readable.is_empty() {
                return;
            }
            self.act(on_work, now);
        }
        self.unread = readable;
    }

    /// Takes one batch, and says whether there may be more.
    fn receive_batch(&mut self, id: SocketId, now: Instant) -> bool {
        let Some(socket) = self.sockets.get(&id) else {
            return false;
        };
        let count = match self.receiver.receive(socket.as_fd()) {
            Ok(count) => count,
            // Any other error is one that an earlier datagram met on its way (ICMP). It is told once, and the datagrams
            // behind it are not told of again by edge.
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        };
        self.counters.accepted_many(count);
        for index in 0..count {
            if let Some(arrival) = self.receiver.arrival(index) {
                let path = Path {
                    socket: id,
                    peer: arrival.peer,
                    local: arrival.local,
                };
                self.protocol.received(path, arrival.payload, now);
            }
            self.gather(now);
        }
        self.send();
        count > 0
    }

    /// Sends all that the protocol has to send.
    fn transmit(&mut self, now: Instant) {
        self.gather(now);
        self.send();
    }

    fn gather(&mut self, now: Instant) {
        self.scratch.clear();
        while let Some(transmit) = self.protocol.poll_transmit(SEGMENTS, &mut self.scratch, now) {
            if self.sender.is_full() || transmit.path.socket != self.sending {
                self.send();
                self.sending = transmit.path.socket;
            }
            let Path { peer, local, .. } = transmit.path;
            self.sender.push(peer, local, transmit.segment, &self.scratch);
            self.scratch.clear();
        }
    }

    fn send(&mut self) {
        if let Some(socket) = self.sockets.get(&self.sending)
            && !self.sender.is_empty()
        {
            self.sender.send(socket.as_fd());
        }
    }

    fn act(&mut self, on_work: &mut impl FnMut(D::Work), now: Instant) {
        while let Some(event) = self.protocol.poll_event() {
            match event {
                DatagramEvent::Work(work) => on_work(work),
                DatagramEvent::Unbind(id) => {
                    if let Some(socket) = self.sockets.remove(&id) {
                        let _ = self.selector.remove(socket.as_fd());
                    }
                }
                DatagramEvent::Bind { request, beside } => {
                    let id = self.bind(beside).ok();
                    self.protocol.bound(request, id, now);
                    self.transmit(now);
                }
            }
        }
    }

    /// A fresh port on the address that the peer of `beside` used.
    fn bind(&mut self, beside: Path) -> io::Result<SocketId> {
        let main = self.sockets.get(&beside.socket).ok_or(io::ErrorKind::NotFound)?;
        let ip = match beside.local {
            Some(ip) => ip,
            None => main.local_addr()?.ip(),
        };
        if self.sockets.len() > SOCKETS_MAX {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        // Numbers are not used again while their socket may still be known to somebody.
        self.last = SocketId(self.last.0.checked_add(1).ok_or(io::ErrorKind::QuotaExceeded)?);
        self.enter(self.last, socket)?;
        Ok(self.last)
    }
}

/// Has the system tell for each datagram the address to which it came, where that is not the same for all.
fn tell_addresses(socket: &UdpSocket) -> io::Result<()> {
    match socket.local_addr()? {
        address if !address.ip().is_unspecified() => Ok(()),
        SocketAddr::V4(_) => crate::mmsg::tell_addresses_v4(socket.as_fd()),
        SocketAddr::V6(_) => crate::mmsg::tell_addresses_v6(socket.as_fd()),
    }
}

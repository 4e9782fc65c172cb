//! The system calls on one socket, none of which blocks.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use landline_protocol::FileSlice;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags};
use socket2::{Domain, SockRef, Socket, Type};

/// The most bytes of a file that one turn sends, so that a fast reader of a large file keeps nobody waiting: 1 MiB.
const FILE_A_TURN: usize = 1024 * 1024;

/// How many connections may wait to be accepted; the system may allow fewer (net.core.somaxconn).
const BACKLOG: i32 = 4096;

/// What a call came to that may have to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// So many bytes.
    Done(usize),
    /// Not now.
    WouldBlock,
    /// The connection is broken.
    Broken,
}

pub(crate) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> Outcome {
    outcome(rustix::net::recv(socket, buffer, RecvFlags::empty()).map(|(count, _)| count))
}

pub(crate) fn send(socket: impl AsFd, bytes: &[u8]) -> Outcome {
    outcome(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL))
}

/// Sends from the page cache; a file that ends before its slice does is [`Outcome::Broken`].
pub(crate) fn send_file(socket: impl AsFd, slice: &FileSlice) -> Outcome {
    let mut offset = slice.offset;
    let count = usize::try_from(slice.length)
        .unwrap_or(usize::MAX)
        .min(FILE_A_TURN);
    let file: &File = &slice.file;
    match outcome(rustix::fs::sendfile(socket, file, Some(&mut offset), count)) {
        Outcome::Done(0) => Outcome::Broken,
        outcome => outcome,
    }
}

pub(crate) fn shut_down(socket: impl AsFd) {
    // It fails only where the connection is gone already, which reading tells.
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Write);
}

/// Turns away everybody who has not been accepted, and who comes from now on. Closing alone would not while a process
/// that is just being started still has a copy of the descriptor.
pub(crate) fn stop_listening(listener: impl AsFd) {
    // It fails only where the socket does not listen.
    let _ = rustix::net::shutdown(listener, rustix::net::Shutdown::Both);
}

/// Has the socket closed with a reset, so that nothing queued for a peer that does not read stays in the kernel.
pub(crate) fn reset(socket: impl AsFd) {
    let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
}

/// What came to a listener.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// Somebody.
    Stream(OwnedFd, SocketAddr),
    /// Nobody more.
    Nobody,
    /// No descriptor or memory is left; a rest is needed.
    Exhausted(io::Error),
}

pub(crate) fn accept(listener: impl AsFd) -> Accepted {
    loop {
        match rustix::net::acceptfrom_with(&listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
            Ok((socket, remote)) => {
                let Some(remote) = remote.and_then(|remote| SocketAddr::try_from(remote).ok()) else {
                    continue;
                };
                // Messages are written whole, so waiting for more of them would only delay.
                let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
                return Accepted::Stream(socket, remote);
            }
            // INVAL: nobody listens here any more. It comes to all who accept from the same queue, the first to stop
            // and the others.
            Err(Errno::AGAIN | Errno::INVAL) => return Accepted::Nobody,
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                return Accepted::Exhausted(error.into());
            }
            // Others concern one peer only, who has left meanwhile (accept(2)).
            Err(_) => {}
        }
    }
}

/// Keeps one descriptor back, to be able to turn somebody away when there are none left.
#[derive(Debug)]
pub(crate) struct Spare(Option<File>);

impl Spare {
    pub(crate) fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }

    /// Turns one waiting peer away, so that it need not wait for what will not come.
    pub(crate) fn turn_one_away(&mut self, listener: impl AsFd) -> bool {
        self.0 = None;
        let turned = matches!(accept(listener), Accepted::Stream(..));
        self.0 = File::open("/dev/null").ok();
        turned
    }
}

pub(crate) fn local_address(socket: impl AsFd) -> io::Result<SocketAddr> {
    let address = rustix::net::getsockname(socket)?;
    SocketAddr::try_from(address).map_err(|_| io::Error::other("not an address of the internet"))
}

/// A second listener on the same address, among which the kernel spreads connections. The first one must share its
/// address, or this fails.
pub(crate) fn sibling(listener: &TcpListener) -> io::Result<TcpListener> {
    bind(listener.local_addr()?, true)
}

/// The first listener of shards. That it lets siblings have its address would let it share that of another server of
/// this user, which would then lose some of its connections; so a socket that does not share tries the address first.
pub(crate) fn bind_shared(address: SocketAddr) -> io::Result<TcpListener> {
    if address.port() != 0 {
        drop(bound(address, false)?);
    }
    bind(address, true)
}

/// A listener, that lets siblings have the same address where it is `shared`. One on every IPv6 address leaves IPv4 to
/// another.
pub(crate) fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = bound(address, shared)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Looks at a stream without owning it.
pub(crate) fn remote_address(stream: &TcpStream) -> io::Result<SocketAddr> {
    ManuallyDrop::new(stream).peer_addr()
}

fn outcome(result: rustix::io::Result<usize>) -> Outcome {
    match result {
        Ok(count) => Outcome::Done(count),
        Err(Errno::AGAIN | Errno::INTR) => Outcome::WouldBlock,
        Err(_) => Outcome::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_listener_that_was_stopped_has_nobody_and_does_not_spin() {
        let listener = bind(([127, 0, 0, 1], 0).into(), false).expect("a free port");
        listener.set_nonblocking(true).expect("an option");
        stop_listening(&listener);
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(matches!(accept(&listener), Accepted::Nobody)));
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(true));
    }

    #[test]
    fn shards_do_not_share_the_port_of_another_server() {
        let first = bind_shared(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = first.local_addr().expect("an address");
        let error = bind_shared(address).expect_err("the port is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        sibling(&first).expect("its own shards have it");
    }
}

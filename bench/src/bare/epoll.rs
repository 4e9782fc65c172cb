//! The loop that a C programmer writes by hand: the limit for one thread.

use super::say_listening;
use anyhow::{Context as _, Result};
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::{AsRawFd as _, OwnedFd};
use rustix::io::{Errno, read, write};
use rustix::net::{SocketFlags, accept_with, listen};
use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};

/// How many events one wait takes.
const EVENTS: usize = 256;

/// How many bytes one read takes.
const BUFFER_BYTES: usize = 16 * 1024;

/// How many connections may wait to be accepted; the system cuts it to its own limit.
const BACKLOG: i32 = 4096;

/// Echoes. Nothing is kept for a connection but its descriptor: what does not fit into its socket at once ends it.
pub(super) fn serve() -> Result<Infallible> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    listen(&listener, BACKLOG)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, data(&listener)?, EventFlags::IN)?;
    say_listening(listener.local_addr()?)?;
    let listening = data(&listener)?.u64();
    let mut connections = Connections(Vec::new());
    let mut events = Vec::with_capacity(EVENTS);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None)?;
        for Event { data, .. } in events.drain(..) {
            if data.u64() == listening {
                accept(&epoll, &listener, &mut connections)?;
            } else {
                connections.echo(usize::try_from(data.u64())?, &mut buffer);
            }
        }
    }
}

/// A descriptor's events carry its number.
fn data(descriptor: &impl std::os::fd::AsRawFd) -> Result<EventData> {
    let number = u64::try_from(descriptor.as_raw_fd()).context("no descriptor is negative")?;
    Ok(EventData::new_u64(number))
}

/// One for each readiness: while more are waiting, the listener stays ready.
fn accept(epoll: &OwnedFd, listener: &TcpListener, connections: &mut Connections) -> Result<()> {
    match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
        Ok(connection) => {
            // As everybody here does whose messages are written whole.
            rustix::net::sockopt::set_tcp_nodelay(&connection, true)?;
            epoll::add(epoll, &connection, data(&connection)?, EventFlags::IN)?;
            connections.insert(connection)
        }
        // Whoever was waiting is gone.
        Err(Errno::AGAIN | Errno::CONNABORTED) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Each at the place of its descriptor's number.
struct Connections(Vec<Option<OwnedFd>>);

impl Connections {
    fn insert(&mut self, connection: OwnedFd) -> Result<()> {
        let place = usize::try_from(connection.as_raw_fd())?;
        if place >= self.0.len() {
            self.0.resize_with(place + 1, || None);
        }
        self.0[place] = Some(connection);
        Ok(())
    }

    fn echo(&mut self, place: usize, buffer: &mut [u8]) {
        let Some(Some(connection)) = self.0.get(place) else {
            return;
        };
        let echoed = match read(connection, &mut *buffer) {
            Ok(0) => false,
            Ok(count) => write(connection, &buffer[..count]) == Ok(count),
            Err(error) => error == Errno::AGAIN,
        };
        if !echoed {
            self.0[place] = None;
        }
    }
}

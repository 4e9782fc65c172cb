//! Echo: many connections, each with so many requests on the way, all driven by one epoll on one thread.

use anyhow::{Context as _, Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read, write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How many bytes a request has, and its answer.
pub(crate) const REQUEST_BYTES: usize = 64;

/// The most requests that a connection has on the way.
const DEPTH_MAX: usize = 64;

/// How many events one wait takes.
const EVENTS: usize = 256;

/// How long nothing at all may come before the server counts as stuck.
const PATIENCE: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// What a request begins with; each byte after it is one greater.
const FIRST_BYTE: u8 = b' ';

/// Requests, one after the other. Every byte says where in its request it stands, so that what is lost, doubled or
/// exchanged shows.
const REQUESTS: [u8; REQUEST_BYTES * (DEPTH_MAX + 1)] = {
    let mut bytes = [0; REQUEST_BYTES * (DEPTH_MAX + 1)];
    let (mut index, mut byte) = (0, FIRST_BYTE);
    while index < bytes.len() {
        bytes[index] = byte;
        index += 1;
        byte = if index % REQUEST_BYTES == 0 {
            FIRST_BYTE
        } else {
            byte + 1
        };
    }
    bytes
};

/// Connections to one server.
pub(crate) struct Crowd {
    epoll: OwnedFd,
    /// Each is known to epoll by its place.
    connections: Vec<Connection>,
    events: Vec<Event>,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    /// How many bytes of the answer that is coming are there: fewer than [`REQUEST_BYTES`].
    partial: usize,
    /// How many requests are on the way.
    waiting: usize,
}

impl Crowd {
    /// Connects, one after the other.
    pub(crate) fn connect(server: SocketAddr, count: usize) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(count);
        for place in 0..count {
            let stream = TcpStream::connect(server)
                .with_context(|| format!("no connection after {place} connections"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = EventData::new_u64(u64::try_from(place)?);
            epoll::add(&epoll, &stream, data, EventFlags::IN)?;
            connections.push(Connection {
                stream,
                partial: 0,
                waiting: 0,
            });
        }
        Ok(Self {
            epoll,
            connections,
            events: Vec::with_capacity(EVENTS),
            buffer: vec![0; REQUEST_BYTES * DEPTH_MAX],
        })
    }

    /// Asks once on every connection and waits for every answer: then the server has taken all of them.
    pub(crate) fn ask_once(&mut self) -> Result<()> {
        self.fill(1)?;
        let mut answers = self.connections.len();
        while answers > 0 {
            answers -= self.turn(false)?;
        }
        Ok(())
    }

    /// Puts so many requests on the way, on every connection. [`Self::run`] keeps them there.
    pub(crate) fn fill(&mut self, depth: usize) -> Result<()> {
        ensure!(depth <= DEPTH_MAX, "more than {DEPTH_MAX} requests on the way");
        for connection in &mut self.connections {
            connection.send(depth)?;
        }
        Ok(())
    }

    /// Answers each answer with the next request for so long. How many answers came, and in what time.
    pub(crate) fn run(&mut self, time: Duration) -> Result<(u64, Duration)> {
        let begin = Instant::now();
        let mut answers = 0;
        loop {
            answers += self.turn(true)? as u64;
            let took = begin.elapsed();
            if took >= time {
                return Ok((answers, took));
            }
        }
    }

    /// One wait and what it brings: how many answers.
    fn turn(&mut self, ask_again: bool) -> Result<usize> {
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&PATIENCE))?;
        ensure!(!self.events.is_empty(), "the server does not answer");
        let mut answers = 0;
        for event in self.events.drain(..) {
            let connection = &mut self.connections[usize::try_from(event.data.u64())?];
            let count = connection.receive(&mut self.buffer)?;
            if ask_again {
                connection.send(count)?;
            }
            answers += count;
        }
        Ok(answers)
    }
}

impl Connection {
    fn send(&mut self, count: usize) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let requests = &REQUESTS[..count * REQUEST_BYTES];
        // A socket's buffer holds many times what is on the way.
        let written = write(&self.stream, requests)?;
        ensure!(written == requests.len(), "a socket took only {written} bytes");
        self.waiting += count;
        Ok(())
    }

    /// How many answers have become whole.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = match read(&self.stream, &mut *buffer) {
            Ok(0) => anyhow::bail!("the server has closed a connection"),
            Ok(count) => count,
            Err(Errno::AGAIN) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let wanted = &REQUESTS[self.partial..self.partial + count];
        ensure!(buffer[..count] == *wanted, "the answer is not what was sent");
        let received = self.partial + count;
        let answers = received / REQUEST_BYTES;
        ensure!(answers <= self.waiting, "more answers than requests");
        self.partial = received % REQUEST_BYTES;
        self.waiting -= answers;
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// Answers what comes with what `answer` makes of it, on one connection.
    fn serve(answer: fn(&mut [u8])) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // An odd length splits answers.
            let mut buffer = [0; 50];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                answer(&mut buffer[..count]);
                if stream.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        });
        address
    }

    #[test]
    fn answers_are_counted_whole() {
        let mut crowd = Crowd::connect(serve(|_| ()), 1).unwrap();
        crowd.ask_once().unwrap();
        crowd.fill(16).unwrap();
        let (answers, took) = crowd.run(Duration::from_millis(20)).unwrap();
        assert!(answers > 0 && took >= Duration::from_millis(20));
        assert_eq!(crowd.connections[0].waiting, 16);
    }

    #[test]
    fn a_wrong_answer_is_not_taken() {
        let mut crowd = Crowd::connect(serve(|bytes| bytes.reverse()), 1).unwrap();
        let error = crowd.ask_once().unwrap_err().to_string();
        assert!(error.contains("not what was sent"), "{error}");
    }
}

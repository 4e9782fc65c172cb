//! Questions by UDP: some sockets, each with so many questions on the way, all driven by one epoll on one thread.
//!
//! A datagram may be lost, and nothing says so. A socket that hears nothing for [`QUIET`] gives up what it waits for,
//! and asks again; until then its window is smaller by what was lost.

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

/// The most questions that a socket has on the way.
pub(crate) const WINDOW_MAX: usize = 64;

/// The longest answer that is read, and one more byte to see that one is longer.
const ANSWER_BYTES_MAX: usize = 64;

/// How many events one wait takes.
const EVENTS: usize = 64;

/// How long a socket may hear nothing: many times what the slowest server here takes for all that is on the way, and
/// longer than a busy machine makes a server wait for its core.
const QUIET: Duration = Duration::from_millis(100);

/// The same for epoll.
const QUIET_WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// So many times that long nobody may hear anything at the end, before what has not come counts as lost.
const QUIET_AT_THE_END: u32 = 5;

/// How long nobody may hear anything before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked, and what an answer must look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    pub(crate) request: &'static [u8],
    /// The length of every answer, in bytes.
    pub(crate) answer_bytes: usize,
}

/// Sockets that ask one server.
pub(crate) struct Askers {
    epoll: OwnedFd,
    /// Each is known to epoll by its place.
    sockets: Vec<Asker>,
    events: Vec<Event>,
    mail: Mail,
    window: usize,
    /// How many questions were sent, and how many answers came.
    sent: u64,
    heard: u64,
}

struct Asker {
    socket: UdpSocket,
    waiting: usize,
    /// When something was last sent; that follows whatever is heard.
    active: Instant,
}

impl Askers {
    pub(crate) fn connect(
        server: SocketAddr,
        sockets: usize,
        window: usize,
        question: Question,
    ) -> Result<Self> {
        ensure!(
            window <= WINDOW_MAX,
            "more than {WINDOW_MAX} questions on the way"
        );
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let socket = |place: usize| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect(server)?;
            socket.set_nonblocking(true)?;
            let data = EventData::new_u64(u64::try_from(place)?);
            epoll::add(&epoll, &socket, data, EventFlags::IN)?;
            Ok(Asker {
                socket,
                waiting: 0,
                active: Instant::now(),
            })
        };
        let sockets = (0..sockets).map(socket).collect::<Result<_>>()?;
        Ok(Self {
            epoll,
            sockets,
            events: Vec::with_capacity(EVENTS),
            mail: Mail::new(question),
            window,
            sent: 0,
            heard: 0,
        })
    }

    /// Keeps every socket's window full for so long. How many answers came, and in what time.
    pub(crate) fn run(&mut self, time: Duration) -> Result<(u64, Duration)> {
        let (begin, before) = (Instant::now(), self.heard);
        let (mut heard, mut looked) = (begin, begin);
        self.fill(begin)?;
        loop {
            let answers = self.turn(true)?;
            let now = Instant::now();
            if answers > 0 {
                heard = now;
            }
            ensure!(now - heard < PATIENCE, "the server does not answer");
            if now - looked >= QUIET {
                self.give_up_the_quiet(now);
                self.fill(now)?;
                looked = now;
            }
            if now - begin >= time {
                return Ok((self.heard - before, now - begin));
            }
        }
    }

    /// Waits for what is on the way. How many questions were never answered since the beginning: whether the question or
    /// the answer was lost, nobody knows.
    pub(crate) fn settle(mut self) -> Result<u64> {
        let mut quiet = 0;
        while self.sent > self.heard && quiet < QUIET_AT_THE_END {
            quiet = if self.turn(false)? > 0 { 0 } else { quiet + 1 };
        }
        Ok(self.sent.saturating_sub(self.heard))
    }

    /// One wait and what it brings: how many answers.
    fn turn(&mut self, ask: bool) -> Result<u64> {
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&QUIET_WAIT))?;
        let (before, now) = (self.heard, Instant::now());
        for event in self.events.drain(..) {
            let asker = &mut self.sockets[usize::try_from(event.data.u64())?];
            let count = self.mail.receive(&asker.socket, self.window)?;
            // One that was given up may come after all: its place in the window is taken.
            asker.waiting = asker.waiting.saturating_sub(count);
            self.heard += count as u64;
            if ask {
                self.sent += asker.fill(self.window, &mut self.mail, now)?;
            }
        }
        Ok(self.heard - before)
    }

    fn fill(&mut self, now: Instant) -> Result<()> {
        for asker in &mut self.sockets {
            self.sent += asker.fill(self.window, &mut self.mail, now)?;
        }
        Ok(())
    }

    fn give_up_the_quiet(&mut self, now: Instant) {
        let quiet = |asker: &&mut Asker| now.saturating_duration_since(asker.active) >= QUIET;
        for asker in self.sockets.iter_mut().filter(quiet) {
            asker.waiting = 0;
        }
    }
}

impl Asker {
    /// How many questions that took.
    fn fill(&mut self, window: usize, mail: &mut Mail, now: Instant) -> Result<u64> {
        let count = window - self.waiting;
        if count > 0 {
            mail.send(&self.socket, count)?;
            self.waiting = window;
            self.active = now;
        }
        Ok(count as u64)
    }
}

/// Sends and receives many datagrams at once.
struct Mail {
    question: Question,
    sent: MultiHeaders<SockaddrIn>,
    received: MultiHeaders<SockaddrIn>,
    buffers: [[u8; ANSWER_BYTES_MAX]; WINDOW_MAX],
}

impl Mail {
    fn new(question: Question) -> Self {
        Self {
            question,
            sent: MultiHeaders::preallocate(WINDOW_MAX, None),
            received: MultiHeaders::preallocate(WINDOW_MAX, None),
            buffers: [[0; ANSWER_BYTES_MAX]; WINDOW_MAX],
        }
    }

    fn send(&mut self, socket: &UdpSocket, count: usize) -> Result<()> {
        if count == 1 {
            let sent = socket.send(self.question.request);
            return sent.map(|_| ()).context("a question was not sent");
        }
        let slices = [[IoSlice::new(self.question.request)]; WINDOW_MAX];
        // What the system does not take is lost, as any datagram may be.
        sendmmsg(
            socket.as_raw_fd(),
            &mut self.sent,
            &slices[..count],
            [None; WINDOW_MAX],
            [],
            MsgFlags::empty(),
        )
        .context("questions were not sent")?;
        Ok(())
    }

    /// How many answers were there.
    fn receive(&mut self, socket: &UdpSocket, window: usize) -> Result<usize> {
        let wanted = self.question.answer_bytes;
        let mut slices = self.buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let answers = recvmmsg(
            socket.as_raw_fd(),
            &mut self.received,
            &mut slices[..window],
            flags,
            None,
        );
        let mut count = 0;
        for answer in answers.context("answers were not received")? {
            ensure!(
                answer.bytes == wanted,
                "an answer of {} bytes instead of {wanted}",
                answer.bytes
            );
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question {
        request: b"?",
        answer_bytes: 2,
    };

    /// Answers what comes until somebody sends an empty datagram.
    fn serve(answer: &'static [u8]) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            while let Ok((1.., peer)) = socket.recv_from(&mut [0; 8]) {
                socket.send_to(answer, peer).unwrap();
            }
        });
        address
    }

    fn end(server: SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"", server).unwrap();
    }

    #[test]
    fn nothing_is_lost_where_everything_is_answered() {
        let server = serve(b"ok");
        let mut askers = Askers::connect(server, 2, 4, QUESTION).unwrap();
        let (answers, took) = askers.run(Duration::from_millis(5)).unwrap();
        assert!(answers > 0 && took >= Duration::from_millis(5));
        assert_eq!(askers.settle().unwrap(), 0);
        end(server);
    }

    #[test]
    fn what_is_not_answered_is_asked_again_and_lost() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut askers = Askers::connect(silent.local_addr().unwrap(), 1, 2, QUESTION).unwrap();
        let begin = Instant::now();
        askers.fill(begin).unwrap();
        for (later, sent) in [(QUIET / 2, 2), (QUIET, 4)] {
            askers.give_up_the_quiet(begin + later);
            askers.fill(begin + later).unwrap();
            assert_eq!(askers.sent, sent);
        }
        assert_eq!(askers.settle().unwrap(), 4);
    }

    #[test]
    fn an_answer_of_another_length_is_an_error() {
        let server = serve(b"no!");
        let mut askers = Askers::connect(server, 1, 1, QUESTION).unwrap();
        let error = askers.run(PATIENCE).unwrap_err().to_string();
        assert!(error.contains("3 bytes"), "{error}");
        end(server);
    }
}

//! exec-udp: a datagram is a command, and two come back: stderr, then stdout.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Instant;

use landline_protocol::datagram::DATAGRAM_MAX;
use landline_protocol::{DatagramEvent, DatagramProtocol, Path, SocketId, Transmit};

use super::client::Patience;
use super::intake::{Intake, Verdict, refusal};
use super::outcome::{Outcome, Run};

/// How many commands may run or wait at once. A datagram beyond that is lost, as datagrams are.
pub const UNDER_WAY_MAX: usize = 64;

/// Ports below this are those of well-known services (RFC 6335, section 6), and two services that answer each other
/// never stop.
const WELL_KNOWN_PORTS: u16 = 1024;

/// A command, and who wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpRun {
    /// Where the answer goes.
    pub path: Path,
    /// The command.
    pub run: Run,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpOutcome {
    /// Where it goes: the path of the [`UdpRun`].
    pub path: Path,
    /// What is said.
    pub outcome: Outcome,
}

/// The server. It answers this machine alone: what comes from elsewhere may carry a forged address, and no gate stands
/// before a datagram.
#[derive(Debug)]
pub struct UdpServer {
    is_allowed: bool,
    is_draining: bool,
    /// Commands that run or wait. At most [`UNDER_WAY_MAX`].
    under_way: usize,
    work: VecDeque<UdpRun>,
    answers: VecDeque<(Path, Vec<u8>)>,
}

impl UdpServer {
    /// A server that runs commands only where `is_allowed`, and otherwise says that they are off.
    #[must_use]
    pub fn new(is_allowed: bool) -> Self {
        Self {
            is_allowed,
            is_draining: false,
            under_way: 0,
            work: VecDeque::new(),
            answers: VecDeque::new(),
        }
    }

    fn answer(&mut self, path: Path, outcome: &Outcome) {
        for stream in [&outcome.errors()[..], &outcome.stdout] {
            let datagram = &stream[..stream.len().min(DATAGRAM_MAX)];
            self.answers.push_back((path, datagram.to_vec()));
        }
    }
}

impl DatagramProtocol for UdpServer {
    type Work = UdpRun;
    type Command = UdpOutcome;

    fn received(&mut self, path: Path, payload: &[u8], _now: Instant) {
        let peer = path.peer;
        let is_stranger = !peer.ip().to_canonical().is_loopback() || peer.port() < WELL_KNOWN_PORTS;
        if is_stranger || self.is_draining || self.under_way >= UNDER_WAY_MAX {
            return;
        }
        match Intake::new(self.is_allowed).judge(payload, false) {
            Verdict::Run(run) => {
                self.under_way += 1;
                self.work.push_back(UdpRun { path, run });
            }
            Verdict::Refuse(outcome) => self.answer(path, &outcome),
            Verdict::Close => {}
        }
    }

    fn poll_transmit(&mut self, _segments: usize, buffer: &mut Vec<u8>, _now: Instant) -> Option<Transmit> {
        let (path, datagram) = self.answers.pop_front()?;
        buffer.extend_from_slice(&datagram);
        Some(Transmit { path, segment: None })
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<UdpRun>> {
        self.work.pop_front().map(DatagramEvent::Work)
    }

    fn commanded(&mut self, command: UdpOutcome, _now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.answer(command.path, &command.outcome);
    }

    fn drain(&mut self, _now: Instant) {
        self.is_draining = true;
    }

    fn is_drained(&self) -> bool {
        self.under_way == 0 && self.answers.is_empty()
    }
}

/// What a client tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdpClientEvent {
    /// A command's stderr and stdout, each cut where a datagram ends.
    Answered {
        /// The first datagram.
        stderr: Vec<u8>,
        /// The second.
        stdout: Vec<u8>,
    },
    /// The server does not run a command, in these words; the commands behind it are not sent.
    Refused(&'static str),
    /// No whole answer came in time; the commands behind it are not sent. What came of it is this.
    Silent(Option<Vec<u8>>),
}

/// The client: sends its commands one after another, each when the one before is answered.
#[derive(Debug)]
pub struct UdpClient {
    server: SocketAddr,
    patience: Patience,
    commands: VecDeque<Vec<u8>>,
    /// When the answer that is awaited is given up. `None` before the first command and after the last.
    deadline: Option<Instant>,
    /// The first datagram of an answer.
    stderr: Option<Vec<u8>>,
    to_send: Option<Vec<u8>>,
    events: VecDeque<UdpClientEvent>,
}

impl UdpClient {
    /// Asks `server` to run `commands`, in order, beginning `now`.
    #[must_use]
    pub fn new(
        server: SocketAddr,
        commands: impl IntoIterator<Item = Vec<u8>>,
        patience: Patience,
        now: Instant,
    ) -> Self {
        let mut client = Self {
            server,
            patience,
            commands: commands.into_iter().collect(),
            deadline: None,
            stderr: None,
            to_send: None,
            events: VecDeque::new(),
        };
        client.next(now);
        client
    }

    fn next(&mut self, now: Instant) {
        self.to_send = self.commands.pop_front();
        self.deadline = self.to_send.is_some().then(|| now + self.patience.answer);
    }
}

impl DatagramProtocol for UdpClient {
    type Work = UdpClientEvent;
    type Command = Infallible;

    fn received(&mut self, path: Path, payload: &[u8], now: Instant) {
        if path.peer != self.server || self.deadline.is_none() {
            return;
        }
        match self.stderr.take() {
            None => {
                self.stderr = Some(payload.to_vec());
                self.deadline = Some(now + self.patience.answer);
            }
            Some(stderr) => {
                if let Some(words) = refusal(&stderr).filter(|_| payload.is_empty()) {
                    self.commands.clear();
                    self.deadline = None;
                    return self.events.push_back(UdpClientEvent::Refused(words));
                }
                self.events.push_back(UdpClientEvent::Answered {
                    stderr,
                    stdout: payload.to_vec(),
                });
                self.next(now);
            }
        }
    }

    fn poll_transmit(&mut self, _segments: usize, buffer: &mut Vec<u8>, _now: Instant) -> Option<Transmit> {
        buffer.extend_from_slice(&self.to_send.take()?);
        let path = Path {
            socket: SocketId(0),
            peer: self.server,
            local: None,
        };
        Some(Transmit { path, segment: None })
    }

    fn poll_event(&mut self) -> Option<DatagramEvent<UdpClientEvent>> {
        self.events.pop_front().map(DatagramEvent::Work)
    }

    fn commanded(&mut self, command: Infallible, _now: Instant) {
        match command {}
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn deadline_reached(&mut self, _now: Instant) {
        self.commands.clear();
        self.deadline = None;
        self.events.push_back(UdpClientEvent::Silent(self.stderr.take()));
    }

    fn drain(&mut self, _now: Instant) {
        self.commands.clear();
    }

    fn is_drained(&self) -> bool {
        self.deadline.is_none() && self.to_send.is_none() && self.events.is_empty()
    }
}

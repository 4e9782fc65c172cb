//! The service that the rules are tried on: each line that a peer sends tells its connection what to do.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use landline_engine::protocol::service::{Effects, Load, Peer};
use landline_engine::protocol::{Admission, ConnId, FileSlice, Output, Service, StreamProtocol};
use landline_engine::{Options, Reply, Worker};

use super::client::PATIENCE;

/// What a test wants different from Landline's own settings.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) options: Options,
    /// Whether a peer is a stranger until it says `hello`.
    pub(super) handshake: bool,
    /// What everybody is told instead of being let in; with nothing to say they are dropped.
    pub(super) refuses: Option<&'static str>,
}

/// What the connections of one lab have in common.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Bytes written by `big`.
    pub(super) produced: AtomicU64,
    /// Empty lines handled.
    pub(super) handled: AtomicU64,
    /// `handled` when somebody said `count`.
    pub(super) counted: AtomicU64,
    /// Where `gate` waits, once.
    pub(super) gate: Mutex<Option<Gate>>,
}

/// A place where a connection stops its whole loop: it says that it is there, and waits.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) arrived: Sender<()>,
    pub(super) go_on: Receiver<()>,
}

pub(super) struct Experiment {
    pub(super) observed: Arc<Observed>,
    handshake: bool,
    refuses: Option<&'static str>,
    isolated: bool,
    leaves: Sender<ConnId>,
    members: BTreeSet<ConnId>,
}

impl Experiment {
    pub(super) fn new(setting: &Setting, leaves: Sender<ConnId>, isolated: bool) -> Self {
        Self {
            observed: Arc::default(),
            handshake: setting.handshake,
            refuses: setting.refuses,
            isolated,
            leaves,
            members: BTreeSet::new(),
        }
    }
}

#[derive(Debug)]
pub(super) enum Event {
    WhoAmI,
    Tell(ConnId, String),
    Shout(String),
    Kick(ConnId),
    Call(SocketAddr),
}

impl Service for Experiment {
    type Connection = Subject;
    type Work = SocketAddr;

    fn admit(&mut self, id: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Subject> {
        match self.refuses {
            Some("") => return Admission::Drop,
            Some(words) => return Admission::Refuse(words.into()),
            None => self.members.insert(id),
        };
        Admission::Accept(Subject {
            observed: Arc::clone(&self.observed),
            established: !self.handshake,
            echoes: false,
            hoards: false,
            stays: false,
            deadline: None,
        })
    }

    fn event(&mut self, from: ConnId, event: Event, effects: &mut Effects<String, SocketAddr>, _: Instant) {
        match event {
            Event::WhoAmI => effects.answer(from, from.0.to_string()),
            Event::Tell(to, words) => effects.command(to, words),
            Event::Shout(words) => {
                for to in &self.members {
                    effects.command(*to, words.clone());
                }
            }
            Event::Kick(whom) => effects.close(whom),
            Event::Call(whom) => effects.work(from, whom),
        }
    }

    fn left(&mut self, id: ConnId, _: &mut Effects<String, SocketAddr>, _: Instant) {
        self.members.remove(&id);
        // Nobody listens where the test is over.
        let _ = self.leaves.send(id);
    }

    fn is_isolated(&self) -> bool {
        self.isolated
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Subject {
    observed: Arc<Observed>,
    established: bool,
    /// Whether it has become a plain echo.
    echoes: bool,
    /// Whether it takes nothing until it has all that it has room for.
    hoards: bool,
    /// Whether it goes on when the server stops.
    stays: bool,
    deadline: Option<Instant>,
}

impl Subject {
    fn obey(&mut self, line: &str, out: &mut dyn Output<Event>, now: Instant) {
        let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
        match order {
            "" => drop(self.observed.handled.fetch_add(1, Ordering::SeqCst)),
            "hello" => self.established = true,
            "echo" => say(rest, out),
            "raw" => self.echoes = true,
            "hoard" => self.hoards = true,
            "big" => self.big(number(rest), out),
            "bye" => {
                say("bye", out);
                out.finish();
                say("too late", out);
            }
            "wait" => self.deadline = Some(now + Duration::from_millis(number(rest))),
            "stay" => {
                self.stays = true;
                say("staying", out);
            }
            "id" => out.ask(Event::WhoAmI),
            "call" => out.ask(Event::Call(rest.parse().expect("an address"))),
            "tell" => {
                let (to, words) = rest.split_once(' ').expect("tell ID WORDS");
                out.emit(Event::Tell(ConnId(number(to)), words.to_owned()));
            }
            "shout" => out.emit(Event::Shout(rest.to_owned())),
            "kick" => out.emit(Event::Kick(ConnId(number(rest)))),
            "file" => send_file(rest, out),
            "group" => say(&process_group(), out),
            "gate" => self.pass_gate(),
            "count" => {
                self.observed
                    .counted
                    .store(self.observed.handled.load(Ordering::SeqCst), Ordering::SeqCst);
                say("counted", out);
            }
            other => panic!("no order {other}"),
        }
    }

    fn big(&self, length: u64, out: &mut dyn Output<Event>) {
        let length = usize::try_from(length).expect("it fits into memory");
        out.write(&vec![b'b'; length]);
        self.observed.produced.fetch_add(length as u64, Ordering::SeqCst);
    }

    fn pass_gate(&self) {
        let gate = self
            .observed
            .gate
            .lock()
            .expect("no test panicked in it")
            .take()
            .expect("a gate");
        gate.arrived.send(()).expect("the test waits");
        gate.go_on
            .recv_timeout(PATIENCE)
            .expect("the test opens the gate");
    }
}

/// The number of this process's group.
pub(super) fn process_group() -> String {
    rustix::process::getpgrp().as_raw_nonzero().to_string()
}

impl StreamProtocol for Subject {
    type Event = Event;
    type Command = String;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Event>, now: Instant) {
        if self.echoes {
            out.write(std::mem::take(input));
        } else if self.hoards {
            if input.len() >= self.input_max() {
                say(&std::mem::take(input).len().to_string(), out);
                self.hoards = false;
            }
        } else if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(&input[..end]).expect("tests send text");
            *input = &input[end + 1..];
            self.obey(line, out, now);
        }
    }

    fn commanded(&mut self, words: String, out: &mut dyn Output<Event>, _: Instant) {
        say(&words, out);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<Event>, _: Instant) {
        self.deadline = None;
        say("waited", out);
    }

    fn drain(&mut self, out: &mut dyn Output<Event>, _: Instant) {
        if !self.stays {
            say("last words", out);
            out.finish();
        }
    }

    fn established(&self) -> bool {
        self.established
    }
}

fn say(words: &str, out: &mut dyn Output<Event>) {
    out.write(format!("{words}\n").as_bytes());
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// `OFFSET LENGTH PATH`, that part of the file between two lines.
fn send_file(rest: &str, out: &mut dyn Output<Event>) {
    let (offset, rest) = rest.split_once(' ').expect("file OFFSET LENGTH PATH");
    let (length, path) = rest.split_once(' ').expect("file OFFSET LENGTH PATH");
    let file = std::fs::File::open(PathBuf::from(path)).expect("the file");
    say("before", out);
    out.send_file(FileSlice {
        file: Arc::new(file),
        offset: number(offset),
        length: number(length),
    });
    say("after", out);
}

/// Slow work that the test itself does: it is called at an address, and what it answers there is the answer. Where it
/// hangs up without a word, the reply is dropped.
pub(super) struct Telephone;

impl Worker<SocketAddr, String> for Telephone {
    fn start(&self, whom: SocketAddr, reply: Reply<String>) {
        thread::spawn(move || {
            let call = TcpStream::connect(whom).expect("the test listens");
            let mut answer = String::new();
            let heard = BufReader::new(call).read_line(&mut answer);
            if heard.is_ok_and(|count| count > 0) {
                reply.answer(answer.trim_end().to_owned());
            }
        });
    }
}

//! The servers that answer a command at once: exec, exec-struct, exec-header, exec-done.

use std::time::Instant;

use landline_protocol::{Admission, CommandOf, ConnId, Effects, Load, Output, Peer, Service, StreamProtocol};
use landline_wire::{HeaderCodec, LengthField};

use super::intake::{Intake, Verdict};
use super::outcome::{Outcome, Run};

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `exec`: stderr, then stdout.
    Plain,
    /// `exec-struct`: a length of 4 bytes, signed, little endian, then stderr, or stdout where that is empty.
    Struct,
    /// `exec-header`: a length likewise, `{"data_size":n}`, then n bytes chosen likewise.
    Header,
    /// `exec-done`: both streams as one without its last newline; `Done.` where only white space is left.
    Done,
}

impl Style {
    /// Whether the two streams are one.
    #[must_use]
    pub fn is_merged(self) -> bool {
        self == Self::Done
    }

    /// The bytes of an answer; `None` where it is longer than the form can say.
    fn reply(self, outcome: &Outcome) -> Option<Vec<u8>> {
        match self {
            Self::Plain => Some(plain(outcome)),
            Self::Struct => counted(&outcome.shown()),
            Self::Header => headed(&outcome.shown()),
            Self::Done => Some(done(&outcome.merged()).to_vec()),
        }
    }
}

/// A note of ours stands on a line of its own, also before stdout.
fn plain(outcome: &Outcome) -> Vec<u8> {
    let mut reply = outcome.errors().into_owned();
    if outcome.note().is_some() && !outcome.stdout.is_empty() {
        reply.push(b'\n');
    }
    reply.extend_from_slice(&outcome.stdout);
    reply
}

fn counted(shown: &[u8]) -> Option<Vec<u8>> {
    let mut reply = Vec::with_capacity(LengthField::PYTHON_I.size() + shown.len());
    LengthField::PYTHON_I.write(shown.len(), &mut reply).ok()?;
    reply.extend_from_slice(shown);
    Some(reply)
}

fn headed(shown: &[u8]) -> Option<Vec<u8>> {
    let mut reply = Vec::new();
    let header = std::collections::BTreeMap::from([("data_size", shown.len())]);
    HeaderCodec::default().encode(&header, &mut reply).ok()?;
    reply.extend_from_slice(shown);
    Some(reply)
}

fn done(merged: &[u8]) -> &[u8] {
    let reply = merged.strip_suffix(b"\n").unwrap_or(merged);
    if reply.trim_ascii().is_empty() {
        b"Done."
    } else {
        reply
    }
}

/// One connection of such a server: each read is a command, one runs at a time.
#[derive(Debug)]
pub struct ExecServer {
    style: Style,
    intake: Intake,
    /// Whether a command runs.
    is_running: bool,
    /// Whether the connection ends with the answer that is awaited.
    is_draining: bool,
}

impl ExecServer {
    /// A server that runs commands only where `is_allowed`, and otherwise says that they are off.
    #[must_use]
    pub fn new(style: Style, is_allowed: bool) -> Self {
        Self {
            style,
            intake: Intake::new(is_allowed),
            is_running: false,
            is_draining: false,
        }
    }

    fn reply(&self, outcome: &Outcome, out: &mut dyn Output<Run>) {
        match self.style.reply(outcome) {
            Some(reply) => out.write(&reply),
            None => out.abort("an answer longer than its length can say"),
        }
    }
}

impl StreamProtocol for ExecServer {
    type Event = Run;
    type Command = Outcome;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Run>, _now: Instant) {
        match self.intake.judge(std::mem::take(input), self.style.is_merged()) {
            Verdict::Run(run) => {
                self.is_running = true;
                out.ask(run);
            }
            Verdict::Refuse(outcome) => self.reply(&outcome, out),
            Verdict::Close => out.finish(),
        }
    }

    fn commanded(&mut self, outcome: Outcome, out: &mut dyn Output<Run>, _now: Instant) {
        self.is_running = false;
        self.reply(&outcome, out);
        if self.is_draining {
            out.finish();
        }
    }

    fn drain(&mut self, out: &mut dyn Output<Run>, _now: Instant) {
        self.is_draining = true;
        if !self.is_running {
            out.finish();
        }
    }

    fn wants_input(&self) -> bool {
        !self.is_running
    }
}

/// What a service of commands wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Run this; the answer is its [`Outcome`].
    Run(Run),
    /// The connection has ended: whatever still runs or waits for it shall be gone. There is no answer.
    Cancel,
}

/// The service around [`ExecServer`].
#[derive(Clone, Debug)]
pub struct Exec {
    style: Style,
    is_allowed: bool,
}

impl Exec {
    /// A service whose commands run only where `is_allowed`.
    #[must_use]
    pub fn new(style: Style, is_allowed: bool) -> Self {
        Self { style, is_allowed }
    }
}

impl Service for Exec {
    type Connection = ExecServer;
    type Work = Work;

    fn admit(&mut self, _id: ConnId, _peer: &Peer, _load: &Load, _now: Instant) -> Admission<ExecServer> {
        Admission::Accept(ExecServer::new(self.style, self.is_allowed))
    }

    fn event(&mut self, from: ConnId, run: Run, effects: &mut Effects<CommandOf<Self>, Work>, _now: Instant) {
        effects.work(from, Work::Run(run));
    }

    fn left(&mut self, id: ConnId, effects: &mut Effects<CommandOf<Self>, Work>, _now: Instant) {
        if self.is_allowed {
            effects.work(id, Work::Cancel);
        }
    }

    fn is_isolated(&self) -> bool {
        true
    }
}

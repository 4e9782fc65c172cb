//! exec-sized: the length of an answer, the client's acknowledgement, the answer.

use std::time::Instant;

use landline_protocol::{Admission, CommandOf, ConnId, Effects, Load, Output, Peer, Service, StreamProtocol};
use landline_wire::{SizedSender, sized::ACKNOWLEDGEMENT_WAIT};

use super::intake::{Intake, Verdict, without_newline};
use super::outcome::{Outcome, Run};
use super::server::Work;

/// One connection of the server.
#[derive(Debug)]
pub struct SizedServer {
    intake: Intake,
    sender: SizedSender,
    /// When an answer is sent without its acknowledgement.
    deadline: Option<Instant>,
    /// Whether a command runs.
    is_running: bool,
    /// Whether the connection ends with the answer that is under way.
    is_draining: bool,
}

impl SizedServer {
    /// A server that runs commands only where `is_allowed`, and otherwise says that they are off.
    #[must_use]
    pub fn new(is_allowed: bool) -> Self {
        Self {
            intake: Intake::new(is_allowed),
            sender: SizedSender::default(),
            deadline: None,
            is_running: false,
            is_draining: false,
        }
    }

    fn announce(&mut self, outcome: &Outcome, out: &mut dyn Output<Run>, now: Instant) {
        let mut bytes = Vec::new();
        self.sender.send(outcome.shown().into_owned(), &mut bytes);
        out.write(&bytes);
        self.deadline = Some(now + ACKNOWLEDGEMENT_WAIT);
    }

    /// Sends what waits for an acknowledgement that no longer counts.
    fn send_body(&mut self, out: &mut dyn Output<Run>) {
        let mut body = Vec::new();
        self.sender.deadline_reached(&mut body);
        self.sent(&body, out);
    }

    fn sent(&mut self, body: &[u8], out: &mut dyn Output<Run>) {
        if !body.is_empty() {
            out.write(body);
        }
        if !self.sender.is_waiting() {
            self.deadline = None;
            if self.is_draining && !self.is_running {
                out.finish();
            }
        }
    }
}

impl StreamProtocol for SizedServer {
    type Event = Run;
    type Command = Outcome;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Run>, now: Instant) {
        let mut body = Vec::new();
        let read = std::mem::take(input);
        let command = self.sender.received(read, &mut body);
        self.sent(&body, out);
        // A newline behind an acknowledgement belongs to it: somebody types.
        let was_acknowledged = command.len() < read.len() && without_newline(command).is_empty();
        if was_acknowledged || self.is_draining {
            return;
        }
        match self.intake.judge(command, false) {
            Verdict::Run(run) => {
                self.is_running = true;
                out.ask(run);
            }
            Verdict::Refuse(outcome) => self.announce(&outcome, out, now),
            Verdict::Close => out.finish(),
        }
    }

    fn peer_finished(&mut self, _rest: &mut &[u8], out: &mut dyn Output<Run>, _now: Instant) {
        self.send_body(out);
        out.finish();
    }

    fn commanded(&mut self, outcome: Outcome, out: &mut dyn Output<Run>, now: Instant) {
        self.is_running = false;
        self.announce(&outcome, out, now);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn deadline_reached(&mut self, out: &mut dyn Output<Run>, _now: Instant) {
        self.send_body(out);
    }

    fn drain(&mut self, out: &mut dyn Output<Run>, _now: Instant) {
        self.is_draining = true;
        if !self.is_running && !self.sender.is_waiting() {
            out.finish();
        }
    }

    fn wants_input(&self) -> bool {
        !self.is_running
    }
}

/// The service around [`SizedServer`].
#[derive(Clone, Debug)]
pub struct ExecSized {
    is_allowed: bool,
}

impl ExecSized {
    /// A service whose commands run only where `is_allowed`.
    #[must_use]
    pub fn new(is_allowed: bool) -> Self {
        Self { is_allowed }
    }
}

impl Service for ExecSized {
    type Connection = SizedServer;
    type Work = Work;

    fn admit(&mut self, _id: ConnId, _peer: &Peer, _load: &Load, _now: Instant) -> Admission<SizedServer> {
        Admission::Accept(SizedServer::new(self.is_allowed))
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

//! The state of a connection beside its protocol: what the protocol's output acts upon.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::outbox::Outbox;
use super::{ConnLimits, Ended};
use crate::output::{FileSlice, Output};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Messages go both ways.
    Open,
    /// We write what is queued and no more; what arrives is thrown away.
    Finishing,
    /// Our end is sent; we wait for the peer's.
    Lingering,
    /// The engine is to close the socket.
    Ended(Ended),
}

#[derive(Debug)]
pub(super) struct Shell<E> {
    pub(super) limits: Arc<ConnLimits>,
    pub(super) outbox: Outbox,
    pub(super) events: VecDeque<E>,
    /// When a byte last moved, either way.
    pub(super) progress: Instant,
    pub(super) phase: Phase,
    /// Bytes that may still be thrown away after our end.
    discards: usize,
    /// Events asked and not answered.
    pub(super) unanswered: u16,
    /// Whether reading rests because much is queued.
    rests: bool,
    /// Whether the peer's end has arrived.
    pub(super) peer_finished: bool,
    /// Whether the protocol knows that.
    pub(super) end_told: bool,
    /// Whether messages wait for the next turn.
    pub(super) has_more: bool,
}

impl<E> Shell<E> {
    pub(super) fn new(limits: Arc<ConnLimits>, now: Instant) -> Self {
        Self {
            discards: limits.linger_bytes,
            limits,
            outbox: Outbox::default(),
            events: VecDeque::new(),
            progress: now,
            phase: Phase::Open,
            unanswered: 0,
            rests: false,
            peer_finished: false,
            end_told: false,
            has_more: false,
        }
    }

    pub(super) fn takes_input(&self) -> bool {
        self.phase == Phase::Open && !self.rests && self.unanswered < self.limits.unanswered_max.max(1)
    }

    /// Whether reading rested until now and may go on.
    pub(super) fn resumes(&mut self) -> bool {
        let resumes = self.rests
            && !self.outbox.has_file()
            && self.outbox.len() <= self.limits.output_high / 4
            && self.phase == Phase::Open;
        if resumes {
            self.rests = false;
        }
        resumes
    }

    pub(super) fn wrote(&mut self, count: usize, now: Instant) {
        if count > 0 {
            self.progress = now;
            self.outbox.sent(count);
        }
    }

    /// When patience ends as things stand, and how. A time too long for the clock never ends.
    pub(super) fn timeout(&self, established: bool) -> Option<(Instant, Ended)> {
        let (patience, ended) = match self.phase {
            Phase::Lingering => (self.limits.linger, Ended::Finished),
            // We are the ones who are slow: the peer waits for us, and has taken all that was sent.
            Phase::Open if self.unanswered > 0 && self.outbox.is_empty() => return None,
            Phase::Open if !established => (self.limits.handshake?, Ended::Handshake),
            Phase::Open | Phase::Finishing => (self.limits.idle?, Ended::Idle),
            Phase::Ended(_) => return None,
        };
        Some((self.progress.checked_add(patience)?, ended))
    }

    /// Throws away bytes that arrived after our end; a peer that talks on and on is not listened to for ever.
    pub(super) fn discard(&mut self, count: usize) {
        self.discards = self.discards.saturating_sub(count);
        if self.discards == 0 && self.phase == Phase::Lingering {
            self.end(Ended::Finished);
        }
    }

    pub(super) fn begin_finish(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Finishing;
        }
    }

    /// Both ends were sent.
    pub(super) fn end_if_done(&mut self) {
        if self.phase == Phase::Lingering && self.peer_finished {
            self.end(Ended::Finished);
        }
    }

    pub(super) fn end(&mut self, why: Ended) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Ended(why);
            self.outbox.clear();
        }
    }

    fn note_fill(&mut self) {
        if self.outbox.len() > self.limits.output_high || self.outbox.has_file() {
            self.rests = true;
        }
    }
}

impl<E> Output<E> for Shell<E> {
    fn write(&mut self, bytes: &[u8]) {
        if self.phase == Phase::Open {
            self.outbox.write(bytes);
            self.note_fill();
        }
    }

    fn send_file(&mut self, file: FileSlice) {
        if self.phase == Phase::Open {
            self.outbox.send_file(file);
            self.note_fill();
        }
    }

    fn emit(&mut self, event: E) {
        self.events.push_back(event);
    }

    fn ask(&mut self, event: E) {
        self.unanswered = self.unanswered.saturating_add(1);
        self.events.push_back(event);
    }

    fn finish(&mut self) {
        self.begin_finish();
    }

    fn abort(&mut self, reason: &'static str) {
        self.end(Ended::Aborted(reason));
    }

    fn is_full(&self) -> bool {
        self.rests
    }
}

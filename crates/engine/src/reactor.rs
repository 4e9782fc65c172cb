//! One thread, many connections: waits for news, turns the connections that have some, sends what they said.
//!
//! A turn of the loop: wait; read from the ready ones and let them speak; accept; take the mailbox; wake the due; apply
//! what services asked for; send what those effects queued. Nothing in it blocks but the wait.

mod accepting;

use std::collections::BTreeSet;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use landline_protocol::{CommandOf, ConnId, Ended, Service};

use crate::link::Link;
use crate::mailbox::{Mailbox, Message};
use crate::selector::{Interest, Ready, Selector};
use crate::shared::{EffectsOf, Shared};
use crate::slab::Slab;
use crate::socket;
use crate::timers::Timers;
use crate::worker::Worker;
use accepting::Accepting;

/// The most bytes that one read takes: 64 KiB. One buffer serves all connections of the loop.
pub(crate) const READ_MAX: usize = 64 * 1024;

/// Reads from one connection in a turn, where edges oblige to read everything.
const READS_A_TURN: usize = 4;

/// Tokens that no connection can have: their places are above any slab's.
const LISTENER: u64 = u64::MAX;
const BELL: u64 = u64::MAX - 1;

pub(crate) struct Reactor<S: Service, W, L> {
    selector: L,
    accepting: Option<Accepting>,
    shared: Arc<Shared<S, W>>,
    mailbox: Arc<Mailbox<CommandOf<S>>>,
    links: Slab<Link<S::Connection>>,
    timers: Timers,
    /// Kept for its memory; empty between turns.
    due: Vec<(Instant, ConnId)>,
    /// Connections that go on in the next turn without news.
    busy: Vec<ConnId>,
    /// Connections for which effects queued something.
    touched: Vec<ConnId>,
    effects: EffectsOf<S>,
    taken: Vec<Message<CommandOf<S>>>,
    buffer: Box<[u8]>,
    /// Lent to one connection at a time, for what it has to say.
    spare: Vec<u8>,
    stopping: Option<Instant>,
}

impl<S, W, L> Reactor<S, W, L>
where
    S: Service,
    W: Worker<S::Work, CommandOf<S>>,
    L: Selector,
{
    pub(crate) fn new(
        mut selector: L,
        listener: TcpListener,
        shared: Arc<Shared<S, W>>,
        mailbox: Arc<Mailbox<CommandOf<S>>>,
        shard: u8,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let accepting = Accepting::new(listener);
        selector.add(accepting.descriptor(), LISTENER, Interest::READ)?;
        selector.add(mailbox.bell(), BELL, Interest::READ)?;
        Ok(Self {
            selector,
            accepting: Some(accepting),
            shared,
            mailbox,
            links: Slab::new(shard),
            timers: Timers::default(),
            due: Vec::new(),
            busy: Vec::new(),
            touched: Vec::new(),
            effects: EffectsOf::<S>::default(),
            taken: Vec::new(),
            buffer: vec![0; READ_MAX].into_boxed_slice(),
            spare: Vec::new(),
            stopping: None,
        })
    }

    /// Serves until it is told to stop and everybody has gone.
    ///
    /// # Errors
    /// The selector's; connections are lost then.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let timeout = self.timeout();
            self.selector.wait(&mut ready, timeout)?;
            let now = Instant::now();
            let mut rings = false;
            for news in &ready {
                match news.token {
                    // Emptied by edge, it tells that there is room for another ring.
                    BELL => rings |= news.readable,
                    LISTENER => self.accept(now),
                    token => self.turn_ready(ConnId(token), news, now),
                }
            }
            self.resume_accepting(now);
            // The bell rings until the mailbox is emptied, so what comes after the wait is told by the next one.
            if rings {
                self.take_mail(now);
            }
            self.go_on(now);
            self.wake_due(now);
            self.apply_effects(now);
            if self.is_done(now) {
                return Ok(());
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.busy.is_empty() || self.accepting.as_ref().is_some_and(Accepting::has_more) {
            return Some(Duration::ZERO);
        }
        let backoff = self.accepting.as_ref().and_then(Accepting::deadline);
        let next = [self.timers.next(), backoff, self.stopping]
            .into_iter()
            .flatten()
            .min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn turn_ready(&mut self, id: ConnId, news: &Ready, now: Instant) {
        let Some(link) = self.links.find(id) else {
            return;
        };
        if news.writable {
            link.unblock();
        }
        link.readable |= news.readable;
        link.end_waits |= news.peer_finished;
        link.broken |= news.broken;
        link.unwanted |= news.readable && link.conn.room() == 0;
        self.turn(id, now);
    }

    /// Reads what is there, lets the connection speak, and sends what it says.
    fn turn(&mut self, id: ConnId, now: Instant) {
        let Some(link) = self.links.find(id) else {
            return;
        };
        link.conn.borrow_buffer(&mut self.spare);
        let reads = if L::EDGE { READS_A_TURN } else { 1 };
        for _ in 0..reads {
            if link.readable {
                link.read(&mut self.buffer, now);
            }
        }
        if !L::EDGE {
            // The state will be told again, as long as it lasts.
            link.readable = false;
        }
        self.after(id, now);
    }

    /// Whatever happened to a connection: its events, its bytes, its timer, its end.
    fn after(&mut self, id: ConnId, now: Instant) {
        let Some(link) = self.links.find(id) else {
            return;
        };
        if link.broken && link.conn.room() == 0 {
            // An edge tells it once, perhaps when there was something to read before it.
            link.conn.close(Ended::Reset);
        }
        link.flush(now);
        while let Some(event) = link.conn.event() {
            self.shared.event(id, event, &mut self.effects, now);
        }
        link.conn.return_buffer(&mut self.spare);
        if let Some(why) = link.conn.ended() {
            return self.remove(id, why, now);
        }
        if link.has_work(L::EDGE) && !std::mem::replace(&mut link.is_busy, true) {
            self.busy.push(id);
        }
        if !L::EDGE {
            let wanted = link.lasting_interest();
            if wanted != link.watched {
                link.watched = wanted;
                if self.selector.modify(link.descriptor(), id.0, wanted).is_err() {
                    return self.remove(id, Ended::Reset, now);
                }
            }
        }
        self.timers
            .schedule(id, link.conn.deadline(), &mut link.scheduled);
    }

    fn remove(&mut self, id: ConnId, why: Ended, now: Instant) {
        if let Some(link) = self.links.remove(id) {
            let _ = self.selector.remove(link.descriptor());
            let remote = link.remote;
            link.close(why);
            self.shared.left(id, remote, why, &mut self.effects, now);
            self.prune_timers();
        }
    }

    fn prune_timers(&mut self) {
        let links = &mut self.links;
        self.timers.prune(links.len(), |at, id| {
            links.find(id).is_some_and(|link| link.scheduled == Some(at))
        });
    }

    /// Gives another turn to those that had more to do than one turn takes.
    fn go_on(&mut self, now: Instant) {
        debug_assert!(are_different(&self.busy), "nobody has two shares of a turn");
        for id in std::mem::take(&mut self.busy) {
            if let Some(link) = self.links.find(id) {
                link.is_busy = false;
                link.conn.tick(now);
                self.turn(id, now);
            }
        }
    }

    /// A deadline that stays in the past is met once a turn, so that it holds nobody up.
    fn wake_due(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        due.extend(std::iter::from_fn(|| self.timers.due(now)));
        for (at, id) in due.drain(..) {
            let Some(link) = self.links.find(id).filter(|link| link.scheduled == Some(at)) else {
                continue;
            };
            link.scheduled = None;
            if link.conn.deadline().is_some_and(|deadline| deadline <= now) {
                link.conn.tick(now);
            }
            self.after(id, now);
        }
        self.due = due;
        // A deadline that is near now and far then leaves the far one behind each time.
        self.prune_timers();
    }

    fn take_mail(&mut self, now: Instant) {
        let mut taken = std::mem::take(&mut self.taken);
        self.mailbox.take(&mut taken);
        for message in taken.drain(..) {
            self.deliver(message, now);
        }
        self.taken = taken;
        self.send_touched(now);
    }

    /// Effects may bring further events and effects, so this goes on until there are none.
    fn apply_effects(&mut self, now: Instant) {
        while !self.effects.is_empty() {
            let mut effects = std::mem::take(&mut self.effects);
            for effect in effects.drain() {
                let Some((to, message)) = self.shared.message(effect) else {
                    continue;
                };
                if crate::slab::shard_of(to) == self.links.shard() {
                    self.deliver(message, now);
                } else {
                    self.shared.router.post(to, message);
                }
            }
            self.send_touched(now);
        }
    }

    fn deliver(&mut self, message: Message<CommandOf<S>>, now: Instant) {
        let (Message::Command(id, _) | Message::Answer(id, _) | Message::Finish(id) | Message::Abort(id)) =
            message
        else {
            return self.stop(now);
        };
        if let Some(link) = self.links.find(id) {
            link.deliver(message, now);
            // Several messages for one are mostly neighbours.
            if self.touched.last() != Some(&id) {
                self.touched.push(id);
            }
        }
    }

    /// One write for all that effects queued for a connection.
    fn send_touched(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.touched) {
            self.after(id, now);
        }
    }

    /// The first time everybody is asked to come to an end; the second time nobody is.
    fn stop(&mut self, now: Instant) {
        let again = self.stopping.is_some();
        self.stopping = Some(if again { now } else { now + self.shared.grace });
        if let Some(accepting) = self.accepting.take() {
            let _ = self.selector.remove(accepting.descriptor());
            socket::stop_listening(accepting.descriptor());
        }
        for id in self.links.ids() {
            if let Some(link) = self.links.find(id) {
                link.conn.drain(now);
            }
            self.after(id, now);
        }
    }

    fn is_done(&mut self, now: Instant) -> bool {
        if self.stopping.is_some_and(|until| until <= now) {
            for id in self.links.ids() {
                self.remove(id, Ended::Stopped, now);
            }
            self.apply_effects(now);
        }
        self.stopping.is_some() && self.links.len() == 0
    }
}

fn are_different(ids: &[ConnId]) -> bool {
    let different: BTreeSet<_> = ids.iter().collect();
    different.len() == ids.len()
}

//! What all loops of one server share.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use landline_protocol::{
    Admission, Admissions, CommandOf, Conn, ConnId, ConnLimits, Effect, Effects, Ended, EventOf, Peer,
    Service,
};

use crate::mailbox::{Message, Router};
use crate::options::Options;
use crate::report::Counters;
use crate::socket;
use crate::worker::{Reply, Worker};

/// The service, its worker, and what counts for the whole server.
///
/// Lock order: `service`, then the router's map, then a mailbox; `admissions` is never held together with another.
pub(crate) struct Shared<S: Service, W> {
    service: Mutex<S>,
    worker: W,
    admissions: Mutex<Admissions>,
    pub(crate) limits: Arc<ConnLimits>,
    pub(crate) grace: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) router: Arc<Router<CommandOf<S>>>,
}

impl<S, W> Shared<S, W>
where
    S: Service,
    W: Worker<S::Work, CommandOf<S>>,
{
    pub(crate) fn new(service: S, worker: W, router: Router<CommandOf<S>>, options: &Options) -> Self {
        Self {
            service: Mutex::new(service),
            worker,
            admissions: Mutex::new(Admissions::new(options.admission)),
            limits: Arc::new(options.conn.clone()),
            grace: options.grace,
            counters: Arc::default(),
            router: Arc::new(router),
        }
    }

    /// Asks the limits and the service whether somebody comes in; closes the socket of who does not.
    pub(crate) fn admit(
        &self,
        socket: OwnedFd,
        remote: SocketAddr,
        id: ConnId,
        now: Instant,
    ) -> Option<(OwnedFd, Conn<S::Connection>)> {
        let Some(load) = lock(&self.admissions).enter(remote.ip()) else {
            self.counters.refused();
            return None;
        };
        let admission = match socket::local_address(&socket) {
            Ok(local) => self.service().admit(id, &Peer { remote, local }, &load, now),
            Err(_) => Admission::Drop,
        };
        match admission {
            Admission::Accept(protocol) => {
                self.counters.accepted();
                return Some((socket, Conn::open(protocol, Arc::clone(&self.limits), now)));
            }
            Admission::Refuse(words) => refuse(&socket, &words),
            Admission::Drop => {}
        }
        lock(&self.admissions).leave(remote.ip());
        self.counters.refused();
        None
    }

    /// A connection said something. What one loop alone applies comes back in `effects`; with several loops it is
    /// posted here, so that everybody hears of two events in the same order.
    pub(crate) fn event(&self, from: ConnId, event: EventOf<S>, effects: &mut EffectsOf<S>, now: Instant) {
        let mut service = self.service();
        service.event(from, event, effects, now);
        self.post_for_several(effects);
    }

    /// A connection has ended.
    pub(crate) fn left(
        &self,
        id: ConnId,
        remote: SocketAddr,
        why: Ended,
        effects: &mut EffectsOf<S>,
        now: Instant,
    ) {
        lock(&self.admissions).leave(remote.ip());
        self.counters.ended(why);
        let mut service = self.service();
        service.left(id, effects, now);
        self.post_for_several(effects);
    }

    /// To be called while the service is held: whoever calls next finds everything before theirs posted.
    fn post_for_several(&self, effects: &mut EffectsOf<S>) {
        if self.router.has_several() {
            self.post(effects);
        }
    }

    /// Posts to every connection what is for it.
    pub(crate) fn post(&self, effects: &mut EffectsOf<S>) {
        for effect in effects.drain() {
            if let Some((to, message)) = self.message(effect) {
                self.router.post(to, message);
            }
        }
    }

    /// Turns an effect into a message, or begins its work.
    pub(crate) fn message(
        &self,
        effect: Effect<CommandOf<S>, S::Work>,
    ) -> Option<(ConnId, Message<CommandOf<S>>)> {
        Some(match effect {
            Effect::Command(to, command) => (to, Message::Command(to, command)),
            Effect::Answer(to, command) => (to, Message::Answer(to, command)),
            Effect::Close(connection) => (connection, Message::Finish(connection)),
            Effect::Work(id, work) => {
                self.worker.start(work, Reply::new(id, Arc::clone(&self.router)));
                return None;
            }
        })
    }

    fn service(&self) -> MutexGuard<'_, S> {
        lock(&self.service)
    }
}

pub(crate) type EffectsOf<S> = Effects<CommandOf<S>, <S as Service>::Work>;

/// A service that panicked in one call is still asked in the next: one peer's bad luck is not everybody's.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refuse(socket: impl AsFd, words: &[u8]) {
    socket::send(&socket, words);
    socket::shut_down(&socket);
    // Closing with bytes unread would be a reset, which overtakes the words.
    socket::receive(&socket, &mut [0; 4096]);
}

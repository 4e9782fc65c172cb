//! Slow work, done beside the loop.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use landline_protocol::ConnId;

use crate::mailbox::{Message, Router};

/// Does slow work for a service. It must not block: it hands the work to a thread, a pool or a process of its own, and
/// bounds how many it has.
pub trait Worker<W, C>: Send + Sync {
    /// Begins `work`. Its result goes into `reply`.
    fn start(&self, work: W, reply: Reply<C>);
}

/// For services without slow work.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWork;

impl<C> Worker<Infallible, C> for NoWork {
    fn start(&self, work: Infallible, _reply: Reply<C>) {
        match work {}
    }
}

/// Where the result of work goes. One that is dropped unanswered breaks its connection off: it would wait for ever.
pub struct Reply<C> {
    id: ConnId,
    router: Option<Arc<Router<C>>>,
}

impl<C> Reply<C> {
    pub(crate) fn new(id: ConnId, router: Arc<Router<C>>) -> Self {
        Self {
            id,
            router: Some(router),
        }
    }

    /// Who asked.
    #[must_use]
    pub fn connection(&self) -> ConnId {
        self.id
    }

    /// Answers what was asked. Where the connection has ended meanwhile, nothing happens.
    pub fn answer(mut self, command: C) {
        if let Some(router) = self.router.take() {
            router.post(self.id, Message::Answer(self.id, command));
        }
    }

    /// For work that nobody waits for, such as cleaning up behind a connection that has left.
    pub fn needs_none(mut self) {
        self.router = None;
    }
}

impl<C> Drop for Reply<C> {
    fn drop(&mut self) {
        if let Some(router) = self.router.take() {
            router.post(self.id, Message::Abort(self.id));
        }
    }
}

impl<C> fmt::Debug for Reply<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reply")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

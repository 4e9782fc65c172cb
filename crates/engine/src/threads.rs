//! A thread for each connection, in bounded number.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use landline_protocol::{CommandOf, ConnId, Ended, Service};

use crate::acceptor::{self, Workforce};
use crate::link::Link;
use crate::mailbox::{Mailbox, Message, Router};
use crate::running::Running;
use crate::server::SendService;
use crate::shared::{EffectsOf, Shared};
use crate::solo;
use crate::worker::Worker;
use crate::{Error, Options};

/// Stack of a connection's thread. Protocols keep what is large on the heap, and so does the buffer: 256 KiB.
const STACK: usize = 256 * 1024;

pub(crate) fn serve<S, W>(
    listener: TcpListener,
    service: S,
    worker: W,
    options: &Options,
) -> Result<Running, Error>
where
    S: SendService,
    W: Worker<S::Work, CommandOf<S>> + 'static,
{
    listener
        .set_nonblocking(true)
        .map_err(Error::system("make the listener non-blocking"))?;
    let address = listener
        .local_addr()
        .map_err(Error::system("read the listener's address"))?;
    let mut options = options.clone();
    options.admission.connections = options.admission.connections.min(options.workers_max);
    let shared = Arc::new(Shared::new(
        service,
        worker,
        Router::Each(Default::default()),
        &options,
    ));
    let mailbox = Arc::new(Mailbox::new().map_err(Error::system("make a mailbox"))?);
    let counters = Arc::clone(&shared.counters);
    let (own, bell) = (Arc::clone(&mailbox), Arc::clone(&mailbox));
    let acceptor = thread::Builder::new().name("acceptor".to_owned()).spawn(move || {
        let mut threads = Threads {
            shared,
            acceptor: bell,
            last: 0,
            running: Vec::new(),
        };
        let grace = threads.shared.grace;
        if let Err(error) = acceptor::run(listener, &own, grace, &mut threads) {
            tracing::error!(%error, "the server cannot wait for connections any more");
        }
        for thread in threads.running {
            let _ = thread.join();
        }
    });
    let acceptor = acceptor.map_err(Error::system("start a thread"))?;
    Ok(Running {
        address,
        stop: Arc::new(move || mailbox.post(Message::Stop)),
        counters,
        threads: vec![acceptor],
    })
}

struct Threads<S: Service, W> {
    shared: Arc<Shared<S, W>>,
    acceptor: Arc<Mailbox<()>>,
    last: u64,
    running: Vec<JoinHandle<()>>,
}

impl<S, W> Workforce for Threads<S, W>
where
    S: SendService,
    W: Worker<S::Work, CommandOf<S>> + 'static,
{
    fn serve(&mut self, socket: OwnedFd, remote: SocketAddr) {
        self.last += 1;
        let id = ConnId(self.last);
        let Ok(mailbox) = Mailbox::new().map(Arc::new) else {
            return self.shared.counters.refused();
        };
        // Before it is admitted, so that what the service says at once finds it.
        self.register(id, Some(Arc::clone(&mailbox)));
        let Some((socket, conn)) = self.shared.admit(socket, remote, id, Instant::now()) else {
            return self.register(id, None);
        };
        let (shared, acceptor) = (Arc::clone(&self.shared), Arc::clone(&self.acceptor));
        let link = Link::new(socket, remote, conn);
        let thread = thread::Builder::new()
            .name("connection".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let _over = Over(acceptor, id);
                let driven = catch_unwind(AssertUnwindSafe(|| drive(&shared, link, &mailbox, id)));
                if driven.is_err() {
                    // A protocol's panic costs its own connection, and not its place as well.
                    leave(&shared, id, remote, Ended::Aborted("its protocol panicked"));
                }
            });
        match thread {
            Ok(thread) => self.running.push(thread),
            Err(error) => {
                tracing::warn!(%error, "no thread for a connection; it is closed");
                self.register(id, None);
                leave(&self.shared, id, remote, Ended::Stopped);
            }
        }
    }

    fn stop(&mut self, _at_once: bool) {
        // The second message to each says at once.
        self.shared.router.stop_all();
    }

    fn over(&mut self, message: Message<()>) {
        if let Message::Finish(id) = message {
            self.register(id, None);
        }
        self.running.retain(|thread| !thread.is_finished());
    }

    fn count(&self) -> usize {
        match &*self.shared.router {
            Router::Each(mailboxes) => mailboxes.lock().unwrap_or_else(PoisonError::into_inner).len(),
            Router::Shards(_) => 0,
        }
    }
}

impl<S: Service, W> Threads<S, W> {
    fn register(&self, id: ConnId, mailbox: Option<Arc<Mailbox<CommandOf<S>>>>) {
        if let Router::Each(mailboxes) = &*self.shared.router {
            let mut mailboxes = mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
            match mailbox {
                Some(mailbox) => mailboxes.insert(id, mailbox),
                None => mailboxes.remove(&id),
            };
        }
    }
}

/// Says that a connection's thread is over, also where it panicked.
struct Over(Arc<Mailbox<()>>, ConnId);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.post(Message::Finish(self.1));
    }
}

/// Serves one connection to its end.
pub(crate) fn drive<S, W>(
    shared: &Shared<S, W>,
    mut link: Link<S::Connection>,
    mailbox: &Mailbox<CommandOf<S>>,
    id: ConnId,
) -> Ended
where
    S: Service,
    W: Worker<S::Work, CommandOf<S>>,
{
    let mut effects = EffectsOf::<S>::default();
    let ended = solo::run(&mut link, mailbox, shared.grace, |event, now| {
        shared.event(id, event, &mut effects, now);
        shared.post(&mut effects);
    });
    let why = ended.unwrap_or(Ended::Reset);
    let remote = link.remote;
    link.close(why);
    leave(shared, id, remote, why);
    why
}

fn leave<S, W>(shared: &Shared<S, W>, id: ConnId, remote: SocketAddr, why: Ended)
where
    S: Service,
    W: Worker<S::Work, CommandOf<S>>,
{
    let mut effects = EffectsOf::<S>::default();
    shared.left(id, remote, why, &mut effects, Instant::now());
    shared.post(&mut effects);
}

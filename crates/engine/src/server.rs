//! Putting a service on an engine.

mod messages;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use landline_protocol::{CommandOf, Service, StreamProtocol};

use crate::kind::Kind;
use crate::mailbox::{Mailbox, Router};
use crate::reactor::Reactor;
use crate::running::Running;
use crate::selector::{Epoll, Poll, Select, Selector};
use crate::shared::Shared;
use crate::worker::Worker;
use crate::{Error, Options, Report, process, socket, threads};

pub use messages::Server;

/// A service that may go to another thread. Every service is one whose parts may.
pub trait SendService:
    Service<
        Connection: StreamProtocol<Event: Send, Command: Send + 'static> + Send + 'static,
        Work: Send + 'static,
    > + Send
    + 'static
{
}

impl<S> SendService for S where
    S: Service<
            Connection: StreamProtocol<Event: Send, Command: Send + 'static> + Send + 'static,
            Work: Send + 'static,
        > + Send
        + 'static
{
}

/// Listens on `address` as the engine of `options` wants it: for shards, so that they can share the address.
///
/// # Errors
/// The system's: the port is taken, or may not be used.
pub fn listen(address: SocketAddr, options: &Options) -> io::Result<TcpListener> {
    match options.kind {
        Kind::Sharded(_) => socket::bind_shared(address),
        _ => socket::bind(address, false),
    }
}

/// Serves `service` on a listener, on threads of its own.
///
/// # Errors
/// The system's, and where the engine cannot serve this service.
pub fn serve<S, W>(listener: TcpListener, service: S, worker: W, options: &Options) -> Result<Running, Error>
where
    S: SendService,
    W: Worker<S::Work, CommandOf<S>> + 'static,
{
    match options.kind {
        Kind::Select => sharded(vec![listener], service, worker, options, || Ok(Select::new())),
        Kind::Poll => sharded(vec![listener], service, worker, options, || Ok(Poll::new())),
        Kind::Epoll => sharded(vec![listener], service, worker, options, Epoll::<false>::new),
        Kind::EpollEdge => sharded(vec![listener], service, worker, options, Epoll::<true>::new),
        Kind::Sharded(shards) => {
            let listeners =
                siblings(listener, shards).map_err(Error::system("listen once more for each shard"))?;
            sharded(listeners, service, worker, options, Epoll::<false>::new)
        }
        Kind::Threads => threads::serve(listener, service, worker, options),
        Kind::Process if !service.is_isolated() => Err(Error::NotIsolated),
        Kind::Process => process::serve(listener, options),
    }
}

/// Listens on `address`, where port 0 is any free one, and serves until SIGINT or SIGTERM, as
/// [`Running::until_signalled`] does: a whole program in one call.
///
/// # Errors
/// The address cannot be found or used, or the engine cannot be started.
pub fn run<S, W>(
    address: impl ToSocketAddrs,
    service: S,
    worker: W,
    options: &Options,
    serving: impl FnOnce(SocketAddr),
) -> Result<Report, Error>
where
    S: SendService,
    W: Worker<S::Work, CommandOf<S>> + 'static,
{
    let listener = listen_on(address, options)?;
    serve(listener, service, worker, options)?.until_signalled(serving)
}

/// Listens on the first address of that name.
fn listen_on(address: impl ToSocketAddrs, options: &Options) -> Result<TcpListener, Error> {
    let first = address.to_socket_addrs().and_then(|mut addresses| {
        let unnamed = || io::Error::new(io::ErrorKind::NotFound, "no address has this name");
        addresses.next().ok_or_else(unnamed)
    });
    let first = first.map_err(Error::system("find the address"))?;
    listen(first, options).map_err(Error::system("listen"))
}

/// One loop for each listener.
fn sharded<S, W, L>(
    listeners: Vec<TcpListener>,
    service: S,
    worker: W,
    options: &Options,
    selector: impl Fn() -> io::Result<L>,
) -> Result<Running, Error>
where
    S: SendService,
    W: Worker<S::Work, CommandOf<S>> + 'static,
    L: Selector + Send + 'static,
{
    let address = listeners.first().map(TcpListener::local_addr);
    let address = address.unwrap_or_else(|| Err(io::ErrorKind::InvalidInput.into()));
    let address = address.map_err(Error::system("read the listener's address"))?;
    let mailboxes: io::Result<Vec<_>> = listeners.iter().map(|_| Mailbox::new().map(Arc::new)).collect();
    let mailboxes = mailboxes.map_err(Error::system("make a mailbox"))?;
    let shared = Arc::new(Shared::new(
        service,
        worker,
        Router::Shards(mailboxes.clone()),
        options,
    ));
    let mut reactors = Vec::new();
    for (shard, (listener, mailbox)) in (0_u8..).zip(listeners.into_iter().zip(mailboxes)) {
        let selector = selector().map_err(Error::system("make a selector"))?;
        let reactor = Reactor::new(selector, listener, Arc::clone(&shared), mailbox, shard);
        reactors.push(reactor.map_err(Error::system("watch the listener"))?);
    }
    let threads = reactors.into_iter().map(start).collect::<Result<_, _>>()?;
    let (router, counters) = (Arc::clone(&shared.router), Arc::clone(&shared.counters));
    Ok(Running {
        address,
        stop: Arc::new(move || router.stop_all()),
        counters,
        threads,
    })
}

fn start<S, W, L>(reactor: Reactor<S, W, L>) -> Result<JoinHandle<()>, Error>
where
    S: SendService,
    W: Worker<S::Work, CommandOf<S>> + 'static,
    L: Selector + Send + 'static,
{
    let thread = thread::Builder::new().name("reactor".to_owned()).spawn(move || {
        if let Err(error) = reactor.run() {
            tracing::error!(%error, "the server cannot wait for its connections any more");
        }
    });
    thread.map_err(Error::system("start a thread"))
}

/// As many listeners as there are shards. Where the first one does not share its address, all accept from its queue.
fn siblings(first: TcpListener, shards: usize) -> io::Result<Vec<TcpListener>> {
    let mut listeners = vec![first];
    while listeners.len() < shards {
        let first = &listeners[0];
        let sibling = socket::sibling(first).or_else(|_| first.try_clone())?;
        listeners.push(sibling);
    }
    Ok(listeners)
}

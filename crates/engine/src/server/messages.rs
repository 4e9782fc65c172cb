//! The short way: message in, message out.

use std::convert::Infallible;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use landline_protocol::layers::Pace;
use landline_protocol::{
    Admission, CommandOf, ConnId, Effects, EventOf, Framed, Framing, Limited, Load, Output, Peer, Service,
    StreamProtocol,
};

use super::{listen_on, serve};
use crate::kind::Kind;
use crate::running::Running;
use crate::worker::NoWork;
use crate::{Error, Options, Report};

/// A server of one message after the other, in any framing, on any engine, with limits, that stops in order.
///
/// ```no_run
/// # use landline_wire::Lines;
/// landline_engine::Server::new(
///     || Lines::default(),
///     |line, out| out.write(&line.to_ascii_uppercase()),
/// )
/// .engine("epoll".parse().unwrap_or_default())
/// .connections(1000, 100)
/// .run("127.0.0.1:9999", |address| println!("listening on {address}"))?;
/// # Ok::<(), landline_engine::Error>(())
/// ```
pub struct Server<N, M> {
    framing: N,
    answer: M,
    options: Options,
    pace: Option<Pace>,
}

impl<N, F, M> Server<N, M>
where
    N: FnMut() -> F + Send + 'static,
    F: Framing + Send + 'static,
    M: Fn(&[u8], &mut dyn Output<Infallible>) + Send + Sync + 'static,
{
    /// Each connection gets a framing from `framing`, and each message of its peer goes to `answer`, which writes any
    /// number of messages, and may finish.
    pub fn new(framing: N, answer: M) -> Self {
        Self {
            framing,
            answer,
            options: Options::default(),
            pace: None,
        }
    }

    /// Chooses the engine.
    #[must_use]
    pub fn engine(mut self, kind: Kind) -> Self {
        self.options.kind = kind;
        self
    }

    /// Bounds the connections, in all and from one address.
    #[must_use]
    pub fn connections(mut self, in_all: usize, from_one_address: usize) -> Self {
        self.options.admission.connections = in_all;
        self.options.admission.per_address = from_one_address;
        self
    }

    /// Bounds what one connection may ask for.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Sets everything else.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Starts it on threads of its own. Port 0 is any free one.
    ///
    /// # Errors
    /// The address cannot be found or used, or the engine cannot be started.
    pub fn start(self, address: impl ToSocketAddrs) -> Result<Running, Error> {
        let listener = listen_on(address, &self.options)?;
        let pace = self.pace.unwrap_or(Pace::UNBOUNDED);
        let messages = Messages {
            framing: self.framing,
            answer: Arc::new(self.answer),
            pace,
        };
        serve(listener, messages, NoWork, &self.options)
    }

    /// Serves until SIGINT or SIGTERM: the first ends it in order, the second at once. `serving` is told the address.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Running::until_signalled`] have them.
    pub fn run(self, address: impl ToSocketAddrs, serving: impl FnOnce(SocketAddr)) -> Result<Report, Error> {
        self.start(address)?.until_signalled(serving)
    }
}

struct Messages<N, M> {
    framing: N,
    answer: Arc<M>,
    pace: Pace,
}

impl<N, F, M> Service for Messages<N, M>
where
    N: FnMut() -> F,
    F: Framing,
    M: Fn(&[u8], &mut dyn Output<Infallible>),
{
    type Connection = Limited<Framed<F, Answering<M>>>;
    type Work = Infallible;

    fn admit(&mut self, _: ConnId, _: &Peer, _: &Load, _: Instant) -> Admission<Self::Connection> {
        let answering = Answering(Arc::clone(&self.answer));
        Admission::Accept(Limited::new(self.pace, Framed::new((self.framing)(), answering)))
    }

    fn event(
        &mut self,
        _: ConnId,
        event: EventOf<Self>,
        _: &mut Effects<CommandOf<Self>, Infallible>,
        _: Instant,
    ) {
        match event {}
    }
}

/// A protocol that answers each message by a function.
struct Answering<M>(Arc<M>);

impl<M: Fn(&[u8], &mut dyn Output<Infallible>)> StreamProtocol for Answering<M> {
    type Event = Infallible;
    type Command = Infallible;

    fn received(&mut self, input: &mut &[u8], out: &mut dyn Output<Infallible>, _now: Instant) {
        (self.0)(std::mem::take(input), out);
    }

    fn commanded(&mut self, command: Infallible, _out: &mut dyn Output<Infallible>, _now: Instant) {
        match command {}
    }
}

//! Listening and accepting.

use super::gate::Gate;
use crate::services::Services;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many connections the system may hold ready for us.
const BACKLOG: u32 = 1024;

/// How long the accept loop rests when the system gives no descriptor: those that are served go on, and the loop does
/// not spin.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// A bound socket and the address that it has.
pub(crate) struct Listener {
    socket: TcpListener,
    /// With the port that the system chose, where 0 was asked for.
    pub(crate) address: SocketAddr,
}

/// Binds one address. An IPv6 socket is for IPv6 alone, so that `0.0.0.0` and `[::]` can stand side by side.
pub(crate) fn bind(address: SocketAddr) -> io::Result<Listener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if address.is_ipv6() {
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    // A hub that was just stopped must be able to come back while old connections linger in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    Ok(Listener {
        address: socket.local_addr()?,
        socket,
    })
}

/// Accepts until `stop` is cancelled; connections run on `tasks`.
pub(crate) async fn accept_all(
    listener: Listener,
    services: Arc<Services>,
    gate: Gate,
    tls: TlsAcceptor,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let mut spare = Spare::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                spare.calm();
                match gate.admit(peer.ip()) {
                    Ok(admission) => {
                        tasks.spawn(super::serve(
                            stream,
                            Arc::clone(&services),
                            tls.clone(),
                            admission,
                        ));
                    }
                    Err(full) => gate.turned_away(peer.ip(), full, Instant::now()),
                }
            }
            Err(error) if is_of_the_connection(&error) => {
                tracing::debug!(%error, "a connection went before it was accepted");
            }
            Err(error) => {
                spare.turn_one_away(&listener.socket, &error).await;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(ACCEPT_BACK_OFF) => {}
                }
            }
        }
    }
}

/// Errors that concern the connection that was about to be accepted and not the listener (see accept(2)).
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// A descriptor kept in hand, so that at the limit a waiting peer can be told to go instead of being left hanging.
struct Spare {
    descriptor: Option<File>,
    /// True from the first failure until something was accepted again: the log says it once.
    troubled: bool,
}

impl Spare {
    fn new() -> Self {
        Self {
            descriptor: File::open("/dev/null").ok(),
            troubled: false,
        }
    }

    fn calm(&mut self) {
        if std::mem::take(&mut self.troubled) {
            tracing::info!("connections are accepted again");
        }
    }

    async fn turn_one_away(&mut self, listener: &TcpListener, error: &io::Error) {
        if !std::mem::replace(&mut self.troubled, true) {
            tracing::error!(%error, "no connection can be accepted; those that are open go on (raise the limit of open files)");
        }
        if self.descriptor.take().is_some() {
            // Only one that waits already: `accept` must not wait for the next.
            let waiting = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
            drop::<Option<(TcpStream, SocketAddr)>>(waiting.ok().and_then(Result::ok));
        }
        self.descriptor = File::open("/dev/null").ok();
    }
}

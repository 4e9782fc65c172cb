//! The doors: what a connection turns out to be, by its first byte and its ALPN.
//!
//! ```text
//! first byte 0x16 (TLS) --handshake--> landline/1 --> native
//!                                      h2, http/1.1, none --> page, and share below /s/
//! first byte A..Z (plain HTTP) --> redirect to https
//! anything else, or nothing in time --> closed
//! ```

mod gate;
mod listener;
mod native;
mod page;
mod patience;
mod redirect;
mod share;

pub(crate) use gate::Gate;
pub(crate) use listener::{Listener, accept_all, bind};
pub(crate) use native::{answered, arguments};
pub(crate) use page::Page;
pub(crate) use share::GUESSES_FREE as SHARE_GUESSES_FREE;

use crate::services::Services;
use gate::Admission;
use landline_model::protocol::ALPN;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;

/// The content type byte with which every TLS handshake begins (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// How long a peer may take over one message, or one block of a file: a byte a minute is neither.
const MESSAGE_TIME: Duration = Duration::from_secs(60);

/// Serves one connection to its end.
async fn serve(stream: TcpStream, services: Arc<Services>, tls: TlsAcceptor, admission: Admission) {
    let stopping = services.stopping.clone();
    let deadline = Instant::now() + services.config.limits.handshake;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection went before it was served");
        return;
    }
    let mut first = [0];
    let peeked = tokio::select! {
        peeked = timeout_at(deadline, stream.peek(&mut first)) => peeked,
        () = stopping.cancelled() => return,
    };
    match peeked {
        Ok(Ok(1)) => {}
        Ok(_) => return,
        Err(_) => {
            tracing::debug!(peer = %admission.peer(), "a connection said nothing in time");
            return;
        }
    }
    match first[0] {
        TLS_HANDSHAKE => serve_tls(stream, services, tls, admission, deadline).await,
        b'A'..=b'Z' => redirect::serve(stream, deadline).await,
        _ => tracing::debug!(peer = %admission.peer(), "a connection spoke neither TLS nor HTTP"),
    }
}

async fn serve_tls(
    stream: TcpStream,
    services: Arc<Services>,
    tls: TlsAcceptor,
    admission: Admission,
    deadline: Instant,
) {
    let stopping = services.stopping.clone();
    let accepted = tokio::select! {
        accepted = timeout_at(deadline, tls.accept(stream)) => accepted,
        () = stopping.cancelled() => return,
    };
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(peer = %admission.peer(), %error, "a TLS handshake failed");
            return;
        }
        Err(_) => {
            tracing::debug!(peer = %admission.peer(), "a TLS handshake was not finished in time");
            return;
        }
    };
    if stream.get_ref().1.alpn_protocol() == Some(ALPN) {
        native::serve(stream, services, admission, deadline).await;
    } else {
        admission.handshake_is_over();
        page::serve(stream, services, admission.peer()).await;
    }
}

//! From addresses to a connection that has been welcomed.

use super::link::{self, Shared};
use super::{Connection, HANDSHAKE_DEADLINE, QUEUE_BYTES, QUEUE_REQUESTS};
use crate::error::ClientError;
use crate::tls::{PinMismatch, kept_config};
use landline_model::link::{HubAddress, Pin};
use landline_model::protocol::ALPN;
use landline_model::protocol::people::Welcome;
use landline_model::token::{EXPORTER_BYTES, EXPORTER_LABEL};
use rustls::pki_types::{IpAddr, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long one address may take to accept a connection. On a local network this is generous.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How long sent bytes may go unacknowledged before the system gives the connection up, in milliseconds.
const UNACKNOWLEDGED_MS: u32 = 30_000;

/// Without traffic for this long the system asks the other side whether it is still there, and again every fifth of
/// it.
const PROBE_AFTER: Duration = Duration::from_secs(25);

pub(super) async fn dial(addresses: &[HubAddress], pin: Pin) -> Result<(Connection, Welcome), ClientError> {
    let config = kept_config(pin).map_err(|error| ClientError::Certificate {
        address: "any hub".to_owned(),
        reason: error.to_string(),
    })?;
    let mut failures = Vec::new();
    for address in addresses {
        match dial_one(address, pin, &config).await {
            Ok(connected) => return Ok(connected),
            Err(failure) => {
                tracing::debug!(%address, %failure, "this address does not work");
                failures.push(failure);
            }
        }
    }
    Err(worst(failures))
}

/// The failure that matters most; where nothing answered at all, all of them.
pub(super) fn worst(failures: Vec<ClientError>) -> ClientError {
    let mut tried = Vec::new();
    let mut worst: Option<ClientError> = None;
    for failure in failures {
        match failure {
            ClientError::Unreachable { tried: one } => tried.push(one),
            ClientError::PinChanged { .. } => return failure,
            other => worst = worst.or(Some(other)),
        }
    }
    worst.unwrap_or_else(|| {
        let nowhere = "no address: the hub has none on record".to_owned();
        ClientError::Unreachable {
            tried: if tried.is_empty() {
                nowhere
            } else {
                tried.join(", ")
            },
        }
    })
}

async fn dial_one(
    address: &HubAddress,
    pin: Pin,
    config: &Arc<ClientConfig>,
) -> Result<(Connection, Welcome), ClientError> {
    let stream = reach(address).await?;
    in_time(address, greet(stream, address, pin, config)).await
}

/// A greeting within [`HANDSHAKE_DEADLINE`].
pub(super) async fn in_time<T>(
    address: &HubAddress,
    greeting: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let late = |_| ClientError::HandshakeDeadline {
        address: address.to_string(),
        seconds: HANDSHAKE_DEADLINE.as_secs(),
    };
    tokio::time::timeout(HANDSHAKE_DEADLINE, greeting)
        .await
        .map_err(late)?
}

async fn greet(
    stream: TcpStream,
    address: &HubAddress,
    pin: Pin,
    config: &Arc<ClientConfig>,
) -> Result<(Connection, Welcome), ClientError> {
    let name = server_name(&stream, address)?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| explain(&error, address, pin))?;
    check_protocol(&stream, address)?;
    let exporter = stream
        .get_ref()
        .1
        .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, None);
    let connection = Connection::over(stream, address);
    if let Ok(exporter) = exporter {
        // Nobody has set it before.
        let _ = connection.shared.exporter.set(exporter);
    }
    // With TLS 1.3 a hub's refusal of the handshake may arrive only now.
    let welcome = connection.hello().await?;
    Ok((connection, welcome))
}

impl Connection {
    /// A connection over a stream that somebody opened; nothing has been said on it yet.
    pub(crate) fn over<S>(stream: S, address: &HubAddress) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (queue, outgoing) = mpsc::channel(QUEUE_REQUESTS);
        let shared = Arc::new(Shared::new(address.clone()));
        link::run(stream, &shared, outgoing);
        let budget = Arc::new(Semaphore::new(QUEUE_BYTES));
        Self {
            queue,
            budget,
            shared,
        }
    }
}

/// Connects to the first of the host's addresses that answers.
pub(super) async fn reach(address: &HubAddress) -> Result<TcpStream, ClientError> {
    let unreachable = |reason: &dyn std::fmt::Display| ClientError::Unreachable {
        tried: format!("{address} ({reason})"),
    };
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let found: Vec<SocketAddr> = found
        .map_err(|_| unreachable(&"no such host is known"))?
        .collect();
    let mut last = unreachable(&"no such host is known");
    for socket_address in found {
        match tokio::time::timeout(CONNECT_DEADLINE, TcpStream::connect(socket_address)).await {
            Ok(Ok(stream)) => {
                tune(&stream);
                return Ok(stream);
            }
            Ok(Err(error)) => last = unreachable(&plain(&error)),
            Err(_) => last = unreachable(&format!("no answer within {} s", CONNECT_DEADLINE.as_secs())),
        }
    }
    Err(last)
}

fn plain(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused: nothing listens there".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no route to it".to_owned(),
        ErrorKind::TimedOut => "timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// Small messages go out at once, and a hub whose cable was pulled is noticed. All of it is a matter of comfort: a
/// system that refuses one of these settings still has a connection.
fn tune(stream: &TcpStream) {
    use rustix::net::sockopt;
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, PROBE_AFTER);
    let _ = sockopt::set_tcp_keepintvl(stream, PROBE_AFTER / 5);
    let _ = sockopt::set_tcp_user_timeout(stream, UNACKNOWLEDGED_MS);
}

/// TLS wants a name even where it is neither sent nor checked.
pub(super) fn server_name(
    stream: &TcpStream,
    address: &HubAddress,
) -> Result<ServerName<'static>, ClientError> {
    let peer = stream.peer_addr().map_err(|error| ClientError::Unreachable {
        tried: format!("{address} ({error})"),
    })?;
    Ok(ServerName::IpAddress(IpAddr::from(peer.ip())))
}

pub(super) fn check_protocol(stream: &TlsStream<TcpStream>, address: &HubAddress) -> Result<(), ClientError> {
    if stream.get_ref().1.alpn_protocol() == Some(ALPN) {
        return Ok(());
    }
    let reason = "it did not agree to landline/1".to_owned();
    Err(ClientError::OtherVersion {
        address: address.to_string(),
        reason,
    })
}

pub(super) fn explain(error: &std::io::Error, address: &HubAddress, expected: Pin) -> ClientError {
    let address = address.to_string();
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        let reason = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "it said nothing".to_owned(),
            _ => error.to_string(),
        };
        return ClientError::TurnedAway { address, reason };
    };
    match tls {
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => ClientError::OtherVersion {
            address,
            reason: "it knows nothing of landline/1".to_owned(),
        },
        rustls::Error::InvalidMessage(_) => ClientError::NotAHub {
            address,
            reason: "it does not speak TLS".to_owned(),
        },
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<PinMismatch>() {
                Some(PinMismatch { found }) => ClientError::PinChanged {
                    address,
                    expected,
                    found: found.clone(),
                },
                None => ClientError::Certificate {
                    address,
                    reason: tls.to_string(),
                },
            }
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => {
            let reason =
                "it has expired, by this machine's clock; either the hub's clock or this one is wrong";
            ClientError::Certificate {
                address,
                reason: reason.to_owned(),
            }
        }
        rustls::Error::InvalidCertificate(_) => ClientError::Certificate {
            address,
            reason: tls.to_string(),
        },
        other => ClientError::NotAHub {
            address,
            reason: other.to_string(),
        },
    }
}

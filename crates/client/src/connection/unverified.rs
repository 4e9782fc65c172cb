//! A connection to a hub whose certificate nobody has confirmed yet: for joining by a short code, and nothing else.

use super::Connection;
use super::dial::{check_protocol, explain, in_time, reach, server_name, worst};
use crate::error::{ClientError, CodeProblem};
use crate::tls::{shown_pin, unverified_config};
use landline_model::code::{EXPORTER_BYTES, EXPORTER_LABEL};
use landline_model::link::{HubAddress, Pin};
use landline_model::protocol::people::{CodeBegin, CodeBegun, CodeFinish, CodeFinished};
use rustls::ClientConfig;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Whom [`explain`] may call another than the expected one: nobody is expected.
const NOBODY: Pin = Pin::from_bytes([0; 32]);

/// It says hello and asks about a code: no name, no password and no token ever goes over it. Nothing that it hears is to
/// be believed, or shown as a hub's words, before the hub's proof has been checked.
#[derive(Debug)]
pub(crate) struct Unverified {
    connection: Connection,
    /// The certificate authority that was shown.
    pin: Pin,
    /// What names this TLS connection, on both of its ends alone.
    exporter: [u8; EXPORTER_BYTES],
}

impl Unverified {
    /// Connects to the first of `addresses` at which a hub answers.
    pub(crate) async fn open(addresses: &[HubAddress]) -> Result<Self, ClientError> {
        let config = unverified_config().map_err(|error| ClientError::Certificate {
            address: "any hub".to_owned(),
            reason: error.to_string(),
        })?;
        let config = Arc::new(config);
        let mut failures = Vec::new();
        for address in addresses {
            match in_time(address, Self::greet(address, &config)).await {
                Ok(connected) => return Ok(connected),
                Err(failure) => failures.push(failure),
            }
        }
        Err(worst(failures))
    }

    /// The certificate authority that was shown.
    pub(crate) const fn pin(&self) -> Pin {
        self.pin
    }

    /// What names this TLS connection.
    pub(crate) const fn exporter(&self) -> &[u8; EXPORTER_BYTES] {
        &self.exporter
    }

    /// Where it goes.
    pub(crate) fn address(&self) -> &HubAddress {
        self.connection.address()
    }

    /// Begins to join by code.
    pub(crate) async fn begin(&self, call: &CodeBegin) -> Result<CodeBegun, ClientError> {
        self.connection.call(call).await
    }

    /// Shows the client's proof.
    pub(crate) async fn finish(&self, call: &CodeFinish) -> Result<CodeFinished, ClientError> {
        self.connection.call(call).await
    }

    async fn greet(address: &HubAddress, config: &Arc<ClientConfig>) -> Result<Self, ClientError> {
        let broken = |reason: String| ClientError::Certificate {
            address: address.to_string(),
            reason,
        };
        let stream = reach(address).await?;
        let name = server_name(&stream, address)?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        let stream = stream.map_err(|error| match explain(&error, address, NOBODY) {
            ClientError::PinChanged { .. } => {
                broken("there is no certificate authority behind it".to_owned())
            }
            other => other,
        })?;
        check_protocol(&stream, address)?;
        let tls = stream.get_ref().1;
        let shown = tls.peer_certificates().and_then(shown_pin);
        let pin = shown.ok_or_else(|| broken("there is no certificate authority behind it".to_owned()))?;
        let exporter = tls
            .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, None)
            .map_err(|error| broken(error.to_string()))?;
        let connection = Connection::over(stream, address);
        connection
            .hello()
            .await
            .map_err(|error| in_own_words(error, address))?;
        Ok(Self {
            connection,
            pin,
            exporter,
        })
    }
}

/// What a stranger says instead of a greeting is not shown: it could be advice.
fn in_own_words(error: ClientError, address: &HubAddress) -> ClientError {
    let address = address.to_string();
    match error {
        ClientError::Refused(_) => ClientError::Code {
            address,
            problem: CodeProblem::NotTaken,
        },
        ClientError::OtherVersion { .. } => ClientError::OtherVersion {
            address,
            reason: "it says so itself".to_owned(),
        },
        ClientError::Protocol { .. } => ClientError::Protocol {
            address,
            reason: "its answer cannot be read".to_owned(),
        },
        error => error,
    }
}

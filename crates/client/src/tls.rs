//! Trust by pin: the hub's certificate authority is the one whose key the invite link named.
//!
//! Names are not checked. The pinned authority issues for its hub alone, so a hub that moved to a new address is still
//! the same hub, and nobody else can have a certificate from it.

mod kept;

pub(crate) use kept::kept_config;

use landline_model::link::Pin;
use landline_model::protocol::ALPN;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// How many tickets one [`client_config`] keeps, of all addresses of its hub together. A hub gives two at a time.
pub const TICKETS_MAX: usize = 64;

/// The TLS side of every connection to the hub with this pin: TLS 1.3 only, ALPN `landline/1`.
///
/// It keeps the tickets that the hub gives, in memory, and the next connection resumes the session: without a
/// certificate, but only where the other side can read the ticket, which a hub gave that had shown the pinned authority.
/// So no two pins may share one. Nothing is ever sent early, and each connection has an exporter value of its own.
///
/// # Errors
/// Where the cryptography library does not offer TLS 1.3.
pub fn client_config(pin: Pin) -> Result<ClientConfig, Error> {
    let tickets = Resumption::in_memory_sessions(TICKETS_MAX);
    config_with(Trust::Pinned(pin), tickets)
}

/// The TLS side of a connection to a hub that nobody knows yet: as [`client_config`], but whatever certificate authority
/// is shown counts as the right one. Which one it was is for the caller to find out by [`shown_pin`], and to have
/// confirmed before anything that was said is believed. It resumes nothing: every connection must show its own.
pub(crate) fn unverified_config() -> Result<ClientConfig, Error> {
    config_with(Trust::Shown, Resumption::disabled())
}

/// The pin of the certificate authority at the end of a chain; none: there is no authority behind the leaf, or it is no
/// certificate.
pub(crate) fn shown_pin(chain: &[CertificateDer<'_>]) -> Option<Pin> {
    let (authority, _) = chain.split_last().filter(|(_, before)| !before.is_empty())?;
    certificate_pin(authority).ok()
}

fn config_with(trust: Trust, resumption: Resumption) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = PinVerifier {
        trust,
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    // The hub's name is an address or the like; it is of no use to the hub and would tell listeners what is looked for.
    config.enable_sni = false;
    config.resumption = resumption;
    Ok(config)
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo, DER with its outer tag: what a link pins.
///
/// # Errors
/// The bytes are no X.509 version 3 certificate.
pub fn certificate_pin(certificate: &CertificateDer<'_>) -> Result<Pin, Error> {
    let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    let digest = aws_lc_rs_digest(&key);
    Ok(Pin::from_bytes(digest))
}

fn aws_lc_rs_digest(bytes: &[u8]) -> [u8; 32] {
    use ::aws_lc_rs::digest;
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// None of the presented certificate authorities has the pinned key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate authority's key is not the pinned one")]
pub(crate) struct PinMismatch {
    /// What was presented instead.
    pub(crate) found: Vec<Pin>,
}

/// Which authority is the right one.
#[derive(Clone, Copy, Debug)]
enum Trust {
    /// The one with this key.
    Pinned(Pin),
    /// Whichever stands at the end of the chain.
    Shown,
}

#[derive(Debug)]
struct PinVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    /// The presented authority that is the right one, as the only root.
    fn pinned_root(&self, presented: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let mut found = Vec::new();
        let last = presented.len().saturating_sub(1);
        for (place, certificate) in presented.iter().enumerate() {
            let pin = certificate_pin(certificate)?;
            let is_right = match self.trust {
                Trust::Pinned(pinned) => pin == pinned,
                Trust::Shown => place == last,
            };
            if is_right {
                let mut roots = RootCertStore::empty();
                roots.add(certificate.clone().into_owned())?;
                return Ok(roots);
            }
            found.push(pin);
        }
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(
            Arc::new(PinMismatch { found }),
        ))))
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let roots = self.pinned_root(intermediates)?;
        let leaf = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let verify =
            |at| verify_server_cert_signed_by_trust_anchor(&leaf, &roots, intermediates, at, algorithms);
        match verify(now) {
            // This machine's clock was set back, or never set: it must still get in, to learn the time for one thing.
            // The certificate is then judged as at the moment from which on it is valid.
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
                verify(not_before)?;
            }
            verdict => verdict?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

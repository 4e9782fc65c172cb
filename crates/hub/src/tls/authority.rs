//! The hub's own certificate authority. Its key is the hub's identity: links and clients pin it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::certificate::{Facts, authority_params, pin_of};
use super::error::TlsError;
use super::host::HostNames;
use super::key_file;
use super::leaf::{CurrentLeaf, Leaf};
use landline_model::link::Pin;

/// The native door's protocol name in ALPN (RFC 7301).
pub const ALPN_LANDLINE: &[u8] = landline_model::protocol::ALPN;

/// HTTP/2's protocol name (RFC 9113, section 3.1).
pub const ALPN_HTTP_2: &[u8] = b"h2";

/// HTTP/1.1's protocol name (RFC 7301, section 6).
pub const ALPN_HTTP_1: &[u8] = b"http/1.1";

const KEY_FILE: &str = "ca.key";
const CERTIFICATE_FILE: &str = "ca.crt";

/// The authority, and the leaf that it has issued to this hub.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    pin: Pin,
    current: Arc<CurrentLeaf>,
    /// Two refreshes at once would mix up the leaf's two files.
    refreshing: Mutex<()>,
}

impl Authority {
    /// Opens the authority in the data directory's `tls`, and makes it at the first start. The caller holds the data
    /// directory. The leaf is re-issued where it does not fit `names` or `now`.
    ///
    /// A first start that was killed between key and certificate is finished; a key that is there is never replaced.
    ///
    /// # Errors
    /// Files cannot be read or written, are damaged, or are not a pair; the clock is out of range.
    pub fn open(
        directory: &Path,
        hub_name: &str,
        names: &HostNames,
        now: SystemTime,
    ) -> Result<Self, TlsError> {
        key_file::remove_temporary(directory)?;
        let key = open_key(directory)?;
        let pin = pin_of(&key.subject_public_key_info());
        let (certificate, certificate_pem) = open_certificate(directory, &key, hub_name, now)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let leaf = Leaf::open(directory, &issuer, &certificate, names, now)?;
        Ok(Self {
            directory: directory.to_owned(),
            issuer,
            certificate,
            certificate_pem,
            pin,
            current: Arc::new(CurrentLeaf::new(leaf)),
            refreshing: Mutex::new(()),
        })
    }

    /// What clients pin.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// The pin as people compare it.
    pub fn fingerprint(&self) -> String {
        self.pin.fingerprint()
    }

    /// The authority's certificate in PEM, for browsers and phones that install it.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// TLS 1.3 for the hub's port, with the leaf that is current whenever a client arrives. Tickets make resuming
    /// cheap; early data is off, because it could be played back.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let resolver = Arc::clone(&self.current);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = [ALPN_LANDLINE, ALPN_HTTP_2, ALPN_HTTP_1]
            .map(<[u8]>::to_vec)
            .to_vec();
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        config.max_early_data_size = 0;
        Ok(Arc::new(config))
    }

    /// Re-issues the leaf if this machine's names have changed or the leaf is near its end by the clock; says whether.
    /// Open connections are not touched. It reads and writes files: call it where blocking is allowed.
    ///
    /// # Errors
    /// Interfaces cannot be listed, files not be written, or the clock is out of range; the old leaf stays.
    pub fn refresh(&self, now: SystemTime) -> Result<bool, TlsError> {
        self.refresh_for(&HostNames::of_this_machine()?, now)
    }

    /// As [`Self::refresh`], for names that the caller knows.
    ///
    /// # Errors
    /// Files cannot be written, or the clock is out of range; the old leaf stays.
    pub fn refresh_for(&self, names: &HostNames, now: SystemTime) -> Result<bool, TlsError> {
        let _alone = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.current.is_good(names, now) {
            return Ok(false);
        }
        let leaf = Leaf::issue(&self.directory, &self.issuer, &self.certificate, names, now)?;
        self.current.swap(leaf);
        Ok(true)
    }
}

/// The authority's key; a new one only where neither it nor its certificate is there.
fn open_key(directory: &Path) -> Result<KeyPair, TlsError> {
    let path = directory.join(KEY_FILE);
    if let Some(pem) = key_file::read(&path)? {
        let text = std::str::from_utf8(&pem).ok();
        let pair = text.and_then(|text| KeyPair::from_pem_and_sign_algo(text, &PKCS_ECDSA_P256_SHA256).ok());
        return pair.ok_or(TlsError::Damaged {
            path,
            reason: "no ECDSA P-256 key",
            advice: "",
        });
    }
    let certificate = directory.join(CERTIFICATE_FILE);
    if key_file::read(&certificate)?.is_some() {
        return Err(TlsError::KeyMissing {
            key: path,
            certificate,
        });
    }
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    key_file::write(directory, KEY_FILE, pair.serialize_pem().as_bytes())?;
    Ok(pair)
}

/// The authority's certificate, made where it is missing: it is the key that is pinned.
fn open_certificate(
    directory: &Path,
    key: &KeyPair,
    hub_name: &str,
    now: SystemTime,
) -> Result<(CertificateDer<'static>, String), TlsError> {
    let path = directory.join(CERTIFICATE_FILE);
    let Some(pem) = key_file::read(&path)? else {
        let certificate = authority_params(hub_name, now).self_signed(key)?;
        key_file::write(directory, CERTIFICATE_FILE, certificate.pem().as_bytes())?;
        return Ok((certificate.der().clone(), certificate.pem()));
    };
    let damaged = |reason| TlsError::Damaged {
        path: path.clone(),
        reason,
        advice: ", or move it away and it is made anew from ca.key",
    };
    let certificate = CertificateDer::from_pem_slice(&pem).map_err(|_| damaged("no PEM certificate"))?;
    let facts = Facts::of(&certificate).ok_or_else(|| damaged("no X.509 certificate"))?;
    if facts.pin != pin_of(&key.subject_public_key_info()) {
        return Err(TlsError::NotAPair {
            key: directory.join(KEY_FILE),
            certificate: path,
        });
    }
    let pem = String::from_utf8(pem).map_err(|_| damaged("no text"))?;
    Ok((certificate, pem))
}

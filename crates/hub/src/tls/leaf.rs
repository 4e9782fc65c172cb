//! The hub's leaf certificate: short-lived, re-issued when the machine's names change, swapped while the hub runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::{Facts, is_signed_by, leaf_params, pin_of};
use super::error::TlsError;
use super::host::HostNames;
use super::key_file;

const CERTIFICATE_FILE: &str = "leaf.crt";
const KEY_FILE: &str = "leaf.key";

/// A leaf, ready to be served.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) served: Arc<CertifiedKey>,
    facts: Facts,
}

impl Leaf {
    /// The leaf on the disk, where it is whole, of this authority, and still good; else a new one.
    pub(super) fn open(
        directory: &Path,
        issuer: &Issuer<'static, KeyPair>,
        authority: &CertificateDer<'static>,
        names: &HostNames,
        now: SystemTime,
    ) -> Result<Self, TlsError> {
        match Self::read(directory, authority)? {
            Some(leaf) if leaf.is_good(names, now) => Ok(leaf),
            _ => Self::issue(directory, issuer, authority, names, now),
        }
    }

    /// Makes a leaf with a new key, and keeps it.
    pub(super) fn issue(
        directory: &Path,
        issuer: &Issuer<'static, KeyPair>,
        authority: &CertificateDer<'static>,
        names: &HostNames,
        now: SystemTime,
    ) -> Result<Self, TlsError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = leaf_params(names, now)?.signed_by(&key, issuer)?;
        // A crash between the two leaves a pair that does not match, which `read` treats as none.
        key_file::write(directory, KEY_FILE, key.serialize_pem().as_bytes())?;
        key_file::write(directory, CERTIFICATE_FILE, certificate.pem().as_bytes())?;
        let facts = Facts::of(certificate.der()).ok_or(rcgen::Error::CouldNotParseCertificate)?;
        let served = served(certificate.der().clone(), authority, key.into())?;
        Ok(Self { served, facts })
    }

    /// Whether it is valid for exactly these names, by this clock, and for long enough.
    pub(super) fn is_good(&self, names: &HostNames, now: SystemTime) -> bool {
        let Ok(now) = now.duration_since(UNIX_EPOCH) else {
            return false;
        };
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let life = self.facts.not_after.saturating_sub(self.facts.not_before);
        let left = self.facts.not_after.saturating_sub(now);
        // A beginning in the future is a clock that was set back.
        self.facts.names == *names && self.facts.not_before <= now && left >= life / 3
    }

    fn read(directory: &Path, authority: &CertificateDer<'static>) -> Result<Option<Self>, TlsError> {
        let certificate = key_file::read(&directory.join(CERTIFICATE_FILE))?;
        let key = key_file::read(&directory.join(KEY_FILE))?;
        let (Some(certificate), Some(key)) = (certificate, key) else {
            return Ok(None);
        };
        Ok(Self::parse(&certificate, &key, authority))
    }

    fn parse(certificate: &[u8], key: &[u8], authority: &CertificateDer<'static>) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(certificate).ok()?;
        let pair = KeyPair::from_pem(std::str::from_utf8(key).ok()?).ok()?;
        let facts = Facts::of(&certificate)?;
        let is_pair = facts.pin == pin_of(&pair.subject_public_key_info());
        if !is_pair || !is_signed_by(&certificate, authority) {
            return None;
        }
        let served = served(certificate, authority, pair.into()).ok()?;
        Some(Self { served, facts })
    }
}

/// The leaf that is served to new connections; the authority swaps it.
#[derive(Debug)]
pub(super) struct CurrentLeaf(RwLock<Leaf>);

impl CurrentLeaf {
    pub(super) fn new(leaf: Leaf) -> Self {
        Self(RwLock::new(leaf))
    }

    pub(super) fn swap(&self, leaf: Leaf) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = leaf;
    }

    pub(super) fn is_good(&self, names: &HostNames, now: SystemTime) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_good(names, now)
    }
}

impl ResolvesServerCert for CurrentLeaf {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.0.read().unwrap_or_else(PoisonError::into_inner).served,
        ))
    }
}

/// The chain that is sent has the authority's certificate in it: that is where clients find the key they pin.
fn served(
    leaf: CertificateDer<'static>,
    authority: &CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Ok(Arc::new(CertifiedKey::from_der(
        vec![leaf, authority.clone()],
        key,
        &provider,
    )?))
}

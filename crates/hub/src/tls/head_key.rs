//! The key with which the hub signs the heads of its rooms' hash chains.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use super::error::TlsError;
use super::key_file;

/// Bytes of an Ed25519 public key (RFC 8032, section 5.1.5).
pub const PUBLIC_KEY_BYTES: usize = 32;

/// Bytes of an Ed25519 signature (RFC 8032, section 5.1.6).
pub const SIGNATURE_BYTES: usize = 64;

const KEY_FILE: &str = "head.key";

/// An Ed25519 key pair (RFC 8032), kept in the data directory.
#[derive(Debug)]
pub struct HeadKey {
    pair: Ed25519KeyPair,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl HeadKey {
    /// Opens the key in the data directory's `tls`, and makes it at the first start. The caller holds the data directory.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(directory: &Path) -> Result<Self, TlsError> {
        let path = directory.join(KEY_FILE);
        let damaged = |reason| TlsError::Damaged {
            path: path.clone(),
            reason,
            advice: "",
        };
        let pem = match key_file::read(&path)? {
            Some(pem) => pem,
            None => {
                let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?
                    .serialize_pem()
                    .into_bytes();
                key_file::write(directory, KEY_FILE, &pem)?;
                pem
            }
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| damaged("no PEM private key"))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| damaged("no Ed25519 key"))?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| damaged("no Ed25519 public key"))?;
        Ok(Self { pair, public })
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let signature = self.pair.sign(message);
        signature
            .as_ref()
            .try_into()
            .expect("an Ed25519 signature has 64 bytes (RFC 8032, section 5.1.6)")
    }

    /// The key that others check signatures with.
    pub fn public(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.public
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_key_stays_the_same_and_its_signatures_verify() {
        let directory = tempfile::tempdir().unwrap();
        let first = HeadKey::open(directory.path()).unwrap();
        let second = HeadKey::open(directory.path()).unwrap();
        assert_eq!(first.public(), second.public());
        let signature = second.sign(b"head");
        let public = UnparsedPublicKey::new(&ED25519, first.public());
        assert!(public.verify(b"head", &signature).is_ok());
        assert!(public.verify(b"heat", &signature).is_err());
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        std::fs::write(&path, "").unwrap();
        assert!(matches!(
            HeadKey::open(directory.path()),
            Err(TlsError::Damaged { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}

//! The key under which the hub keeps the secrets of tokens: both sides of a login prove that they know such a secret, so
//! a hash of it would not do.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::error::TlsError;
use super::key_file;

const KEY_FILE: &str = "token.key";

/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// Bytes of a token's secret.
pub(super) const SECRET_BYTES: usize = 32;

/// An AES-256-GCM key (NIST SP 800-38D), kept in the data directory, apart from the database.
pub struct TokenKey {
    key: RandomizedNonceKey,
}

impl TokenKey {
    /// Opens the key in the data directory's `tls`, and makes it at the first start. The caller holds the data directory.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(directory: &Path) -> Result<Self, TlsError> {
        let path = directory.join(KEY_FILE);
        let bytes = match key_file::read(&path)? {
            Some(bytes) => bytes,
            None => {
                let bytes: [u8; KEY_BYTES] = crate::random::bytes();
                key_file::write(directory, KEY_FILE, &bytes)?;
                bytes.to_vec()
            }
        };
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| TlsError::Damaged {
            path,
            reason: "no 32 bytes",
            advice: "; or move it away: the hub makes another, and all tokens have to be made anew",
        })?;
        Ok(Self { key })
    }

    /// Seals a secret: nobody reads it without the key, nor passes it off as belonging to another `owner`.
    ///
    /// # Errors
    /// The cryptography library failed.
    pub fn seal(&self, secret: &[u8; SECRET_BYTES], owner: &[u8]) -> Result<Vec<u8>, TlsError> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(owner), &mut sealed)
            .map_err(|_| TlsError::Key)?;
        Ok([&nonce.as_ref()[..], &sealed].concat())
    }

    /// Opens what was sealed for that owner; none: it was sealed with another key, for somebody else, or was changed.
    pub fn open_sealed(&self, sealed: &[u8], owner: &[u8]) -> Option<[u8; SECRET_BYTES]> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let secret = self
            .key
            .open_in_place(nonce, Aad::from(owner), &mut sealed)
            .ok()?;
        (&*secret).try_into().ok()
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TokenKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_opened_with_the_same_key_for_the_same_owner_only() {
        let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = TokenKey::open(here.path())
            .unwrap()
            .seal(&[7; 32], b"one")
            .unwrap();
        assert!(!sealed.windows(32).any(|bytes| bytes == [7; 32]));
        let key = TokenKey::open(here.path()).unwrap();
        assert_eq!(key.open_sealed(&sealed, b"one"), Some([7; 32]));
        assert_eq!(key.open_sealed(&sealed, b"two"), None);
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert_eq!(key.open_sealed(&changed, b"one"), None);
        assert_eq!(key.open_sealed(&sealed[..5], b"one"), None);
        let other = TokenKey::open(elsewhere.path()).unwrap();
        assert_eq!(other.open_sealed(&sealed, b"one"), None);
        assert_ne!(
            key.seal(&[7; 32], b"one").unwrap(),
            sealed,
            "no nonce is used twice"
        );
    }

    #[test]
    fn the_key_is_its_owners_alone_and_a_damaged_one_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        TokenKey::open(directory.path()).unwrap();
        let path = directory.path().join(KEY_FILE);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "short").unwrap();
        let error = TokenKey::open(directory.path()).unwrap_err();
        assert!(matches!(error, TlsError::Damaged { .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}

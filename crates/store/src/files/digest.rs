//! Hashing whole files, by our algorithm or another's.

use super::Files;
use super::error::FilesError;
use super::read::OpenFile;
use landline_model::hash::Hash;
use landline_model::protocol::trees::Algorithm;
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// How many bytes are read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// Asked after each piece whether to go on.
pub type GoOn<'a> = &'a dyn Fn() -> Result<(), FilesError>;

impl Files {
    /// What a file hashes to, in hexadecimal digits. BLAKE3 is known, or computed once and remembered.
    ///
    /// # Errors
    /// [`FilesError::Conflict`] where the file changes meanwhile; what `go_on` says; those of the disk.
    pub fn digest(
        &self,
        file: &OpenFile,
        algorithm: Algorithm,
        go_on: GoOn<'_>,
    ) -> Result<String, FilesError> {
        Ok(match algorithm {
            Algorithm::Md5 => {
                let mut hasher = Md5::new();
                read_all(file, go_on, |bytes| hasher.update(bytes))?;
                data_encoding::HEXLOWER.encode(&hasher.finalize())
            }
            Algorithm::Sha256 => {
                let mut hasher = Sha256::new();
                read_all(file, go_on, |bytes| hasher.update(bytes))?;
                data_encoding::HEXLOWER.encode(&hasher.finalize())
            }
            Algorithm::Blake3 => self.blake3_of(file, go_on)?.to_string(),
            _ => {
                return Err(FilesError::Internal(
                    "an algorithm that the store does not know".to_owned(),
                ));
            }
        })
    }

    fn blake3_of(&self, file: &OpenFile, go_on: GoOn<'_>) -> Result<Hash, FilesError> {
        if let Some(hash) = file.known_hash() {
            return Ok(hash);
        }
        let mut hasher = blake3::Hasher::new();
        read_all(file, go_on, |bytes| {
            hasher.update(bytes);
        })?;
        let hash = hasher.finalize().into();
        self.remember_hash(file, &hash)?;
        Ok(hash)
    }
}

/// Hands on everything in a file, which must not change meanwhile.
pub(super) fn read_all(
    file: &OpenFile,
    go_on: GoOn<'_>,
    mut take: impl FnMut(&[u8]),
) -> Result<(), FilesError> {
    let mut buffer = vec![0; READ_BYTES];
    let mut offset = 0;
    loop {
        go_on()?;
        let read = file.read_at(offset, &mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        take(bytes);
        offset += read as u64;
    }
    if offset != file.size() {
        return Err(FilesError::Conflict(format!(
            "{} has changed while it was read",
            file.place()
        )));
    }
    file.must_be_unchanged()
}

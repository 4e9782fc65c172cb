//! Hashes of local files that were read once, kept between runs: valid as long as the file system says the same of the file.
//!
//! The file is a line that says what it is, records of 72 bytes, and the BLAKE3 of both. What is damaged is as good as
//! nothing: then files are read again.

use super::SyncOptions;
use super::local::Stamp;
use crate::files::{Directory, FilesError, blocking};
use landline_model::hash::Hash;
use rustix::fs::fstat;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const MAGIC: &[u8] = b"landline hashes 1\n";

const NUMBERS: usize = 5;
const HASH_BYTES: usize = 32;
const RECORD_BYTES: usize = NUMBERS * 8 + HASH_BYTES;

/// The most hashes that are kept; beyond that, those that this run did not ask for go.
const KEPT_MAX: usize = 1_000_000;

/// The longest file that is read.
const FILE_MAX: u64 = (KEPT_MAX * RECORD_BYTES + 1024) as u64;

/// A file that was changed so shortly before it was read may be changed again without a trace: file systems count time in
/// steps. In nanoseconds.
const SETTLED: i64 = 2_000_000_000;

/// How many bytes are read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// What is known of local files.
#[derive(Debug)]
pub(super) struct LocalHashes {
    path: Option<PathBuf>,
    known: HashMap<Stamp, Known>,
    changed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    hash: Hash,
    used: bool,
}

impl LocalHashes {
    /// What is kept, where contents are compared.
    pub(super) fn load_if(options: &SyncOptions) -> Option<Self> {
        options.checksum.then(|| Self::load(options.hashes.clone()))
    }

    fn load(path: Option<PathBuf>) -> Self {
        let kept = path.as_deref().and_then(read);
        Self {
            known: kept.as_deref().and_then(parse).unwrap_or_default(),
            path,
            changed: false,
        }
    }

    /// What a file hashes to that looked like this.
    ///
    /// # Errors
    /// [`FilesError::SourceChanged`] where it does not any more; [`FilesError::Local`].
    pub(super) async fn of(
        &mut self,
        directory: Arc<Directory>,
        name: OsString,
        stamp: Stamp,
    ) -> Result<Hash, FilesError> {
        if let Some(known) = self.known.get_mut(&stamp) {
            known.used = true;
            return Ok(known.hash);
        }
        let hash = blocking(move || hash_of(&directory, &name, &stamp)).await?;
        if now().saturating_sub(stamp.changed.max(stamp.modified)) > SETTLED {
            self.known.insert(stamp, Known { hash, used: true });
            self.changed = true;
        }
        Ok(hash)
    }

    /// Keeps what is known. Where that cannot be done, nothing is lost but time.
    pub(super) fn save(&mut self) {
        let Some(path) = self.path.as_deref().filter(|_| self.changed) else {
            return;
        };
        if self.known.len() > KEPT_MAX {
            self.known.retain(|_, known| known.used);
        }
        let mut bytes = MAGIC.to_vec();
        for (stamp, known) in self.known.iter().take(KEPT_MAX) {
            for number in numbers(stamp) {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(known.hash.as_bytes());
        }
        let sum = blake3::hash(&bytes);
        bytes.extend_from_slice(sum.as_bytes());
        if let Err(error) = write(path, &bytes) {
            tracing::debug!(%error, "the hashes of local files cannot be kept");
        }
        self.changed = false;
    }
}

fn numbers(stamp: &Stamp) -> [u64; NUMBERS] {
    [
        stamp.device,
        stamp.inode,
        stamp.size,
        stamp.modified.cast_unsigned(),
        stamp.changed.cast_unsigned(),
    ]
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn parse(bytes: &[u8]) -> Option<HashMap<Stamp, Known>> {
    let (content, sum) = bytes.split_last_chunk::<HASH_BYTES>()?;
    if blake3::hash(content).as_bytes() != sum {
        return None;
    }
    let records = content.strip_prefix(MAGIC)?;
    let mut known = HashMap::with_capacity(records.len() / RECORD_BYTES);
    for record in records.chunks_exact(RECORD_BYTES) {
        let (numbers, hash) = record.split_last_chunk::<HASH_BYTES>()?;
        let mut numbers = numbers
            .chunks_exact(8)
            .filter_map(|number| number.try_into().ok());
        let mut number = || numbers.next().map(u64::from_le_bytes);
        let stamp = Stamp {
            device: number()?,
            inode: number()?,
            size: number()?,
            modified: number()?.cast_signed(),
            changed: number()?.cast_signed(),
        };
        let hash = Hash::from_bytes(*hash);
        known.insert(stamp, Known { hash, used: false });
    }
    Some(known)
}

/// Puts the file in the place of the one that is there, at once.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}.new", std::process::id()));
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    // One of that name is left over from a process of the same number.
    let mut file = match options.open(&fresh) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(&fresh)?;
            options.open(&fresh)?
        }
        opened => opened?,
    };
    let written = file.write_all(bytes).and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        // What cannot be written cannot always be removed either.
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

fn hash_of(directory: &Directory, name: &OsString, stamp: &Stamp) -> Result<Hash, FilesError> {
    let failed = |error| FilesError::local(&directory.path_of(name), error);
    let mut file = directory.open_file(name)?;
    let mut hasher = blake3::Hasher::new();
    // Most files are small; one that has grown is read in small pieces, and refused.
    let wanted = usize::try_from(stamp.size).unwrap_or(READ_BYTES);
    let mut buffer = vec![0; wanted.clamp(512, READ_BYTES)];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    let now = fstat(&file).map_err(|error| FilesError::local(&directory.path_of(name), error))?;
    if Stamp::from(&now) != *stamp {
        let path = directory.path_of(name);
        return Err(FilesError::SourceChanged { path });
    }
    Ok(hasher.finalize().into())
}

/// In nanoseconds since the epoch.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::sync::local::look;
    use std::ffi::OsStr;
    use std::time::Duration;

    #[tokio::test]
    async fn a_hash_is_kept_as_long_as_the_file_looks_the_same() {
        let place = tempfile::tempdir().unwrap();
        let kept = place.path().join("cache/hashes");
        std::fs::write(place.path().join("a"), b"one").unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        let (_, mut stamp) = look(&directory, OsStr::new("a")).unwrap().unwrap();
        let mut hashes = LocalHashes::load(Some(kept.clone()));
        let one = Hash::from(blake3::hash(b"one"));
        assert_eq!(
            hashes
                .of(Arc::clone(&directory), "a".into(), stamp)
                .await
                .unwrap(),
            one
        );
        assert!(
            hashes.known.is_empty(),
            "it may change again within the step of a clock"
        );
        // As if it had not been touched for long.
        stamp.changed -= SETTLED * 2;
        stamp.modified -= SETTLED * 2;
        hashes.known.insert(
            stamp,
            Known {
                hash: one,
                used: true,
            },
        );
        hashes.changed = true;
        hashes.save();
        let mut again = LocalHashes::load(Some(kept.clone()));
        // Without reading: there is no such file.
        assert_eq!(
            again
                .of(Arc::clone(&directory), "gone".into(), stamp)
                .await
                .unwrap(),
            one
        );
        let other = Stamp { size: 4, ..stamp };
        assert!(again.of(Arc::clone(&directory), "a".into(), other).await.is_err());
        // What is damaged is as good as nothing.
        let mut bytes = std::fs::read(&kept).unwrap();
        bytes[MAGIC.len() + RECORD_BYTES - 1] ^= 1;
        std::fs::write(&kept, bytes).unwrap();
        assert!(LocalHashes::load(Some(kept)).known.is_empty());
    }

    #[tokio::test]
    async fn a_file_that_changes_while_it_is_read_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        std::fs::write(&path, b"one").unwrap();
        let directory = Arc::new(Directory::open(place.path()).unwrap());
        let (_, stamp) = look(&directory, OsStr::new("a")).unwrap().unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(1))
            .unwrap();
        let mut hashes = LocalHashes::load(None);
        let hash = hashes.of(directory, "a".into(), stamp).await;
        assert!(matches!(hash, Err(FilesError::SourceChanged { .. })), "{hash:?}");
    }
}

//! A large file on its way from the hub, kept beside its place so that the next attempt goes on where this one ended.
//!
//! ```text
//! .NAME.landline-partial           what has come
//! .NAME.landline-partial.blocks    magic (16), boot id (16), version (32), size (8), synced (8),
//!                                  the first block's root (32), a chaining value (32) for each whole block
//! ```
//! Numbers are little-endian. Bytes are written before the record of their block, and synced before the mark says so.
//! In the same boot of the machine whatever was written is there, killed or not: every record counts, and the piece of a
//! block behind them is hashed again. After another boot only what the mark covers counts.

use super::temporary::{Temporary, hidden_name};
use super::{Directory, FilesError};
use landline_model::blocks::{BLOCK_BYTES, BlockHash, BlockHasher};
use landline_model::hash::Hash;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, openat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const MAGIC: &[u8; 16] = b"landline part 1\n";
const BOOT_AT: u64 = 16;
const SYNCED_AT: u64 = 72;
const HEADER_BYTES: usize = 80;
const RECORD_BYTES: usize = 32;

/// The longest journal that is read: that of a file of 64 TiB.
const JOURNAL_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// After so many bytes what has come is synced beside what comes.
const SYNC_BYTES: u64 = 64 * 1024 * 1024;

/// What is behind the last record is read again up to so many bytes.
const TAIL_MAX: u64 = 2 * BLOCK_BYTES as u64;

/// What is kept of a file that has not come in full.
pub(super) struct Kept {
    pub(super) temporary: Temporary,
    pub(super) arriving: Arriving,
    /// What the hub called the content.
    pub(super) version: Hash,
    /// The whole file's, in bytes.
    pub(super) size: u64,
}

/// Where bytes go as they come: into the file, the hash, and the journal if there is one.
pub(super) struct Arriving {
    file: File,
    hasher: BlockHasher,
    length: u64,
    journal: Option<Journal>,
}

struct Journal {
    file: File,
    /// How many blocks have their records.
    recorded: usize,
    /// Up to where syncing was begun.
    marked: u64,
    /// Whether a thread is at it.
    syncing: Arc<AtomicBool>,
}

impl Kept {
    /// What an earlier attempt has left for `target`; none where there is nothing that can be trusted, or somebody else
    /// is at it.
    pub(super) fn find(directory: &Arc<Directory>, target: &OsStr) -> Result<Option<Self>, FilesError> {
        let Some((file, journal)) = open_both(directory, target, OFlags::empty())? else {
            return Ok(None);
        };
        let failed = |error| FilesError::local(&directory.path_of(target), error);
        let Some(Left {
            hasher,
            length,
            version,
            size,
        }) = read_back(&file, &journal).map_err(failed)?
        else {
            return Ok(None);
        };
        Self::new(
            directory,
            target,
            (file, journal),
            (version, size),
            (hasher, length),
        )
        .map(Some)
    }

    /// Begins to keep a file. None where that cannot be done here.
    pub(super) fn begin(
        directory: &Arc<Directory>,
        target: &OsStr,
        version: Hash,
        size: u64,
    ) -> Result<Option<Self>, FilesError> {
        let Some((file, journal)) = open_both(directory, target, OFlags::CREATE)? else {
            return Ok(None);
        };
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&boot());
        header.extend_from_slice(version.as_bytes());
        header.extend_from_slice(&size.to_le_bytes());
        header.extend_from_slice(&0_u64.to_le_bytes());
        file.set_len(0)
            .and_then(|()| journal.set_len(0))
            .and_then(|()| journal.write_all_at(&header, 0))
            .map_err(|error| FilesError::local(&directory.path_of(target), error))?;
        let nothing = (BlockHasher::default(), 0);
        Self::new(directory, target, (file, journal), (version, size), nothing).map(Some)
    }

    fn new(
        directory: &Arc<Directory>,
        target: &OsStr,
        (file, journal): (File, File),
        (version, size): (Hash, u64),
        (hasher, length): (BlockHasher, u64),
    ) -> Result<Self, FilesError> {
        let failed = |error| FilesError::local(&directory.path_of(target), error);
        let recorded = hasher.blocks().len();
        let arriving = Arriving {
            file: file.try_clone().map_err(failed)?,
            hasher,
            length,
            journal: Some(Journal {
                file: journal,
                recorded,
                marked: length,
                syncing: Arc::default(),
            }),
        };
        Ok(Self {
            temporary: Temporary::kept(directory, target, names(target), file)?,
            arriving,
            version,
            size,
        })
    }
}

impl Arriving {
    /// Where bytes go of a file that is not kept.
    pub(super) fn without_journal(file: File) -> Self {
        Self {
            file,
            hasher: BlockHasher::default(),
            length: 0,
            journal: None,
        }
    }

    /// How many bytes have come.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next ones.
    pub(super) fn write(&mut self, bytes: &[u8], shown: &Path) -> Result<(), FilesError> {
        let failed = |error| FilesError::local(shown, error);
        self.file.write_all_at(bytes, self.length).map_err(failed)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        match &mut self.journal {
            Some(journal) => journal.follow(&self.file, self.hasher.blocks()).map_err(failed),
            None => Ok(()),
        }
    }

    /// The size and hash of what has come.
    pub(super) fn finish(self) -> (u64, Hash) {
        (self.length, self.hasher.finish())
    }
}

impl Journal {
    fn follow(&mut self, data: &File, blocks: &[BlockHash]) -> std::io::Result<()> {
        if blocks.len() <= self.recorded {
            return Ok(());
        }
        write_records(&self.file, self.recorded, blocks)?;
        self.recorded = blocks.len();
        let whole = (blocks.len() * BLOCK_BYTES) as u64;
        if whole.saturating_sub(self.marked) >= SYNC_BYTES && !self.syncing.swap(true, Ordering::Acquire) {
            self.marked = whole;
            self.sync_beside(data.try_clone()?, whole)?;
        }
        Ok(())
    }

    fn sync_beside(&self, data: File, whole: u64) -> std::io::Result<()> {
        let (journal, syncing) = (self.file.try_clone()?, Arc::clone(&self.syncing));
        tokio::task::spawn_blocking(move || {
            let synced = || {
                data.sync_data()?;
                journal.sync_data()?;
                journal.write_all_at(&whole.to_le_bytes(), SYNCED_AT)
            };
            // Where it cannot be synced the end of the file says so; until then less counts.
            let _ = synced();
            syncing.store(false, Ordering::Release);
        });
        Ok(())
    }
}

/// What an earlier attempt has left.
struct Left {
    hasher: BlockHasher,
    length: u64,
    version: Hash,
    size: u64,
}

/// Reads what is left and counts; what does not is taken away, so that the journal of this boot says nothing else.
fn read_back(file: &File, journal: &File) -> std::io::Result<Option<Left>> {
    let length = journal.metadata()?.len();
    if length > JOURNAL_MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    journal.read_exact_at(&mut bytes, 0)?;
    let Some(found) = Found::parse(&bytes) else {
        return Ok(None);
    };
    let held = file.metadata()?.len().min(found.size);
    let whole = (held / BLOCK_BYTES as u64).min(found.counted());
    let begun = whole * BLOCK_BYTES as u64;
    let tail = if found.same_boot {
        (held - begun).min(TAIL_MAX)
    } else {
        0
    };
    let mut rest = vec![0; usize::try_from(tail).unwrap_or(0)];
    file.read_exact_at(&mut rest, begun)?;
    let length = begun + tail;
    if length == 0 {
        return Ok(None);
    }
    let mut hasher = BlockHasher::behind(found.blocks(usize::try_from(whole).unwrap_or(0)));
    file.set_len(length)?;
    journal.set_len(record_at(hasher.blocks().len()))?;
    journal.write_all_at(&found.synced.min(begun).to_le_bytes(), SYNCED_AT)?;
    journal.write_all_at(&boot(), BOOT_AT)?;
    let counted = hasher.blocks().len();
    hasher.update(&rest);
    write_records(journal, counted, hasher.blocks())?;
    Ok(Some(Left {
        hasher,
        length,
        version: found.version,
        size: found.size,
    }))
}

/// Where the record of the block with this number stands. The first root stands in front of the first one.
fn record_at(number: usize) -> u64 {
    let before = if number == 0 { 0 } else { number + 1 };
    (HEADER_BYTES + before * RECORD_BYTES) as u64
}

/// Writes the records of the blocks from number `first` on.
fn write_records(journal: &File, first: usize, blocks: &[BlockHash]) -> std::io::Result<()> {
    let new = blocks.get(first..).unwrap_or_default();
    let mut records = Vec::with_capacity((new.len() + 1) * RECORD_BYTES);
    for block in new {
        if let Some(root) = &block.root {
            records.extend_from_slice(root.as_bytes());
        }
        records.extend_from_slice(&block.chaining_value);
    }
    journal.write_all_at(&records, record_at(first))
}

/// What a journal says.
struct Found<'a> {
    version: Hash,
    size: u64,
    synced: u64,
    same_boot: bool,
    /// The first root and the chaining values.
    records: &'a [[u8; RECORD_BYTES]],
}

impl<'a> Found<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<16>()?;
        let (boot_then, rest) = rest.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<32>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (synced, rest) = rest.split_first_chunk::<8>()?;
        let (records, _cut) = rest.as_chunks();
        (magic == MAGIC).then(|| Self {
            version: Hash::from_bytes(*version),
            size: u64::from_le_bytes(*size),
            synced: u64::from_le_bytes(*synced),
            same_boot: *boot_then == boot() && boot() != [0; 16],
            records,
        })
    }

    /// How many whole blocks count.
    fn counted(&self) -> u64 {
        let recorded = self.records.len().saturating_sub(1) as u64;
        if self.same_boot {
            recorded
        } else {
            recorded.min(self.synced / BLOCK_BYTES as u64)
        }
    }

    fn blocks(&self, count: usize) -> Vec<BlockHash> {
        let Some((root, values)) = self.records.split_first() else {
            return Vec::new();
        };
        let mut root = Some(Hash::from_bytes(*root));
        let block = |chaining_value: &[u8; RECORD_BYTES]| BlockHash {
            chaining_value: *chaining_value,
            root: root.take(),
        };
        values.iter().take(count).map(block).collect()
    }
}

/// Opens both files, and keeps everybody else from them. None where they are not there, not ours alone, or in use.
fn open_both(
    directory: &Arc<Directory>,
    target: &OsStr,
    flags: OFlags,
) -> Result<Option<(File, File)>, FilesError> {
    let (name, beside) = names(target);
    let Some(file) = open_own(directory, &name, flags)? else {
        return Ok(None);
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(None);
    }
    // Whoever held it before may have finished, and taken the name away, meanwhile.
    let still_there =
        open_own(directory, &name, OFlags::empty())?.is_some_and(|again| same_file(&file, &again));
    if !still_there {
        return Ok(None);
    }
    Ok(open_own(directory, &beside, flags)?.map(|journal| (file, journal)))
}

fn same_file(one: &File, other: &File) -> bool {
    fstat(one)
        .ok()
        .zip(fstat(other).ok())
        .is_some_and(|(one, other)| (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Opens a file that nobody but its owner, who is us, can have written to.
fn open_own(directory: &Directory, name: &OsStr, flags: OFlags) -> Result<Option<File>, FilesError> {
    let failed = |error| FilesError::local(&directory.path_of(name), error);
    let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(directory, name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => file,
        // A link, a directory, somebody else's: whoever put it there has a reason, and we have another way.
        Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::ACCESS | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let stat = fstat(&file).map_err(failed)?;
    let is_ours = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file()
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_nlink == 1
        && stat.st_mode & 0o077 == 0;
    Ok(is_ours.then(|| File::from(file)))
}

fn names(target: &OsStr) -> (OsString, OsString) {
    const BESIDE: &str = ".landline-partial.blocks";
    let beside = hidden_name(target, BESIDE);
    let mut name = beside.clone().into_encoded_bytes();
    name.truncate(name.len() - ".blocks".len());
    (os_string(name), beside)
}

fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

/// What names this boot of the machine; zeros where it does not say.
fn boot() -> [u8; 16] {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    data_encoding::HEXLOWER
        .decode(digits.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    const NAME: &str = "a";

    fn content() -> Vec<u8> {
        (0..3 * BLOCK_BYTES + 70_000)
            .map(|index| u8::try_from(index % 251).unwrap())
            .collect()
    }

    fn version() -> Hash {
        Hash::from_bytes([7; 32])
    }

    /// What is left when the first `length` bytes came and then the process was killed.
    fn leave(place: &Path, length: usize) -> Arc<Directory> {
        let directory = Arc::new(Directory::open(place).unwrap());
        let size = content().len() as u64;
        let mut kept = Kept::begin(&directory, OsStr::new(NAME), version(), size)
            .unwrap()
            .unwrap();
        for piece in content()[..length].chunks(256 * 1024) {
            kept.arriving.write(piece, Path::new(NAME)).unwrap();
        }
        directory
    }

    fn find(directory: &Arc<Directory>) -> Option<Kept> {
        Kept::find(directory, OsStr::new(NAME)).unwrap()
    }

    fn goes_on(kept: Kept) {
        let content = content();
        let Kept {
            temporary,
            mut arriving,
            ..
        } = kept;
        let from = usize::try_from(arriving.length()).unwrap();
        arriving.write(&content[from..], Path::new(NAME)).unwrap();
        assert_eq!(
            arriving.finish(),
            (content.len() as u64, blake3::hash(&content).into())
        );
        temporary.publish(OsStr::new(NAME)).unwrap();
    }

    #[test]
    fn whatever_has_come_in_this_boot_counts_to_the_byte() {
        for length in [
            1,
            BLOCK_BYTES - 1,
            BLOCK_BYTES,
            2 * BLOCK_BYTES + 5,
            content().len(),
        ] {
            let place = tempfile::tempdir().unwrap();
            let directory = leave(place.path(), length);
            for _ in 0..2 {
                let kept = find(&directory).unwrap();
                assert_eq!((kept.arriving.length(), kept.version), (length as u64, version()));
            }
            goes_on(find(&directory).unwrap());
            assert_eq!(std::fs::read(place.path().join(NAME)).unwrap(), content());
            assert_eq!(directory.names().unwrap(), [NAME]);
        }
    }

    #[test]
    fn after_another_boot_only_what_was_synced_counts() {
        let place = tempfile::tempdir().unwrap();
        let directory = leave(place.path(), content().len());
        let journal = place.path().join(names(OsStr::new(NAME)).1);
        let journal = File::options().write(true).open(journal).unwrap();
        journal.write_all_at(&[1; 16], BOOT_AT).unwrap();
        journal
            .write_all_at(&(2 * BLOCK_BYTES as u64 + 9).to_le_bytes(), SYNCED_AT)
            .unwrap();
        // A block that never reached the disk.
        let data = place.path().join(names(OsStr::new(NAME)).0);
        let data = File::options().write(true).open(data).unwrap();
        data.write_all_at(b"lost", 2 * BLOCK_BYTES as u64).unwrap();
        let kept = find(&directory).unwrap();
        assert_eq!(kept.arriving.length(), 2 * BLOCK_BYTES as u64);
        goes_on(kept);
        assert_eq!(std::fs::read(place.path().join(NAME)).unwrap(), content());
    }

    #[test]
    fn what_somebody_else_is_at_or_could_have_written_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let directory = leave(place.path(), BLOCK_BYTES);
        let data = place.path().join(names(OsStr::new(NAME)).0);
        let kept = find(&directory).unwrap();
        assert!(find(&directory).is_none());
        drop(kept);
        assert!(find(&directory).is_some());
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o620)).unwrap();
        assert!(find(&directory).is_none());
        std::fs::remove_file(&data).unwrap();
        std::fs::write(place.path().join("other"), "other's").unwrap();
        symlink("other", &data).unwrap();
        let begun = Kept::begin(&directory, OsStr::new(NAME), version(), 1).unwrap();
        assert!(begun.is_none());
        assert_eq!(std::fs::read(place.path().join("other")).unwrap(), b"other's");
    }

    #[test]
    fn a_journal_that_is_not_one_counts_for_nothing() {
        for journal in [&b""[..], b"x", &[0; 300], &MAGIC[..]] {
            let place = tempfile::tempdir().unwrap();
            let directory = leave(place.path(), BLOCK_BYTES);
            std::fs::write(place.path().join(names(OsStr::new(NAME)).1), journal).unwrap();
            assert!(find(&directory).is_none_or(|kept| kept.arriving.length() == 0));
        }
    }

    #[test]
    fn names_that_are_cut_alike_stay_apart() {
        let long = "\u{4e2d}".repeat(85);
        let (one, journal) = names(OsStr::new(&long));
        let (other, _) = names(OsStr::new(&format!("{}\u{4e01}", "\u{4e2d}".repeat(84))));
        assert!(one != other && journal.len() <= 255 && one.to_str().is_some());
    }
}

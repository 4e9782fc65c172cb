//! A store in a directory of its own, with a clock that stands still.

use landline_model::blocks::BLOCK_BYTES;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::path::Component;
use landline_model::protocol::files::Attributes;
use landline_model::protocol::files::Entry;
use landline_model::time::Timestamp;
use landline_store::files::{AfterStep, Files, FilesError, FilesOptions, Place, SpaceId, UploadRequest};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const ALICE: AccountId = AccountId::from_bytes([0xa1; 16]);
pub(crate) const BOB: AccountId = AccountId::from_bytes([0xb0; 16]);

/// When the clock begins, in milliseconds.
const BEGINNING: u64 = 1_800_000_000_000;

pub(crate) struct Hub {
    root: PathBuf,
    pub(crate) clock: Arc<AtomicU64>,
    ids: Arc<AtomicU64>,
    /// Removes the directory; the last to go.
    _directory: Option<tempfile::TempDir>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            _directory: Some(directory),
            ..Self::at(Path::new(""))
        }
        .rooted()
    }

    /// In a directory that somebody else looks after.
    pub(crate) fn at(root: &Path) -> Self {
        let clock = Arc::new(AtomicU64::new(BEGINNING));
        Self {
            root: root.to_owned(),
            clock,
            ids: Arc::default(),
            _directory: None,
        }
    }

    fn rooted(mut self) -> Self {
        self.root = self._directory.as_ref().unwrap().path().to_owned();
        self
    }

    pub(crate) fn open(&self) -> Files {
        self.open_with(None)
    }

    pub(crate) fn open_with(&self, after_step: Option<AfterStep>) -> Files {
        let (clock, ids) = (Arc::clone(&self.clock), Arc::clone(&self.ids));
        let random = move || {
            let mut id = [0x1d; 16];
            id[8..].copy_from_slice(&ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            id
        };
        let now = move || Timestamp(clock.load(Ordering::Relaxed));
        let mut options = FilesOptions::new(Arc::new(now), Arc::new(random));
        options.after_step = after_step;
        std::fs::create_dir_all(self.root.join("db")).unwrap();
        Files::open(&self.files(), &self.root.join("db"), options).unwrap()
    }

    pub(crate) fn files(&self) -> PathBuf {
        self.root.join("files")
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn wait(&self, duration: std::time::Duration) {
        self.clock
            .fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.root.join("db/files.db")).unwrap()
    }

    pub(crate) fn count(&self, table: &str) -> u64 {
        let query = format!("SELECT count(*) FROM {table}");
        self.database()
            .query_row(&query, [], |row| row.get::<_, i64>(0))
            .unwrap()
            .unsigned_abs()
    }

    /// What lies in all trashes: path and bytes of every file; directories have none.
    pub(crate) fn trash(&self) -> Vec<Vec<u8>> {
        let mut contents = Vec::new();
        walk(&self.files().join("trash"), &mut |path, _| {
            contents.push(std::fs::read(path).unwrap())
        });
        contents.sort();
        contents
    }

    /// Journal and directories agree, and nobody is half-way anywhere.
    pub(crate) fn assert_settled(&self) {
        assert_eq!(self.count("replacements"), 0);
        assert_eq!(
            self.count("uploads WHERE hash IS NOT NULL OR trash IS NOT NULL"),
            0
        );
        assert_eq!(
            self.count("blocks WHERE upload NOT IN (SELECT id FROM uploads)"),
            0
        );
        assert_eq!(
            names(&self.files().join("partial")),
            self.ids("uploads"),
            "partial files and uploads"
        );
        let mut trash = BTreeSet::new();
        for account in names(&self.files().join("trash")) {
            trash.extend(names(&self.files().join("trash").join(account)));
        }
        assert_eq!(trash, self.ids("trash"), "the trash and its rows");
    }

    fn ids(&self, table: &str) -> BTreeSet<String> {
        let database = self.database();
        let mut statement = database
            .prepare(&format!("SELECT lower(hex(id)) FROM {table}"))
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Every file below a directory.
pub(crate) fn walk(directory: &Path, visit: &mut dyn FnMut(&Path, &std::fs::Metadata)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            walk(&path, visit)
        } else {
            visit(&path, &metadata)
        }
    }
}

pub(crate) fn name(bytes: impl AsRef<[u8]>) -> Component {
    Component::new(bytes.as_ref()).unwrap()
}

/// A place in the space of everybody.
pub(crate) fn shared(path: &str) -> Place {
    let names: Vec<_> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(name)
        .collect();
    Place::new(SpaceId::Shared, names)
}

/// Bytes that differ from block to block and from seed to seed.
pub(crate) fn content(seed: u8, length: usize) -> Vec<u8> {
    let byte = |index: usize| (index * 31 + index / BLOCK_BYTES * 7) % 251;
    (0..length)
        .map(|index| byte(index).to_le_bytes()[0] ^ seed)
        .collect()
}

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    blake3::hash(bytes).into()
}

pub(crate) fn request(bytes: &[u8], overwrite: bool) -> UploadRequest {
    UploadRequest {
        size: bytes.len() as u64,
        overwrite,
        attributes: Attributes::default(),
        resume: None,
    }
}

pub(crate) fn put(files: &Files, place: &Place, bytes: &[u8], overwrite: bool) -> Result<Entry, FilesError> {
    let opened = files.open_upload(ALICE, place, &request(bytes, overwrite))?;
    send(files, opened.upload, 0, bytes)?;
    files.finish(ALICE, opened.upload, bytes.len() as u64, &hash(bytes))
}

/// Sends the blocks from `offset` on.
pub(crate) fn send(files: &Files, upload: UploadId, offset: u64, bytes: &[u8]) -> Result<u64, FilesError> {
    let mut offset = offset;
    for block in bytes[usize::try_from(offset).unwrap()..].chunks(BLOCK_BYTES) {
        offset = files.write_block(ALICE, upload, offset, block)?;
    }
    Ok(offset)
}

pub(crate) fn get(files: &Files, place: &Place) -> Result<Vec<u8>, FilesError> {
    let file = files.read(place)?;
    let mut bytes = vec![0; usize::try_from(file.size()).unwrap()];
    let read = file.read_at(0, &mut bytes)?;
    assert_eq!(read, bytes.len());
    assert_eq!(files.hash_of(&file)?, hash(&bytes));
    assert!(file.unchanged()?);
    Ok(bytes)
}

//! A store in a directory of its own, with a clock that stands still.

use landline_model::blocks::BLOCK_BYTES;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::path::Component;
use landline_model::protocol::files::Attributes;
use landline_model::protocol::files::Entry;
use landline_model::time::Timestamp;
use landline_store::files::{
    AfterStep, Files, FilesError, FilesOptions, InTrash, Place, SmallFile, SpaceId, TrashRequest,
    UploadRequest,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

pub(crate) const ALICE: AccountId = AccountId::from_bytes([0xa1; 16]);
pub(crate) const BOB: AccountId = AccountId::from_bytes([0xb0; 16]);

/// When the clock begins, in milliseconds.
const BEGINNING: u64 = 1_800_000_000_000;

pub(crate) struct Hub {
    root: PathBuf,
    /// What a home may hold.
    pub(crate) home_quota: Option<u64>,
    pub(crate) clock: Arc<AtomicU64>,
    ids: Arc<AtomicU64>,
    boots: AtomicU8,
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
            home_quota: None,
            clock,
            ids: Arc::default(),
            boots: AtomicU8::new(1),
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
        options.boot = [self.boots.load(Ordering::Relaxed); 16];
        options.home_quota = self.home_quota;
        std::fs::create_dir_all(self.root.join("db")).unwrap();
        Files::open(&self.files(), &self.root.join("db"), options).unwrap()
    }

    /// The machine starts anew.
    pub(crate) fn reboot(&self) {
        self.boots.fetch_add(1, Ordering::Relaxed);
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
        for table in [
            "replacements",
            "batches",
            "crossings",
            "restorations",
            "trash WHERE moving = 1",
        ] {
            assert_eq!(self.count(table), 0, "{table}");
        }
        assert_eq!(self.figures(), self.walked(), "the figures and what lies there");
        assert_eq!(
            self.count("uploads WHERE hash IS NOT NULL OR trash IS NOT NULL"),
            0
        );
        let uploads = names(&self.files().join("partial"));
        let journals = uploads.iter().filter_map(|name| name.strip_suffix(".blocks"));
        assert!(
            journals.clone().all(|id| uploads.contains(id)),
            "a block journal without data"
        );
        assert_eq!(
            uploads
                .iter()
                .filter(|name| !name.ends_with(".blocks"))
                .cloned()
                .collect::<BTreeSet<_>>(),
            self.ids("uploads"),
            "partial files and uploads"
        );
        let mut trash = BTreeSet::new();
        for account in names(&self.files().join("trash")) {
            trash.extend(names(&self.files().join("trash").join(account)));
        }
        assert_eq!(trash, self.ids("trash"), "the trash and its rows");
    }

    /// The uploads that are not finished.
    pub(crate) fn uploads(&self) -> Vec<UploadId> {
        let ids = self.ids("uploads");
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    /// What the journal says of every space that holds something: bytes of files, and bytes in the trash.
    pub(crate) fn figures(&self) -> BTreeMap<String, (i64, i64)> {
        let database = self.database();
        let query = "SELECT lower(hex(space)), files, trash FROM usage WHERE files != 0 OR trash != 0";
        let mut statement = database.prepare(query).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// The same, from the directories.
    pub(crate) fn walked(&self) -> BTreeMap<String, (i64, i64)> {
        let mut found: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let bytes = |directory: &Path| {
            let mut bytes = 0;
            walk(directory, &mut |_, metadata| {
                bytes += metadata.len().cast_signed()
            });
            bytes
        };
        for (directory, kind) in [("home", "68"), ("rooms", "72"), ("trash", "68")] {
            for name in names(&self.files().join(directory)) {
                let bytes = bytes(&self.files().join(directory).join(&name));
                let figures = found.entry(format!("{kind}{name}")).or_default();
                if directory == "trash" {
                    figures.1 += bytes
                } else {
                    figures.0 += bytes
                }
            }
        }
        if self.files().join("shared").exists() {
            found.insert("73".to_owned(), (bytes(&self.files().join("shared")), 0));
        }
        found.retain(|_, figures| *figures != (0, 0));
        found
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

/// A place in an account's own space.
pub(crate) fn home(account: AccountId, path: &str) -> Place {
    Place {
        space: SpaceId::Home(account),
        ..shared(path)
    }
}

/// A small file, sent whole.
pub(crate) fn small(place: Place, bytes: &[u8], overwrite: bool) -> SmallFile<&[u8]> {
    SmallFile {
        place,
        content: bytes,
        hash: hash(bytes),
        overwrite,
        parents: true,
        attributes: Attributes::default(),
    }
}

/// What lies in an account's trash, the newest first.
pub(crate) fn trash_of(files: &Files, owner: AccountId) -> Vec<InTrash> {
    let request = TrashRequest {
        limit: 1000,
        ..TrashRequest::default()
    };
    files.trash(owner, &request).unwrap().things
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
        source: None,
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

//! What lies on the hub's disk, beside what its journal says.

use crate::content::{content, hash};
use landline_client::Hub;
use landline_model::hash::Hash;
use landline_model::id::{AccountId, UploadId};
use landline_model::protocol::files::PutAbort;
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What lies in the trash of all.
#[derive(Default)]
pub(crate) struct Trash {
    seen: HashSet<PathBuf>,
    hashes: HashSet<Hash>,
}

impl Trash {
    /// Reads what has come since the last time.
    pub(crate) fn look(&mut self, data: &Path) {
        self.walk(&data.join("files/trash"));
    }

    /// Whether the content with this number is there.
    pub(crate) fn holds(&self, number: u64) -> bool {
        self.hashes.contains(&hash(&content(number)))
    }

    fn walk(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                self.walk(&entry.path());
            } else if self.seen.insert(entry.path()) {
                self.hashes.insert(hash(&fs::read(entry.path()).unwrap()));
            }
        }
    }
}

/// Journal and directories agree, and nothing is half done.
pub(crate) fn assert_settled(data: &Path) {
    assert_eq!(count(data, "replacements"), 0);
    assert_eq!(
        count(data, "uploads WHERE hash IS NOT NULL OR trash IS NOT NULL"),
        0
    );
    let known: BTreeSet<String> = uploads(data).iter().map(|(id, _)| id.to_string()).collect();
    let partial = names(&data.join("files/partial"));
    let ids = partial
        .iter()
        .map(|name| name.strip_suffix(".blocks").unwrap_or(name).to_owned());
    assert_eq!(
        ids.collect::<BTreeSet<_>>(),
        known,
        "partial files and the journal's"
    );
    assert!(
        known.iter().all(|id| partial.contains(id)),
        "a block journal without data"
    );
    let accounts = names(&data.join("files/trash"));
    let trash = accounts
        .iter()
        .flat_map(|account| names(&data.join("files/trash").join(account)));
    let trash: BTreeSet<String> = trash.collect();
    let database = open(data);
    let mut rows = database.prepare("SELECT lower(hex(id)) FROM trash").unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    assert_eq!(
        trash,
        rows.map(Result::unwrap).collect(),
        "the trash and the journal's"
    );
}

/// The uploads that are open, and whose they are.
pub(crate) fn uploads(data: &Path) -> Vec<(UploadId, AccountId)> {
    let database = open(data);
    let mut rows = database.prepare("SELECT id, owner FROM uploads").unwrap();
    let rows = rows.query_map([], |row| {
        Ok((
            UploadId::from_bytes(row.get(0)?),
            AccountId::from_bytes(row.get(1)?),
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Those of which the hub's death swallowed even the id are given up, and nothing of them is left.
pub(crate) async fn give_up_all_but(data: &Path, hubs: &[Hub], left: &[UploadId]) {
    for (upload, owner) in uploads(data) {
        if !left.contains(&upload) {
            let owner = hubs.iter().find(|hub| hub.account.id == owner).unwrap();
            let connection = landline_client::connect(owner).await.unwrap();
            connection.call(&PutAbort { upload }).await.unwrap();
        }
    }
    let known: BTreeSet<UploadId> = uploads(data).into_iter().map(|(id, _)| id).collect();
    assert_eq!(known, left.iter().copied().collect());
    assert_settled(data);
}

fn open(data: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(data.join("db/files.db"), flags).unwrap()
}

fn count(data: &Path, what: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {what}");
    open(data).query_row(&query, [], |row| row.get(0)).unwrap()
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

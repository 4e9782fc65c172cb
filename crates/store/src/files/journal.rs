//! `db/files.db`: what the file system cannot say by itself.

use super::error::FilesError;
use crate::database::{self, Readers, Schema};
use crate::error::StoreError;
use crate::writer::{Done, Job, JobError as _, Outcome, Writer, completion};
use rusqlite::Connection;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Spaces and paths are written as [`super::place::Place`] has them, inodes as SQLite's signed integers.
static SCHEMA: Schema = Schema {
    name: "files.db",
    application_id: 0x4c4c_0003,
    migrations: &["
        CREATE TABLE uploads (
            id BLOB PRIMARY KEY, owner BLOB NOT NULL, space BLOB NOT NULL, path BLOB NOT NULL,
            size INTEGER NOT NULL, overwrite INTEGER NOT NULL, inode INTEGER NOT NULL,
            -- How many bytes are synced and have their blocks below.
            journaled INTEGER NOT NULL,
            touched INTEGER NOT NULL,
            -- All are there while the upload is being published, and only then.
            hash BLOB, trash BLOB, heir BLOB
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX uploads_by_owner ON uploads (owner);
        CREATE TABLE blocks (
            upload BLOB NOT NULL, number INTEGER NOT NULL, chaining_value BLOB NOT NULL, root BLOB,
            PRIMARY KEY (upload, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE trash (
            id BLOB PRIMARY KEY,
            -- Whose trash it lies in, and who removed or replaced it.
            owner BLOB NOT NULL, actor BLOB,
            -- Where it was; unknown for what was found in the trash and nobody remembered.
            space BLOB, path BLOB,
            deleted INTEGER NOT NULL, expires INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX trash_by_expiry ON trash (expires);
        -- A file on its way to the place of another one, which is on its way to the trash.
        CREATE TABLE replacements (
            trash BLOB PRIMARY KEY, heir BLOB NOT NULL, actor BLOB NOT NULL,
            from_space BLOB NOT NULL, from_path BLOB NOT NULL, moved INTEGER NOT NULL,
            to_space BLOB NOT NULL, to_path BLOB NOT NULL, replaced INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- Hashes of files, valid as long as the file looks as it did then.
        CREATE TABLE hashes (
            inode INTEGER PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL,
            hash BLOB NOT NULL
        ) STRICT;
        -- Who published a file, valid as long as nobody else has written to it.
        CREATE TABLE owners (
            inode INTEGER PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
            owner BLOB NOT NULL, published INTEGER NOT NULL
        ) STRICT;
    ", "
        -- What the file is to keep beside its content: nanoseconds since the epoch, permission bits.
        ALTER TABLE uploads ADD COLUMN modified INTEGER;
        ALTER TABLE uploads ADD COLUMN mode INTEGER;
        ALTER TABLE owners ADD COLUMN mode INTEGER;
    ", "
        -- The journal of blocks lies beside the data. Uploads of the older kind are given up: their files are strays.
        DELETE FROM uploads WHERE hash IS NULL;
        DROP TABLE blocks;
        ALTER TABLE uploads DROP COLUMN journaled;
        -- What the sender calls this version of its source, hashed.
        ALTER TABLE uploads ADD COLUMN source BLOB;
    ", "
        -- Bytes in a space, and bytes in the trash of the account whose home it is. The two change with what they count;
        -- 0 in counted: they were found on the disk and nobody has looked yet.
        CREATE TABLE usage (
            space BLOB PRIMARY KEY, files INTEGER NOT NULL, trash INTEGER NOT NULL, counted INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- What a space may hold (none: as configured; below zero: without limit), and for how many milliseconds the
        -- trash keeps what comes from it.
        CREATE TABLE limits (space BLOB PRIMARY KEY, quota INTEGER, retention INTEGER) STRICT, WITHOUT ROWID;
        -- Bytes below it, unknown for what is older than this; 1 in moving: it may still be where it was, and is not
        -- counted here; whether something took its place; its hash, where that was known.
        ALTER TABLE trash ADD COLUMN size INTEGER;
        ALTER TABLE trash ADD COLUMN moving INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE trash ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE trash ADD COLUMN hash BLOB;
        CREATE INDEX trash_by_owner ON trash (owner, deleted, id);
        CREATE INDEX trash_by_origin ON trash (owner, space, path, deleted, id);
        ALTER TABLE replacements ADD COLUMN moved_size INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE replacements ADD COLUMN replaced_size INTEGER NOT NULL DEFAULT 0;
        -- Small files that are about to appear under names where nothing stands.
        CREATE TABLE batches (id BLOB PRIMARY KEY, files BLOB NOT NULL) STRICT, WITHOUT ROWID;
        -- What is about to move to another space.
        CREATE TABLE crossings (
            id BLOB PRIMARY KEY, from_space BLOB NOT NULL, from_path BLOB NOT NULL,
            to_space BLOB NOT NULL, to_path BLOB NOT NULL, inode INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- What is about to leave the trash; and where something stands in its place, that goes to the trash of heir.
        CREATE TABLE restorations (
            id BLOB PRIMARY KEY, owner BLOB NOT NULL, inode INTEGER NOT NULL,
            to_space BLOB NOT NULL, to_path BLOB NOT NULL,
            replaced INTEGER, replaced_size INTEGER, trash BLOB, heir BLOB
        ) STRICT, WITHOUT ROWID;
        -- Who may do what below a directory.
        CREATE TABLE access (
            space BLOB NOT NULL, path BLOB NOT NULL, who BLOB NOT NULL, allowed TEXT NOT NULL,
            PRIMARY KEY (space, path, who)
        ) STRICT, WITHOUT ROWID;
    ", "
        -- What somebody without an account gets at by a link. Of the link's token there is a hash alone.
        CREATE TABLE shares (
            id BLOB PRIMARY KEY, token BLOB NOT NULL UNIQUE, owner BLOB NOT NULL,
            space BLOB NOT NULL, path BLOB NOT NULL,
            -- What it was when it was shared: 0 a file, 1 a directory, 2 a directory to put files into; and what it
            -- looked like. Of a directory there is the inode alone, and the others are 0.
            kind INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
            name TEXT NOT NULL, password TEXT, created INTEGER NOT NULL, expires INTEGER,
            -- How many more may begin; without it there is no such limit.
            remaining INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX shares_by_owner ON shares (owner);
        CREATE INDEX shares_by_expiry ON shares (expires);
        -- Who has begun to fetch what by a share with such a limit, and may go on.
        CREATE TABLE share_fetches (
            share BLOB NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
            client BLOB NOT NULL, file BLOB NOT NULL, begun INTEGER NOT NULL,
            PRIMARY KEY (share, client, file)
        ) STRICT, WITHOUT ROWID;
    "],
};

/// The database, with calls that block.
#[derive(Debug)]
pub(super) struct Journal {
    // In this order: the connection that closes last moves the write-ahead log into the database, and one that only
    // reads cannot.
    readers: Readers,
    writer: Writer<()>,
}

impl Journal {
    pub(super) fn open(directory: &Path) -> Result<Self, FilesError> {
        let connection = database::open(directory, &SCHEMA)?;
        let writer = Writer::start("files", connection, ())?;
        Ok(Self {
            writer,
            readers: Readers::new(directory, &SCHEMA)?,
        })
    }

    /// Reads what is committed.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, FilesError>,
    ) -> Result<T, FilesError> {
        self.readers.read(read)
    }

    /// Writes, and returns when it is committed and synced.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        self.queue(work)?.wait()
    }

    /// Hands the writer something to do; it is done, in this order, even where nobody waits for it.
    pub(super) fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<Queued<T>, FilesError> {
        let (done, outcome) = completion();
        let job = Box::new(Work {
            work: Some(work),
            result: None,
            done,
        });
        wait(self.writer.submit(job)).map_err(|_| FilesError::Store(StoreError::Stopped))?;
        Ok(Queued(outcome))
    }
}

/// Something that the writer has yet to commit.
#[derive(Debug)]
#[must_use]
pub(super) struct Queued<T>(Outcome<T, FilesError>);

impl<T> Queued<T> {
    /// Returns when it is committed and synced.
    pub(super) fn wait(self) -> Result<T, FilesError> {
        wait(self.0)
    }
}

struct Work<W, T> {
    work: Option<W>,
    result: Option<Result<T, FilesError>>,
    done: Done<T, FilesError>,
}

impl<W, T> Job<()> for Work<W, T>
where
    W: FnOnce(&Connection) -> Result<T, FilesError> + Send,
    T: Send,
{
    fn apply(&mut self, transaction: &Connection, _state: &mut ()) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else {
            return Err(StoreError::Internal("a job was applied twice".to_owned()));
        };
        let result = work(transaction);
        let verdict = match &result {
            Ok(_) => Ok(()),
            Err(error) => Err(error.store_error().cloned().unwrap_or(StoreError::Refused)),
        };
        self.result = Some(result);
        verdict
    }

    fn complete(self: Box<Self>, result: Result<(), StoreError>, _state: &mut ()) {
        let result = match (result, self.result) {
            (Ok(()) | Err(StoreError::Refused), Some(result)) => result,
            (Ok(()), None) => Err(FilesError::Internal("a job was not applied".to_owned())),
            (Err(error), _) => Err(error.into()),
        };
        (self.done)(result);
    }
}

/// Blocks this thread until the future is ready.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

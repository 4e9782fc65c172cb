//! Opening databases: one connection that writes, a few that read.

use crate::error::StoreError;
use crate::lock;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// The most connections that [`Readers`] open.
pub const READERS_MAX: usize = 4;

/// How long a connection waits for a lock that another process holds (an audit that recovers the log after a crash).
const BUSY: Duration = Duration::from_secs(10);

/// The size of the write-ahead log, in pages of 4 KiB, from which a commit moves it into the database: 16 MiB. Larger
/// means fewer syncs of the database, and a longer recovery after a crash.
const CHECKPOINT_PAGES: i64 = 4096;

/// The size to which the write-ahead log's file is cut after it was moved into the database, in bytes.
const LOG_BYTES_MAX: i64 = 64 * 1024 * 1024;

/// How many prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 64;

/// A kind of database.
#[derive(Debug)]
pub struct Schema {
    /// Its file's name.
    pub name: &'static str,
    /// What stands in the file's header to say whose it is (`PRAGMA application_id`).
    pub application_id: i32,
    /// What makes it, step by step. A step that was released never changes; `PRAGMA user_version` counts the steps
    /// that a database has taken.
    pub migrations: &'static [&'static str],
}

/// Opens the connection that writes. Makes the database where there is none, readable by its owner alone, and brings
/// an older one up to date.
///
/// # Errors
/// [`StoreError::NewerVersion`], [`StoreError::Corrupt`] where the file is something else, and those of the disk.
pub fn open(directory: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    open_and_migrate(directory, schema).map_err(|error| error.or_storage_full(directory))
}

/// Opens a connection that only reads. The database must be there, with all migrations of `schema`.
///
/// # Errors
/// [`StoreError::NotFound`] where there is no database, and as [`open`].
pub fn open_read_only(directory: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let path = path(directory, schema)?;
    if !path.try_exists()? {
        return Err(StoreError::NotFound);
    }
    let connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    let version = version(&connection, &path, schema)?;
    if version < schema.migrations.len() {
        return Err(StoreError::Corrupt(format!(
            "{} is not finished: format {version}",
            path.display()
        )));
    }
    Ok(connection)
}

fn open_and_migrate(directory: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let path = path(directory, schema)?;
    // SQLite gives its other files (-wal, -shm) the permissions of this one.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    drop(file);
    let mut connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&connection)?;
    // Before anything is written: a database that is not ours, or not yet ours, stays as it is.
    let version = version(&connection, &path, schema)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Io(format!(
            "{} cannot have a write-ahead log",
            path.display()
        )));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    migrate(&mut connection, version, schema)?;
    // A new file's name is on the disk only when its directory is; SQLite does this for its other files.
    File::open(directory)?.sync_all()?;
    Ok(connection)
}

/// An absolute path: SQLite would read one that begins with `file:` as a URI.
fn path(directory: &Path, schema: &Schema) -> Result<PathBuf, StoreError> {
    Ok(std::path::absolute(directory)?.join(schema.name))
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY)?;
    // Without it SQLite compiles some statements afresh for each new value that is bound to them: a third of all that
    // the writer of messages would do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// How many migrations the database has.
fn version(connection: &Connection, path: &Path, schema: &Schema) -> Result<usize, StoreError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let fresh = application == 0 && version == 0 && tables == 0;
    if !fresh && application != schema.application_id {
        return Err(StoreError::Corrupt(format!(
            "{} is another program's database",
            path.display()
        )));
    }
    let known = schema.migrations.len();
    usize::try_from(version)
        .ok()
        .filter(|version| *version <= known)
        .ok_or_else(|| StoreError::NewerVersion {
            database: path.display().to_string(),
            found: version,
            known: i64::try_from(known).unwrap_or(i64::MAX),
        })
}

fn migrate(connection: &mut Connection, version: usize, schema: &Schema) -> Result<(), StoreError> {
    if version == schema.migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for migration in schema.migrations.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", schema.application_id)?;
    transaction.pragma_update(
        None,
        "user_version",
        i64::try_from(schema.migrations.len()).unwrap_or(i64::MAX),
    )?;
    transaction.commit()?;
    Ok(())
}

/// After so many steps of SQLite's virtual machine [`Readers::courteous`] let others go first: a step into the next
/// message that has the words takes some microseconds.
const COURTEOUS_STEPS: std::ffi::c_int = 32;

/// A few connections that read, opened when they are first needed.
#[derive(Debug)]
pub struct Readers {
    directory: PathBuf,
    schema: &'static Schema,
    /// Whether they let others go first while they read.
    courteous: bool,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    /// Connections that nobody uses.
    idle: Vec<Connection>,
    /// How many are in use; with the idle ones never more than [`READERS_MAX`].
    lent: usize,
}

impl Readers {
    /// Readers of a database that stands already.
    ///
    /// # Errors
    /// As [`open_read_only`].
    pub fn new(directory: &Path, schema: &'static Schema) -> Result<Self, StoreError> {
        Self::open(directory, schema, false)
    }

    /// As [`new`](Self::new), for what may reckon for long: all the time they let other threads go first. A thread of a
    /// lower priority does not do so by itself before its time slice of some milliseconds is over.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn courteous(directory: &Path, schema: &'static Schema) -> Result<Self, StoreError> {
        Self::open(directory, schema, true)
    }

    fn open(directory: &Path, schema: &'static Schema, courteous: bool) -> Result<Self, StoreError> {
        let readers = Self {
            directory: directory.to_owned(),
            schema,
            courteous,
            pool: Mutex::default(),
            returned: Condvar::new(),
        };
        let first = readers.connect()?;
        lock(&readers.pool).idle.push(first);
        Ok(readers)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let mut connection = open_read_only(&self.directory, self.schema)?;
        if self.courteous {
            let go_on = || {
                std::thread::yield_now();
                false
            };
            connection.progress_handler(COURTEOUS_STEPS, Some(go_on))?;
        }
        Ok(connection)
    }

    /// Reads. Blocks while all connections are in use, and for the disk.
    ///
    /// # Errors
    /// Those of `read`, and of opening a connection.
    pub fn read<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let lease = self.lease()?;
        lease
            .connection
            .as_ref()
            .map_or_else(|| Err(StoreError::Stopped.into()), read)
    }

    fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let mut pool = lock(&self.pool);
        while pool.lent >= READERS_MAX {
            pool = self
                .returned
                .wait(pool)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        pool.lent += 1;
        let mut lease = Lease {
            readers: self,
            connection: pool.idle.pop(),
        };
        drop(pool);
        if lease.connection.is_none() {
            lease.connection = Some(self.connect()?);
        }
        Ok(lease)
    }
}

/// A connection that goes back when it is dropped, whatever happens in between.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut pool = lock(&self.readers.pool);
        pool.lent -= 1;
        pool.idle.extend(self.connection.take());
        self.readers.returned.notify_one();
    }
}

//! An upload in the journal.

use super::attributes;
use super::error::FilesError;
use super::place::Place;
use crate::error::StoreError;
use crate::{integer, number};
use landline_model::hash::Hash;
use landline_model::id::{AccountId, TrashId, UploadId};
use landline_model::protocol::files::Attributes;
use landline_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// One upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) id: UploadId,
    pub(super) owner: AccountId,
    /// Where it is to appear.
    pub(super) place: Place,
    /// How many bytes it will have.
    pub(super) size: u64,
    /// Whether it may take the place of a file.
    pub(super) overwrite: bool,
    /// The partial file's.
    pub(super) inode: u64,
    /// What the sender calls this version of its source, hashed.
    pub(super) source: Option<Hash>,
    /// When it was opened or let go; blocks that came since are known to the block journal.
    pub(super) touched: Timestamp,
    /// What it is to keep beside its content.
    pub(super) attributes: Attributes,
    /// While it is being published.
    pub(super) publishing: Option<Publishing>,
}

/// What is decided before an upload is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Publishing {
    /// The file's.
    pub(super) hash: Hash,
    /// Where in the trash of `heir` the replaced file goes, if there is one.
    pub(super) trash: TrashId,
    /// The replaced file's owner; the upload's where that is not known or nothing is replaced.
    pub(super) heir: AccountId,
}

/// What a block journal is called behind the name of its data.
const RECORDS_SUFFIX: &[u8] = b".blocks";

const COLUMNS: &str = "id, owner, space, path, size, overwrite, inode, touched, hash, trash, heir, modified,
     mode, source";

impl Upload {
    /// The name of its partial file.
    pub(super) fn file_name(&self) -> Vec<u8> {
        self.id.to_string().into_bytes()
    }

    /// The name of its block journal.
    pub(super) fn records_name(&self) -> Vec<u8> {
        [&*self.file_name(), RECORDS_SUFFIX].concat()
    }

    /// The upload that a file in the directory of partial files belongs to, by its name.
    pub(super) fn id_of(name: &[u8]) -> Option<UploadId> {
        let stem = name.strip_suffix(RECORDS_SUFFIX).unwrap_or(name);
        std::str::from_utf8(stem).ok()?.parse().ok()
    }

    /// The upload with this id, whoever's it is.
    pub(super) fn find(connection: &Connection, id: UploadId) -> Result<Option<Self>, FilesError> {
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM uploads WHERE id = ?1"))?;
        Ok(statement.query_row([id.as_bytes()], Self::from_row).optional()?)
    }

    /// All of them.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, FilesError> {
        let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM uploads"))?;
        let rows = statement.query_map([], Self::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The one of this account's that was opened last, of this place, size and source.
    pub(super) fn of_source(
        connection: &Connection,
        owner: AccountId,
        place: &Place,
        size: u64,
        source: &Hash,
    ) -> Result<Option<UploadId>, FilesError> {
        let mut statement = connection.prepare_cached(
            "SELECT id FROM uploads WHERE owner = ?1 AND space = ?2 AND path = ?3 AND size = ?4 AND source = ?5
             ORDER BY touched DESC LIMIT 1",
        )?;
        let row = statement.query_row(
            params![
                owner.as_bytes(),
                place.space.to_bytes(),
                place.path_bytes(),
                integer(size),
                source.as_bytes()
            ],
            |row| row.get(0).map(UploadId::from_bytes),
        );
        Ok(row.optional()?)
    }

    /// Those that were not opened or let go since.
    pub(super) fn untouched_since(
        connection: &Connection,
        time: Timestamp,
    ) -> Result<Vec<UploadId>, FilesError> {
        let mut statement = connection.prepare("SELECT id FROM uploads WHERE touched < ?1")?;
        let rows = statement.query_map([integer(time.0)], |row| row.get(0).map(UploadId::from_bytes))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many an account has open.
    pub(super) fn count(connection: &Connection, owner: AccountId) -> Result<u64, FilesError> {
        let mut statement =
            connection.prepare_cached("SELECT count(*) FROM uploads WHERE owner = ?1 AND hash IS NULL")?;
        Ok(statement.query_row([owner.as_bytes()], |row| row.get(0).and_then(number))?)
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO uploads (id, owner, space, path, size, overwrite, inode, touched, modified, mode, source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        statement.execute(params![
            self.id.as_bytes(),
            self.owner.as_bytes(),
            self.place.space.to_bytes(),
            self.place.path_bytes(),
            integer(self.size),
            self.overwrite,
            self.inode.cast_signed(),
            integer(self.touched.0),
            attributes::nanoseconds(&self.attributes),
            self.attributes.mode,
            self.source.as_ref().map(Hash::as_bytes),
        ])?;
        Ok(())
    }

    /// Says that it is being published, or no longer.
    pub(super) fn set_publishing(
        &self,
        connection: &Connection,
        publishing: Option<&Publishing>,
    ) -> Result<(), FilesError> {
        let mut statement =
            connection.prepare_cached("UPDATE uploads SET hash = ?2, trash = ?3, heir = ?4 WHERE id = ?1")?;
        let hash = publishing.map(|publishing| publishing.hash.as_bytes());
        let trash = publishing.map(|publishing| publishing.trash.as_bytes());
        let heir = publishing.map(|publishing| publishing.heir.as_bytes());
        statement.execute(params![self.id.as_bytes(), hash, trash, heir])?;
        Ok(())
    }

    /// What a resumed upload may decide anew.
    pub(super) fn set_wishes(&self, connection: &Connection, now: Timestamp) -> Result<(), FilesError> {
        let mut statement = connection.prepare_cached(
            "UPDATE uploads SET overwrite = ?2, touched = ?3, modified = ?4, mode = ?5 WHERE id = ?1",
        )?;
        statement.execute(params![
            self.id.as_bytes(),
            self.overwrite,
            integer(now.0),
            attributes::nanoseconds(&self.attributes),
            self.attributes.mode,
        ])?;
        Ok(())
    }

    /// Says when it was touched.
    pub(super) fn set_touched(
        connection: &Connection,
        id: UploadId,
        touched: Timestamp,
    ) -> Result<(), FilesError> {
        connection.execute(
            "UPDATE uploads SET touched = ?2 WHERE id = ?1",
            params![id.as_bytes(), integer(touched.0)],
        )?;
        Ok(())
    }

    /// Accepts another inode for its partial file.
    pub(super) fn set_inode(&self, connection: &Connection, inode: u64) -> Result<(), FilesError> {
        connection.execute(
            "UPDATE uploads SET inode = ?2 WHERE id = ?1",
            params![self.id.as_bytes(), inode.cast_signed()],
        )?;
        Ok(())
    }

    /// Forgets it.
    pub(super) fn delete(&self, connection: &Connection) -> Result<(), FilesError> {
        connection
            .prepare_cached("DELETE FROM uploads WHERE id = ?1")?
            .execute([self.id.as_bytes()])?;
        Ok(())
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (hash, trash): (Option<[u8; 32]>, Option<[u8; 16]>) = (row.get(8)?, row.get(9)?);
        let heir: Option<[u8; 16]> = row.get(10)?;
        let publishing = hash.zip(trash).zip(heir).map(|((hash, trash), heir)| Publishing {
            hash: Hash::from_bytes(hash),
            trash: TrashId::from_bytes(trash),
            heir: AccountId::from_bytes(heir),
        });
        Ok(Self {
            id: UploadId::from_bytes(row.get(0)?),
            owner: AccountId::from_bytes(row.get(1)?),
            place: place(row, 2)?,
            size: number(row.get(4)?)?,
            overwrite: row.get(5)?,
            inode: row.get::<_, i64>(6)?.cast_unsigned(),
            touched: Timestamp(number(row.get(7)?)?),
            source: row.get::<_, Option<[u8; 32]>>(13)?.map(Hash::from_bytes),
            attributes: attributes::from_columns(row.get(11)?, row.get(12)?),
            publishing,
        })
    }
}

/// A place from two columns of a row.
pub(super) fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Place> {
    let (space, path): (Vec<u8>, Vec<u8>) = (row.get(column)?, row.get(column + 1)?);
    Place::from_bytes(&space, &path).ok_or_else(|| {
        let damaged = StoreError::Corrupt("a path in the journal".to_owned());
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, Box::new(damaged))
    })
}

/// What is said of an upload that is not there, or somebody else's.
pub(super) fn no_upload(id: UploadId) -> FilesError {
    FilesError::NotFound(format!("there is no upload {id}"))
}

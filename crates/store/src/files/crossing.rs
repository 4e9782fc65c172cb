//! A move from one space to another: the figures of both change with it.
//!
//! The journal knows of it before, so that a start after a crash can tell by the inode whether it has happened. What lies
//! below a directory is counted while names stand still, right before the move.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::Named as _;
use super::measure;
use super::place::Place;
use super::status::Status;
use super::step::Step;
use super::tree::Names;
use super::upload::place;
use super::usage::{Changes, Reserved};
use landline_model::id::UploadId;
use landline_model::path::Component;
use rusqlite::{Connection, params};

/// One of them, in the journal.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    /// Also what its space is reserved under.
    id: UploadId,
    from: Place,
    to: Place,
    /// Of what is moved.
    inode: u64,
}

impl Crossing {
    /// All that are not finished.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, FilesError> {
        let mut statement = connection
            .prepare("SELECT id, from_space, from_path, to_space, to_path, inode FROM crossings")?;
        let rows = statement.query_map([], |row| {
            Ok(Self {
                id: UploadId::from_bytes(row.get(0)?),
                from: place(row, 1)?,
                to: place(row, 3)?,
                inode: row.get::<_, i64>(5)?.cast_unsigned(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn insert(&self, connection: &Connection) -> Result<(), FilesError> {
        connection
            .prepare_cached("INSERT INTO crossings VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                self.id.as_bytes(),
                self.from.space.to_bytes(),
                self.from.path_bytes(),
                self.to.space.to_bytes(),
                self.to.path_bytes(),
                self.inode.cast_signed(),
            ])?;
        Ok(())
    }

    fn delete(&self, connection: &Connection) -> Result<(), FilesError> {
        connection
            .prepare_cached("DELETE FROM crossings WHERE id = ?1")?
            .execute([self.id.as_bytes()])?;
        Ok(())
    }
}

impl Files {
    /// Tells the journal, where it is one.
    pub(super) fn announce_crossing(
        &self,
        from: &Place,
        to: &Place,
        moved: &Status,
    ) -> Result<Option<Crossing>, FilesError> {
        if from.space == to.space {
            return Ok(None);
        }
        let crossing = Crossing {
            id: UploadId::from_bytes(self.fresh()),
            from: from.clone(),
            to: to.clone(),
            inode: moved.inode,
        };
        let row = crossing.clone();
        self.journal.write(move |connection| row.insert(connection))?;
        self.after(Step::CrossingJournaled)?;
        Ok(Some(crossing))
    }

    /// Counts what is about to cross, and reserves space for it. Nothing changes its name meanwhile.
    pub(super) fn room_to_cross(
        &self,
        crossing: &Crossing,
        source: &Directory,
        name: &Component,
        _names: &Names<'_>,
    ) -> Result<(u64, Reserved<'_>), FilesError> {
        let size = measure::of(source, name.as_bytes()).at(&crossing.from)?;
        let reserved = self.usage.reserve(crossing.id, crossing.to.space, size)?;
        Ok((size, reserved))
    }

    /// It has crossed.
    pub(super) fn crossed(&self, crossing: &Crossing, size: u64) -> Result<(), FilesError> {
        let row = crossing.clone();
        let changes = Changes::default()
            .across(row.from.space, row.to.space, size)
            .released(row.id);
        self.book(&changes, move |connection| row.delete(connection))?;
        self.after(Step::CrossingCounted)
    }

    /// It has not.
    pub(super) fn not_crossed(&self, crossing: &Crossing) -> Result<(), FilesError> {
        let row = crossing.clone();
        self.journal.write(move |connection| row.delete(connection))
    }

    /// Finds out what a crash has left of it.
    pub(super) fn settle_crossing(&self, crossing: &Crossing) -> Result<(), FilesError> {
        let stands_at = |place: &Place| {
            let (parent, name) = self.tree.parent(place).ok()?;
            let there = parent.status_of(name.as_bytes()).ok().flatten()?;
            (there.inode == crossing.inode).then_some((parent, name.clone()))
        };
        if let Some((parent, name)) = stands_at(&crossing.to) {
            let size = measure::of(&parent, name.as_bytes()).at(&crossing.to)?;
            return self.crossed(crossing, size);
        }
        if stands_at(&crossing.from).is_none() {
            // Somebody has moved it on in the same instant: the figures say neither that nor this.
            self.doubt(crossing.from.space)?;
            self.doubt(crossing.to.space)?;
        }
        self.not_crossed(crossing)
    }
}

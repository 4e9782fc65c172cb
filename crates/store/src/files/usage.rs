//! How much each space holds, and how much it may hold.
//!
//! The figures stand in the journal and change in the same commit as what they count; here is a copy, with the bytes of
//! unfinished uploads beside it, so that asking whether something fits costs nothing. What lies in an account's trash
//! counts for its home.
//!
//! Bytes that files lose or gain by other means than Landline are not noticed before somebody counts again.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::place::SpaceId;
use super::upload::Upload;
use crate::error::StoreError;
use crate::{integer, lock, number};
use landline_model::id::{AccountId, UploadId};
use landline_model::size::Size;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// What a space may hold, as somebody has set it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quota {
    /// What is configured: for a home its default, for other spaces no limit.
    #[default]
    Default,
    /// No limit.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

/// What there is to know of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceUsage {
    /// Bytes of its files.
    pub files: u64,
    /// Bytes in the trash of the account whose home it is.
    pub trash: u64,
    /// Bytes of uploads to it that are not finished.
    pub in_flight: u64,
    /// What it may hold, all three together.
    pub limit: Option<u64>,
    /// For how long the trash keeps what comes from it.
    pub retention: Duration,
    /// Whether all of it was counted; false for what was there before there were figures.
    pub counted: bool,
}

/// A change of what spaces hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// By how many bytes files and trash of a space change.
    spaces: Vec<(SpaceId, i64, i64)>,
    /// The reservations that end with it.
    released: Vec<UploadId>,
}

/// The figures in memory.
#[derive(Debug, Default)]
pub(super) struct Usage {
    books: Mutex<Books>,
    /// Held for reading while something is on its way and the figures do not know yet; for writing by whoever puts in a
    /// figure that was counted.
    motion: RwLock<()>,
    /// How often something was on its way.
    begun: AtomicU64,
    home_quota: Option<u64>,
}

#[derive(Debug, Default)]
struct Books {
    spaces: BTreeMap<SpaceId, Figures>,
    /// What uploads have reserved, by the byte up to which they have.
    reserved: BTreeMap<UploadId, (SpaceId, u64)>,
}

/// Below zero where more went away by Landline than came by it.
#[derive(Clone, Copy, Debug)]
struct Figures {
    files: i64,
    trash: i64,
    reserved: u64,
    quota: Quota,
    retention: Option<Duration>,
    counted: bool,
}

/// Bytes that are spoken for; given back when it is dropped, unless they are to be kept.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    usage: &'a Usage,
    upload: UploadId,
    before: u64,
    kept: bool,
}

impl Changes {
    pub(super) fn files(mut self, space: SpaceId, bytes: u64, sign: Sign) -> Self {
        self.spaces.push((space, sign.of(bytes), 0));
        self
    }

    pub(super) fn trash(mut self, owner: AccountId, bytes: u64, sign: Sign) -> Self {
        self.spaces.push((SpaceId::Home(owner), 0, sign.of(bytes)));
        self
    }

    /// From a space to the trash of somebody.
    pub(super) fn trashed(self, space: SpaceId, owner: AccountId, bytes: u64) -> Self {
        self.files(space, bytes, Sign::Minus)
            .trash(owner, bytes, Sign::Plus)
    }

    /// Out of the trash of somebody to a space.
    pub(super) fn restored(self, owner: AccountId, space: SpaceId, bytes: u64) -> Self {
        self.files(space, bytes, Sign::Plus)
            .trash(owner, bytes, Sign::Minus)
    }

    /// From one space to another.
    pub(super) fn across(self, from: SpaceId, to: SpaceId, bytes: u64) -> Self {
        if from == to {
            return self;
        }
        self.files(from, bytes, Sign::Minus).files(to, bytes, Sign::Plus)
    }

    pub(super) fn released(mut self, upload: UploadId) -> Self {
        self.released.push(upload);
        self
    }

    /// Writes them down.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut sums: BTreeMap<SpaceId, (i64, i64)> = BTreeMap::new();
        for (space, files, trash) in &self.spaces {
            let sum = sums.entry(*space).or_default();
            sum.0 = sum.0.saturating_add(*files);
            sum.1 = sum.1.saturating_add(*trash);
        }
        let mut statement = connection.prepare_cached(
            "INSERT INTO usage (space, files, trash, counted) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (space) DO UPDATE SET files = files + ?2, trash = trash + ?3",
        )?;
        for (space, (files, trash)) in sums {
            if (files, trash) != (0, 0) {
                statement.execute(params![space.to_bytes(), files, trash])?;
            }
        }
        Ok(())
    }
}

/// Whether bytes come or go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn of(self, bytes: u64) -> i64 {
        match self {
            Self::Plus => integer(bytes),
            Self::Minus => integer(bytes).saturating_neg(),
        }
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            files: 0,
            trash: 0,
            reserved: 0,
            quota: Quota::Default,
            retention: None,
            counted: true,
        }
    }
}

impl Usage {
    pub(super) fn new(home_quota: Option<u64>) -> Self {
        Self {
            home_quota,
            ..Self::default()
        }
    }

    /// Reads what the journal has.
    fn load(&self, connection: &Connection) -> Result<(), FilesError> {
        let mut books = lock(&self.books);
        books.spaces.clear();
        let mut statement = connection.prepare("SELECT space, files, trash, counted FROM usage")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let figures = books
                .spaces
                .entry(space_of(&row.get::<_, Vec<u8>>(0)?)?)
                .or_default();
            (figures.files, figures.trash, figures.counted) = (row.get(1)?, row.get(2)?, row.get(3)?);
        }
        let mut statement = connection.prepare("SELECT space, quota, retention FROM limits")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let figures = books
                .spaces
                .entry(space_of(&row.get::<_, Vec<u8>>(0)?)?)
                .or_default();
            figures.quota = Quota::from_column(row.get(1)?);
            let retention: Option<i64> = row.get(2)?;
            figures.retention = retention.map(|retention| Duration::from_millis(retention.unsigned_abs()));
        }
        Ok(())
    }

    /// Reserves space up to the byte `end` of an upload, if so much may still come. What it has reserved before counts
    /// once.
    ///
    /// # Errors
    /// [`FilesError::Quota`].
    pub(super) fn reserve(
        &self,
        upload: UploadId,
        space: SpaceId,
        end: u64,
    ) -> Result<Reserved<'_>, FilesError> {
        let mut books = lock(&self.books);
        let before = books.reserved.get(&upload).map_or(0, |(_, reserved)| *reserved);
        if let Some(more) = end.checked_sub(before) {
            let figures = books.spaces.entry(space).or_default();
            let held = figures.held();
            let limit = self.limit(space, figures);
            if more > 0 && limit.is_some_and(|limit| held.saturating_add(more) > limit) {
                let trash = figures.trash.max(0).unsigned_abs();
                return Err(over(limit.unwrap_or(0), held, more, trash));
            }
            figures.reserved = figures.reserved.saturating_add(more);
            books.reserved.insert(upload, (space, end));
        }
        Ok(Reserved {
            usage: self,
            upload,
            before,
            kept: false,
        })
    }

    /// Gives back what an upload has reserved.
    pub(super) fn release(&self, upload: UploadId) {
        lock(&self.books).shrink(upload, 0);
    }

    fn limit(&self, space: SpaceId, figures: &Figures) -> Option<u64> {
        match (figures.quota, space) {
            (Quota::Bytes(bytes), _) => Some(bytes),
            (Quota::Default, SpaceId::Home(_)) => self.home_quota,
            (Quota::Default | Quota::Unlimited, _) => None,
        }
    }

    /// Takes over what was committed.
    pub(super) fn apply(&self, changes: &Changes) {
        let mut books = lock(&self.books);
        for (space, files, trash) in &changes.spaces {
            let figures = books.spaces.entry(*space).or_default();
            figures.files = figures.files.saturating_add(*files);
            figures.trash = figures.trash.saturating_add(*trash);
        }
        for upload in &changes.released {
            books.shrink(*upload, 0);
        }
    }

    /// Something is about to move, and the figures will say so later. Whoever holds this asks for no second one.
    pub(super) fn in_motion(&self) -> RwLockReadGuard<'_, ()> {
        let guard = self.motion.read().unwrap_or_else(PoisonError::into_inner);
        self.begun.fetch_add(1, Ordering::SeqCst);
        guard
    }

    /// How often something has moved, at a moment at which nothing does.
    pub(super) fn at_rest(&self) -> u64 {
        let _guard = self.motion.write().unwrap_or_else(PoisonError::into_inner);
        self.begun.load(Ordering::SeqCst)
    }

    /// Puts in what was counted since `begun`; `None`, and nothing is done, where something has moved since and it has
    /// to be exact.
    pub(super) fn counted(
        &self,
        begun: u64,
        exactly: bool,
        space: SpaceId,
        (files, trash): (u64, u64),
        commit: impl FnOnce() -> Result<(), FilesError>,
    ) -> Result<Option<bool>, FilesError> {
        let _guard = self.motion.write().unwrap_or_else(PoisonError::into_inner);
        let is_exact = self.begun.load(Ordering::SeqCst) == begun;
        if exactly && !is_exact {
            return Ok(None);
        }
        commit()?;
        let mut books = lock(&self.books);
        let figures = books.spaces.entry(space).or_default();
        (figures.files, figures.trash, figures.counted) = (integer(files), integer(trash), true);
        Ok(Some(is_exact))
    }

    /// How long the trash keeps what comes from a space, where somebody has set it.
    pub(super) fn retention(&self, space: SpaceId) -> Option<Duration> {
        lock(&self.books)
            .spaces
            .get(&space)
            .and_then(|figures| figures.retention)
    }
}

impl Books {
    /// Gives back what an upload has reserved behind the byte `end`.
    fn shrink(&mut self, upload: UploadId, end: u64) {
        let Some((space, reserved)) = self.reserved.get_mut(&upload) else {
            return;
        };
        let (space, less) = (*space, reserved.saturating_sub(end));
        *reserved = (*reserved).min(end);
        if end == 0 {
            self.reserved.remove(&upload);
        }
        if let Some(figures) = self.spaces.get_mut(&space) {
            figures.reserved = figures.reserved.saturating_sub(less);
        }
    }
}

impl Figures {
    fn held(&self) -> u64 {
        let settled = self
            .files
            .max(0)
            .unsigned_abs()
            .saturating_add(self.trash.max(0).unsigned_abs());
        settled.saturating_add(self.reserved)
    }
}

impl Reserved<'_> {
    /// They stay reserved until the upload is over.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.kept {
            lock(&self.usage.books).shrink(self.upload, self.before);
        }
    }
}

impl Quota {
    fn from_column(column: Option<i64>) -> Self {
        match column {
            None => Self::Default,
            Some(bytes) => u64::try_from(bytes).map_or(Self::Unlimited, Self::Bytes),
        }
    }

    fn column(self) -> Option<i64> {
        match self {
            Self::Default => None,
            Self::Unlimited => Some(-1),
            Self::Bytes(bytes) => Some(integer(bytes)),
        }
    }
}

impl Files {
    /// What a space holds and may hold.
    #[must_use]
    pub fn space_usage(&self, space: SpaceId) -> SpaceUsage {
        let figures = lock(&self.usage.books)
            .spaces
            .get(&space)
            .copied()
            .unwrap_or_default();
        SpaceUsage {
            files: figures.files.max(0).unsigned_abs(),
            trash: figures.trash.max(0).unsigned_abs(),
            in_flight: figures.reserved,
            limit: self.usage.limit(space, &figures),
            retention: figures.retention.unwrap_or(self.options.trash_retention),
            counted: figures.counted,
        }
    }

    /// The spaces that hold something or have limits of their own, in order, behind `after`, at most `limit`.
    #[must_use]
    pub fn known_spaces(&self, after: Option<SpaceId>, limit: usize) -> Vec<SpaceId> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let books = lock(&self.usage.books);
        books
            .spaces
            .range((from, Bound::Unbounded))
            .map(|(space, _)| *space)
            .take(limit)
            .collect()
    }

    /// Sets what a space may hold. What is there already stays.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn set_quota(&self, space: SpaceId, quota: Quota) -> Result<(), FilesError> {
        self.journal.write(move |connection| {
            connection.execute(
                "INSERT INTO limits (space, quota) VALUES (?1, ?2)
                 ON CONFLICT (space) DO UPDATE SET quota = ?2",
                params![space.to_bytes(), quota.column()],
            )?;
            Ok(())
        })?;
        lock(&self.usage.books).spaces.entry(space).or_default().quota = quota;
        Ok(())
    }

    /// Sets for how long the trash keeps what comes from a space from now on; none: as configured.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn set_retention(&self, space: SpaceId, retention: Option<Duration>) -> Result<(), FilesError> {
        let column = retention.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        self.journal.write(move |connection| {
            connection.execute(
                "INSERT INTO limits (space, retention) VALUES (?1, ?2)
                 ON CONFLICT (space) DO UPDATE SET retention = ?2",
                params![space.to_bytes(), column],
            )?;
            Ok(())
        })?;
        lock(&self.usage.books).spaces.entry(space).or_default().retention = retention;
        Ok(())
    }

    /// Commits something together with what it changes of the figures.
    pub(super) fn book(
        &self,
        changes: &Changes,
        work: impl FnOnce(&Connection) -> Result<(), FilesError> + Send + 'static,
    ) -> Result<(), FilesError> {
        let written = changes.clone();
        self.journal.write(move |connection| {
            work(connection)?;
            written.write(connection)
        })?;
        self.usage.apply(changes);
        Ok(())
    }

    /// Reads the figures. The first time, everything that is there has yet to be counted.
    pub(super) fn load_usage(&self) -> Result<(), FilesError> {
        let has_begun = self.journal.read(|connection| {
            let row = connection.query_row(
                "SELECT 1 FROM usage WHERE space = ?1",
                [SpaceId::Shared.to_bytes()],
                |_| Ok(()),
            );
            Ok(row.optional()?.is_some())
        })?;
        if !has_begun {
            let there = self.tree.spaces().at("the spaces")?;
            self.journal.write(move |connection| {
                for (space, counted) in there
                    .iter()
                    .map(|space| (space, 0))
                    .chain([(&SpaceId::Shared, 1)])
                {
                    connection.execute(
                        "INSERT OR IGNORE INTO usage (space, files, trash, counted) VALUES (?1, 0, 0, ?2)",
                        params![space.to_bytes(), counted],
                    )?;
                }
                Ok(())
            })?;
        }
        self.journal.read(|connection| self.usage.load(connection))
    }

    /// Reserves again what unfinished uploads hold, whatever the limits say by now.
    pub(super) fn reserve_again(&self) -> Result<(), FilesError> {
        let uploads = self.journal.read(Upload::all)?;
        let partial = &self.tree.partial;
        for upload in uploads {
            let there = partial.status_of(&upload.file_name()).at("a partial file")?;
            let held = there.map_or(0, |there| there.size.min(upload.size));
            let mut books = lock(&self.usage.books);
            let figures = books.spaces.entry(upload.place.space).or_default();
            figures.reserved = figures.reserved.saturating_add(held);
            books.reserved.insert(upload.id, (upload.place.space, held));
        }
        Ok(())
    }

    /// The figures of a space cannot be told from what a crash has left: it has to be counted again.
    pub(super) fn doubt(&self, space: SpaceId) -> Result<(), FilesError> {
        self.journal.write(move |connection| {
            connection.execute(
                "UPDATE usage SET counted = 0 WHERE space = ?1",
                [space.to_bytes()],
            )?;
            Ok(())
        })?;
        lock(&self.usage.books).spaces.entry(space).or_default().counted = false;
        Ok(())
    }
}

fn space_of(bytes: &[u8]) -> Result<SpaceId, FilesError> {
    SpaceId::from_bytes(bytes)
        .ok_or_else(|| FilesError::Store(StoreError::Corrupt("a space in the journal".to_owned())))
}

/// What a row says of a number of bytes, where it says one.
pub(super) fn optional_number(value: Option<i64>) -> rusqlite::Result<Option<u64>> {
    value.map(number).transpose()
}

fn over(limit: u64, held: u64, more: u64, trash: u64) -> FilesError {
    let mut message = format!(
        "the space may hold {}, it holds {}, and {} more do not fit",
        Size(limit),
        Size(held),
        Size(more)
    );
    if trash > 0 {
        message.push_str(&format!("; {} of it lie in the trash", Size(trash)));
    }
    FilesError::Quota { message, trash }
}

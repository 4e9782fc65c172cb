//! Counting what lies in a space: after it was brought there by other means, or before there were figures.

use super::Files;
use super::error::FilesError;
use super::failure::Named as _;
use super::measure;
use super::place::SpaceId;
use super::trash::{TrashName as _, Trashed};
use crate::integer;
use landline_model::id::{AccountId, TrashId};
use rusqlite::params;
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// How often it is counted anew where something has moved meanwhile; the last count is taken as it is.
const ATTEMPTS_MAX: usize = 3;

/// How long is read at a stretch. Then the disk is left to others for as long.
const STRETCH: Duration = Duration::from_millis(20);

/// What a space was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recounted {
    /// Bytes of its files.
    pub files: u64,
    /// Bytes in the trash of the account whose home it is.
    pub trash: u64,
    /// Whether nothing has moved at the hub while it was counted.
    pub exact: bool,
}

impl Files {
    /// Counts a space by walking through it, half of the time at most, and puts the figures in. `keep_on` is asked now
    /// and then; where it says no, nothing is changed and the answer is none.
    ///
    /// # Errors
    /// Those of the disk and of the journal.
    pub fn recount(
        &self,
        space: SpaceId,
        keep_on: &dyn Fn() -> bool,
    ) -> Result<Option<Recounted>, FilesError> {
        for attempt in 1..=ATTEMPTS_MAX {
            let begun = self.usage.at_rest();
            let mut pace = Pace::new(keep_on);
            let counted = self.count_files(space, &mut pace).and_then(|files| match space {
                SpaceId::Home(account) => Ok((files, self.count_trash(account, &mut pace)?)),
                _ => Ok((files, Vec::new())),
            });
            let (files, sizes) = match counted {
                Ok(counted) => counted,
                Err(Errno::CANCELED) => return Ok(None),
                Err(error) => return Err(error).at("a space"),
            };
            let trash = sizes.iter().map(|(_, size)| *size).fold(0, u64::saturating_add);
            let exactly = attempt < ATTEMPTS_MAX;
            let commit = || self.put_in(space, (files, trash), sizes);
            let exact = self
                .usage
                .counted(begun, exactly, space, (files, trash), commit)?;
            if let Some(exact) = exact {
                return Ok(Some(Recounted { files, trash, exact }));
            }
        }
        Ok(None)
    }

    /// The spaces whose figures are not known.
    ///
    /// # Errors
    /// Those of the journal.
    pub fn uncounted(&self) -> Result<Vec<SpaceId>, FilesError> {
        self.journal.read(|connection| {
            let mut statement = connection.prepare("SELECT space FROM usage WHERE counted = 0")?;
            let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let spaces = rows.collect::<Result<Vec<_>, _>>()?;
            Ok(spaces
                .iter()
                .filter_map(|space| SpaceId::from_bytes(space))
                .collect())
        })
    }

    fn count_files(&self, space: SpaceId, pace: &mut Pace<'_>) -> Result<u64, Errno> {
        match self.tree.space(space) {
            Ok(directory) => measure::below(directory, &mut || pace.visited()),
            Err(Errno::NOENT) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn count_trash(&self, account: AccountId, pace: &mut Pace<'_>) -> Result<Vec<(TrashId, u64)>, Errno> {
        let trash = match self.tree.trash(account) {
            Ok(trash) => trash,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut sizes = Vec::new();
        for name in trash.names()? {
            let Some(id) = TrashId::from_file_name(&name) else {
                continue;
            };
            let size = match trash.status_of(&name)? {
                Some(status) if status.is_directory() => {
                    measure::below(trash.child(&name)?, &mut || pace.visited())?
                }
                Some(status) => status.size,
                None => continue,
            };
            pace.visited()?;
            sizes.push((id, size));
        }
        Ok(sizes)
    }

    fn put_in(
        &self,
        space: SpaceId,
        (files, trash): (u64, u64),
        sizes: Vec<(TrashId, u64)>,
    ) -> Result<(), FilesError> {
        self.journal.write(move |connection| {
            for (id, size) in &sizes {
                Trashed::set_size(connection, *id, *size)?;
            }
            connection.execute(
                "INSERT OR REPLACE INTO usage (space, files, trash, counted) VALUES (?1, ?2, ?3, 1)",
                params![space.to_bytes(), integer(files), integer(trash)],
            )?;
            Ok(())
        })
    }
}

/// Leaves the disk to others for half of the time.
struct Pace<'a> {
    keep_on: &'a dyn Fn() -> bool,
    since: Instant,
}

impl<'a> Pace<'a> {
    fn new(keep_on: &'a dyn Fn() -> bool) -> Self {
        Self {
            keep_on,
            since: Instant::now(),
        }
    }

    fn visited(&mut self) -> Result<(), Errno> {
        if !(self.keep_on)() {
            return Err(Errno::CANCELED);
        }
        let worked = self.since.elapsed();
        if worked >= STRETCH {
            std::thread::sleep(worked);
            self.since = Instant::now();
        }
        Ok(())
    }
}

//! Giving a file or a directory another name or place.

use super::Files;
use super::crossing::Crossing;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::{Named as _, exists, is_directory, no_file, not_found, space_itself, unless_full};
use super::hashes;
use super::place::Place;
use super::replacement::Replacement;
use super::status::Status;
use super::step::Step;
use crate::lock;
use landline_model::id::{AccountId, TrashId};
use landline_model::protocol::files::EntryKind;
use rustix::io::Errno;

impl Files {
    /// Moves `from` to `to`, also into another space. With `overwrite` a file may take the place of a file, which goes
    /// to its owner's trash, or to `actor`'s where nobody published it.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] for `from` and for the directory of `to`; [`FilesError::Exists`];
    /// [`FilesError::WrongKind`] for a space itself, for a move onto or into itself, and where a directory would be
    /// replaced or would replace; [`FilesError::Conflict`] where somebody else was faster.
    pub fn rename(
        &self,
        actor: AccountId,
        from: &Place,
        to: &Place,
        overwrite: bool,
    ) -> Result<(), FilesError> {
        if from.components.is_empty() || to.components.is_empty() {
            return Err(space_itself());
        }
        if from.contains(to) {
            return Err(FilesError::WrongKind(format!(
                "{from} cannot be moved onto or into itself"
            )));
        }
        let (source, source_name) = self.tree.parent(from)?;
        let moved = source
            .status_of(source_name.as_bytes())
            .at(from)?
            .ok_or_else(|| not_found(from))?;
        let _motion = self.usage.in_motion();
        let crossing = self.announce_crossing(from, to, &moved)?;
        match self.rename_to_nothing(from, to, &moved, crossing.as_ref())? {
            Renamed::Done(target, size) => {
                if let Some(crossing) = &crossing {
                    unless_full(self.crossed(crossing, size))?;
                }
                self.hash_moves_along(&moved, &target, to)
            }
            Renamed::Not(replaced) => {
                if let Some(crossing) = &crossing {
                    self.not_crossed(crossing)?;
                }
                may_replace(from, &moved, to, &replaced, overwrite)?;
                self.replace(Replacement {
                    trash: TrashId::from_bytes(self.fresh()),
                    heir: self.heir(&replaced, actor)?,
                    actor,
                    from: from.clone(),
                    moved: moved.inode,
                    to: to.clone(),
                    replaced: replaced.inode,
                    moved_size: moved.size,
                    replaced_size: replaced.size,
                })
            }
        }
    }

    /// As it says; on an error the journal knows of no crossing any more, unless the store was stopped.
    fn rename_to_nothing(
        &self,
        from: &Place,
        to: &Place,
        moved: &Status,
        crossing: Option<&Crossing>,
    ) -> Result<Renamed, FilesError> {
        match self.try_rename(from, to, moved, crossing) {
            Ok(renamed) => renamed,
            Err(error) => {
                if let Some(crossing) = crossing {
                    self.not_crossed(crossing)?;
                }
                Err(error)
            }
        }
    }

    /// The outer error: nothing has happened. The inner one: it has, and something went wrong after it.
    fn try_rename(
        &self,
        from: &Place,
        to: &Place,
        moved: &Status,
        crossing: Option<&Crossing>,
    ) -> Result<Result<Renamed, FilesError>, FilesError> {
        let (source, source_name) = self.tree.parent(from)?;
        let names = lock(&self.names);
        let (target, target_name) = self.tree.parent_made(to, &names)?;
        self.access.require_none_within(from)?;
        let mut crossed = None;
        if let Some(crossing) = crossing {
            let there = source.status_of(source_name.as_bytes()).at(from)?;
            if there.is_none_or(|there| there.inode != moved.inode) {
                return Err(changed(from));
            }
            if let Some(there) = target.status_of(target_name.as_bytes()).at(to)? {
                return Ok(Ok(Renamed::Not(there)));
            }
            crossed = Some(self.room_to_cross(crossing, &source, source_name, &names)?);
        }
        let mut names = Some(names);
        match source.rename(source_name.as_bytes(), &target, target_name.as_bytes()) {
            // For a directory it is held until the names are synced: nothing is published below a name that a power
            // cut could still take back.
            Ok(()) if moved.is_file() => names = None,
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let there = target.status_of(target_name.as_bytes()).at(to)?;
                return there
                    .map(|there| Ok(Renamed::Not(there)))
                    .ok_or_else(|| changed(to));
            }
            // The system's word for a directory that is moved below itself.
            Err(Errno::INVAL) => {
                return Err(FilesError::WrongKind(format!(
                    "{from} cannot be moved into itself"
                )));
            }
            Err(error) => return Err(error).at(from),
        }
        let synced = self
            .after(Step::Renamed)
            .and_then(|()| target.sync().at(to))
            .and_then(|()| source.sync().at(from));
        drop(names);
        let size = crossed.map_or(0, |(size, reserved)| {
            reserved.keep();
            size
        });
        Ok(synced
            .and_then(|()| self.after(Step::RenameSynced))
            .map(|()| Renamed::Done(target, size)))
    }

    /// A rename changes a file's time of change: what was known of its hash is known on.
    pub(super) fn hash_moves_along(
        &self,
        before: &Status,
        target: &Directory,
        to: &Place,
    ) -> Result<(), FilesError> {
        let Some(name) = to.components.last() else {
            return Ok(());
        };
        let Some(after) = target.status_of(name.as_bytes()).at(to)? else {
            return Ok(());
        };
        if !before.is_file() || !after.has_content_of(before) {
            return Ok(());
        }
        match self.journal.read(|connection| hashes::find(connection, before))? {
            // Where there is no space for it, the hash is computed again when somebody asks.
            Some(hash) => unless_full(
                self.journal
                    .write(move |connection| hashes::remember(connection, &after, &hash)),
            ),
            None => Ok(()),
        }
    }
}

/// What became of a rename to a name where nothing may stand.
enum Renamed {
    /// It is done, in this directory; so many bytes have crossed to another space.
    Done(Directory, u64),
    /// This stands there.
    Not(Status),
}

pub(super) fn changed(place: &Place) -> FilesError {
    FilesError::Conflict(format!("{place} has changed meanwhile"))
}

pub(super) fn may_replace(
    from: &Place,
    moved: &Status,
    to: &Place,
    replaced: &Status,
    overwrite: bool,
) -> Result<(), FilesError> {
    match (replaced.kind, moved.kind) {
        _ if !overwrite => Err(exists(to)),
        (EntryKind::File, EntryKind::File) => Ok(()),
        (EntryKind::File, EntryKind::Directory) => Err(is_directory(from)),
        (EntryKind::Directory, _) => Err(is_directory(to)),
        (EntryKind::File, _) => Err(no_file(from)),
        _ => Err(no_file(to)),
    }
}

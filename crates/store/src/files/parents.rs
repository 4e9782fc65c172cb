//! The directories of several places at once.

use super::directory::Directory;
use super::error::FilesError;
use super::failure::space_itself;
use super::place::Place;
use landline_model::path::Component;

/// The directories that a run of places lies in, each resolved once as long as neighbours share it.
#[derive(Default)]
pub(super) struct Parents(Vec<(Directory, Place)>);

impl Parents {
    /// The directory of a place, found by `find` where the place before was in another one; and the name in it.
    pub(super) fn of<'a>(
        &mut self,
        place: &'a Place,
        find: impl FnOnce(&Place) -> Result<Directory, FilesError>,
    ) -> Result<(&Directory, &'a Component), FilesError> {
        let (name, above) = place.components.split_last().ok_or_else(space_itself)?;
        let is_last = |last: &(Directory, Place)| last.1.space == place.space && last.1.components == above;
        if !self.0.last().is_some_and(is_last) {
            let above = Place::new(place.space, above);
            self.0.push((find(&above)?, above));
        }
        match self.0.last() {
            Some((directory, _)) => Ok((directory, name)),
            None => Err(FilesError::Internal("a directory was lost".to_owned())),
        }
    }

    /// All of them, each with its place.
    pub(super) fn all(self) -> impl Iterator<Item = (Directory, Place)> {
        self.0.into_iter()
    }
}

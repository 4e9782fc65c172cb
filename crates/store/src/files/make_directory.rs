//! Making directories.

use super::Files;
use super::directory::Directory;
use super::error::FilesError;
use super::failure::Named as _;
use super::place::Place;
use super::step::Step;
use super::tree::Names;
use crate::lock;
use rustix::io::Errno;

impl Files {
    /// Makes a directory; with `parents` also those above it that are missing, and then one that is there is fine.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] where the one above it is missing, [`FilesError::Exists`] where something is there,
    /// [`FilesError::WrongKind`] where a file or a link is on the way.
    pub fn make_directory(&self, place: &Place, parents: bool) -> Result<(), FilesError> {
        let names = lock(&self.names);
        if parents {
            return self.directories_made(place, &names).map(drop);
        }
        let (parent, name) = self.tree.parent_made(place, &names)?;
        parent.make_directory(name.as_bytes()).at(place)?;
        self.after(Step::DirectoryMade)?;
        parent.sync().at(place)
    }

    /// The directory at a place, made with all that is missing above it.
    pub(super) fn directories_made(&self, place: &Place, names: &Names<'_>) -> Result<Directory, FilesError> {
        // Usually all of it is there.
        let mut directory = self.tree.space_made(place.space, names).at(place)?;
        match directory.beneath(&place.components) {
            Err(Errno::NOENT) => {}
            found => return found.at(place),
        }
        for component in &place.components {
            let name = component.as_bytes();
            match directory.make_directory(name) {
                Ok(()) => {
                    self.after(Step::DirectoryMade)?;
                    directory.sync().at(place)?;
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error).at(place),
            }
            directory = directory.child(name).at(place)?;
        }
        Ok(directory)
    }
}

//! A file that is not whole yet.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use landline_services::receive::{FileFailure, FileName};

use super::directory::Directory;
use super::failure::{failure, io_failure};

/// Written under a name of its own. Dropped without having been published, it leaves nothing.
#[derive(Debug)]
pub(super) struct Partial {
    directory: Arc<Directory>,
    file: File,
    /// Its name for now.
    partial: String,
    /// Its name once it is whole.
    name: FileName,
    is_published: bool,
}

impl Partial {
    /// An empty file. Refused at once where its name is already a directory's or a link's.
    pub(super) fn create(directory: &Arc<Directory>, name: FileName) -> Result<Self, FileFailure> {
        directory.check_replaceable(name.as_str()).map_err(failure)?;
        let (partial, file) = directory.create_partial().map_err(failure)?;
        let directory = Arc::clone(directory);
        Ok(Self {
            directory,
            file: file.into(),
            partial,
            name,
            is_published: false,
        })
    }

    /// Appends a block.
    pub(super) fn write(&mut self, block: &[u8]) -> Result<(), FileFailure> {
        self.file.write_all(block).map_err(|error| io_failure(&error))
    }

    /// Makes it durable, and then gives it its name.
    pub(super) fn publish(mut self) -> Result<(), FileFailure> {
        rustix::fs::fchmod(&self.file, self.directory.file_mode()).map_err(failure)?;
        rustix::fs::fsync(&self.file).map_err(failure)?;
        self.directory
            .publish(&self.partial, self.name.as_str())
            .map_err(failure)?;
        self.is_published = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_published {
            self.directory.remove(&self.partial);
        }
    }
}

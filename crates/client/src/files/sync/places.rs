//! Directories of a local tree, opened when they are needed: each beneath the one before and through no link.

use crate::files::{Directory, FilesError};
use std::ffi::OsString;
use std::sync::Arc;

/// A local tree's directories on the way to where the work is.
pub(super) struct Places {
    top: Arc<Directory>,
    open: Vec<(OsString, Arc<Directory>)>,
    /// Makes what is missing.
    makes: bool,
}

impl Places {
    pub(super) fn new(top: Arc<Directory>, makes: bool) -> Self {
        Self {
            top,
            open: Vec::new(),
            makes,
        }
    }

    /// The directory at a way.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub(super) fn directory(&mut self, way: &[OsString]) -> Result<Arc<Directory>, FilesError> {
        let shared = self
            .open
            .iter()
            .zip(way)
            .take_while(|((open, _), name)| open == *name);
        let shared = shared.count();
        self.open.truncate(shared);
        for name in way.iter().skip(shared) {
            let above = self.open.last().map_or(&self.top, |(_, directory)| directory);
            let below = if self.makes {
                above.make_child(name)?
            } else {
                above.open_child(name)?
            };
            self.open.push((name.clone(), Arc::new(below)));
        }
        Ok(Arc::clone(
            self.open.last().map_or(&self.top, |(_, directory)| directory),
        ))
    }

    /// The directory in which something stands, and its name.
    ///
    /// # Errors
    /// [`FilesError::Local`].
    pub(super) fn parent(&mut self, way: &[OsString]) -> Result<(Arc<Directory>, OsString), FilesError> {
        let Some((name, above)) = way.split_last() else {
            return Err(FilesError::Stopped);
        };
        Ok((self.directory(above)?, name.clone()))
    }
}

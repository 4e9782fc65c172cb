//! How many bytes lie below a name.

use super::directory::Directory;
use rustix::io::Errno;

/// How deep it is looked. A path has at most 128 names, but directories that are moved into one another go deeper; what
/// lies below this counts for nothing, here as everywhere.
const DEPTH_MAX: usize = 256;

/// A directory that is being counted, and the directories in it that are still to be.
struct Level(Directory, Vec<Vec<u8>>);

/// The bytes of the files below a directory. Needs memory for the names of directories on the way down. `visited` is
/// asked after every directory, and may end it.
///
/// # Errors
/// Those of the disk; of `visited`.
pub(super) fn below(top: Directory, visited: &mut dyn FnMut() -> Result<(), Errno>) -> Result<u64, Errno> {
    let mut bytes = 0_u64;
    let mut levels = vec![counted(top, &mut bytes, visited)?];
    while let Some(Level(directory, waiting)) = levels.last_mut() {
        let Some(name) = waiting.pop() else {
            levels.pop();
            continue;
        };
        match directory.child(&name) {
            Ok(child) if levels.len() < DEPTH_MAX => levels.push(counted(child, &mut bytes, visited)?),
            // Too deep, or gone meanwhile, or something else by now.
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// The bytes below a name: the size of a file, or what lies below a directory.
pub(super) fn of(parent: &Directory, name: &[u8]) -> Result<u64, Errno> {
    match parent.status_of(name)? {
        Some(status) if status.is_directory() => below(parent.child(name)?, &mut || Ok(())),
        Some(status) => Ok(status.size),
        None => Err(Errno::NOENT),
    }
}

fn counted(
    directory: Directory,
    bytes: &mut u64,
    visited: &mut dyn FnMut() -> Result<(), Errno>,
) -> Result<Level, Errno> {
    let mut directories = Vec::new();
    let mut failed = None;
    directory.visit_names_while(|name| {
        match directory.status_of(name) {
            Ok(Some(status)) if status.is_directory() => directories.push(name.to_vec()),
            Ok(Some(status)) => *bytes = bytes.saturating_add(status.size),
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    })?;
    visited()?;
    failed.map_or(Ok(Level(directory, directories)), Err)
}

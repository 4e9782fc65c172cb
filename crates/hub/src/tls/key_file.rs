//! Files of keys and certificates: private, whole or not there at all, and on the disk before they are used.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::TlsError;

/// The largest key or certificate file that is read, in bytes; those that are written are below 16 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// How the names of files end that are not whole yet.
const TEMPORARY_SUFFIX: &str = ".new";

/// Reads a file; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("open", path, source)),
    };
    let mut bytes = Vec::new();
    keep_private(&file)
        .and_then(|()| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(|source| failed("read", path, source))?;
    Ok(Some(bytes))
}

/// Writes a file by way of a temporary one, so that a crash at any instant leaves the old content or the new.
pub(super) fn write(directory: &Path, name: &str, content: &[u8]) -> Result<(), TlsError> {
    let path = directory.join(name);
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| TlsError::Key)?;
    let temporary = directory.join(format!(
        "{name}.{:016x}{TEMPORARY_SUFFIX}",
        u64::from_be_bytes(random)
    ));
    let written = write_new(&temporary, content).and_then(|()| fs::rename(&temporary, &path));
    if let Err(source) = written {
        // Whatever is left is removed at the next start as well.
        let _ = fs::remove_file(&temporary);
        return Err(failed("write", &path, source));
    }
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| failed("sync", directory, source))
}

/// Removes what a start that was killed left half-written. Call it before anything is written.
pub(super) fn remove_temporary(directory: &Path) -> Result<(), TlsError> {
    let entries = fs::read_dir(directory).map_err(|source| failed("list", directory, source))?;
    for entry in entries {
        let path = entry.map_err(|source| failed("list", directory, source))?.path();
        if path
            .as_os_str()
            .as_encoded_bytes()
            .ends_with(TEMPORARY_SUFFIX.as_bytes())
        {
            fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
        }
    }
    Ok(())
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// A restored backup may have made a key readable to others.
fn keep_private(file: &File) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> TlsError {
    TlsError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

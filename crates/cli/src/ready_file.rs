//! Ready files: what a program that started a server reads to find it.

use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes `ready` as JSON, 0600, by rename, so that whoever sees the file sees all of it.
pub(crate) fn write(path: &Path, ready: &impl Serialize) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut bytes = serde_json::to_vec(ready)?;
    bytes.push(b'\n');
    // A name that nobody guesses, so that nobody can have put something in its place; O_EXCL would refuse it.
    let random = landline_sockets::challenge()?;
    let [number, _] = random.as_chunks::<16>().0 else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let temporary = directory.join(format!(".landline-ready-{:032x}", u128::from_ne_bytes(*number)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let written = file
        .write_all(&bytes)
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The error that is reported is the one that matters.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_under_a_guessed_name_is_not_in_the_way_and_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let left = directory
            .path()
            .join(format!(".landline-ready-{}", std::process::id()));
        std::fs::write(&left, "somebody's").unwrap();
        let path = directory.path().join("ready");
        write(&path, &["here"]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[\"here\"]\n");
        assert_eq!(std::fs::read_to_string(&left).unwrap(), "somebody's");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}

//! Ready files: what a program that started a server reads to find it.

use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes `ready` as JSON, 0600, by rename, so that whoever sees the file sees all of it. Until then it has a name that
/// nobody guesses.
pub(crate) fn write(path: &Path, ready: &impl Serialize) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut bytes = serde_json::to_vec(ready)?;
    bytes.push(b'\n');
    let mut file = NamedTempFile::with_prefix_in(".landline-ready-", directory)?;
    file.write_all(&bytes)?;
    file.persist(path)?;
    Ok(())
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

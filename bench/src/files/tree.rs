//! Files with known content, copied plainly and compared strictly.

use anyhow::{Context as _, Result, bail, ensure};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Bytes that one read or write moves.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Makes a file that cannot be compressed; the same seed makes the same one.
pub(super) fn make_file(path: &Path, seed: u32, size: u64) -> Result<()> {
    let mut content = blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof();
    let mut file = File::create_new(path)?;
    let mut chunk = vec![0; CHUNK_BYTES.min(usize::try_from(size)?)];
    let mut left = size;
    while left > 0 {
        let length = chunk.len().min(usize::try_from(left)?);
        content.fill(&mut chunk[..length]);
        file.write_all(&chunk[..length])?;
        left -= length as u64;
    }
    Ok(())
}

/// Copies a file, or a directory with everything in it, with nothing but reads and writes; the floor of all copying.
/// `sync`: each file and each directory is synced, as one that must not be lost is.
pub(super) fn copy(from: &Path, to: &Path, sync: bool) -> Result<()> {
    if from.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()), sync)?;
        }
        if sync {
            File::open(to)?.sync_all()?;
        }
        return Ok(());
    }
    let (mut source, mut target) = (File::open(from)?, File::create_new(to)?);
    let size = usize::try_from(source.metadata()?.len())?;
    let mut chunk = vec![0; size.clamp(1, CHUNK_BYTES)];
    loop {
        match source.read(&mut chunk)? {
            0 => break,
            length => target.write_all(&chunk[..length])?,
        }
    }
    if sync {
        target.sync_data()?;
    }
    Ok(())
}

/// Fails unless both are the same: the same names, sizes and bytes.
pub(super) fn compare(expected: &Path, found: &Path) -> Result<()> {
    if expected.is_dir() {
        let (names, others) = (names(expected)?, names(found)?);
        ensure!(
            names == others,
            "{} does not have the files of {}",
            found.display(),
            expected.display()
        );
        return names
            .iter()
            .try_for_each(|name| compare(&expected.join(name), &found.join(name)));
    }
    let (wanted, got) = (hash(expected)?, hash(found)?);
    ensure!(
        wanted == got,
        "{} is not what {} is",
        found.display(),
        expected.display()
    );
    Ok(())
}

/// The one file or directory of this name somewhere below a directory.
pub(super) fn find(directory: &Path, name: &str) -> Result<std::path::PathBuf> {
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in
            fs::read_dir(&directory).with_context(|| format!("no directory {}", directory.display()))?
        {
            let entry = entry?;
            if entry.file_name() == name {
                return Ok(entry.path());
            }
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    bail!("there is no {name} below {}", directory.display())
}

fn names(directory: &Path) -> Result<Vec<std::ffi::OsString>> {
    let entries = fs::read_dir(directory).with_context(|| format!("no directory {}", directory.display()))?;
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn hash(path: &Path) -> Result<(u64, blake3::Hash)> {
    let mut file = File::open(path).with_context(|| format!("there is no {}", path.display()))?;
    let mut hasher = blake3::Hasher::new();
    let size = io::copy(&mut file, &mut hasher)?;
    Ok((size, hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_and_one_changed_byte_is_not() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        fs::create_dir_all(from.join("below")).unwrap();
        make_file(&from.join("below/large"), 1, 3 * CHUNK_BYTES as u64 + 5).unwrap();
        make_file(&from.join("empty"), 2, 0).unwrap();
        copy(&from, &to, true).unwrap();
        compare(&from, &to).unwrap();
        assert_eq!(find(home.path(), "empty").unwrap().file_name().unwrap(), "empty");
        assert!(find(home.path(), "absent").is_err());

        let mut bytes = fs::read(to.join("below/large")).unwrap();
        bytes[7] ^= 1;
        fs::write(to.join("below/large"), bytes).unwrap();
        assert!(compare(&from, &to).is_err());
    }

    #[test]
    fn a_missing_and_a_stray_file_are_noticed() {
        let home = tempfile::tempdir().unwrap();
        let (from, to) = (home.path().join("from"), home.path().join("to"));
        fs::create_dir(&from).unwrap();
        make_file(&from.join("a"), 1, 10).unwrap();
        copy(&from, &to, false).unwrap();
        make_file(&to.join("b"), 1, 10).unwrap();
        assert!(compare(&from, &to).is_err());
        fs::remove_file(to.join("b")).unwrap();
        fs::remove_file(to.join("a")).unwrap();
        assert!(compare(&from, &to).is_err());
    }
}

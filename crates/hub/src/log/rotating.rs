//! A log file that is set aside when it is full, so that a log never takes more than its share of a disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The file that is written to; older ones carry `.1` (the newest) to `.4`.
pub const FILE_NAME: &str = "landline.log";

/// Bytes until a file is set aside.
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// Files kept, the one that is written to included.
pub const KEPT_FILES: usize = 5;

/// Writes records to a file of bounded size. Each call of `write` is one record: it is in one file, whole or not at all.
#[derive(Debug)]
pub struct RotatingFile {
    directory: PathBuf,
    limit: u64,
    /// None after a rotation that failed half-way; the next record tries again.
    file: Option<File>,
    /// Bytes in `file`.
    size: u64,
}

impl RotatingFile {
    /// Opens the log in a directory and goes on where it ended. A record larger than `limit` bytes has a file alone.
    ///
    /// # Errors
    /// The file cannot be opened or examined.
    pub fn open(directory: &Path, limit: u64) -> io::Result<Self> {
        let file = open_private(&directory.join(FILE_NAME))?;
        let size = file.metadata()?.len();
        Ok(Self {
            directory: directory.to_owned(),
            limit,
            file: Some(file),
            size,
        })
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let length = record.len() as u64;
        if self.file.is_none() || (self.size > 0 && self.size.saturating_add(length) > self.limit) {
            self.rotate()?;
        }
        let Some(file) = &mut self.file else {
            return Err(io::Error::other("no log file is open"));
        };
        match file.write_all(record) {
            Ok(()) => self.size = self.size.saturating_add(length),
            // Half a record, from before the disk was full, would run into the next one.
            Err(error) => {
                file.set_len(self.size)?;
                return Err(error);
            }
        }
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        for age in (1..KEPT_FILES).rev() {
            let younger = self.path(age - 1);
            match fs::rename(&younger, self.path(age)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let file = open_private(&self.path(0))?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn path(&self, age: usize) -> PathBuf {
        match age {
            0 => self.directory.join(FILE_NAME),
            age => self.directory.join(format!("{FILE_NAME}.{age}")),
        }
    }
}

impl Write for RotatingFile {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.append(record)?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens for appending, readable by its owner only, whoever made it; never through a symbolic link.
fn open_private(path: &Path) -> io::Result<File> {
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(no_link)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn content(directory: &Path, name: &str) -> String {
        fs::read_to_string(directory.join(name)).unwrap()
    }

    #[test]
    fn a_full_file_is_set_aside_and_the_oldest_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(directory.path(), 10).unwrap();
        for number in 0..14 {
            log.write_all(format!("{number:03}\n").as_bytes()).unwrap();
        }
        let expected = [
            "landline.log",
            "landline.log.1",
            "landline.log.2",
            "landline.log.3",
            "landline.log.4",
        ];
        assert_eq!(names(directory.path()), expected);
        assert_eq!(content(directory.path(), "landline.log"), "012\n013\n");
        assert_eq!(content(directory.path(), "landline.log.1"), "010\n011\n");
        assert_eq!(content(directory.path(), "landline.log.4"), "004\n005\n");
    }

    #[test]
    fn a_log_that_was_closed_goes_on_where_it_ended() {
        let directory = tempfile::tempdir().unwrap();
        RotatingFile::open(directory.path(), 10)
            .unwrap()
            .write_all(b"first\n")
            .unwrap();
        let mut log = RotatingFile::open(directory.path(), 10).unwrap();
        log.write_all(b"1\n").unwrap();
        log.write_all(b"second\n").unwrap();
        assert_eq!(content(directory.path(), "landline.log.1"), "first\n1\n");
        assert_eq!(content(directory.path(), "landline.log"), "second\n");
    }

    #[test]
    fn a_record_larger_than_the_limit_has_a_file_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(directory.path(), 4).unwrap();
        log.write_all(b"long record\n").unwrap();
        log.write_all(b"x\n").unwrap();
        assert_eq!(content(directory.path(), "landline.log.1"), "long record\n");
        assert_eq!(content(directory.path(), "landline.log"), "x\n");
    }

    #[test]
    fn files_are_private_even_where_they_were_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        RotatingFile::open(directory.path(), 10).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_symbolic_link_is_not_written_through() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        fs::write(&victim, "").unwrap();
        std::os::unix::fs::symlink(&victim, directory.path().join(FILE_NAME)).unwrap();
        assert!(RotatingFile::open(directory.path(), 10).is_err());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "");
    }
}

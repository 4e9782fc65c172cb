//! A disk that is soon full.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// How much there is, in MiB, and how much of it is taken at first.
const DISK_MEBIBYTES: u64 = 8;
const FILLER_MEBIBYTES: u64 = 4;

/// A small file system in memory, until it is dropped.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts it; for that, the test runs as root.
    pub(crate) fn mounted() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test mounts a small file system: run it as root"
        );
        let disk = Self(tempfile::tempdir().unwrap());
        let size = format!("size={DISK_MEBIBYTES}m,mode=700");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "landline-test"])
            .arg(disk.path());
        assert!(mount.status().unwrap().success());
        disk
    }

    /// A directory in which `data` is on this disk.
    pub(crate) fn place(&self) -> TempDir {
        let (place, data) = (tempfile::tempdir().unwrap(), self.path().join("data"));
        fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
        std::os::unix::fs::symlink(data, place.path().join("data")).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Takes the half of it.
    pub(crate) fn fill(&self) {
        let file = fs::File::create(self.filler()).unwrap();
        let length = FILLER_MEBIBYTES * 1024 * 1024;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, length).unwrap();
    }

    /// Takes the last bytes.
    pub(crate) fn fill_the_rest(&self) {
        let mut filler = fs::File::options().append(true).open(self.filler()).unwrap();
        let error = loop {
            match filler.write_all(&[0; 512]) {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }

    /// Gives back what was taken.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

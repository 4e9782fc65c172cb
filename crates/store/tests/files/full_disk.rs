//! A full disk: a clear refusal, nothing lost, and everything works again when there is space.

use super::hub::{ALICE, BOB, Hub, content, get, hash, put, request, send, shared};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::protocol::files::Resume;
use landline_store::files::{FilesError, UploadRequest};
use std::path::Path;
use std::process::Command;

/// A file system of 6 MiB in memory, until it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mounted() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test mounts a small file system: run it as root"
        );
        let disk = Self(tempfile::tempdir().unwrap());
        let arguments = ["-t", "tmpfs", "-o", "size=6m", "landline-test"];
        let mounted = Command::new("mount")
            .args(arguments)
            .arg(disk.path())
            .status()
            .unwrap();
        assert!(mounted.success());
        disk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes the space that is left but `spare` bytes.
    fn fill(&self, spare: u64) {
        let system = rustix::fs::statvfs(self.path()).unwrap();
        let free = system.f_bavail * system.f_frsize;
        let file = std::fs::File::create(self.path().join("filler")).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, free - spare).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn an_upload_that_does_not_fit_is_refused_and_can_go_on_later() {
    let disk = SmallDisk::mounted();
    let hub = Hub::at(disk.path());
    let files = hub.open();
    put(&files, &shared("kept"), b"kept", false).unwrap();
    let bytes = content(1, 3 * BLOCK_BYTES + 100);
    let opened = files
        .open_upload(ALICE, &shared("file"), &request(&bytes, false))
        .unwrap();
    files
        .write_block(ALICE, opened.upload, 0, &bytes[..BLOCK_BYTES])
        .unwrap();
    disk.fill(BLOCK_BYTES as u64 / 2);
    let refused = send(&files, opened.upload, BLOCK_BYTES as u64, &bytes);
    assert_eq!(refused, Err(FilesError::StorageFull));
    assert_eq!(get(&files, &shared("kept")).unwrap(), b"kept");
    drop(files);
    disk.free();
    let files = hub.open();
    let resume = UploadRequest {
        resume: Some(Resume::Upload(opened.upload)),
        ..request(&bytes, false)
    };
    let resumed = files.open_upload(ALICE, &shared("file"), &resume).unwrap();
    assert_eq!(
        resumed.offset, BLOCK_BYTES as u64,
        "what was acknowledged is there, and no more"
    );
    send(&files, resumed.upload, resumed.offset, &bytes).unwrap();
    files
        .finish(ALICE, resumed.upload, bytes.len() as u64, &hash(&bytes))
        .unwrap();
    assert!(get(&files, &shared("file")).unwrap() == bytes);
    hub.assert_settled();
}

#[test]
fn a_journal_that_has_no_space_refuses_and_changes_nothing() {
    let disk = SmallDisk::mounted();
    let hub = Hub::at(disk.path());
    let files = hub.open();
    put(&files, &shared("file"), b"old", false).unwrap();
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(b"new", true))
        .unwrap()
        .upload;
    send(&files, upload, 0, b"new").unwrap();
    disk.fill(0);
    // The log may have room for some more; it has not for so many.
    let failed = (0..1000).find_map(|_| {
        files
            .open_upload(BOB, &shared("more"), &request(b"1", false))
            .err()
    });
    assert_eq!(failed, Some(FilesError::StorageFull));
    assert_eq!(
        files.finish(ALICE, upload, 3, &hash(b"new")),
        Err(FilesError::StorageFull)
    );
    assert_eq!(
        files.remove(ALICE, &shared("file"), false),
        Err(FilesError::StorageFull)
    );
    assert_eq!(get(&files, &shared("file")).unwrap(), b"old");
    disk.free();
    files.finish(ALICE, upload, 3, &hash(b"new")).unwrap();
    assert_eq!(get(&files, &shared("file")).unwrap(), b"new");
    assert_eq!(hub.trash(), [b"old"]);
    drop(files);
    hub.open();
    hub.assert_settled();
}

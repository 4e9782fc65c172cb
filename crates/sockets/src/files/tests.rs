//! The worker on real directories.

use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::process::Command;
use std::sync::{Arc, mpsc};

use landline_services::receive::{BLOCK_MAX, FileFailure, FileName};
use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

use super::*;

/// A worker on a directory of its own, and where the answers of one thing at a time go.
struct Site {
    directory: TempDir,
    worker: FileWorker,
}

impl Site {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let worker = FileWorker::open(directory.path()).unwrap();
        Self { directory, worker }
    }

    fn ask(&self, connection: u64, work: FileWork) -> FileAnswer {
        ask(&self.worker, connection, work)
    }

    fn put(&self, connection: u64, name: &str, content: &[u8]) -> Result<(), FileFailure> {
        done(&self.ask(connection, open_work(name)))?;
        for block in content.chunks(BLOCK_MAX) {
            done(&self.ask(connection, FileWork::Block(block.to_vec())))?;
        }
        done(&self.ask(connection, FileWork::Finish))
    }

    fn find(&self, name: &str) -> Result<(Arc<fs::File>, u64), FileFailure> {
        match self.ask(0, FileWork::Find(file_name(name))) {
            FileAnswer::Found { file, length } => Ok((file, length)),
            FileAnswer::Failed(failure) => Err(failure),
            FileAnswer::Done => unreachable!("not an answer to this"),
        }
    }

    /// Every name in the directory, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join(name)).unwrap()
    }

    fn make_pipe(&self, name: &str) {
        let path = self.directory.path().join(name);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
    }
}

fn ask(worker: &FileWorker, connection: u64, work: FileWork) -> FileAnswer {
    let (sender, receiver) = mpsc::channel();
    worker.submit(ConnId(connection), work, move |answer| {
        sender.send(answer).unwrap()
    });
    receiver.recv().unwrap()
}

fn done(answer: &FileAnswer) -> Result<(), FileFailure> {
    match answer {
        FileAnswer::Done => Ok(()),
        FileAnswer::Failed(failure) => Err(*failure),
        FileAnswer::Found { .. } => unreachable!("not an answer to this"),
    }
}

fn file_name(name: &str) -> FileName {
    FileName::base_of(name).unwrap()
}

fn open_work(name: &str) -> FileWork {
    FileWork::Open {
        name: file_name(name),
        size: 0,
    }
}

fn is_partial(name: &str) -> bool {
    name.starts_with(".landline-") && name.ends_with(".partial")
}

#[test]
fn a_file_has_its_name_only_once_it_is_finished() {
    let site = Site::new();
    done(&site.ask(7, open_work("a.txt"))).unwrap();
    done(&site.ask(7, FileWork::Block(b"hello ".to_vec()))).unwrap();
    assert!(
        matches!(&site.names()[..], [name] if is_partial(name)),
        "{:?}",
        site.names()
    );
    let partial = site.directory.path().join(&site.names()[0]);
    assert_eq!(fs::metadata(partial).unwrap().permissions().mode() & 0o777, 0o600);
    done(&site.ask(7, FileWork::Block(b"world".to_vec()))).unwrap();
    done(&site.ask(7, FileWork::Finish)).unwrap();
    assert_eq!(site.names(), ["a.txt"]);
    assert_eq!(site.read("a.txt"), b"hello world");
}

#[test]
fn a_whole_file_has_the_mode_that_the_umask_leaves() {
    let site = Site::new();
    site.put(0, "a", b"").unwrap();
    let mode = |name: &str| {
        let metadata = fs::metadata(site.directory.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    // Any program's new file has 0666 less the umask.
    fs::write(site.directory.path().join("new"), b"").unwrap();
    assert_eq!(mode("a"), mode("new") & 0o644);
}

#[test]
fn strange_names_land_as_they_are_and_are_found_again() {
    let site = Site::new();
    let long = "x".repeat(255);
    let wide = "名".repeat(85);
    let mut names = vec![
        "-rf",
        ".hidden",
        "...",
        " ",
        "a b",
        "a\nb",
        "\u{1b}[2J",
        "🎉 party",
        "a:b",
        "*",
        &long,
        &wide,
    ];
    for (number, name) in (0..).zip(&names) {
        site.put(number, name, name.as_bytes()).unwrap();
        let (file, length) = site.find(name).unwrap();
        let mut content = String::new();
        (&*file).read_to_string(&mut content).unwrap();
        assert_eq!((content.as_str(), length), (*name, name.len() as u64));
    }
    names.sort_unstable();
    assert_eq!(site.names(), names);
}

#[test]
fn paths_of_any_system_land_by_their_last_component() {
    let site = Site::new();
    for path in ["/etc/passwd", "../../up", "C:\\x\\y.txt", "a/../b"] {
        site.put(0, path, b"here").unwrap();
    }
    assert_eq!(site.names(), ["b", "passwd", "up", "y.txt"]);
}

#[test]
fn an_existing_file_is_replaced_whole() {
    let site = Site::new();
    site.put(0, "a", &[b'o'; 200_000]).unwrap();
    let (old, length) = site.find("a").unwrap();
    done(&site.ask(1, open_work("a"))).unwrap();
    done(&site.ask(1, FileWork::Block(b"new".to_vec()))).unwrap();
    assert_eq!(site.read("a").len(), 200_000);
    done(&site.ask(1, FileWork::Finish)).unwrap();
    assert_eq!(site.read("a"), b"new");
    // Whoever was being sent the old one gets all of it.
    let mut content = Vec::new();
    (&*old).read_to_end(&mut content).unwrap();
    assert_eq!(content.len() as u64, length);
}

#[test]
fn two_files_of_one_name_never_mix() {
    let site = Site::new();
    for connection in [1, 2] {
        done(&site.ask(connection, open_work("a"))).unwrap();
    }
    for _ in 0..3 {
        done(&site.ask(1, FileWork::Block(b"one".to_vec()))).unwrap();
        done(&site.ask(2, FileWork::Block(b"TWO".to_vec()))).unwrap();
    }
    done(&site.ask(2, FileWork::Finish)).unwrap();
    assert_eq!(site.read("a"), b"TWOTWOTWO");
    done(&site.ask(1, FileWork::Finish)).unwrap();
    assert_eq!(site.read("a"), b"oneoneone");
    assert_eq!(site.names(), ["a"]);
}

#[test]
fn what_one_connection_asks_is_done_in_order_without_waiting_for_answers() {
    let site = Site::new();
    let (sender, receiver) = mpsc::channel();
    let submit = |connection: u64, work| {
        let sender = sender.clone();
        site.worker.submit(ConnId(connection), work, move |answer| {
            sender.send(done(&answer)).unwrap()
        });
    };
    for connection in 0..8 {
        submit(connection, open_work(&connection.to_string()));
    }
    for number in 0..100_u8 {
        for connection in 0..8 {
            submit(connection, FileWork::Block(vec![number]));
        }
    }
    for connection in 0..8 {
        submit(
            connection,
            if connection == 5 {
                FileWork::Abandon
            } else {
                FileWork::Finish
            },
        );
    }
    for _ in 0..8 * 102 {
        receiver.recv().unwrap().unwrap();
    }
    assert_eq!(site.names(), ["0", "1", "2", "3", "4", "6", "7"]);
    assert_eq!(site.read("6"), (0..100).collect::<Vec<u8>>());
}

#[test]
fn what_is_abandoned_leaves_nothing_and_the_connection_goes_on() {
    let site = Site::new();
    site.put(0, "a", b"old").unwrap();
    done(&site.ask(0, open_work("a"))).unwrap();
    done(&site.ask(0, FileWork::Block(b"new".to_vec()))).unwrap();
    done(&site.ask(0, FileWork::Abandon)).unwrap();
    done(&site.ask(0, FileWork::Abandon)).unwrap();
    assert_eq!(site.names(), ["a"]);
    assert_eq!(site.read("a"), b"old");
    site.put(0, "a", b"next").unwrap();
    assert_eq!(site.read("a"), b"next");
}

#[test]
fn a_worker_that_ends_removes_what_is_not_whole() {
    let Site { directory, worker } = Site::new();
    done(&ask(&worker, 0, open_work("a"))).unwrap();
    done(&ask(&worker, 0, FileWork::Block(vec![0; BLOCK_MAX]))).unwrap();
    drop(worker);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_a_crash_left_is_swept_and_nothing_else() {
    let site = Site::new();
    let path = |name: &str| site.directory.path().join(name);
    let digits = "0123456789abcdef0123456789abcdef";
    // Another server is at work in the same directory.
    done(&site.ask(0, open_work("alive"))).unwrap();
    let alive = site.names().remove(0);
    fs::write(path(&format!(".landline-{digits}.partial")), b"half").unwrap();
    let kept = [
        format!(".landline-{}.partial", &digits[1..]),
        format!(".landline-{}.partial", digits.to_uppercase()),
        format!(".landline-{digits}.partial.txt"),
        "a.partial".to_owned(),
    ];
    for name in &kept {
        fs::write(path(name), b"somebody's").unwrap();
    }
    let link = format!(".landline-{}.partial", digits.replace('0', "1"));
    symlink(path("a.partial"), path(&link)).unwrap();
    site.make_pipe(&format!(".landline-{}.partial", digits.replace('0', "2")));
    let before = site.names().len();
    drop(FileWorker::open(site.directory.path()).unwrap());
    assert_eq!(site.names().len(), before - 1);
    assert!(!path(&format!(".landline-{digits}.partial")).exists());
    assert!(kept.iter().all(|name| path(name).exists()) && path(&alive).exists());
    done(&site.ask(0, FileWork::Finish)).unwrap();
    assert!(path("alive").exists());
}

#[test]
fn nothing_but_a_regular_file_is_replaced_or_sent() {
    let site = Site::new();
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, b"secret").unwrap();
    fs::create_dir(site.directory.path().join("directory")).unwrap();
    symlink(&secret, site.directory.path().join("link")).unwrap();
    symlink("nowhere", site.directory.path().join("dangling")).unwrap();
    site.make_pipe("pipe");
    let before = site.names();
    for name in ["directory", "link", "dangling", "pipe"] {
        assert_eq!(
            site.put(0, name, b"x").unwrap_err(),
            FileFailure::NotAFile,
            "{name}"
        );
        assert_eq!(site.find(name).unwrap_err(), FileFailure::NotAFile, "{name}");
    }
    assert_eq!(site.find("missing").unwrap_err(), FileFailure::Missing);
    assert_eq!(site.names(), before);
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
}

#[test]
fn a_name_that_becomes_a_directory_or_a_link_meanwhile_is_refused_at_the_end() {
    let site = Site::new();
    let outside = tempfile::NamedTempFile::new().unwrap();
    for connection in [1, 2] {
        done(&site.ask(
            connection,
            open_work(["", "directory", "link"][usize::try_from(connection).unwrap()]),
        ))
        .unwrap();
    }
    fs::create_dir(site.directory.path().join("directory")).unwrap();
    symlink(outside.path(), site.directory.path().join("link")).unwrap();
    for connection in [1, 2] {
        assert_eq!(
            done(&site.ask(connection, FileWork::Finish)),
            Err(FileFailure::NotAFile)
        );
    }
    assert_eq!(site.names(), ["directory", "link"]);
}

#[test]
fn the_directory_stays_the_one_that_was_opened() {
    let parent = tempfile::tempdir().unwrap();
    let (first, second) = (parent.path().join("first"), parent.path().join("second"));
    fs::create_dir(&first).unwrap();
    let worker = FileWorker::open(&first).unwrap();
    fs::rename(&first, &second).unwrap();
    symlink("/", &first).unwrap();
    done(&ask(&worker, 0, open_work("a"))).unwrap();
    done(&ask(&worker, 0, FileWork::Finish)).unwrap();
    assert!(second.join("a").exists());
}

#[test]
fn what_is_asked_out_of_order_is_refused() {
    let site = Site::new();
    for work in [FileWork::Block(vec![1]), FileWork::Finish] {
        assert_eq!(done(&site.ask(0, work)), Err(FileFailure::OutOfOrder));
    }
    done(&site.ask(0, open_work("a"))).unwrap();
    assert_eq!(done(&site.ask(0, open_work("b"))), Err(FileFailure::OutOfOrder));
    assert!(site.names().is_empty());
}

#[test]
fn what_is_no_directory_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(
        FileWorker::open(file.path()).unwrap_err().kind(),
        io::ErrorKind::NotADirectory
    );
    let missing = file.path().with_file_name("no such directory");
    assert_eq!(
        FileWorker::open(&missing).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

/// A file system of 1 MiB in memory, until it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mounted() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test mounts a small file system: run it as root"
        );
        let disk = Self(tempfile::tempdir().unwrap());
        let arguments = ["-t", "tmpfs", "-o", "size=1m", "landline-test"];
        assert!(
            Command::new("mount")
                .args(arguments)
                .arg(disk.0.path())
                .status()
                .unwrap()
                .success()
        );
        disk
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_full_disk_is_said_and_keeps_what_it_had() {
    let disk = SmallDisk::mounted();
    let worker = FileWorker::open(disk.0.path()).unwrap();
    done(&ask(&worker, 0, open_work("a"))).unwrap();
    done(&ask(&worker, 0, FileWork::Block(b"old".to_vec()))).unwrap();
    done(&ask(&worker, 0, FileWork::Finish)).unwrap();
    done(&ask(&worker, 0, open_work("a"))).unwrap();
    let failures = (0..32).find_map(|_| done(&ask(&worker, 0, FileWork::Block(vec![1; BLOCK_MAX]))).err());
    assert_eq!(failures, Some(FileFailure::Full));
    let names: Vec<_> = fs::read_dir(disk.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        matches!(&names[..], [name] if name.as_bytes() == b"a"),
        "{names:?}"
    );
    assert_eq!(fs::read(disk.0.path().join("a")).unwrap(), b"old");
    drop(worker);
}

#[test]
fn content_is_hashed_as_far_as_was_said_and_only_regular_files_are_opened() {
    let site = Site::new();
    let content: Vec<u8> = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(site.directory.path().join("a"), &content).unwrap();
    let (file, length) = open_content(&site.directory.path().join("a")).unwrap();
    assert_eq!(length, 160_000);
    for length in [0, 1, 65_536, 160_000] {
        let mut md5 = landline_services::receive::ContentMd5::default();
        md5.update(&content[..length]);
        assert_eq!(content_md5(&file, length as u64).unwrap(), md5.finish());
    }
    assert_eq!(
        content_md5(&file, 160_001).unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
    site.make_pipe("pipe");
    for name in ["pipe", "."] {
        let error = open_content(&site.directory.path().join(name)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
    }
}

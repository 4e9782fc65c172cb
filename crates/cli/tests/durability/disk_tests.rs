//! The disk model on recordings of a few lines.

use crate::disk::Disk;
use crate::luck::Luck;
use crate::trace::{line, parse};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines of a trace in which `a` stands for `/r/a`.
fn played(lines: &[(&str, &[&[u8]])]) -> Disk {
    let text: String = lines
        .iter()
        .map(|(text, strings)| line(7, text, strings))
        .collect();
    let mut disk = Disk::new(Path::new("/r"));
    parse(text.as_bytes(), 0).iter().for_each(|call| disk.apply(call));
    disk
}

/// What a crash leaves, by path.
fn left(disk: &Disk, mut luck: Luck) -> BTreeMap<PathBuf, Vec<u8>> {
    let place = tempfile::tempdir().unwrap();
    disk.crash(place.path(), &mut luck, |_| false);
    crate::recording::files_below(place.path()).into_iter().collect()
}

const ALL: Luck = Luck::Some {
    state: 1,
    percent: 100,
};

const CREATE: (&str, &[&[u8]]) = (
    "openat2(3<{}>, \"{}\", {flags=O_RDWR|O_CREAT|O_EXCL, mode=0600}, 24) = 4<{}>",
    &[b"/r", b"a", b"/r/a"],
);
const WRITE: (&str, &[&[u8]]) = ("pwrite64(4<{}>, \"{}\", 3, 0) = 3", &[b"/r/a", b"abc"]);
const SYNC_FILE: (&str, &[&[u8]]) = ("fdatasync(4<{}>) = 0", &[b"/r/a"]);
const OPEN_ROOT: (&str, &[&[u8]]) = (
    "openat(AT_FDCWD<{}>, \"{}\", O_RDONLY|O_DIRECTORY) = 3<{}>",
    &[b"/", b"/r", b"/r"],
);
const SYNC_ROOT: (&str, &[&[u8]]) = ("fsync(3<{}>) = 0", &[b"/r"]);
const RENAME: (&str, &[&[u8]]) = (
    "renameat2(3<{}>, \"{}\", 3<{}>, \"{}\", RENAME_NOREPLACE) = 0",
    &[b"/r", b"a", b"/r", b"b"],
);

fn tree(files: &[(&str, &[u8])]) -> BTreeMap<PathBuf, Vec<u8>> {
    files
        .iter()
        .map(|(path, bytes)| (PathBuf::from(path), bytes.to_vec()))
        .collect()
}

#[test]
fn a_new_file_needs_a_sync_of_its_own_and_one_of_its_directory() {
    assert_eq!(
        left(&played(&[OPEN_ROOT, CREATE, WRITE, SYNC_FILE]), Luck::None),
        tree(&[])
    );
    assert_eq!(
        left(&played(&[OPEN_ROOT, CREATE, WRITE, SYNC_ROOT]), Luck::None),
        tree(&[("a", b"")])
    );
    let both = [OPEN_ROOT, CREATE, WRITE, SYNC_FILE, SYNC_ROOT];
    assert_eq!(left(&played(&both), Luck::None), tree(&[("a", b"abc")]));
    assert_eq!(
        left(&played(&[OPEN_ROOT, CREATE, WRITE]), ALL),
        tree(&[("a", b"abc")])
    );
}

#[test]
fn a_write_that_returned_while_a_sync_was_under_way_is_not_covered() {
    let begun = (
        "fdatasync(4<{}> <unfinished ...>",
        &[b"/r/a".as_slice()] as &[&[u8]],
    );
    let other = line(8, WRITE.0, WRITE.1);
    let text = [OPEN_ROOT, CREATE, SYNC_ROOT, begun]
        .map(|(text, strings)| line(7, text, strings))
        .concat();
    let text = text + &other + &line(7, "<... fdatasync resumed>) = 0", &[]);
    let mut disk = Disk::new(Path::new("/r"));
    parse(text.as_bytes(), 0).iter().for_each(|call| disk.apply(call));
    assert_eq!(left(&disk, Luck::None), tree(&[("a", b"")]));
    assert_eq!(disk.unsynced(Path::new("")), ["the content of a"]);
}

#[test]
fn a_rename_is_undone_until_its_directory_is_synced() {
    let before = [OPEN_ROOT, CREATE, WRITE, SYNC_FILE, SYNC_ROOT, RENAME];
    assert_eq!(left(&played(&before), Luck::None), tree(&[("a", b"abc")]));
    assert_eq!(left(&played(&before), ALL), tree(&[("b", b"abc")]));
    let after = [&before[..], &[SYNC_ROOT]].concat();
    assert_eq!(left(&played(&after), Luck::None), tree(&[("b", b"abc")]));
}

#[test]
fn a_write_is_torn_at_sectors() {
    let bytes = vec![7; 2000];
    let write = (
        "pwrite64(4<{}>, \"{}\", 2000, 100) = 2000",
        &[b"/r/a".as_slice(), bytes.as_slice()] as &[&[u8]],
    );
    let disk = played(&[OPEN_ROOT, CREATE, SYNC_ROOT, write]);
    let mut seen = BTreeSet::new();
    for state in 0..64 {
        let file = left(&disk, Luck::Some { state, percent: 50 })
            .remove(Path::new("a"))
            .unwrap();
        let whole =
            |range: std::ops::Range<usize>| file.get(range).unwrap_or(&[]).iter().all(|byte| *byte == 7);
        seen.insert(
            [100..512, 512..1024, 1024..1536, 1536..2048]
                .map(|range| file.len() > range.start && whole(range)),
        );
    }
    assert_eq!(seen.len(), 16, "every combination of the four sectors: {seen:?}");
}

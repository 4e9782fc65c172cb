//! Links and pipes that somebody put there by other means are shown for what they are, and never followed or opened.

use super::hub::{ALICE, Hub, content, get, put, shared, walk};
use landline_model::protocol::files::EntryKind;
use landline_store::files::{Files, FilesError, ListRequest, Place};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often names are swapped under the store's hands.
const ROUNDS: usize = 300;

const SECRET: &[u8] = b"nobody may see or change this";

/// A store with a space, and a directory outside with a secret in it.
fn beside_a_secret() -> (Hub, Files, PathBuf) {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("own"), b"own", false).unwrap();
    let outside = hub.files().with_file_name("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), SECRET).unwrap();
    (hub, files, outside)
}

fn assert_untouched(outside: &Path) {
    let mut found = Vec::new();
    walk(outside, &mut |path, _| {
        found.push((path.to_owned(), std::fs::read(path).unwrap()))
    });
    assert_eq!(found, [(outside.join("secret"), SECRET.to_vec())]);
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1);
}

#[test]
fn a_link_to_a_file_is_neither_read_nor_written() {
    let (hub, files, outside) = beside_a_secret();
    let link = hub.files().join("shared/link");
    symlink(outside.join("secret"), &link).unwrap();
    let place = shared("link");
    assert_eq!(files.stat(&place).unwrap().kind, EntryKind::Other);
    let listing = files
        .list(
            &shared(""),
            &ListRequest {
                after: None,
                limit: 10,
                byte_limit: 10_000,
            },
        )
        .unwrap();
    let kinds: Vec<_> = listing.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Other, EntryKind::File]);
    assert!(matches!(files.read(&place), Err(FilesError::WrongKind(_))));
    assert!(matches!(
        put(&files, &place, b"new", true),
        Err(FilesError::WrongKind(_))
    ));
    assert!(matches!(
        put(&files, &place, b"new", false),
        Err(FilesError::WrongKind(_))
    ));
    let onto = files.rename(ALICE, &shared("own"), &place, true);
    assert!(matches!(onto, Err(FilesError::WrongKind(_))));
    assert_untouched(&outside);
    // The link itself can go.
    files.remove(ALICE, &place, false).unwrap();
    assert!(link.symlink_metadata().is_err());
    files.sweep(landline_model::time::Timestamp(u64::MAX)).unwrap();
    assert_untouched(&outside);
    hub.assert_settled();
}

#[test]
fn a_link_to_a_directory_leads_nowhere() {
    let (hub, files, outside) = beside_a_secret();
    symlink(&outside, hub.files().join("shared/up")).unwrap();
    symlink("..", hub.files().join("shared/dots")).unwrap();
    symlink("/", hub.files().join("shared/root")).unwrap();
    for place in [
        shared("up/secret"),
        shared("dots/shared/own"),
        shared("root/etc/passwd"),
    ] {
        let wrong_kind = |result: Result<(), FilesError>| {
            assert!(
                matches!(result, Err(FilesError::WrongKind(_))),
                "{place}: {result:?}"
            );
        };
        wrong_kind(files.read(&place).map(drop));
        wrong_kind(files.stat(&place).map(drop));
        wrong_kind(put(&files, &place, b"new", true).map(drop));
        wrong_kind(files.remove(ALICE, &place, true));
        wrong_kind(files.rename(ALICE, &place, &shared("mine"), false));
        wrong_kind(files.rename(ALICE, &shared("own"), &place, true));
        wrong_kind(files.make_directory(&place, true));
        wrong_kind(files.make_directory(&place, false));
        let directory = Place::new(place.space, &place.components[..1]);
        let all = ListRequest {
            after: None,
            limit: 10,
            byte_limit: 10_000,
        };
        wrong_kind(files.list(&directory, &all).map(drop));
    }
    assert_untouched(&outside);
}

#[test]
fn a_link_in_the_trash_is_not_followed_when_it_is_emptied() {
    let (hub, files, outside) = beside_a_secret();
    files.make_directory(&shared("tree/below"), true).unwrap();
    symlink(&outside, hub.files().join("shared/tree/below/link")).unwrap();
    files.remove(ALICE, &shared("tree"), true).unwrap();
    assert_eq!(
        files
            .sweep(landline_model::time::Timestamp(u64::MAX))
            .unwrap()
            .trash,
        1
    );
    assert_untouched(&outside);
    assert!(hub.trash().is_empty());
}

#[test]
fn a_directory_that_is_swapped_for_a_link_meanwhile_never_leads_out() {
    let (hub, files, outside) = beside_a_secret();
    files.make_directory(&shared("d"), false).unwrap();
    put(&files, &shared("d/secret"), b"inside", false).unwrap();
    let (directory, link) = (hub.files().join("shared/d"), hub.files().join("shared/l"));
    symlink(&outside, &link).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, &directory, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for round in 0..ROUNDS {
            if let Ok(file) = files.read(&shared("d/secret")) {
                let mut bytes = [0; 64];
                let read = file.read_at(0, &mut bytes).unwrap();
                assert_ne!(&bytes[..read], SECRET, "round {round}");
            }
            // Each of these happens inside or not at all.
            let _ = files.make_directory(&shared("d/new"), false);
            let _ = files.remove(ALICE, &shared("d/new"), false);
            let _ = put(&files, &shared("d/put"), &content(3, round), true);
            let _ = files.rename(ALICE, &shared("d/put"), &shared("d/moved"), true);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_untouched(&outside);
}

#[test]
fn a_pipe_does_not_block_whoever_asks_for_it() {
    let (hub, files, _) = beside_a_secret();
    let made = Command::new("mkfifo")
        .arg(hub.files().join("shared/pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(files.stat(&shared("pipe")).unwrap().kind, EntryKind::Other);
    assert!(matches!(
        files.read(&shared("pipe")),
        Err(FilesError::WrongKind(_))
    ));
}

#[test]
fn everything_is_readable_by_its_owner_alone() {
    let (hub, files, _) = beside_a_secret();
    files.make_directory(&shared("a/b"), true).unwrap();
    put(&files, &shared("a/b/file"), b"1", false).unwrap();
    put(&files, &shared("a/b/file"), b"2", true).unwrap();
    assert_eq!(get(&files, &shared("a/b/file")).unwrap(), b"2");
    let mut files_seen = 0;
    walk(&hub.files(), &mut |path, metadata| {
        files_seen += 1;
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{}", path.display());
        for directory in path
            .ancestors()
            .skip(1)
            .take_while(|above| above.starts_with(hub.files()))
        {
            let mode = directory.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", directory.display());
        }
    });
    assert_eq!(files_seen, 3, "two files and what was replaced");
}

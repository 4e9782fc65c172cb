//! Renaming and removing.

use super::hub::{ALICE, Hub, get, hash, name, put, shared};
use landline_store::files::{FilesError, Place, SpaceId};

#[test]
fn nothing_is_moved_onto_or_into_itself() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("a/b"), true).unwrap();
    put(&files, &shared("file"), b"1", false).unwrap();
    for (from, to) in [
        ("a", "a"),
        ("a", "a/b/c"),
        ("a", "a/a"),
        ("file", "file"),
        ("file", "file/x"),
    ] {
        for overwrite in [false, true] {
            let result = files.rename(ALICE, &shared(from), &shared(to), overwrite);
            assert!(
                matches!(result, Err(FilesError::WrongKind(_))),
                "{from} to {to}: {result:?}"
            );
        }
    }
    // Onto what it is in.
    let result = files.rename(ALICE, &shared("a/b"), &shared("a"), true);
    assert!(matches!(result, Err(FilesError::WrongKind(_))), "{result:?}");
    assert_eq!(get(&files, &shared("file")).unwrap(), b"1");
}

#[test]
fn only_a_file_takes_a_files_place_and_only_if_asked() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("d"), false).unwrap();
    put(&files, &shared("a"), b"a", false).unwrap();
    put(&files, &shared("b"), b"b", false).unwrap();
    let rename = |from, to, overwrite| files.rename(ALICE, &shared(from), &shared(to), overwrite);
    assert!(matches!(rename("a", "b", false), Err(FilesError::Exists(_))));
    assert!(matches!(rename("a", "d", false), Err(FilesError::Exists(_))));
    assert!(matches!(rename("a", "d", true), Err(FilesError::WrongKind(_))));
    assert!(matches!(rename("d", "a", true), Err(FilesError::WrongKind(_))));
    assert!(matches!(
        rename("missing", "c", true),
        Err(FilesError::NotFound(_))
    ));
    assert!(matches!(
        rename("a", "missing/c", true),
        Err(FilesError::NotFound(_))
    ));
    assert!(hub.trash().is_empty());
    rename("a", "b", true).unwrap();
    assert_eq!(get(&files, &shared("b")).unwrap(), b"a");
    assert!(files.stat(&shared("a")).is_err());
    assert_eq!(hub.trash(), [b"b"]);
    hub.assert_settled();
}

#[test]
fn a_hash_stays_known_through_renames_and_across_spaces() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("a"), b"content", false).unwrap();
    let home = Place::new(SpaceId::Home(ALICE), [name(b"file")]);
    files.rename(ALICE, &shared("a"), &home, false).unwrap();
    assert_eq!(files.stat(&home).unwrap().hash, Some(hash(b"content")));
    put(&files, &shared("b"), b"other", false).unwrap();
    files.rename(ALICE, &home, &shared("b"), true).unwrap();
    assert_eq!(files.stat(&shared("b")).unwrap().hash, Some(hash(b"content")));
    assert_eq!(get(&files, &shared("b")).unwrap(), b"content");
}

#[test]
fn a_directory_goes_with_everything_in_it_or_not_at_all() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("d/e"), true).unwrap();
    put(&files, &shared("d/e/file"), b"1", false).unwrap();
    let kept = files.remove(ALICE, &shared("d"), false);
    assert!(matches!(kept, Err(FilesError::WrongKind(_))), "{kept:?}");
    assert_eq!(get(&files, &shared("d/e/file")).unwrap(), b"1");
    assert!(matches!(
        files.remove(ALICE, &shared("missing"), true),
        Err(FilesError::NotFound(_))
    ));
    files
        .rename(ALICE, &shared("d"), &shared("moved"), false)
        .unwrap();
    assert_eq!(get(&files, &shared("moved/e/file")).unwrap(), b"1");
    files.remove(ALICE, &shared("moved"), true).unwrap();
    assert_eq!(hub.trash(), [b"1"]);
    hub.assert_settled();
}

#[test]
fn the_trash_keeps_what_it_has_for_its_time_and_no_longer() {
    use landline_store::files::{Swept, TRASH_RETENTION};
    use std::time::Duration;
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("a"), b"1", false).unwrap();
    put(&files, &shared("a"), b"2", true).unwrap();
    hub.wait(TRASH_RETENTION / 2);
    files.remove(ALICE, &shared("a"), false).unwrap();
    hub.wait(TRASH_RETENTION / 2);
    assert_eq!(files.sweep(hub.now()), Ok(Swept { uploads: 0, trash: 1 }));
    assert_eq!(hub.trash(), [b"2"]);
    hub.wait(TRASH_RETENTION / 2 + Duration::from_secs(1));
    drop(files);
    hub.open();
    assert!(hub.trash().is_empty(), "a start sweeps too");
    hub.assert_settled();
    assert_eq!(hub.count("hashes"), 0, "hashes go with their files");
}

#[test]
fn directories_deeper_than_any_path_can_be_deleted() {
    let hub = Hub::new();
    let files = hub.open();
    // Moved into each other until no single path could name the deepest.
    files.make_directory(&shared("tree"), false).unwrap();
    for _ in 0..40 {
        let half: Vec<_> = (0..100).map(|_| name(b"d")).collect();
        let chain = Place::new(SpaceId::Shared, half);
        files.make_directory(&chain, true).unwrap();
        let bottom = Place::new(SpaceId::Shared, [chain.components, vec![name(b"tree")]].concat());
        files.rename(ALICE, &shared("tree"), &bottom, false).unwrap();
        files.rename(ALICE, &shared("d"), &shared("tree"), false).unwrap();
    }
    files.remove(ALICE, &shared("tree"), true).unwrap();
    assert_eq!(
        files
            .sweep(landline_model::time::Timestamp(u64::MAX))
            .unwrap()
            .trash,
        1
    );
    hub.assert_settled();
}

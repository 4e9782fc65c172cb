//! The trash: who sees what, what comes back where, versions.

use super::hub::{ALICE, BOB, Hub, content, get, hash, home, put, shared, small, trash_of};
use landline_model::id::TrashId;
use landline_model::protocol::files::EntryKind;
use landline_model::time::Timestamp;
use landline_store::files::{Files, FilesError, SpaceId, TRASH_RETENTION, TrashRequest};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Puts versions of one file, an hour apart, and returns their contents, the oldest first.
fn versions(hub: &Hub, files: &Files, count: u8) -> Vec<Vec<u8>> {
    let contents: Vec<_> = (1..=count)
        .map(|version| content(version, 100 + usize::from(version)))
        .collect();
    for bytes in &contents {
        put(files, &shared("file"), bytes, true).unwrap();
        hub.wait(HOUR);
    }
    contents
}

#[test]
fn a_thing_in_the_trash_says_what_it_is_where_it_was_and_when_it_goes() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(1, 1000);
    put(&files, &shared("a file"), &bytes, false).unwrap();
    files.make_directory(&shared("tree/below"), true).unwrap();
    put(&files, &shared("tree/below/file"), b"12345", false).unwrap();
    files.remove(BOB, &shared("a file"), false).unwrap();
    hub.wait(HOUR);
    files.remove(ALICE, &shared("tree"), true).unwrap();
    let [tree, file] = trash_of(&files, ALICE).try_into().unwrap();
    assert_eq!((tree.kind, tree.size), (EntryKind::Directory, Some(5)));
    assert_eq!(
        (tree.origin, tree.hash, tree.replaced),
        (Some(shared("tree")), None, false)
    );
    assert_eq!(
        (file.kind, file.size, file.hash),
        (EntryKind::File, Some(1000), Some(hash(&bytes)))
    );
    assert_eq!((file.actor, file.origin), (Some(BOB), Some(shared("a file"))));
    assert_eq!(file.expires, file.deleted.plus(TRASH_RETENTION));
    assert_eq!(tree.deleted, file.deleted.plus(HOUR));
    // It was Alice's file: it is not in Bob's trash.
    assert!(trash_of(&files, BOB).is_empty());
    hub.assert_settled();
}

#[test]
fn what_lies_in_the_trash_of_others_is_not_there() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"alice's", false).unwrap();
    files.remove(ALICE, &shared("file"), false).unwrap();
    let id = trash_of(&files, ALICE)[0].id;
    let not_found = |error: FilesError| matches!(error, FilesError::NotFound(_));
    assert!(
        files
            .restore(BOB, id, Some(&home(BOB, "x")), false)
            .is_err_and(not_found)
    );
    assert!(files.read_trashed(BOB, id).is_err_and(not_found));
    assert!(files.delete_trashed(BOB, id).is_err_and(not_found));
    assert!(files.trashed_thing(BOB, id).is_err_and(not_found));
    let emptied = files.empty_trash(BOB, Timestamp(u64::MAX), 1000).unwrap();
    assert_eq!((emptied.things, emptied.more), (0, false));
    let nothing = TrashId::from_bytes([0; 16]);
    assert!(files.restore(ALICE, nothing, None, false).is_err_and(not_found));
    assert_eq!(
        files.restore(ALICE, id, None, false).unwrap().place,
        shared("file")
    );
}

#[test]
fn the_trash_is_listed_in_pages_the_newest_first() {
    let hub = Hub::new();
    let files = hub.open();
    for number in 0..7 {
        let place = shared(&format!("file-{number}"));
        put(&files, &place, b"x", false).unwrap();
        files.remove(ALICE, &place, false).unwrap();
        // Some at the same time.
        if number % 3 == 0 {
            hub.wait(HOUR);
        }
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let request = TrashRequest {
            after,
            limit: 2,
            ..TrashRequest::default()
        };
        let page = files.trash(ALICE, &request).unwrap();
        assert!(page.things.len() <= 2);
        seen.extend(page.things);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, trash_of(&files, ALICE));
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|one, other| one.deleted >= other.deleted));
}

#[test]
fn versions_of_a_file_are_what_was_replaced_under_its_name_and_one_comes_back_as_the_newest() {
    let hub = Hub::new();
    let files = hub.open();
    let contents = versions(&hub, &files, 3);
    put(&files, &shared("other"), b"1", true).unwrap();
    put(&files, &shared("other"), b"2", true).unwrap();
    let place = shared("file");
    let request = TrashRequest {
        origin: Some(&place),
        replaced: true,
        limit: 10,
        ..TrashRequest::default()
    };
    let of = || files.trash(ALICE, &request).unwrap().things;
    let hashes: Vec<_> = of().iter().map(|version| version.hash.unwrap()).collect();
    assert_eq!(hashes, [hash(&contents[1]), hash(&contents[0])]);
    let oldest = of()[1].id;
    let file = files.read_trashed(ALICE, oldest).unwrap();
    let mut bytes = vec![0; contents[0].len()];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    assert_eq!(bytes, contents[0]);
    files.restore(ALICE, oldest, None, true).unwrap();
    assert_eq!(get(&files, &place).unwrap(), contents[0]);
    // Its hash is known without reading, and the one that it replaced is a version now.
    assert_eq!(files.stat(&place).unwrap().hash, Some(hash(&contents[0])));
    let hashes: Vec<_> = of().iter().map(|version| version.hash.unwrap()).collect();
    assert_eq!(hashes, [hash(&contents[2]), hash(&contents[1])]);
    // What is removed is in the trash, and no version.
    files.remove(ALICE, &place, false).unwrap();
    assert_eq!((of().len(), trash_of(&files, ALICE).len()), (2, 4));
    hub.assert_settled();
}

#[test]
fn what_comes_back_replaces_nothing_unless_it_is_told_to_and_never_a_directory() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"first", false).unwrap();
    files.remove(ALICE, &shared("file"), false).unwrap();
    let id = trash_of(&files, ALICE)[0].id;
    put(&files, &shared("file"), b"second", false).unwrap();
    files.make_directory(&shared("directory"), false).unwrap();
    let refused = files.restore(ALICE, id, None, false);
    assert!(matches!(refused, Err(FilesError::Exists(_))), "{refused:?}");
    for (to, overwrite) in [("directory", true), ("", true)] {
        let refused = files.restore(ALICE, id, Some(&shared(to)), overwrite);
        assert!(matches!(refused, Err(FilesError::WrongKind(_))), "{refused:?}");
    }
    assert_eq!(get(&files, &shared("file")).unwrap(), b"second");
    files.remove(ALICE, &shared("directory"), false).unwrap();
    files
        .restore(ALICE, id, Some(&shared("directory")), false)
        .unwrap();
    assert_eq!(get(&files, &shared("directory")).unwrap(), b"first");
    // A tree does not take the place of a file.
    files.make_directory(&shared("tree"), false).unwrap();
    put(&files, &shared("tree/file"), b"below", false).unwrap();
    files.remove(ALICE, &shared("tree"), true).unwrap();
    let tree = trash_of(&files, ALICE)[0].id;
    let refused = files.restore(ALICE, tree, Some(&shared("file")), true);
    assert!(matches!(refused, Err(FilesError::WrongKind(_))), "{refused:?}");
    hub.assert_settled();
}

#[test]
fn a_file_that_is_replaced_by_what_comes_back_goes_to_its_owners_trash() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"alice's", false).unwrap();
    files.remove(ALICE, &shared("file"), false).unwrap();
    let id = trash_of(&files, ALICE)[0].id;
    let bobs = small(shared("file"), b"bob's", false);
    assert!(files.put_files(BOB, &[bobs])[0].is_ok());
    files.restore(ALICE, id, None, true).unwrap();
    assert!(trash_of(&files, ALICE).is_empty());
    let [lying] = trash_of(&files, BOB).try_into().unwrap();
    assert_eq!(
        (lying.actor, lying.replaced, lying.size),
        (Some(ALICE), true, Some(5))
    );
    hub.assert_settled();
}

#[test]
fn the_trash_is_emptied_by_age_by_id_and_as_a_whole() {
    let hub = Hub::new();
    let files = hub.open();
    versions(&hub, &files, 6);
    let things = trash_of(&files, ALICE);
    assert_eq!(things.len(), 5);
    let bytes = files.delete_trashed(ALICE, things[0].id).unwrap();
    assert_eq!(Some(bytes), things[0].size);
    let emptied = files.empty_trash(ALICE, things[3].deleted, 1).unwrap();
    assert_eq!((emptied.things, emptied.more), (1, true));
    let emptied = files.empty_trash(ALICE, things[3].deleted, 10).unwrap();
    assert_eq!((emptied.things, emptied.more), (1, false));
    assert_eq!(trash_of(&files, ALICE), things[1..3]);
    let emptied = files.empty_trash(ALICE, Timestamp(u64::MAX), 10).unwrap();
    assert_eq!(emptied.bytes, things[1].size.unwrap() + things[2].size.unwrap());
    assert_eq!(files.space_usage(SpaceId::Home(ALICE)).trash, 0);
    hub.assert_settled();
}

#[test]
fn how_long_the_trash_keeps_something_is_the_business_of_the_space_that_it_came_from() {
    let hub = Hub::new();
    let files = hub.open();
    files.set_retention(SpaceId::Shared, Some(HOUR)).unwrap();
    for place in [shared("file"), home(ALICE, "file")] {
        put(&files, &place, b"x", false).unwrap();
        files.remove(ALICE, &place, false).unwrap();
    }
    drop(files);
    let files = hub.open();
    assert_eq!(files.space_usage(SpaceId::Shared).retention, HOUR);
    hub.wait(HOUR);
    assert_eq!(files.sweep(hub.now()).unwrap().trash, 1);
    let [left] = trash_of(&files, ALICE).try_into().unwrap();
    assert_eq!(left.origin, Some(home(ALICE, "file")));
    files.set_retention(SpaceId::Shared, None).unwrap();
    assert_eq!(files.space_usage(SpaceId::Shared).retention, TRASH_RETENTION);
}

#[test]
fn more_than_one_turns_worth_of_expired_things_goes_at_once() {
    let hub = Hub::new();
    let files = hub.open();
    let names: Vec<_> = (0..300).map(|number| shared(&format!("{number}"))).collect();
    for places in names.chunks(250) {
        let given: Vec<_> = places
            .iter()
            .map(|place| small(place.clone(), b"x", false))
            .collect();
        assert!(files.put_files(ALICE, &given).iter().all(Result::is_ok));
        places
            .iter()
            .for_each(|place| files.remove(ALICE, place, false).unwrap());
    }
    assert_eq!(files.sweep(hub.now().plus(TRASH_RETENTION)).unwrap().trash, 300);
    hub.assert_settled();
}

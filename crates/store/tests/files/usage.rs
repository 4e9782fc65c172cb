//! What spaces hold, and what they may hold.

use super::hub::{ALICE, BOB, Hub, content, hash, home, put, request, send, shared, small, trash_of};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::id::UploadId;
use landline_store::files::{Files, FilesError, Quota, SpaceId, UPLOAD_EXPIRY};

const HOME: SpaceId = SpaceId::Home(ALICE);
const BLOCK: u64 = BLOCK_BYTES as u64;

fn over_quota<T>(result: &Result<T, FilesError>) -> bool {
    matches!(result, Err(FilesError::Quota { .. }))
}

fn begin(files: &Files, path: &str, bytes: &[u8]) -> UploadId {
    let opened = files.open_upload(ALICE, &home(ALICE, path), &request(bytes, false));
    opened.unwrap().upload
}

#[test]
fn bytes_in_flight_count_and_come_back_when_an_upload_is_given_up_or_expires() {
    let hub = Hub::new();
    let files = hub.open();
    files.set_quota(HOME, Quota::Bytes(2 * BLOCK)).unwrap();
    let bytes = content(1, 4 * BLOCK_BYTES);
    let given_up = begin(&files, "one", &bytes);
    files
        .write_block(ALICE, given_up, 0, &bytes[..BLOCK_BYTES])
        .unwrap();
    let expires = begin(&files, "two", &bytes);
    files
        .write_block(ALICE, expires, 0, &bytes[..BLOCK_BYTES])
        .unwrap();
    assert_eq!(files.space_usage(HOME).in_flight, 2 * BLOCK);
    assert!(over_quota(&files.write_block(
        ALICE,
        expires,
        BLOCK,
        &bytes[..BLOCK_BYTES]
    )));
    assert!(over_quota(
        &files
            .put_files(ALICE, &[small(home(ALICE, "x"), b"x", false)])
            .remove(0)
    ));
    files.abort(ALICE, given_up).unwrap();
    assert_eq!(files.space_usage(HOME).in_flight, BLOCK);
    files
        .write_block(ALICE, expires, BLOCK, &bytes[..BLOCK_BYTES])
        .unwrap();
    drop(files);
    let files = hub.open();
    assert_eq!(
        files.space_usage(HOME).in_flight,
        2 * BLOCK,
        "known again after a start"
    );
    files
        .sweep(hub.now().plus(UPLOAD_EXPIRY).plus(UPLOAD_EXPIRY))
        .unwrap();
    assert_eq!(files.space_usage(HOME).in_flight, 0);
    put(&files, &home(ALICE, "fits"), &bytes[..2 * BLOCK_BYTES], false).unwrap();
    let usage = files.space_usage(HOME);
    assert_eq!((usage.files, usage.in_flight), (2 * BLOCK, 0));
    hub.assert_settled();
}

#[test]
fn a_limit_that_is_reached_in_the_middle_of_a_large_file_refuses_the_block_and_keeps_what_is_there() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &home(ALICE, "kept"), b"kept", false).unwrap();
    files.set_quota(HOME, Quota::Bytes(2 * BLOCK)).unwrap();
    let bytes = content(2, 3 * BLOCK_BYTES);
    let upload = begin(&files, "large", &bytes);
    let refused = send(&files, upload, 0, &bytes);
    let Err(FilesError::Quota { message, trash: 0 }) = refused else {
        panic!("{refused:?}")
    };
    assert!(message.contains("2 MiB"), "{message}");
    files.set_quota(HOME, Quota::Unlimited).unwrap();
    send(&files, upload, BLOCK, &bytes).unwrap();
    files.finish(ALICE, upload, 3 * BLOCK, &hash(&bytes)).unwrap();
    hub.assert_settled();
}

#[test]
fn of_small_files_sent_together_those_that_fit_appear_and_the_others_are_refused() {
    let hub = Hub::new();
    let files = hub.open();
    files.set_quota(HOME, Quota::Bytes(250)).unwrap();
    let bytes = content(1, 100);
    let given = ["a", "b", "c"].map(|path| small(home(ALICE, path), &bytes, false));
    let results = files.put_files(ALICE, &given);
    assert!(results[0].is_ok() && results[1].is_ok() && over_quota(&results[2]));
    assert_eq!(files.space_usage(HOME).files, 200);
    // In place of another one it needs its own room: the other one goes to the trash, which counts too.
    let again = files.put_files(ALICE, &[small(home(ALICE, "a"), &bytes, true)]);
    assert!(over_quota(&again[0]));
    files.remove(ALICE, &home(ALICE, "b"), false).unwrap();
    let again = files.put_files(ALICE, &[small(home(ALICE, "a"), &bytes, true)]);
    let Err(FilesError::Quota { trash, .. }) = &again[0] else {
        panic!("{again:?}")
    };
    assert_eq!(*trash, 100, "the refusal says how much the trash holds");
    files
        .delete_trashed(ALICE, trash_of(&files, ALICE)[0].id)
        .unwrap();
    assert!(files.put_files(ALICE, &[small(home(ALICE, "a"), &bytes, true)])[0].is_ok());
    let usage = files.space_usage(HOME);
    assert_eq!((usage.files, usage.trash, usage.in_flight), (100, 100, 0));
    hub.assert_settled();
}

#[test]
fn a_thousand_uploads_begun_and_abandoned_give_their_space_back() {
    let hub = Hub::new();
    let files = hub.open();
    files.set_quota(HOME, Quota::Bytes(BLOCK)).unwrap();
    let mut begun = 0;
    while begun < 1000 {
        for number in 0..200 {
            let upload = begin(&files, &format!("{number}"), b"twelve bytes");
            send(&files, upload, 0, b"twelve bytes").unwrap();
            begun += 1;
        }
        assert_eq!(files.space_usage(HOME).in_flight, 200 * 12);
        hub.wait(UPLOAD_EXPIRY + UPLOAD_EXPIRY);
        assert_eq!(files.sweep(hub.now()).unwrap().uploads, 200);
        assert_eq!(files.space_usage(HOME).in_flight, 0);
    }
    let usage = files.space_usage(HOME);
    assert_eq!((usage.files, usage.trash, usage.in_flight), (0, 0, 0));
    hub.assert_settled();
}

#[test]
fn a_move_to_another_space_needs_room_there_and_takes_its_bytes_along() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("tree/below"), true).unwrap();
    put(&files, &shared("tree/below/file"), &content(1, 500), false).unwrap();
    put(&files, &home(ALICE, "file"), &content(1, 100), false).unwrap();
    files.set_quota(HOME, Quota::Bytes(599)).unwrap();
    assert!(over_quota(&files.rename(
        ALICE,
        &shared("tree"),
        &home(ALICE, "tree"),
        false
    )));
    put(&files, &shared("file"), &content(2, 500), false).unwrap();
    assert!(over_quota(&files.rename(
        ALICE,
        &shared("file"),
        &home(ALICE, "file"),
        true
    )));
    assert_eq!(
        (
            files.space_usage(SpaceId::Shared).files,
            files.space_usage(HOME).files
        ),
        (1000, 100)
    );
    files.set_quota(HOME, Quota::Bytes(600)).unwrap();
    files
        .rename(ALICE, &shared("tree"), &home(ALICE, "tree"), false)
        .unwrap();
    assert_eq!(
        (
            files.space_usage(SpaceId::Shared).files,
            files.space_usage(HOME).files
        ),
        (500, 600)
    );
    assert_eq!(files.space_usage(HOME).in_flight, 0);
    hub.assert_settled();
}

#[test]
fn what_comes_out_of_the_trash_needs_room_in_another_space_and_none_at_home() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &home(ALICE, "file"), &content(1, 100), false).unwrap();
    files.remove(ALICE, &home(ALICE, "file"), false).unwrap();
    files.set_quota(HOME, Quota::Bytes(100)).unwrap();
    files.set_quota(SpaceId::Shared, Quota::Bytes(99)).unwrap();
    let id = trash_of(&files, ALICE)[0].id;
    assert!(over_quota(&files.restore(
        ALICE,
        id,
        Some(&shared("file")),
        false
    )));
    files.restore(ALICE, id, None, false).unwrap();
    let usage = files.space_usage(HOME);
    assert_eq!((usage.files, usage.trash, usage.in_flight), (100, 0, 0));
    assert_eq!(files.space_usage(SpaceId::Shared).in_flight, 0);
    hub.assert_settled();
}

#[test]
fn a_home_has_the_configured_limit_until_it_has_its_own() {
    let mut hub = Hub::new();
    hub.home_quota = Some(10);
    let files = hub.open();
    assert!(over_quota(&put(&files, &home(ALICE, "a"), b"eleven byte", false)));
    put(&files, &shared("a"), b"eleven byte", false).unwrap();
    files.set_quota(HOME, Quota::Bytes(11)).unwrap();
    drop(files);
    let files = hub.open();
    put(&files, &home(ALICE, "a"), b"eleven byte", false).unwrap();
    files.set_quota(HOME, Quota::Unlimited).unwrap();
    assert_eq!(files.space_usage(HOME).limit, None);
    files.set_quota(HOME, Quota::Default).unwrap();
    assert_eq!(files.space_usage(HOME).limit, Some(10));
    assert_eq!(files.space_usage(SpaceId::Home(BOB)).limit, Some(10));
}

#[test]
fn what_was_brought_by_other_means_is_known_when_it_was_counted() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("tree"), b"12345", false).unwrap();
    files.remove(ALICE, &shared("tree"), false).unwrap();
    put(&files, &shared("file"), b"1", false).unwrap();
    std::fs::create_dir_all(hub.files().join("shared/a/b/c")).unwrap();
    std::fs::write(hub.files().join("shared/a/b/c/file"), b"123").unwrap();
    assert_eq!(files.space_usage(SpaceId::Shared).files, 1);
    assert_eq!(
        files.recount(SpaceId::Shared, &|| false),
        Ok(None),
        "it was told to stop"
    );
    let counted = files.recount(SpaceId::Shared, &|| true).unwrap().unwrap();
    assert_eq!((counted.files, counted.trash, counted.exact), (4, 0, true));
    let counted = files.recount(HOME, &|| true).unwrap().unwrap();
    assert_eq!((counted.files, counted.trash), (0, 5));
    hub.assert_settled();
}

#[test]
fn a_count_during_which_something_moves_says_that_it_is_not_exact() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"1", false).unwrap();
    let number = std::cell::Cell::new(0);
    let put_another = || {
        number.set(number.get() + 1);
        put(&files, &shared(&format!("file-{}", number.get())), b"1", false).is_ok()
    };
    let counted = files.recount(SpaceId::Shared, &put_another).unwrap().unwrap();
    assert!(!counted.exact);
    assert_eq!(number.get(), 3, "it was tried again");
}

#[test]
fn what_was_there_before_there_were_figures_is_to_be_counted_once() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"12345", false).unwrap();
    put(&files, &home(ALICE, "file"), b"123", false).unwrap();
    files.remove(ALICE, &home(ALICE, "file"), false).unwrap();
    assert_eq!(files.uncounted(), Ok(vec![]));
    drop(files);
    // As the program before had it.
    let database = hub.database();
    database.execute("DELETE FROM usage", []).unwrap();
    database.execute("UPDATE trash SET size = NULL", []).unwrap();
    drop(database);
    let files = hub.open();
    let uncounted = files.uncounted().unwrap();
    assert_eq!(uncounted.len(), 2, "{uncounted:?}");
    assert!(!files.space_usage(SpaceId::Shared).counted);
    for space in uncounted {
        assert!(files.recount(space, &|| true).unwrap().is_some());
    }
    assert_eq!(files.uncounted(), Ok(vec![]));
    assert_eq!(trash_of(&files, ALICE)[0].size, Some(3));
    hub.assert_settled();
    drop(files);
    assert_eq!(hub.open().uncounted(), Ok(vec![]));
}

#[test]
fn two_writers_of_one_name_count_once() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(1, 100);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let one = small(home(ALICE, "file"), &bytes, false);
                    let results = files.put_files(ALICE, &[one.clone(), one]);
                    assert!(
                        results
                            .iter()
                            .all(|result| matches!(result, Ok(_) | Err(FilesError::Exists(_))))
                    );
                    // Whoever is first removes it again.
                    let _ = files.remove(ALICE, &home(ALICE, "file"), false);
                }
            });
        }
    });
    assert_eq!(files.space_usage(HOME).in_flight, 0);
    hub.assert_settled();
}

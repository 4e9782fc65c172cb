//! Uploads: what is accepted, what is refused, and what becomes of those that nobody finishes.

use super::hub::{ALICE, BOB, Hub, content, get, hash, name, put, request, send, shared};
use landline_model::blocks::{BLOCK_BYTES, hash_block};
use landline_model::id::{RoomId, UploadId};
use landline_model::protocol::files::{Attributes, Resume};
use landline_store::files::{
    FILE_SIZE_MAX, FilesError, Place, SpaceId, Step, Swept, UPLOAD_EXPIRY, UPLOADS_MAX, UploadRequest,
};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

macro_rules! assert_fails {
    ($result:expr, $kind:ident) => {
        let result = $result;
        assert!(matches!(result, Err(FilesError::$kind(_))), "{result:?}");
    };
}

#[test]
fn files_of_every_length_around_a_block_arrive_whole_in_every_space() {
    let hub = Hub::new();
    let files = hub.open();
    let lengths = [
        0,
        1,
        BLOCK_BYTES - 1,
        BLOCK_BYTES,
        BLOCK_BYTES + 1,
        3 * BLOCK_BYTES + 17,
    ];
    let spaces = [
        SpaceId::Home(ALICE),
        SpaceId::Shared,
        SpaceId::Room(RoomId::from_bytes([5; 16])),
    ];
    for space in spaces {
        for length in lengths {
            let place = Place::new(space, [name(format!("{length}"))]);
            let bytes = content(9, length);
            let entry = put(&files, &place, &bytes, false).unwrap();
            assert_eq!((entry.size, entry.hash), (length as u64, Some(hash(&bytes))));
            assert_eq!(
                files.stat(&place).unwrap(),
                entry,
                "stat knows the hash without reading"
            );
            assert!(get(&files, &place).unwrap() == bytes);
        }
    }
    hub.assert_settled();
}

#[test]
fn offsets_and_lengths_that_do_not_fit_are_refused_and_nothing_is_journaled() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(1, BLOCK_BYTES + 10);
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(&bytes, false))
        .unwrap()
        .upload;
    let (first, rest) = bytes.split_at(BLOCK_BYTES);
    for offset in [
        1,
        BLOCK_BYTES as u64,
        1 << 63,
        (1 << 63) - 1,
        u64::MAX - 5,
        u64::MAX,
    ] {
        assert_fails!(files.write_block(ALICE, upload, offset, first), Mismatch);
    }
    for length in [0, 1, BLOCK_BYTES - 1] {
        assert_fails!(files.write_block(ALICE, upload, 0, &first[..length]), Mismatch);
    }
    assert_fails!(files.write_block(ALICE, upload, 0, &bytes), Mismatch);
    assert_fails!(files.write_blocks(ALICE, upload, 0, &[first, first]), Mismatch);
    assert_fails!(files.write_blocks(ALICE, upload, 0, &[rest, first]), Mismatch);
    assert_eq!(files.write_block(ALICE, upload, 0, first), Ok(BLOCK_BYTES as u64));
    assert_fails!(files.write_block(ALICE, upload, 0, first), Mismatch);
    assert_fails!(
        files.write_block(ALICE, upload, BLOCK_BYTES as u64, first),
        Mismatch
    );
    assert_fails!(
        files.write_block(ALICE, upload, BLOCK_BYTES as u64, &rest[..9]),
        Mismatch
    );
    // Too early, and of another size: the upload stays.
    assert_fails!(
        files.finish(ALICE, upload, bytes.len() as u64, &hash(&bytes)),
        Mismatch
    );
    assert_eq!(
        files.write_block(ALICE, upload, BLOCK_BYTES as u64, rest),
        Ok(bytes.len() as u64)
    );
    assert_fails!(
        files.write_block(ALICE, upload, bytes.len() as u64, b"x"),
        Mismatch
    );
    assert_fails!(files.finish(ALICE, upload, u64::MAX, &hash(&bytes)), Mismatch);
    files
        .finish(ALICE, upload, bytes.len() as u64, &hash(&bytes))
        .unwrap();
    assert!(get(&files, &shared("file")).unwrap() == bytes);
}

#[test]
fn several_blocks_at_once_are_the_same_as_one_after_another() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(4, 5 * BLOCK_BYTES + 3);
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(&bytes, false))
        .unwrap()
        .upload;
    let blocks: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES).collect();
    assert_eq!(
        files.write_blocks(ALICE, upload, 0, &blocks[..4]),
        Ok(4 * BLOCK_BYTES as u64)
    );
    let end = files.write_blocks(ALICE, upload, 4 * BLOCK_BYTES as u64, &blocks[4..]);
    assert_eq!(end, Ok(bytes.len() as u64));
    files
        .finish(ALICE, upload, bytes.len() as u64, &hash(&bytes))
        .unwrap();
    assert!(get(&files, &shared("file")).unwrap() == bytes);
}

#[test]
fn a_size_that_no_file_can_have_is_refused_and_a_huge_one_takes_no_space() {
    let hub = Hub::new();
    let files = hub.open();
    for size in [FILE_SIZE_MAX + 1, u64::MAX] {
        let request = UploadRequest {
            size,
            overwrite: false,
            attributes: Attributes::default(),
            source: None,
            resume: None,
        };
        assert_fails!(files.open_upload(ALICE, &shared("file"), &request), TooLarge);
    }
    let request = UploadRequest {
        size: FILE_SIZE_MAX,
        overwrite: false,
        attributes: Attributes::default(),
        source: None,
        resume: None,
    };
    let opened = files.open_upload(ALICE, &shared("file"), &request).unwrap();
    let partial = hub.files().join("partial").join(opened.upload.to_string());
    assert_eq!(partial.metadata().unwrap().blocks(), 0);
    assert_eq!(
        files
            .finish(ALICE, opened.upload, FILE_SIZE_MAX, &hash(b""))
            .unwrap_err()
            .code()
            .to_owned(),
        { landline_model::error::ErrorCode::Mismatch }
    );
}

#[test]
fn a_wrong_hash_publishes_nothing_and_ends_the_upload() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"old", false).unwrap();
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(b"new", true))
        .unwrap()
        .upload;
    send(&files, upload, 0, b"new").unwrap();
    assert_fails!(files.finish(ALICE, upload, 3, &hash(b"other")), Mismatch);
    assert_eq!(get(&files, &shared("file")).unwrap(), b"old");
    assert_fails!(files.finish(ALICE, upload, 3, &hash(b"new")), NotFound);
    hub.assert_settled();
    assert_eq!(hub.count("uploads"), 0);
}

#[test]
fn a_strangers_upload_is_not_there() {
    let hub = Hub::new();
    let files = hub.open();
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(b"1", false))
        .unwrap()
        .upload;
    let unknown = UploadId::from_bytes([9; 16]);
    let resume = UploadRequest {
        resume: Some(Resume::Upload(upload)),
        ..request(b"1", false)
    };
    let message = |error: FilesError, id: UploadId| error.to_string().replace(&id.to_string(), "ID");
    let (stranger, nobody) = (
        files.write_block(BOB, upload, 0, b"1").unwrap_err(),
        files.write_block(BOB, unknown, 0, b"1").unwrap_err(),
    );
    assert_eq!(
        message(stranger, upload),
        message(nobody, unknown),
        "nothing tells the two apart"
    );
    assert_fails!(files.write_block(BOB, upload, 0, b"1"), NotFound);
    assert_fails!(files.finish(BOB, upload, 1, &hash(b"1")), NotFound);
    assert_fails!(files.abort(BOB, upload), NotFound);
    assert_fails!(files.upload_target(BOB, upload), NotFound);
    assert_fails!(files.open_upload(BOB, &shared("file"), &resume), NotFound);
    assert_eq!(
        files.upload_target(ALICE, upload).map(|(place, _)| place),
        Ok(shared("file"))
    );
    send(&files, upload, 0, b"1").unwrap();
    files.finish(ALICE, upload, 1, &hash(b"1")).unwrap();
}

#[test]
fn an_upload_goes_on_where_the_journal_ends_and_proves_what_it_has() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(6, 2 * BLOCK_BYTES + 9);
    let opened = files
        .open_upload(ALICE, &shared("file"), &request(&bytes, false))
        .unwrap();
    files
        .write_block(ALICE, opened.upload, 0, &bytes[..BLOCK_BYTES])
        .unwrap();
    drop(files);
    // A block that was written and never journaled.
    let partial = hub.files().join("partial").join(opened.upload.to_string());
    let mut torn = std::fs::read(&partial).unwrap();
    torn.extend([0xff; 1000]);
    std::fs::write(&partial, torn).unwrap();
    let files = hub.open();
    let resume = UploadRequest {
        resume: Some(Resume::Upload(opened.upload)),
        ..request(&bytes, false)
    };
    for wrong in [
        UploadRequest {
            size: resume.size + 1,
            ..resume
        },
        UploadRequest { size: 0, ..resume },
    ] {
        assert_fails!(files.open_upload(ALICE, &shared("file"), &wrong), Mismatch);
    }
    assert_fails!(files.open_upload(ALICE, &shared("other"), &resume), Mismatch);
    let resumed = files.open_upload(ALICE, &shared("file"), &resume).unwrap();
    assert_eq!(
        (resumed.upload, resumed.offset),
        (opened.upload, BLOCK_BYTES as u64)
    );
    assert_eq!(
        resumed.chaining_values,
        [hash_block(0, &bytes[..BLOCK_BYTES]).chaining_value]
    );
    send(&files, resumed.upload, resumed.offset, &bytes).unwrap();
    files
        .finish(ALICE, resumed.upload, bytes.len() as u64, &hash(&bytes))
        .unwrap();
    assert!(get(&files, &shared("file")).unwrap() == bytes);
}

#[test]
fn uploads_that_nobody_goes_on_with_are_swept_and_others_are_not() {
    let hub = Hub::new();
    let files = hub.open();
    let open = |path: &str| {
        files.open_upload(
            ALICE,
            &shared(path),
            &request(&content(1, 2 * BLOCK_BYTES), false),
        )
    };
    let (left, kept) = (open("left").unwrap().upload, open("kept").unwrap().upload);
    hub.wait(UPLOAD_EXPIRY - Duration::from_secs(1));
    files
        .write_block(ALICE, kept, 0, &content(1, BLOCK_BYTES))
        .unwrap();
    assert_eq!(files.sweep(hub.now()), Ok(Swept::default()));
    hub.wait(Duration::from_secs(2));
    assert_eq!(files.sweep(hub.now()), Ok(Swept { uploads: 1, trash: 0 }));
    assert_fails!(
        files.write_block(ALICE, left, 0, &content(1, BLOCK_BYTES)),
        NotFound
    );
    files
        .write_block(ALICE, kept, BLOCK_BYTES as u64, &content(1, BLOCK_BYTES))
        .unwrap();
    hub.assert_settled();
    // A clock that was set back sweeps nothing.
    assert_eq!(
        files.sweep(landline_model::time::Timestamp(0)),
        Ok(Swept::default())
    );
}

#[test]
fn what_the_journal_does_not_know_is_deleted_at_the_start() {
    let hub = Hub::new();
    let files = hub.open();
    let lost = files
        .open_upload(ALICE, &shared("lost"), &request(b"1", false))
        .unwrap()
        .upload;
    let short = files
        .open_upload(ALICE, &shared("short"), &request(b"1", false))
        .unwrap()
        .upload;
    send(&files, short, 0, b"1").unwrap();
    drop(files);
    let partial = hub.files().join("partial");
    std::fs::remove_file(partial.join(lost.to_string())).unwrap();
    std::fs::write(partial.join(short.to_string()), b"").unwrap();
    std::fs::write(partial.join("stray"), b"x").unwrap();
    std::fs::write(partial.join("00".repeat(16)), b"x").unwrap();
    std::fs::write(partial.join(format!("{}.blocks", "00".repeat(16))), b"x").unwrap();
    std::fs::write(partial.join(format!("{lost}.blocks")), b"x").unwrap();
    std::fs::create_dir_all(partial.join("deep/er/still")).unwrap();
    let trash = hub.files().join("trash").join(ALICE.to_string());
    std::fs::create_dir_all(&trash).unwrap();
    std::fs::write(trash.join("ab".repeat(16)), b"forgotten").unwrap();
    let files = hub.open();
    hub.assert_settled();
    assert_eq!((hub.count("uploads"), hub.count("trash")), (1, 1));
    let resume = UploadRequest {
        resume: Some(Resume::Upload(short)),
        ..request(b"1", false)
    };
    let resumed = files.open_upload(ALICE, &shared("short"), &resume).unwrap();
    assert_eq!(resumed.offset, 0, "what is not there any more does not count");
    drop(files);
    std::fs::remove_file(trash.join("ab".repeat(16))).unwrap();
    hub.open();
    hub.assert_settled();
}

#[test]
fn an_account_has_no_more_open_uploads_than_it_may() {
    let hub = Hub::new();
    let files = hub.open();
    for index in 0..UPLOADS_MAX {
        files
            .open_upload(ALICE, &shared(&format!("{index}")), &request(b"1", false))
            .unwrap();
    }
    assert_fails!(
        files.open_upload(ALICE, &shared("more"), &request(b"1", false)),
        Busy
    );
    files
        .open_upload(BOB, &shared("more"), &request(b"1", false))
        .unwrap();
    hub.assert_settled();
}

#[test]
fn what_changed_between_open_and_finish_is_seen_at_finish() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("d"), false).unwrap();
    let open = |path: &str| {
        let upload = files
            .open_upload(ALICE, &shared(path), &request(b"new", false))
            .unwrap()
            .upload;
        send(&files, upload, 0, b"new").unwrap();
        upload
    };
    let (taken, directory, orphan) = (open("taken"), open("directory"), open("d/file"));
    put(&files, &shared("taken"), b"first", false).unwrap();
    files.make_directory(&shared("directory"), false).unwrap();
    files.remove(ALICE, &shared("d"), false).unwrap();
    assert_fails!(files.finish(ALICE, taken, 3, &hash(b"new")), Exists);
    assert_fails!(files.finish(ALICE, directory, 3, &hash(b"new")), WrongKind);
    assert_fails!(files.finish(ALICE, orphan, 3, &hash(b"new")), NotFound);
    assert_eq!(get(&files, &shared("taken")).unwrap(), b"first");
    // All three are still there, and can be finished when nothing is in the way any more.
    files.make_directory(&shared("d"), false).unwrap();
    files.finish(ALICE, orphan, 3, &hash(b"new")).unwrap();
    assert_eq!(get(&files, &shared("d/file")).unwrap(), b"new");
    files.abort(ALICE, directory).unwrap();
    files.abort(ALICE, taken).unwrap();
    hub.assert_settled();
    assert!(hub.trash().is_empty());
}

#[test]
fn a_place_that_cannot_be_is_refused_at_once() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("d"), false).unwrap();
    put(&files, &shared("file"), b"1", false).unwrap();
    let open = |path: &str, overwrite| files.open_upload(ALICE, &shared(path), &request(b"2", overwrite));
    assert_fails!(open("file", false), Exists);
    assert_fails!(open("d", true), WrongKind);
    assert_fails!(open("", true), WrongKind);
    assert_fails!(open("missing/file", true), NotFound);
    assert_fails!(open("file/file", true), WrongKind);
    assert_eq!(hub.count("uploads"), 0);
    hub.assert_settled();
}

#[test]
fn a_second_writer_of_one_upload_is_told_to_wait() {
    let hub = Hub::new();
    let (reached, is_reached) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let files = hub.open_with(Some(Arc::new(move |step| {
        if step == Step::BlocksWritten {
            reached.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
        }
        Ok(())
    })));
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(b"1", false))
        .unwrap()
        .upload;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| files.write_block(ALICE, upload, 0, b"1"));
        is_reached.recv().unwrap();
        assert_fails!(files.write_block(ALICE, upload, 0, b"2"), Busy);
        assert_fails!(files.finish(ALICE, upload, 1, &hash(b"2")), Busy);
        assert_eq!(
            files
                .sweep(landline_model::time::Timestamp(u64::MAX))
                .unwrap()
                .uploads,
            0
        );
        go_on.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(1));
    });
    files.finish(ALICE, upload, 1, &hash(b"1")).unwrap();
    assert_eq!(get(&files, &shared("file")).unwrap(), b"1");
}

#[test]
fn a_file_that_is_changed_by_other_means_is_noticed() {
    let hub = Hub::new();
    let files = hub.open();
    let place = shared("file");
    put(&files, &place, b"uploaded", false).unwrap();
    let file = files.read(&place).unwrap();
    assert_eq!(file.known_hash(), Some(hash(b"uploaded")));
    std::fs::write(hub.files().join("shared/file"), b"changed!").unwrap();
    assert!(!file.unchanged().unwrap());
    assert_eq!(files.stat(&place).unwrap().hash, None);
    assert_eq!(files.read(&place).unwrap().known_hash(), None);
    assert_eq!(get(&files, &place).unwrap(), b"changed!");
    assert_eq!(
        files.stat(&place).unwrap().hash,
        Some(hash(b"changed!")),
        "what was read once is remembered"
    );
}

//! The block journal: what counts after which kind of end, and who goes on.

use super::hub::{ALICE, BOB, Hub, content, get, hash, request, send, shared};
use landline_model::blocks::{BLOCK_BYTES, hash_block};
use landline_model::hash::Hash;
use landline_model::id::UploadId;
use landline_model::protocol::files::Resume;
use landline_store::files::{Files, FilesError, Step, Swept, UPLOAD_EXPIRY, UPLOADS_MAX, UploadRequest};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const BLOCK: u64 = BLOCK_BYTES as u64;

fn from_source(bytes: &[u8], source: u8) -> UploadRequest {
    UploadRequest {
        source: Some(Hash::from_bytes([source; 32])),
        resume: Some(Resume::Source(true)),
        ..request(bytes, false)
    }
}

/// Two blocks of three, the second one never made durable.
fn begun(files: &Files, bytes: &[u8]) -> UploadId {
    let upload = files
        .open_upload(ALICE, &shared("file"), &from_source(bytes, 1))
        .unwrap()
        .upload;
    files
        .write_block(ALICE, upload, 0, &bytes[..BLOCK_BYTES])
        .unwrap();
    let block = &bytes[BLOCK_BYTES..2 * BLOCK_BYTES];
    let appended = files.append(ALICE, upload, None, BLOCK, &[block]).unwrap();
    drop(appended);
    upload
}

fn finish_from(files: &Files, bytes: &[u8], offset: u64) {
    let opened = files
        .open_upload(ALICE, &shared("file"), &from_source(bytes, 1))
        .unwrap();
    assert_eq!(opened.offset, offset);
    let values: Vec<_> = (0..)
        .zip(bytes[..usize::try_from(offset).unwrap()].chunks(BLOCK_BYTES))
        .map(|(number, block)| hash_block(number, block).chaining_value)
        .collect();
    assert_eq!(opened.chaining_values, values);
    assert_eq!(
        files.chaining_values(ALICE, opened.upload, 1).unwrap(),
        values[1..]
    );
    assert_eq!(
        files
            .chaining_values(ALICE, opened.upload, u64::MAX)
            .unwrap()
            .len(),
        0
    );
    send(files, opened.upload, opened.offset, bytes).unwrap();
    files
        .finish(ALICE, opened.upload, bytes.len() as u64, &hash(bytes))
        .unwrap();
    assert!(get(files, &shared("file")).unwrap() == bytes);
}

#[test]
fn what_was_written_and_not_synced_counts_after_the_hubs_end() {
    let hub = Hub::new();
    let bytes = content(1, 2 * BLOCK_BYTES + 7);
    begun(&hub.open(), &bytes);
    let files = hub.open();
    finish_from(&files, &bytes, 2 * BLOCK);
    hub.assert_settled();
}

#[test]
fn what_was_written_and_not_synced_does_not_count_after_the_machines_end() {
    let hub = Hub::new();
    let bytes = content(2, 2 * BLOCK_BYTES + 7);
    let upload = begun(&hub.open(), &bytes);
    // What a power cut leaves of data that was not synced.
    let partial = hub.files().join("partial").join(upload.to_string());
    let data = OpenOptions::new().write(true).open(partial).unwrap();
    data.write_all_at(&vec![0; BLOCK_BYTES], BLOCK).unwrap();
    hub.reboot();
    // Twice, since the second start is of the same machine's: what was cut off must not come back.
    drop(
        hub.open()
            .open_upload(ALICE, &shared("file"), &from_source(&bytes, 1))
            .unwrap(),
    );
    let files = hub.open();
    finish_from(&files, &bytes, BLOCK);
    hub.assert_settled();
}

#[test]
fn an_upload_is_found_by_its_source_and_by_nothing_less() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(3, 2 * BLOCK_BYTES + 7);
    let upload = begun(&files, &bytes);
    let open = |owner, path: &str, request: &UploadRequest| {
        files.open_upload(owner, &shared(path), request).unwrap()
    };
    let own = from_source(&bytes, 1);
    for other in [
        open(BOB, "file", &own),
        open(ALICE, "other", &own),
        open(ALICE, "file", &from_source(&bytes, 2)),
        open(ALICE, "file", &from_source(&bytes[1..], 1)),
        open(ALICE, "file", &UploadRequest { source: None, ..own }),
    ] {
        assert!(other.upload != upload && other.offset == 0);
    }
    assert_eq!(open(ALICE, "file", &own).upload, upload);
    finish_from(&files, &bytes, 2 * BLOCK);
}

#[test]
fn whoever_opened_an_upload_last_writes_it() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(4, 2 * BLOCK_BYTES);
    let request = from_source(&bytes, 1);
    let first = files.open_upload(ALICE, &shared("file"), &request).unwrap();
    let (one, two) = bytes.split_at(BLOCK_BYTES);
    let append = |opened: &landline_store::files::OpenedUpload, offset, block: &[u8]| {
        files.append(ALICE, opened.upload, Some(opened.turn), offset, &[block])
    };
    files.make_durable(&append(&first, 0, one).unwrap()).unwrap();
    let second = files.open_upload(ALICE, &shared("file"), &request).unwrap();
    assert_eq!((second.upload, second.offset), (first.upload, BLOCK));
    let late = append(&first, BLOCK, two);
    assert!(matches!(late, Err(FilesError::Conflict(_))), "{late:?}");
    files.make_durable(&append(&second, BLOCK, two).unwrap()).unwrap();
    files
        .finish(ALICE, second.upload, 2 * BLOCK, &hash(&bytes))
        .unwrap();
    let late = append(&second, 2 * BLOCK, two);
    assert!(matches!(late, Err(FilesError::NotFound(_))), "{late:?}");
}

#[test]
fn one_sync_serves_all_blocks_that_were_appended_before_it() {
    let hub = Hub::new();
    let syncs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&syncs);
    let files = hub.open_with(Some(Arc::new(move |step| {
        if step == Step::BlocksJournaled {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })));
    let bytes = content(5, 3 * BLOCK_BYTES);
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(&bytes, false))
        .unwrap()
        .upload;
    let appended: Vec<_> = (0..3)
        .map(|number| {
            let block = &bytes[number * BLOCK_BYTES..][..BLOCK_BYTES];
            files
                .append(ALICE, upload, None, number as u64 * BLOCK, &[block])
                .unwrap()
        })
        .collect();
    for appended in &appended {
        assert_eq!(files.make_durable(appended), Ok(3 * BLOCK));
    }
    assert_eq!(syncs.load(Ordering::Relaxed), 1);
}

#[test]
fn a_block_that_was_appended_to_an_upload_that_is_given_up_is_not_durable() {
    let hub = Hub::new();
    let files = hub.open();
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(b"1", false))
        .unwrap()
        .upload;
    let appended = files.append(ALICE, upload, None, 0, &[b"1"]).unwrap();
    files.abort(ALICE, upload).unwrap();
    let durable = files.make_durable(&appended);
    assert!(matches!(durable, Err(FilesError::Conflict(_))), "{durable:?}");
    hub.assert_settled();
}

#[test]
fn a_thousand_uploads_that_were_begun_and_abandoned_give_their_space_back() {
    let hub = Hub::new();
    let files = hub.open();
    let mut abandoned = 0;
    for round in 0..4 {
        for index in 0..UPLOADS_MAX.min(250) {
            let upload = files
                .open_upload(
                    ALICE,
                    &shared(&format!("{round}-{index}")),
                    &request(b"12", false),
                )
                .unwrap()
                .upload;
            files.write_block(ALICE, upload, 0, b"12").unwrap();
            abandoned += 1;
        }
        hub.wait(UPLOAD_EXPIRY + std::time::Duration::from_secs(1));
        let swept = files.sweep(hub.now()).unwrap();
        assert_eq!(
            swept,
            Swept {
                uploads: 250,
                trash: 0
            }
        );
        assert_eq!(std::fs::read_dir(hub.files().join("partial")).unwrap().count(), 0);
    }
    assert_eq!(abandoned, 1000);
    hub.assert_settled();
}

#[test]
fn an_upload_whose_blocks_go_on_coming_outlives_a_restart() {
    let hub = Hub::new();
    let files = hub.open();
    let bytes = content(6, 3 * BLOCK_BYTES);
    let upload = files
        .open_upload(ALICE, &shared("file"), &request(&bytes, false))
        .unwrap()
        .upload;
    for block in 0..3 {
        hub.wait(UPLOAD_EXPIRY - std::time::Duration::from_secs(1));
        let offset = block * BLOCK_BYTES;
        files
            .write_block(ALICE, upload, offset as u64, &bytes[offset..][..BLOCK_BYTES])
            .unwrap();
    }
    drop(files);
    // The start sweeps too, and the journal says only when the upload was opened.
    let files = hub.open();
    files.finish(ALICE, upload, 3 * BLOCK, &hash(&bytes)).unwrap();
}

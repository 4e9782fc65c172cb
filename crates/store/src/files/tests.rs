//! What is only seen from inside.

use super::records::{Counted, Records};
use super::{Files, FilesOptions, Place, SpaceId, UploadRequest};
use landline_model::blocks::{BLOCK_BYTES, BlockHash, hash_block};
use landline_model::id::AccountId;
use landline_model::path::Component;
use landline_model::protocol::files::Attributes;
use landline_model::time::Timestamp;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

const OWNER: AccountId = AccountId::from_bytes([7; 16]);

fn open(directory: &tempfile::TempDir) -> Files {
    let ids = AtomicU64::new(0);
    let random = move || {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        id
    };
    let options = FilesOptions::new(Arc::new(|| Timestamp(1)), Arc::new(random));
    Files::open(&directory.path().join("files"), directory.path(), options).unwrap()
}

fn request(size: u64) -> UploadRequest {
    UploadRequest {
        size,
        overwrite: false,
        attributes: Attributes::default(),
        source: None,
        resume: None,
    }
}

fn place(index: usize) -> Place {
    Place::new(SpaceId::Shared, [Component::new(format!("{index}")).unwrap()])
}

#[test]
fn a_block_waits_for_no_commit() {
    let directory = tempfile::tempdir().unwrap();
    let files = open(&directory);
    let upload = files.open_upload(OWNER, &place(0), &request(2)).unwrap().upload;
    let (release, released) = mpsc::channel::<()>();
    let (begin, has_begun) = mpsc::channel::<()>();
    let hold = move |_: &rusqlite::Connection| Ok(begin.send(()).is_ok() && released.recv().is_ok());
    let held = files.journal.queue(hold).unwrap();
    has_begun.recv().unwrap();
    // The journal's writer does nothing until it is let go: the block is acknowledged all the same.
    assert_eq!(files.write_block(OWNER, upload, 0, b"xy"), Ok(2));
    release.send(()).unwrap();
    assert_eq!(held.wait(), Ok(true));
}

#[test]
fn only_so_many_uploads_are_held_open_and_those_that_were_let_go_go_on() {
    const UPLOADS: usize = 80;
    let directory = tempfile::tempdir().unwrap();
    let files = open(&directory);
    let blocks = [vec![1; BLOCK_BYTES], vec![2; 5]];
    let uploads: Vec<_> = (0..UPLOADS)
        .map(|index| {
            let size = BLOCK_BYTES as u64 + 5;
            let upload = files
                .open_upload(OWNER, &place(index), &request(size))
                .unwrap()
                .upload;
            files.write_block(OWNER, upload, 0, &blocks[0]).unwrap();
            upload
        })
        .collect();
    assert_eq!(files.open_uploads.count(), 64);
    let hash = blake3::hash(&blocks.concat()).into();
    for upload in uploads {
        let end = files
            .write_block(OWNER, upload, BLOCK_BYTES as u64, &blocks[1])
            .unwrap();
        files.finish(OWNER, upload, end, &hash).unwrap();
    }
    assert_eq!(files.open_uploads.count(), 0);
}

/// A journal with a mark after `marked` of its blocks, in a file.
fn journal(blocks: &[BlockHash], marked: &[usize]) -> (tempfile::NamedTempFile, Records) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let records = Records::new(file.reopen().unwrap().into(), [1; 16]);
    let (mut counted, mut mark) = records.load(u64::MAX).unwrap();
    for (number, block) in blocks.iter().enumerate() {
        records.append(&mut counted, std::slice::from_ref(block)).unwrap();
        if marked.contains(&(number + 1)) {
            let slot = mark.map_or(0, |mark| mark.next_slot());
            mark = Some(records.write_mark(&counted, Timestamp(9), slot).unwrap());
        }
    }
    (file, records)
}

fn blocks() -> Vec<BlockHash> {
    (0..5)
        .map(|number| hash_block(number, &[7; BLOCK_BYTES]))
        .collect()
}

fn counted(file: &tempfile::NamedTempFile, boot: u8, limit: u64) -> Counted {
    let records = Records::new(file.reopen().unwrap().into(), [boot; 16]);
    records.load(limit).unwrap().0
}

#[test]
fn what_was_written_counts_until_the_machine_starts_anew_and_then_what_was_synced() {
    let blocks = blocks();
    let (file, _) = journal(&blocks, &[2, 3]);
    let hash = |count: usize| landline_model::blocks::hash_file(&blocks[..count]);
    let same = counted(&file, 1, 9);
    assert_eq!((same.hash.blocks(), same.hash.finish()), (5, hash(5)));
    assert_eq!(
        counted(&file, 1, 4).hash.blocks(),
        4,
        "no more than there is data for"
    );
    let other = counted(&file, 2, 9);
    assert_eq!((other.hash.blocks(), other.hash.finish()), (3, hash(3)));
    assert_eq!(
        counted(&file, 2, 9).hash.blocks(),
        3,
        "what was cut off does not come back"
    );
    assert_eq!(counted(&file, 3, 9).hash.blocks(), 3);
}

#[test]
fn a_mark_that_was_torn_leaves_the_one_before_it() {
    let blocks = blocks();
    // Opening the journal wrote a mark to the first place, so the last one is in the second.
    for (torn_at, left) in [(30, 4), (512 + 30, 3), (1056 + 32 * 3, 3), (1056, 0)] {
        let (file, _) = journal(&blocks, &[2, 3, 4]);
        let mut byte = [0];
        file.as_file().read_exact_at(&mut byte, torn_at).unwrap();
        file.as_file().write_all_at(&[!byte[0]], torn_at).unwrap();
        assert_eq!(counted(&file, 2, 9).hash.blocks(), left, "{torn_at}");
    }
}

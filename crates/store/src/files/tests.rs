//! What is only seen from inside.

use super::upload::Upload;
use super::{Files, FilesOptions, Place, SpaceId, Step, UploadRequest};
use landline_model::id::AccountId;
use landline_model::path::Component;
use landline_model::protocol::files::Attributes;
use landline_model::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

const OWNER: AccountId = AccountId::from_bytes([7; 16]);

fn journaled(uploads: &[Upload]) -> u64 {
    uploads.iter().map(|upload| upload.journaled).sum()
}

#[test]
fn blocks_of_different_uploads_share_a_commit() {
    const UPLOADS: usize = 5;
    let directory = tempfile::tempdir().unwrap();
    let (queued, is_queued) = mpsc::channel();
    let ids = AtomicU64::new(0);
    let random = move || {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        id
    };
    let mut options = FilesOptions::new(Arc::new(|| Timestamp(1)), Arc::new(random));
    options.after_step = Some(Arc::new(move |step| {
        if step == Step::BlocksQueued {
            queued.send(()).unwrap();
        }
        Ok(())
    }));
    let files = Files::open(&directory.path().join("files"), directory.path(), options).unwrap();
    let request = UploadRequest {
        size: 1,
        overwrite: false,
        attributes: Attributes::default(),
        resume: None,
    };
    let uploads: Vec<_> = (0..UPLOADS)
        .map(|index| {
            let place = Place::new(SpaceId::Shared, [Component::new(format!("{index}")).unwrap()]);
            files.open_upload(OWNER, &place, &request).unwrap().upload
        })
        .collect();
    // The writer is kept from the queue until all blocks are in it. Once it has begun, its group is closed.
    let (release, released) = mpsc::channel::<()>();
    let (begin, has_begun) = mpsc::channel::<()>();
    let hold = move |_: &rusqlite::Connection| Ok(begin.send(()).is_ok() && released.recv().is_ok());
    let held = files.journal.queue(hold).unwrap();
    has_begun.recv().unwrap();
    std::thread::scope(|scope| {
        for upload in &uploads {
            scope.spawn(|| files.write_block(OWNER, *upload, 0, b"x").unwrap());
        }
        for _ in 0..UPLOADS {
            is_queued.recv().unwrap();
        }
        // The last one of the group: it sees what the others have done, and nobody else does yet.
        let (journal, others) = (Arc::clone(&files.journal), Arc::clone(&files.journal));
        let last = journal
            .queue(move |connection| Ok((Upload::all(connection)?, others.read(Upload::all)?)))
            .unwrap();
        release.send(()).unwrap();
        let (inside, outside) = last.wait().unwrap();
        assert_eq!(journaled(&inside), UPLOADS as u64);
        assert_eq!(journaled(&outside), 0);
    });
    assert_eq!(held.wait(), Ok(true));
    assert_eq!(
        journaled(&files.journal.read(Upload::all).unwrap()),
        UPLOADS as u64
    );
}

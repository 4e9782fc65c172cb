//! Copies: whole, with what their source keeps beside its content, and never of what changed meanwhile.

use super::hub::{ALICE, BOB, Hub, content, get, hash, put, request, send, shared};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::protocol::files::{Attributes, EntryKind};
use landline_model::protocol::trees::Algorithm;
use landline_model::time::Timestamp;
use landline_store::files::{Files, FilesError, Place, SMALL_COPY_MAX, UploadRequest};

const ATTRIBUTES: Attributes = Attributes {
    modified: Some(Timestamp(1_234_567_890_123)),
    modified_nanos: 456_789,
    mode: Some(0o750),
};

fn copy(files: &Files, from: &Place, to: &Place, overwrite: bool) -> Result<(), FilesError> {
    let source = files.read(from)?;
    files.copy_file(BOB, &source, to, overwrite, &|| Ok(())).map(drop)
}

fn put_with_attributes(files: &Files, place: &Place, bytes: &[u8]) {
    let asked = UploadRequest {
        attributes: ATTRIBUTES,
        ..request(bytes, false)
    };
    let upload = files.open_upload(ALICE, place, &asked).unwrap().upload;
    send(files, upload, 0, bytes).unwrap();
    files
        .finish(ALICE, upload, bytes.len() as u64, &hash(bytes))
        .unwrap();
}

#[test]
fn a_copy_has_content_time_and_permissions_and_belongs_to_whoever_made_it() {
    let hub = Hub::new();
    let files = hub.open();
    for length in [0, 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 7] {
        let (from, to) = (shared(&format!("from{length}")), shared(&format!("to{length}")));
        let bytes = content(9, length);
        put_with_attributes(&files, &from, &bytes);
        copy(&files, &from, &to, false).unwrap();
        assert!(get(&files, &to).unwrap() == bytes);
        let there = files.stat(&to).unwrap();
        assert_eq!(there.hash, Some(hash(&bytes)));
        assert_eq!(
            (there.modified, there.modified_nanos),
            (Timestamp(1_234_567_890_123), 456_789)
        );
        assert_eq!(there.mode, Some(0o750));
        // Whose it is shows where it goes.
        files.remove(ALICE, &to, false).unwrap();
        let trash = hub.files().join("trash").join(BOB.to_string());
        assert!(std::fs::read_dir(trash).unwrap().count() > 0);
    }
    hub.assert_settled();
}

#[test]
fn a_copy_replaces_only_where_it_may_and_the_old_one_goes_to_its_owners_trash() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("from"), b"new", false).unwrap();
    put(&files, &shared("to"), b"old", false).unwrap();
    files.make_directory(&shared("d"), false).unwrap();
    assert!(matches!(
        copy(&files, &shared("from"), &shared("to"), false),
        Err(FilesError::Exists(_))
    ));
    assert!(matches!(
        copy(&files, &shared("from"), &shared("d"), true),
        Err(FilesError::WrongKind(_))
    ));
    assert!(matches!(
        copy(&files, &shared("from"), &shared("no/to"), true),
        Err(FilesError::NotFound(_))
    ));
    assert!(matches!(
        copy(&files, &shared("from"), &shared(""), true),
        Err(FilesError::WrongKind(_))
    ));
    assert!(hub.trash().is_empty());
    copy(&files, &shared("from"), &shared("to"), true).unwrap();
    assert_eq!(get(&files, &shared("to")).unwrap(), b"new");
    assert_eq!(hub.trash(), [b"old".to_vec()]);
    hub.assert_settled();
}

#[test]
fn a_copy_that_is_stopped_leaves_nothing() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("from"), &content(1, 2 * BLOCK_BYTES), false).unwrap();
    let source = files.read(&shared("from")).unwrap();
    let stop = || Err(FilesError::Conflict("enough".to_owned()));
    let stopped = files.copy_file(ALICE, &source, &shared("to"), false, &stop);
    assert_eq!(stopped.map(drop), stop());
    assert!(matches!(files.stat(&shared("to")), Err(FilesError::NotFound(_))));
    hub.assert_settled();
}

#[test]
fn what_changed_since_it_was_opened_is_not_copied() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("from"), &content(1, 1000), false).unwrap();
    let source = files.read(&shared("from")).unwrap();
    std::fs::write(hub.files().join("shared/from"), content(2, 1000)).unwrap();
    let copied = files.copy_file(ALICE, &source, &shared("to"), false, &|| Ok(()));
    assert!(
        matches!(copied, Err(FilesError::Conflict(_) | FilesError::Mismatch(_))),
        "{copied:?}"
    );
    let small = files.small_copy(&source, shared("to"), false);
    assert!(matches!(
        small,
        Err(FilesError::Conflict(_) | FilesError::Mismatch(_))
    ));
    assert!(files.stat(&shared("to")).is_err());
    hub.assert_settled();
}

#[test]
fn a_small_copy_is_small_and_is_published_with_others() {
    let hub = Hub::new();
    let files = hub.open();
    put_with_attributes(&files, &shared("from"), b"small");
    let large = vec![7; usize::try_from(SMALL_COPY_MAX).unwrap() + 1];
    put(&files, &shared("large"), &large, false).unwrap();
    let small =
        |from: &str, to: &str| files.small_copy(&files.read(&shared(from)).unwrap(), shared(to), false);
    assert!(matches!(small("large", "to"), Err(FilesError::TooLarge(_))));
    let both = [small("from", "one").unwrap(), small("from", "other").unwrap()];
    for published in files.put_files(BOB, &both) {
        let entry = published.unwrap();
        assert_eq!(
            (entry.kind, entry.mode, entry.modified_nanos),
            (EntryKind::File, Some(0o750), 456_789)
        );
    }
    assert_eq!(get(&files, &shared("one")).unwrap(), b"small");
    hub.assert_settled();
}

#[test]
fn files_hash_to_what_others_say_of_them() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("empty"), b"", false).unwrap();
    put(&files, &shared("abc"), b"abc", false).unwrap();
    let digest = |name: &str, algorithm| {
        let file = files.read(&shared(name)).unwrap();
        files.digest(&file, algorithm, &|| Ok(())).unwrap()
    };
    // RFC 1321, appendix A.5, and FIPS 180-4's examples.
    assert_eq!(
        digest("empty", Algorithm::Md5),
        "d41d8cd98f00b204e9800998ecf8427e"
    );
    assert_eq!(digest("abc", Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(
        digest("abc", Algorithm::Sha256),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(digest("abc", Algorithm::Blake3), hash(b"abc").to_string());
    std::fs::write(hub.files().join("shared/foreign"), b"abc").unwrap();
    assert_eq!(digest("foreign", Algorithm::Blake3), hash(b"abc").to_string());
    assert_eq!(
        files.stat(&shared("foreign")).unwrap().hash,
        Some(hash(b"abc")),
        "it is remembered"
    );
    let changing = files.read(&shared("abc")).unwrap();
    std::fs::write(hub.files().join("shared/abc"), b"abcd").unwrap();
    let changed = files.digest(&changing, Algorithm::Sha256, &|| Ok(()));
    assert!(matches!(changed, Err(FilesError::Conflict(_))), "{changed:?}");
}

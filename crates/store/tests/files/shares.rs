//! Shares in the journal.

use super::hub::{ALICE, BOB, Hub, get, hash, put, shared};
use landline_model::error::ErrorCode;
use landline_model::link::Token;
use landline_model::path::Component;
use landline_model::protocol::files::Attributes;
use landline_model::protocol::shares::ShareKind;
use landline_store::files::{
    Files, FilesError, ListRequest, NewShare, Place, SHARES_MAX, Share, Shared, UploadRequest,
};
use std::time::Duration;

const TOKEN: Token = Token::from_bytes([7; 16]);

/// The share of [`TOKEN`].
pub(crate) fn find(files: &Files) -> Option<Share> {
    files.share_of(&TOKEN).unwrap()
}

/// Makes it.
pub(crate) fn make(files: &Files, place: &Place, count: Option<u64>) -> Result<Share, FilesError> {
    files.create_share(NewShare { count, ..new(place) })
}

fn new(place: &Place) -> NewShare {
    NewShare {
        token: TOKEN,
        owner: ALICE,
        place: place.clone(),
        drop: false,
        name: String::new(),
        password: None,
        expires: None,
        count: None,
    }
}

fn name(name: &str) -> Component {
    Component::new(name).unwrap()
}

fn read(files: &Files, share: &Share, below: &[Component]) -> Result<Vec<u8>, ErrorCode> {
    match files.read_shared(share, below).map_err(|error| error.code())? {
        Shared::File(file) => {
            let mut bytes = vec![0; usize::try_from(file.size()).unwrap()];
            file.read_at(0, &mut bytes).unwrap();
            Ok(bytes)
        }
        Shared::Directory => Ok(b"a directory".to_vec()),
    }
}

#[test]
fn as_many_as_are_left_begin_however_many_ask_at_once() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"content", false).unwrap();
    let share = make(&files, &shared("file"), Some(5)).unwrap();
    let begun: usize = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8_u8)
            .map(|client| {
                let files = &files;
                scope.spawn(move || {
                    (0..4_u8)
                        .filter(|file| {
                            files
                                .count_share(share.id, &[client], &hash(&[*file]), false)
                                .unwrap()
                        })
                        .count()
                })
            })
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(begun, 5);
    assert_eq!(find(&files).unwrap().left, Some(0));
    assert_eq!(hub.count("share_fetches"), 5);
}

#[test]
fn whoever_has_begun_a_file_goes_on_with_it_for_a_day() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"content", false).unwrap();
    let share = make(&files, &shared("file"), Some(1)).unwrap();
    let [one, other] = [hash(b"one"), hash(b"other")];
    let may = |client: &[u8], file, goes_on| files.count_share(share.id, client, file, goes_on).unwrap();
    assert!(may(b"a", &one, false));
    assert!(may(b"a", &one, true) && may(b"a", &one, true));
    assert!(!may(b"a", &one, false), "from its beginning is another one");
    assert!(!may(b"b", &one, true) && !may(b"a", &other, true));
    files.uncount_share(share.id).unwrap();
    assert!(may(b"b", &one, true), "who has not begun, begins");
    hub.wait(Duration::from_secs(25 * 60 * 60));
    assert!(!may(b"a", &one, true));
    files.revoke_share(share.id).unwrap();
    assert!(!may(b"b", &one, true) && !files.revoke_share(share.id).unwrap());
}

#[test]
fn a_share_is_for_what_stood_there_and_for_nothing_that_takes_its_place() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"content", false).unwrap();
    let share = make(&files, &shared("file"), None).unwrap();
    assert_eq!(share.kind, ShareKind::File);
    assert_eq!(read(&files, &share, &[]), Ok(b"content".to_vec()));
    assert_eq!(read(&files, &share, &[name("x")]), Err(ErrorCode::NotFound));
    files
        .rename(ALICE, &shared("file"), &shared("moved"), false)
        .unwrap();
    assert_eq!(read(&files, &share, &[]), Err(ErrorCode::NotFound));
    put(&files, &shared("file"), b"content", false).unwrap();
    assert_eq!(read(&files, &share, &[]), Err(ErrorCode::NotFound));
    assert_eq!(get(&files, &shared("file")).unwrap(), b"content");
}

#[test]
fn a_shared_directory_is_whatever_is_in_it_and_no_other() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("top"), false).unwrap();
    let share = make(&files, &shared("top"), None).unwrap();
    assert_eq!(share.kind, ShareKind::Directory);
    put(&files, &share.below(&[name("later")]), b"content", false).unwrap();
    assert_eq!(read(&files, &share, &[]), Ok(b"a directory".to_vec()));
    assert_eq!(read(&files, &share, &[name("later")]), Ok(b"content".to_vec()));
    assert_eq!(
        read(&files, &share, &[name("later"), name("x")]),
        Err(ErrorCode::WrongKind)
    );
    let request = ListRequest {
        after: None,
        limit: 10,
        byte_limit: 1000,
    };
    assert_eq!(files.list_shared(&share, &[], &request).unwrap().entries.len(), 1);
    std::os::unix::fs::symlink(hub.files(), hub.files().join("shared/top/up")).unwrap();
    for below in [vec![name("up")], vec![name("up"), name("shared")]] {
        assert_eq!(read(&files, &share, &below), Err(ErrorCode::WrongKind));
        assert!(files.list_shared(&share, &below, &request).is_err());
    }
    files
        .rename(ALICE, &shared("top"), &shared("moved"), false)
        .unwrap();
    files.make_directory(&shared("top"), false).unwrap();
    assert_eq!(read(&files, &share, &[]), Err(ErrorCode::NotFound));
    assert!(files.list_shared(&share, &[], &request).is_err());
}

#[test]
fn shares_are_listed_by_owner_swept_out_in_time_and_bounded() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"content", false).unwrap();
    let share = |number: u64, owner, minutes: u64| {
        let mut token = [0; 16];
        token[..8].copy_from_slice(&number.to_be_bytes());
        files.create_share(NewShare {
            token: Token::from_bytes(token),
            owner,
            expires: Some(hub.now().plus(Duration::from_secs(minutes * 60))),
            ..new(&shared("file"))
        })
    };
    let first = share(0, BOB, 1).unwrap();
    for number in 1..=SHARES_MAX {
        share(number, ALICE, 2).unwrap();
    }
    assert!(matches!(
        share(SHARES_MAX + 1, ALICE, 2),
        Err(FilesError::Busy(_))
    ));
    assert_eq!(
        files.shares(Some(BOB), None, 10).unwrap(),
        std::slice::from_ref(&first)
    );
    let mut after = None;
    let mut seen = 0;
    while let Some(last) = files.shares(None, after, 300).unwrap().last() {
        seen += files.shares(None, after, 300).unwrap().len() as u64;
        after = Some(last.id);
    }
    assert_eq!(seen, SHARES_MAX + 1);
    hub.wait(Duration::from_secs(60));
    assert!(first.is_over(hub.now()));
    files.sweep(hub.now()).unwrap();
    assert_eq!(hub.count("shares"), SHARES_MAX);
    hub.wait(Duration::from_secs(60));
    files.sweep(hub.now()).unwrap();
    assert_eq!(hub.count("shares"), 0);
}

#[test]
fn an_upload_learns_its_size_and_its_place_before_its_end() {
    let hub = Hub::new();
    let files = hub.open();
    let request = UploadRequest {
        size: 1 << 40,
        overwrite: false,
        attributes: Attributes::default(),
        source: None,
        resume: None,
    };
    let upload = files
        .open_upload(ALICE, &shared("file"), &request)
        .unwrap()
        .upload;
    for stranger in [
        files.set_upload_size(BOB, upload, 3),
        files.set_upload_place(BOB, upload, &shared("x")),
    ] {
        assert!(matches!(stranger, Err(FilesError::NotFound(_))));
    }
    files.set_upload_size(ALICE, upload, 3).unwrap();
    files.write_block(ALICE, upload, 0, b"abc").unwrap();
    assert!(matches!(
        files.set_upload_size(ALICE, upload, 2),
        Err(FilesError::Mismatch(_))
    ));
    put(&files, &shared("file"), b"faster", false).unwrap();
    let finish = || files.finish(ALICE, upload, 3, &hash(b"abc"));
    assert!(matches!(finish(), Err(FilesError::Exists(_))));
    files
        .set_upload_place(ALICE, upload, &shared("file (2)"))
        .unwrap();
    finish().unwrap();
    assert_eq!(get(&files, &shared("file")).unwrap(), b"faster");
    assert_eq!(get(&files, &shared("file (2)")).unwrap(), b"abc");
}

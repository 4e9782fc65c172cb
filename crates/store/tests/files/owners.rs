//! What is removed or replaced goes to the trash of whoever published it, whoever does it.

use super::hub::{ALICE, BOB, Hub, get, hash, put, request, shared};
use landline_model::id::AccountId;
use landline_store::files::{Files, FilesError, Place, Step};
use std::sync::{Arc, OnceLock};

const OLD: &[u8] = b"old";
const NEW: &[u8] = b"new!";

/// Bob publishes something short.
fn put_of_bob(files: &Files, place: &Place, bytes: &[u8]) {
    let opened = files.open_upload(BOB, place, &request(bytes, true)).unwrap();
    files.write_block(BOB, opened.upload, 0, bytes).unwrap();
    files
        .finish(BOB, opened.upload, bytes.len() as u64, &hash(bytes))
        .unwrap();
}

impl Hub {
    /// What lies in one account's trash.
    fn trash_of(&self, account: AccountId) -> Vec<Vec<u8>> {
        let directory = self.files().join("trash").join(account.to_string());
        let entries = std::fs::read_dir(directory).into_iter().flatten();
        let mut contents: Vec<_> = entries
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect();
        contents.sort();
        contents
    }

    /// The only row of the trash: whose it is, and who put it there.
    fn trash_row(&self) -> (AccountId, Option<AccountId>) {
        self.database()
            .query_row("SELECT owner, actor FROM trash", [], |row| {
                Ok((row.get(0)?, row.get::<_, Option<[u8; 16]>>(1)?))
            })
            .map(|(owner, actor)| (AccountId::from_bytes(owner), actor.map(AccountId::from_bytes)))
            .unwrap()
    }

    fn assert_alice_sent_to_bob(&self) {
        assert_eq!(self.trash_of(BOB), [OLD]);
        assert!(self.trash_of(ALICE).is_empty());
        assert_eq!(self.trash_row(), (BOB, Some(ALICE)));
        self.assert_settled();
    }
}

/// Alice's ways to get rid of `file`.
const WAYS: [fn(&Files); 3] = [
    |files| drop(put(files, &shared("file"), NEW, true).unwrap()),
    |files| files.remove(ALICE, &shared("file"), false).unwrap(),
    |files| {
        put(files, &shared("mine"), NEW, false).unwrap();
        files
            .rename(ALICE, &shared("mine"), &shared("file"), true)
            .unwrap();
    },
];

#[test]
fn another_ones_file_goes_to_its_owners_trash() {
    for way in WAYS {
        let hub = Hub::new();
        let files = hub.open();
        put_of_bob(&files, &shared("file"), OLD);
        way(&files);
        hub.assert_alice_sent_to_bob();
    }
}

#[test]
fn an_owner_stays_the_owner_over_renames_and_restarts() {
    for way in WAYS {
        let hub = Hub::new();
        put_of_bob(&hub.open(), &shared("first"), OLD);
        let files = hub.open();
        files
            .rename(ALICE, &shared("first"), &shared("file"), false)
            .unwrap();
        way(&files);
        hub.assert_alice_sent_to_bob();
    }
}

#[test]
fn what_came_or_was_changed_by_other_means_goes_to_whoever_removes_it() {
    for way in WAYS {
        let hub = Hub::new();
        let files = hub.open();
        put_of_bob(&files, &shared("file"), NEW);
        // As another program writes, into the same inode.
        std::fs::write(hub.files().join("shared/file"), OLD).unwrap();
        way(&files);
        assert_eq!(
            (hub.trash_of(ALICE), hub.trash_of(BOB)),
            (vec![OLD.to_vec()], vec![])
        );
        assert_eq!(hub.trash_row(), (ALICE, Some(ALICE)));
    }
}

#[test]
fn a_crash_after_any_step_leaves_what_was_bobs_to_bob() {
    for way in WAYS {
        for stop in Step::ALL {
            let hub = Hub::new();
            put_of_bob(&hub.open(), &shared("file"), OLD);
            let files = hub.open_with(Some(Arc::new(|step| {
                if step == *stop {
                    return Err(FilesError::Internal("stopped here".to_owned()));
                }
                Ok(())
            })));
            // The operations unwrap: where one is stopped, it panics as it would be killed.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| way(&files)));
            drop(files);
            let files = hub.open();
            assert!(hub.trash_of(ALICE).is_empty(), "stopped after {stop:?}");
            let there = get(&files, &shared("file"));
            if there.as_deref() == Ok(OLD) {
                assert!(hub.trash_of(BOB).is_empty(), "stopped after {stop:?}");
            } else {
                assert_eq!(hub.trash_of(BOB), [OLD], "stopped after {stop:?}");
            }
            hub.assert_settled();
        }
    }
}

/// Opens the store with something that happens once, in the middle of another operation.
fn open_with_event(hub: &Hub, at: Step, event: fn(&Files)) -> Files {
    let (itself, once) = (Arc::new(OnceLock::<Files>::new()), OnceLock::new());
    let hooked = Arc::clone(&itself);
    let files = hub.open_with(Some(Arc::new(move |step| {
        if step == at
            && let Some(files) = hooked.get()
            && once.set(()).is_ok()
        {
            event(files);
        }
        Ok(())
    })));
    itself.set(files.clone()).unwrap();
    files
}

#[test]
fn a_file_that_comes_between_goes_to_its_own_owners_trash() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"alices", false).unwrap();
    put_of_bob(&files, &shared("bobs"), OLD);
    drop(files);
    let files = open_with_event(&hub, Step::PublishingJournaled, |files| {
        files.rename(BOB, &shared("bobs"), &shared("file"), true).unwrap();
    });
    put(&files, &shared("file"), NEW, true).unwrap();
    assert_eq!(get(&files, &shared("file")).unwrap(), NEW);
    assert_eq!(hub.trash_of(ALICE), [b"alices"]);
    assert_eq!(hub.trash_of(BOB), [OLD]);
    hub.assert_settled();
}

#[test]
fn a_removal_does_not_take_a_file_that_comes_between() {
    let hub = Hub::new();
    put(&hub.open(), &shared("file"), b"alices", false).unwrap();
    let files = open_with_event(&hub, Step::RemovalJournaled, |files| {
        put_of_bob(files, &shared("file"), OLD);
    });
    let removed = files.remove(ALICE, &shared("file"), false);
    assert!(matches!(removed, Err(FilesError::Conflict(_))), "{removed:?}");
    assert_eq!(get(&files, &shared("file")).unwrap(), OLD);
    assert_eq!(
        (hub.trash_of(ALICE), hub.trash_of(BOB)),
        (vec![b"alices".to_vec()], vec![])
    );
    hub.assert_settled();
}

#[test]
fn what_is_gone_for_good_has_no_owner_any_more() {
    let hub = Hub::new();
    let files = hub.open();
    put_of_bob(&files, &shared("file"), OLD);
    assert_eq!(hub.count("owners"), 1);
    files.remove(ALICE, &shared("file"), false).unwrap();
    hub.wait(landline_store::files::TRASH_RETENTION);
    assert_eq!(files.sweep(hub.now()).unwrap().trash, 1);
    assert_eq!(hub.count("owners"), 0);
}

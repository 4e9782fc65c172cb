//! The store is stopped after every single step of everything that changes files, and started again: each file is the
//! old one or the new one in full, the trash holds what was replaced, nothing is left over, and the same request
//! succeeds now.

use super::hub::{ALICE, BOB, Hub, content, get, hash, home, put, request, send, shared, trash_of};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::id::UploadId;
use landline_model::protocol::files::{Attributes, Resume};
use landline_store::files::{
    AfterStep, Files, FilesError, Place, SmallFile, Step, TRASH_RETENTION, UPLOAD_EXPIRY, UploadRequest,
};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// Something that changes files, what stands before it, and what must hold after a crash in it.
struct Operation {
    name: &'static str,
    prepare: fn(&Hub, &Files),
    perform: fn(&Hub, &Files) -> Result<(), FilesError>,
    /// After the crash and the start that follows.
    check: fn(&Hub, &Files),
    /// After the operation was done again; where it was done before, it may say so.
    check_done: fn(&Hub, &Files),
}

#[test]
fn a_crash_after_any_step_leaves_the_old_or_the_new_and_no_stray() {
    let mut seen: HashSet<Step> = HashSet::new();
    for operation in OPERATIONS {
        let steps = steps_of(operation);
        for (index, step) in steps.iter().enumerate() {
            crash_at(operation, index, *step, false);
            if steps.contains(&Step::BlocksWritten) {
                // What was not synced does not count then.
                crash_at(operation, index, *step, true);
            }
        }
        seen.extend(steps);
    }
    let missed: Vec<_> = Step::ALL.iter().filter(|step| !seen.contains(step)).collect();
    assert!(missed.is_empty(), "no operation here takes the steps {missed:?}");
}

fn steps_of(operation: &Operation) -> Vec<Step> {
    let hub = Hub::new();
    (operation.prepare)(&hub, &hub.open());
    let steps = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&steps);
    let files = hub.open_with(Some(Arc::new(move |step| {
        recorder.lock().unwrap().push(step);
        Ok(())
    })));
    (operation.perform)(&hub, &files).unwrap_or_else(|error| panic!("{}: {error}", operation.name));
    (operation.check_done)(&hub, &files);
    drop(files);
    let steps = steps.lock().unwrap().clone();
    assert!(!steps.is_empty(), "{}", operation.name);
    steps
}

fn crash_at(operation: &Operation, index: usize, step: Step, reboot: bool) {
    println!("{}: crash after step {index}, {step:?}", operation.name);
    let hub = Hub::new();
    (operation.prepare)(&hub, &hub.open());
    let files = hub.open_with(Some(stop_at(index)));
    let stopped = (operation.perform)(&hub, &files);
    assert_eq!(stopped, Err(FilesError::Internal("stopped".to_owned())));
    drop(files);
    if reboot {
        hub.reboot();
    }
    let files = hub.open();
    hub.assert_settled();
    (operation.check)(&hub, &files);
    match (operation.perform)(&hub, &files) {
        // It was done before the crash.
        Ok(()) | Err(FilesError::NotFound(_) | FilesError::Exists(_)) => {}
        Err(error) => panic!("{} again: {error}", operation.name),
    }
    (operation.check_done)(&hub, &files);
    drop(files);
    hub.open();
    hub.assert_settled();
}

/// From the step with this index on, every step fails.
fn stop_at(index: usize) -> AfterStep {
    let passed = Mutex::new(0);
    Arc::new(move |_| {
        let mut passed = passed.lock().unwrap();
        *passed += 1;
        if *passed > index {
            Err(FilesError::Internal("stopped".to_owned()))
        } else {
            Ok(())
        }
    })
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "a share from its making to its end",
        prepare: |_, files| drop(put(files, &shared("file"), b"content", false).unwrap()),
        perform: |_, files| {
            if super::shares::find(files).is_none() {
                super::shares::make(files, &shared("file"), Some(2))?;
            }
            let share = super::shares::find(files).unwrap();
            files.count_share(share.id, b"client", &hash(b""), false)?;
            files.revoke_share(share.id).map(drop)
        },
        check: |hub, files| {
            // What is counted is counted for somebody.
            let left = super::shares::find(files).map(|share| share.left.unwrap());
            let begun = hub.count("share_fetches");
            assert!(
                matches!((left, begun), (None, 0) | (Some(2), 0) | (Some(1), 1)),
                "{left:?}, {begun}"
            );
        },
        check_done: |hub, files| {
            assert!(super::shares::find(files).is_none());
            assert_eq!(hub.count("share_fetches"), 0);
        },
    },
    Operation {
        name: "a new file",
        prepare: |_, _| {},
        perform: |hub, files| upload(hub, files, false),
        check: |hub, files| {
            match get(files, &shared("file")) {
                Ok(bytes) => assert!(bytes == new()),
                Err(error) => assert!(matches!(error, FilesError::NotFound(_)), "{error}"),
            }
            assert!(hub.trash().is_empty());
        },
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(hub.trash().is_empty());
        },
    },
    Operation {
        name: "a replaced file",
        prepare: |_, files| drop(put(files, &shared("file"), &old(), false).unwrap()),
        perform: |hub, files| upload(hub, files, true),
        check: |hub, files| old_or_new(hub, files),
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(hub.trash() == [old()], "the trash holds what was replaced, once");
        },
    },
    Operation {
        name: "a copy over a file",
        prepare: |_, files| {
            drop(put(files, &shared("file"), &old(), false).unwrap());
            drop(put(files, &shared("source"), &new(), false).unwrap());
        },
        perform: |_, files| {
            let source = files.read(&shared("source"))?;
            files
                .copy_file(ALICE, &source, &shared("file"), true, &|| Ok(()))
                .map(drop)
        },
        check: |hub, files| {
            assert!(get(files, &shared("source")).unwrap() == new());
            old_or_new(hub, files);
        },
        check_done: |hub, files| {
            assert!(get(files, &shared("source")).unwrap() == new());
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(hub.trash().contains(&old()));
        },
    },
    Operation {
        name: "small files, two of which replace another",
        prepare: |_, files| {
            drop(put(files, &shared("file"), &old(), false).unwrap());
            drop(put(files, &shared("b"), &old(), false).unwrap());
        },
        perform: |_, files| small(files, &["a/1", "file", "a/2", "b", "c"]),
        check: |_, files| {
            for path in ["file", "b"] {
                let bytes = get(files, &shared(path)).unwrap();
                assert!(bytes == old() || bytes == new_small());
            }
            for path in ["a/1", "a/2", "c"] {
                assert!(
                    get(files, &shared(path)).is_err() || get(files, &shared(path)).unwrap() == new_small()
                );
            }
        },
        check_done: |hub, files| {
            for path in ["a/1", "file", "a/2", "b", "c"] {
                assert!(get(files, &shared(path)).unwrap() == new_small(), "{path}");
            }
            let olds = hub.trash().into_iter().filter(|bytes| *bytes == old()).count();
            assert_eq!(olds, 2, "what was replaced lies in the trash, once");
        },
    },
    Operation {
        name: "small files of one name",
        prepare: |_, _| {},
        perform: |_, files| small(files, &["a/1", "a/1"]),
        check: |_, _| {},
        check_done: |_, files| assert!(get(files, &shared("a/1")).unwrap() == new_small()),
    },
    Operation {
        name: "small files of one name that replace another",
        prepare: |_, files| drop(put(files, &shared("file"), &old(), false).unwrap()),
        perform: |_, files| small(files, &["file", "file"]),
        check: |_, files| {
            let bytes = get(files, &shared("file")).unwrap();
            assert!(bytes == old() || bytes == new_small());
        },
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).unwrap() == new_small());
            let olds = hub.trash().into_iter().filter(|bytes| *bytes == old()).count();
            assert_eq!(olds, 1, "what was replaced lies in the trash, once");
        },
    },
    Operation {
        name: "an upload that is given up",
        prepare: |_, files| {
            let opened = files
                .open_upload(ALICE, &shared("file"), &request(&new(), false))
                .unwrap();
            files
                .write_block(ALICE, opened.upload, 0, &new()[..BLOCK_BYTES])
                .unwrap();
        },
        perform: |hub, files| files.abort(ALICE, only_upload(hub).ok_or_else(not_found)?),
        check: |_, _| {},
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).is_err());
            assert_eq!(hub.count("uploads"), 0);
        },
    },
    Operation {
        name: "a file that is removed",
        prepare: |_, files| drop(put(files, &shared("file"), &old(), false).unwrap()),
        perform: |_, files| files.remove(ALICE, &shared("file"), false),
        check: |hub, files| match get(files, &shared("file")) {
            Ok(bytes) => assert!(bytes == old() && hub.trash().is_empty()),
            Err(_) => assert!(hub.trash() == [old()]),
        },
        check_done: |hub, files| {
            assert!(matches!(
                files.stat(&shared("file")),
                Err(FilesError::NotFound(_))
            ));
            assert!(hub.trash() == [old()]);
        },
    },
    Operation {
        name: "a tree that is removed",
        prepare: |_, files| {
            files.make_directory(&shared("tree/below"), true).unwrap();
            drop(put(files, &shared("tree/below/file"), &old(), false).unwrap());
        },
        perform: |_, files| files.remove(ALICE, &shared("tree"), true),
        check: |hub, files| match get(files, &shared("tree/below/file")) {
            Ok(bytes) => assert!(bytes == old() && hub.trash().is_empty()),
            Err(_) => assert!(hub.trash() == [old()]),
        },
        check_done: |hub, _| assert!(hub.trash() == [old()]),
    },
    Operation {
        name: "an empty directory that is removed",
        prepare: |_, files| files.make_directory(&shared("empty"), false).unwrap(),
        perform: |_, files| files.remove(ALICE, &shared("empty"), false),
        check: |_, _| {},
        check_done: |_, files| assert!(files.stat(&shared("empty")).is_err()),
    },
    Operation {
        name: "a rename",
        prepare: |_, files| drop(put(files, &shared("a"), &new(), false).unwrap()),
        perform: |_, files| files.rename(ALICE, &shared("a"), &shared("file"), false),
        check: |_, files| {
            assert!(get(files, &shared("a")).is_ok() != get(files, &shared("file")).is_ok());
        },
        check_done: |_, files| {
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(get(files, &shared("a")).is_err());
        },
    },
    Operation {
        name: "a rename that replaces",
        prepare: |_, files| {
            drop(put(files, &shared("a"), &new(), false).unwrap());
            drop(put(files, &shared("file"), &old(), false).unwrap());
        },
        perform: |_, files| files.rename(ALICE, &shared("a"), &shared("file"), true),
        check: |hub, files| {
            old_or_new(hub, files);
            // The source is there exactly as long as it was not moved.
            let moved = get(files, &shared("file")).unwrap() == new();
            assert_eq!(files.stat(&shared("a")).is_err(), moved);
        },
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(hub.trash() == [old()]);
        },
    },
    Operation {
        name: "a tree that goes to another space",
        prepare: |_, files| {
            files.make_directory(&shared("tree/below"), true).unwrap();
            drop(put(files, &shared("tree/below/file"), &old(), false).unwrap());
        },
        perform: |_, files| files.rename(ALICE, &shared("tree"), &home(ALICE, "tree"), false),
        check: |_, files| {
            let (here, there) = (shared("tree/below/file"), home(ALICE, "tree/below/file"));
            assert!(get(files, &here).is_ok() != get(files, &there).is_ok());
        },
        check_done: |_, files| {
            assert!(get(files, &home(ALICE, "tree/below/file")).unwrap() == old());
        },
    },
    Operation {
        name: "a file that replaces one in another space",
        prepare: |_, files| {
            drop(put(files, &home(ALICE, "a"), &new(), false).unwrap());
            drop(put(files, &shared("file"), &old(), false).unwrap());
        },
        perform: |_, files| files.rename(BOB, &home(ALICE, "a"), &shared("file"), true),
        check: |hub, files| old_or_new(hub, files),
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(hub.trash() == [old()]);
        },
    },
    Operation {
        name: "a tree that comes back",
        prepare: |_, files| {
            files.make_directory(&shared("tree/below"), true).unwrap();
            drop(put(files, &shared("tree/below/file"), &old(), false).unwrap());
            files.remove(ALICE, &shared("tree"), true).unwrap();
        },
        perform: |_, files| restore(files, None, false),
        check: |hub, files| match get(files, &shared("tree/below/file")) {
            Ok(bytes) => assert!(bytes == old() && hub.trash().is_empty()),
            Err(_) => assert!(hub.trash() == [old()]),
        },
        check_done: |hub, files| {
            assert!(get(files, &shared("tree/below/file")).unwrap() == old());
            assert!(hub.trash().is_empty());
        },
    },
    Operation {
        name: "a file that comes back where another one is",
        prepare: |_, files| {
            drop(put(files, &shared("file"), &new(), false).unwrap());
            files.remove(ALICE, &shared("file"), false).unwrap();
            drop(put(files, &shared("file"), &old(), false).unwrap());
        },
        perform: |_, files| {
            if get(files, &shared("file"))? == new() {
                return Ok(());
            }
            restore(files, None, true)
        },
        check: |hub, files| {
            let (standing, lying) = (get(files, &shared("file")).unwrap(), hub.trash());
            assert!((standing == old() && lying == [new()]) || (standing == new() && lying == [old()]));
        },
        check_done: |hub, files| {
            assert!(get(files, &shared("file")).unwrap() == new());
            assert!(hub.trash() == [old()]);
        },
    },
    Operation {
        name: "a file that comes back somewhere else, where nothing was",
        prepare: |_, files| {
            drop(put(files, &shared("file"), &new(), false).unwrap());
            files.remove(ALICE, &shared("file"), false).unwrap();
        },
        perform: |_, files| restore(files, Some(&home(ALICE, "a/b/file")), false),
        check: |_, _| {},
        check_done: |hub, files| {
            assert!(get(files, &home(ALICE, "a/b/file")).unwrap() == new());
            assert!(hub.trash().is_empty());
        },
    },
    Operation {
        name: "directories that are made",
        prepare: |_, _| {},
        perform: |_, files| files.make_directory(&shared("a/b/c"), true),
        check: |_, _| {},
        check_done: |_, files| drop(files.stat(&shared("a/b/c")).unwrap()),
    },
    Operation {
        name: "a directory that is made",
        prepare: |_, _| {},
        perform: |_, files| files.make_directory(&shared("a"), false),
        check: |_, _| {},
        check_done: |_, files| drop(files.stat(&shared("a")).unwrap()),
    },
    Operation {
        name: "what has expired",
        prepare: |_, files| {
            files.make_directory(&shared("tree/a/b/c"), true).unwrap();
            drop(put(files, &shared("tree/a/file"), &old(), false).unwrap());
            drop(put(files, &shared("tree/a/b/c/file"), &old(), false).unwrap());
            files.remove(ALICE, &shared("tree"), true).unwrap();
            let opened = files
                .open_upload(ALICE, &shared("file"), &request(&new(), false))
                .unwrap();
            files
                .write_block(ALICE, opened.upload, 0, &new()[..BLOCK_BYTES])
                .unwrap();
        },
        perform: |hub, files| {
            files
                .sweep(hub.now().plus(TRASH_RETENTION).plus(UPLOAD_EXPIRY))
                .map(drop)
        },
        check: |_, _| {},
        check_done: |hub, _| {
            assert_eq!(
                (hub.count("uploads"), hub.count("trash"), hub.trash().len()),
                (0, 0, 0)
            );
        },
    },
];

fn old() -> Vec<u8> {
    content(1, BLOCK_BYTES / 2)
}

fn new() -> Vec<u8> {
    content(2, 2 * BLOCK_BYTES + 5)
}

fn new_small() -> Vec<u8> {
    content(3, 100)
}

/// Sends small files, each in place of what is there.
fn small(files: &Files, paths: &[&str]) -> Result<(), FilesError> {
    let bytes = new_small();
    let given: Vec<_> = paths
        .iter()
        .map(|path| SmallFile {
            place: shared(path),
            content: &bytes,
            hash: hash(&bytes),
            overwrite: true,
            parents: true,
            attributes: Attributes::default(),
        })
        .collect();
    files
        .put_files(ALICE, &given)
        .into_iter()
        .try_for_each(|result| result.map(drop))
}

/// Takes the only thing out of Alice's trash.
fn restore(files: &Files, to: Option<&Place>, overwrite: bool) -> Result<(), FilesError> {
    let things = trash_of(files, ALICE);
    let thing = things.first().ok_or_else(not_found)?;
    files.restore(ALICE, thing.id, to, overwrite).map(drop)
}

fn not_found() -> FilesError {
    FilesError::NotFound("no upload".to_owned())
}

fn only_upload(hub: &Hub) -> Option<UploadId> {
    let id = hub
        .database()
        .query_row("SELECT id FROM uploads", [], |row| row.get::<_, [u8; 16]>(0));
    id.ok().map(UploadId::from_bytes)
}

/// Goes on with the upload that is there, or begins one, and finishes it.
fn upload(hub: &Hub, files: &Files, overwrite: bool) -> Result<(), FilesError> {
    let bytes = new();
    if files
        .stat(&shared("file"))
        .is_ok_and(|entry| entry.hash == Some(hash(&bytes)))
    {
        return Ok(());
    }
    let resume = only_upload(hub).map(Resume::Upload);
    let request = UploadRequest {
        resume,
        ..request(&bytes, overwrite)
    };
    let opened = files.open_upload(ALICE, &shared("file"), &request)?;
    let proven = opened.chaining_values.len() * BLOCK_BYTES;
    assert!(proven >= usize::try_from(opened.offset).unwrap());
    send(files, opened.upload, opened.offset, &bytes)?;
    files
        .finish(ALICE, opened.upload, bytes.len() as u64, &hash(&bytes))
        .map(drop)
}

fn old_or_new(hub: &Hub, files: &Files) {
    let bytes = get(files, &shared("file")).unwrap();
    if bytes == old() {
        assert!(hub.trash().is_empty());
    } else {
        assert!(bytes == new(), "neither the old file nor the new one");
        assert!(hub.trash() == [old()]);
    }
}

//! The store is stopped after every single step of everything that changes files, and started again: each file is the
//! old one or the new one in full, the trash holds what was replaced, nothing is left over, and the same request
//! succeeds now.

use super::hub::{ALICE, Hub, content, get, hash, put, request, send, shared};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::id::UploadId;
use landline_model::protocol::files::Attributes;
use landline_store::files::{
    AfterStep, Files, FilesError, SmallFile, Step, TRASH_RETENTION, UPLOAD_EXPIRY, UploadRequest,
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
            crash_at(operation, index, *step);
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

fn crash_at(operation: &Operation, index: usize, step: Step) {
    println!("{}: crash after step {index}, {step:?}", operation.name);
    let hub = Hub::new();
    (operation.prepare)(&hub, &hub.open());
    let files = hub.open_with(Some(stop_at(index)));
    let stopped = (operation.perform)(&hub, &files);
    assert_eq!(stopped, Err(FilesError::Internal("stopped".to_owned())));
    drop(files);
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
    let resume = only_upload(hub);
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

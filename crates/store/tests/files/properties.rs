//! Random operations and random crashes: the figures are always what a walk finds.

use super::hub::{ALICE, BOB, Hub, content, hash, home, put, shared, small, trash_of};
use landline_model::blocks::BLOCK_BYTES;
use landline_model::id::AccountId;
use landline_store::files::{AfterStep, Files, FilesError, Place, TRASH_RETENTION, UploadRequest};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Something that somebody does to a few names.
#[derive(Clone, Debug)]
enum Doing {
    Put {
        at: usize,
        size: usize,
        overwrite: bool,
    },
    Small {
        at: Vec<usize>,
        size: usize,
        overwrite: bool,
    },
    Abandon {
        at: usize,
    },
    Rename {
        from: usize,
        to: usize,
        overwrite: bool,
    },
    Remove {
        at: usize,
        by: bool,
    },
    Restore {
        which: usize,
        to: Option<usize>,
        overwrite: bool,
    },
    Empty {
        limit: usize,
    },
    MakeDirectory {
        at: usize,
    },
    Expire,
}

const PLACES: usize = 8;

/// Files, and directories with files in them, in two spaces.
fn place(number: usize) -> Place {
    match number % PLACES {
        0 => shared("a"),
        1 => shared("tree"),
        2 => shared("tree/a"),
        3 => shared("tree/below/b"),
        4 => home(ALICE, "a"),
        5 => home(ALICE, "tree"),
        6 => home(ALICE, "tree/a"),
        _ => home(BOB, "b"),
    }
}

fn doing() -> impl Strategy<Value = Doing> {
    let at = 0..PLACES;
    prop_oneof![
        (at.clone(), 0_usize..3, any::<bool>()).prop_map(|(at, blocks, overwrite)| {
            let size = blocks * BLOCK_BYTES / 2 + 7;
            Doing::Put { at, size, overwrite }
        }),
        (
            prop::collection::vec(at.clone(), 1..7),
            0_usize..500,
            any::<bool>()
        )
            .prop_map(|(at, size, overwrite)| Doing::Small { at, size, overwrite }),
        at.clone().prop_map(|at| Doing::Abandon { at }),
        (at.clone(), at.clone(), any::<bool>()).prop_map(|(from, to, overwrite)| Doing::Rename {
            from,
            to,
            overwrite
        }),
        (at.clone(), any::<bool>()).prop_map(|(at, by)| Doing::Remove { at, by }),
        (0_usize..4, prop::option::of(at.clone()), any::<bool>())
            .prop_map(|(which, to, overwrite)| Doing::Restore { which, to, overwrite }),
        (1_usize..4).prop_map(|limit| Doing::Empty { limit }),
        at.prop_map(|at| Doing::MakeDirectory { at }),
        Just(Doing::Expire),
    ]
}

fn perform(hub: &Hub, files: &Files, doing: &Doing) -> Result<(), FilesError> {
    match doing {
        Doing::Put { at, size, overwrite } => {
            put(files, &place(*at), &content(1, *size), *overwrite).map(drop)
        }
        Doing::Small { at, size, overwrite } => {
            let bytes = content(2, *size);
            let given: Vec<_> = at
                .iter()
                .map(|at| small(place(*at), &bytes, *overwrite))
                .collect();
            let results = files.put_files(ALICE, &given);
            results.into_iter().try_for_each(|result| result.map(drop))
        }
        Doing::Abandon { at } => {
            let bytes = content(3, 10);
            let request = UploadRequest {
                overwrite: true,
                ..super::hub::request(&bytes, true)
            };
            let opened = files.open_upload(ALICE, &place(*at), &request)?;
            super::hub::send(files, opened.upload, 0, &bytes)?;
            files
                .finish(ALICE, opened.upload, 10, &hash(b"something else"))
                .map(drop)
        }
        Doing::Rename { from, to, overwrite } => files.rename(ALICE, &place(*from), &place(*to), *overwrite),
        Doing::Remove { at, by } => files.remove(if *by { ALICE } else { BOB }, &place(*at), true),
        Doing::Restore { which, to, overwrite } => {
            let owner = [ALICE, BOB][which % 2];
            let Some(thing) = trash_of(files, owner).into_iter().nth(which / 2) else {
                return Ok(());
            };
            let to = to.map(place);
            files.restore(owner, thing.id, to.as_ref(), *overwrite).map(drop)
        }
        Doing::Empty { limit } => files.empty_trash(ALICE, hub.now(), *limit).map(drop),
        Doing::MakeDirectory { at } => files.make_directory(&place(*at), true),
        Doing::Expire => {
            hub.wait(TRASH_RETENTION);
            files.sweep(hub.now()).map(drop)
        }
    }
}

/// Stops the store at the step with this number, and from there on.
fn stop_at(step: usize) -> AfterStep {
    let passed = AtomicUsize::new(0);
    Arc::new(move |_| {
        if passed.fetch_add(1, Ordering::Relaxed) >= step {
            return Err(FilesError::Internal("stopped".to_owned()));
        }
        Ok(())
    })
}

/// Memory says what the journal says.
fn compare(hub: &Hub, files: &Files) {
    let figures = hub.figures();
    let hex = |account: AccountId| format!("68{account}");
    let of = |key: &str| figures.get(key).copied().unwrap_or((0, 0));
    let keys = [
        ("73".to_owned(), place(0).space),
        (hex(ALICE), place(4).space),
        (hex(BOB), place(7).space),
    ];
    for (key, space) in keys {
        let usage = files.space_usage(space);
        let known = (usage.files.cast_signed(), usage.trash.cast_signed());
        assert_eq!(known, of(&key), "{key}");
        assert_eq!(usage.in_flight, 0, "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn after_any_operations_and_crashes_the_figures_are_what_a_walk_finds(
        steps in prop::collection::vec((doing(), prop::option::weighted(0.3, 0_usize..24)), 1..25)
    ) {
        let hub = Hub::new();
        let mut files = hub.open();
        for (doing, crash) in &steps {
            match crash {
                None => {
                    // Whether it is allowed is not what this is about.
                    let _ = perform(&hub, &files, doing);
                    hub.assert_settled();
                }
                Some(step) => {
                    drop(files);
                    let stopping = hub.open_with(Some(stop_at(*step)));
                    let _ = perform(&hub, &stopping, doing);
                    drop(stopping);
                    files = hub.open();
                    for upload in hub.uploads() {
                        files.abort(ALICE, upload).unwrap();
                    }
                    hub.assert_settled();
                }
            }
            compare(&hub, &files);
        }
    }
}

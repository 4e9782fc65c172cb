//! Whole trees: everything once, in order, nothing outside, and little memory whatever their shape.

use super::hub::{Hub, get, name, put, shared};
use landline_model::path::Component;
use landline_model::protocol::files::EntryKind;
use landline_model::protocol::trees::TreeEntry;
use landline_store::files::{Files, FilesError, Place, TreeRequest};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

const ROUNDS: usize = 300;

/// Everything below a place, each with the names that lead there.
fn walk(files: &Files, place: &Place, request: TreeRequest) -> Vec<(Vec<u8>, TreeEntry)> {
    let mut walk = files.walk_tree(place, request).unwrap();
    let mut way: Vec<Component> = Vec::new();
    let mut found = Vec::new();
    while let Some(entry) = walk.next_entry().unwrap() {
        way.truncate(entry.depth as usize - 1);
        assert_eq!(way.len(), entry.depth as usize - 1, "{entry:?}");
        assert_eq!(walk.way(), way);
        way.push(entry.name.clone());
        let names: Vec<&[u8]> = way.iter().map(Component::as_bytes).collect();
        found.push((names.join(&b'/'), entry));
    }
    found
}

fn paths(found: &[(Vec<u8>, TreeEntry)]) -> Vec<&[u8]> {
    found.iter().map(|(path, _)| &path[..]).collect()
}

#[test]
fn a_tree_comes_depth_first_in_the_order_of_bytes() {
    let hub = Hub::new();
    let files = hub.open();
    assert!(
        walk(&files, &shared(""), TreeRequest::default()).is_empty(),
        "a space without anything"
    );
    for path in ["t/b/2", "t/b/1", "t/a", "t/b.x", "t/b-x", "t/c/d/e/f"] {
        files
            .make_directory(
                &Place::new(
                    shared(path).space,
                    &shared(path).components[..shared(path).components.len() - 1],
                ),
                true,
            )
            .unwrap();
        put(&files, &shared(path), path.as_bytes(), false).unwrap();
    }
    let all = walk(&files, &shared("t"), TreeRequest::default());
    let order: [&[u8]; 10] = [
        b"a", b"b", b"b/1", b"b/2", b"b-x", b"b.x", b"c", b"c/d", b"c/d/e", b"c/d/e/f",
    ];
    assert_eq!(paths(&all), order);
    assert!(
        all.iter()
            .all(|(_, entry)| entry.hash.is_none() && entry.error.is_none())
    );
    let shallow = TreeRequest {
        depth: Some(2),
        details: true,
    };
    let some = walk(&files, &shared("t"), shallow);
    assert_eq!(paths(&some), order[..8]);
    assert_eq!(some[0].1.clone().entry(), files.stat(&shared("t/a")).unwrap());
    assert!(
        walk(
            &files,
            &shared("t"),
            TreeRequest {
                depth: Some(0),
                details: false
            }
        )
        .is_empty()
    );
    assert!(matches!(
        files.walk_tree(&shared("t/a"), TreeRequest::default()).map(drop),
        Err(FilesError::WrongKind(_))
    ));
    assert!(matches!(
        files.walk_tree(&shared("no"), TreeRequest::default()).map(drop),
        Err(FilesError::NotFound(_))
    ));
}

#[test]
fn a_tree_as_deep_as_paths_go_is_walked_to_its_end() {
    let hub = Hub::new();
    let files = hub.open();
    let deep = vec![name("d"); 120];
    files
        .make_directory(&Place::new(shared("").space, deep.clone()), true)
        .unwrap();
    // On the way back, something stands behind each directory.
    let mut place = shared("");
    for component in deep {
        put(
            &files,
            &Place::new(place.space, [&place.components[..], &[name("e")]].concat()),
            b"e",
            false,
        )
        .unwrap();
        place.components.push(component);
    }
    let all = walk(&files, &shared(""), TreeRequest::default());
    assert_eq!(all.len(), 240);
    assert!(all.iter().all(|(_, entry)| entry.error.is_none()));
    assert_eq!(all.last().unwrap().0, b"e");
}

#[test]
fn a_tree_that_is_moved_under_the_walk_is_told_of() {
    let hub = Hub::new();
    let files = hub.open();
    let deep = "d/".repeat(20);
    files.make_directory(&shared(&deep), true).unwrap();
    put(&files, &shared("d/z"), b"z", false).unwrap();
    let mut walk = files.walk_tree(&shared(""), TreeRequest::default()).unwrap();
    // Down to the deepest: by then those above are closed, and have to be found again.
    for depth in 1..=20 {
        assert_eq!(walk.next_entry().unwrap().unwrap().depth, depth);
    }
    std::fs::rename(hub.files().join("shared/d"), hub.files().join("shared/moved")).unwrap();
    let rest = std::iter::from_fn(|| walk.next_entry().unwrap()).collect::<Vec<_>>();
    // What was read before is told; nothing ends the walk.
    assert!(rest.iter().all(|entry| entry.depth <= 2), "{rest:?}");
}

#[test]
fn links_and_special_files_are_told_of_and_never_followed() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("d"), false).unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"secret").unwrap();
    for (link, target) in [
        ("d/out", outside.path()),
        ("d/root", std::path::Path::new("/")),
        ("d/self", std::path::Path::new(".")),
    ] {
        symlink(target, hub.files().join("shared").join(link)).unwrap();
    }
    let all = walk(
        &files,
        &shared(""),
        TreeRequest {
            depth: None,
            details: true,
        },
    );
    assert_eq!(paths(&all), [&b"d"[..], b"d/out", b"d/root", b"d/self"]);
    assert!(
        all[1..]
            .iter()
            .all(|(_, entry)| entry.kind == EntryKind::Other && entry.size == 0)
    );
}

#[test]
fn a_directory_that_is_swapped_for_a_link_meanwhile_never_leads_out() {
    let hub = Hub::new();
    let files = hub.open();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"outside").unwrap();
    files.make_directory(&shared("t/d"), true).unwrap();
    put(&files, &shared("t/d/inside"), b"inside", false).unwrap();
    let (directory, link) = (hub.files().join("shared/t/d"), hub.files().join("shared/l"));
    symlink(outside.path(), &link).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, &directory, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        for round in 0..ROUNDS {
            let all = walk(
                &files,
                &shared("t"),
                TreeRequest {
                    depth: None,
                    details: true,
                },
            );
            assert!(
                all.iter().all(|(path, _)| !path.ends_with(b"secret")),
                "round {round}: {all:?}"
            );
            // What is copied or hashed is what is inside, or nothing.
            for place in [shared("t/d/secret"), shared("t/d/inside")] {
                if let Ok(file) = files.read(&place)
                    && files
                        .copy_file(super::hub::ALICE, &file, &shared("copy"), true, &|| Ok(()))
                        .is_ok()
                {
                    assert_eq!(get(&files, &shared("copy")).unwrap(), b"inside", "round {round}");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"outside");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn names_of_any_bytes_are_walked() {
    let hub = Hub::new();
    let files = hub.open();
    let names: [&[u8]; 5] = [&[b'l'; 255], b"-rf", b"a\n\x1b[31m", b"\xd6\xd0", "🚢".as_bytes()];
    for bytes in names {
        let place = Place::new(shared("").space, vec![name("d"), name(bytes)]);
        files.make_directory(&place, true).unwrap();
    }
    let mut expected = names.to_vec();
    expected.sort_unstable();
    let all = walk(&files, &shared("d"), TreeRequest::default());
    assert_eq!(paths(&all), expected);
}

#[test]
fn what_is_to_be_avoided_is_told_of_and_not_entered() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("t/target/below"), true).unwrap();
    let mut walk = files.walk_tree(&shared("t"), TreeRequest::default()).unwrap();
    walk.avoid(&shared("t/target")).unwrap();
    let told = walk.next_entry().unwrap().unwrap();
    assert!(told.error.is_some() && told.name == name("target"));
    assert_eq!(walk.next_entry().unwrap(), None);
}

#[test]
fn pages_of_a_snapshot_are_the_directory_as_it_was_without_what_has_gone() {
    use landline_store::files::ListRequest;
    let hub = Hub::new();
    let files = hub.open();
    for path in ["d/a", "d/b", "d/c", "d/e"] {
        files.make_directory(&shared(path), true).unwrap();
    }
    let snapshot = files.snapshot(&shared("d")).unwrap();
    let page = |after: Option<&Component>, limit: usize| {
        let request = ListRequest {
            after,
            limit,
            byte_limit: 10_000,
        };
        let listing = files.page(&snapshot, &request).unwrap()?;
        let names: Vec<_> = listing
            .entries
            .into_iter()
            .filter_map(|entry| entry.name)
            .collect();
        Some((names, listing.more))
    };
    std::fs::remove_dir(hub.files().join("shared/d/b")).unwrap();
    files.make_directory(&shared("d/d"), false).unwrap();
    assert_eq!(page(None, 2), Some((vec![name("a"), name("c")], true)));
    assert_eq!(page(Some(&name("c")), 2), Some((vec![name("e")], false)));
    std::fs::rename(hub.files().join("shared/d"), hub.files().join("shared/old")).unwrap();
    files.make_directory(&shared("d"), false).unwrap();
    assert_eq!(page(None, 2), None, "it is another directory");
}

//! Listings by pages.

use super::hub::{Hub, name, put, shared};
use landline_model::path::Component;
use landline_model::protocol::files::EntryKind;
use landline_store::files::{Files, FilesError, ListRequest, Listing};

fn page(files: &Files, after: Option<&Component>, limit: usize, byte_limit: usize) -> Listing {
    files
        .list(
            &shared("many"),
            &ListRequest {
                after,
                limit,
                byte_limit,
            },
        )
        .unwrap()
}

/// A directory with files that were put there by other means.
fn many(count: usize) -> (Hub, Files) {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("many"), false).unwrap();
    for index in 0..count {
        std::fs::write(hub.files().join(format!("shared/many/{index:05}")), b"").unwrap();
    }
    (hub, files)
}

#[test]
fn pages_together_are_the_directory_in_order_whatever_their_size() {
    let count = 1234;
    let (_hub, files) = many(count);
    for (limit, byte_limit) in [
        (1000, 1 << 20),
        (100, 1 << 20),
        (617, 1 << 20),
        (1000, 4000),
        (1, 0),
    ] {
        let mut seen: Vec<Component> = Vec::new();
        loop {
            let listing = page(&files, seen.last(), limit, byte_limit);
            assert!(!listing.entries.is_empty() && listing.entries.len() <= limit);
            let lines: usize = listing
                .entries
                .iter()
                .map(|entry| serde_json::to_vec(entry).unwrap().len() + 1)
                .sum();
            assert!(lines <= byte_limit || listing.entries.len() == 1);
            seen.extend(listing.entries.into_iter().filter_map(|entry| entry.name));
            if !listing.more {
                break;
            }
        }
        let expected: Vec<_> = (0..count).map(|index| name(format!("{index:05}"))).collect();
        assert_eq!(seen, expected, "pages of {limit} entries and {byte_limit} bytes");
    }
}

#[test]
fn a_page_behind_the_last_name_is_empty() {
    let (_hub, files) = many(3);
    let listing = page(&files, Some(&name("zzz")), 10, 1000);
    assert_eq!(
        listing,
        Listing {
            entries: Vec::new(),
            more: false
        }
    );
    // The name need not be there any more.
    let names: Vec<_> = page(&files, Some(&name("00000x")), 10, 1000)
        .entries
        .into_iter()
        .filter_map(|entry| entry.name)
        .collect();
    assert_eq!(names, [name("00001"), name("00002")]);
}

#[test]
fn a_space_is_empty_before_anything_is_in_it_and_other_things_are_no_directories() {
    let hub = Hub::new();
    let files = hub.open();
    let all = ListRequest {
        after: None,
        limit: 10,
        byte_limit: 1000,
    };
    assert_eq!(files.list(&shared(""), &all).unwrap().entries, []);
    assert_eq!(files.stat(&shared("")).unwrap().kind, EntryKind::Directory);
    assert!(matches!(
        files.list(&shared("missing"), &all),
        Err(FilesError::NotFound(_))
    ));
    put(&files, &shared("file"), b"1", false).unwrap();
    assert!(matches!(
        files.list(&shared("file"), &all),
        Err(FilesError::WrongKind(_))
    ));
    let entries = files.list(&shared(""), &all).unwrap().entries;
    assert_eq!(entries, [files.stat(&shared("file")).unwrap()]);
}

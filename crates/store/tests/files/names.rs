//! Any byte that a name may have goes in and comes out unchanged.

use super::hub::{ALICE, Hub, get, name, put};
use landline_model::path::Component;
use landline_store::files::{FilesError, ListRequest, Place, SpaceId};

fn nasty() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b" "[..],
        b"two words",
        b"new\nline",
        b"-rf",
        b"--",
        b"back\\slash",
        b"c:d",
        b"...",
        b"%2e%2e%2f",
        b"'\"`$(x)",
        b"\x1b[31mred",
        b"\xd6\xd0\xce\xc4",
        b"\xff\xfe",
        b"*",
        b"?",
        b"~",
        b".hidden",
        b"con",
        b"tab\there",
    ]
    .map(<[u8]>::to_vec)
    .into();
    names.push("🚢 中文 \u{202e}gpj.exe".into());
    names.push(vec![b'x'; 255]);
    names.push("é".repeat(127).into_bytes());
    names.sort();
    names
}

#[test]
fn nasty_names_are_names() {
    let hub = Hub::new();
    let files = hub.open();
    let home = SpaceId::Home(ALICE);
    for bytes in nasty() {
        let directory = Place::new(home, [name(&bytes)]);
        let file = Place::new(home, [name(&bytes), name(&bytes)]);
        files.make_directory(&directory, false).unwrap();
        put(&files, &file, &bytes, false).unwrap();
        assert_eq!(get(&files, &file).unwrap(), bytes);
        assert_eq!(files.stat(&file).unwrap().name, Some(name(&bytes)));
        let moved = Place::new(home, [name(&bytes), name(b"moved")]);
        files.rename(ALICE, &file, &moved, false).unwrap();
        files.rename(ALICE, &moved, &file, false).unwrap();
        let missing = Place::new(home, [name(b"missing"), name(&bytes)]);
        let message = files.stat(&missing).unwrap_err().to_string();
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    let all = ListRequest {
        after: None,
        limit: 1000,
        byte_limit: 1 << 20,
    };
    let listing = files.list(&Place::new(home, []), &all).unwrap();
    let listed: Vec<_> = listing
        .entries
        .iter()
        .map(|entry| entry.name.clone().unwrap())
        .collect();
    let expected: Vec<Component> = nasty().iter().map(name).collect();
    assert_eq!(listed, expected, "in the order of their bytes");
    for bytes in nasty() {
        files
            .remove(ALICE, &Place::new(home, [name(&bytes)]), true)
            .unwrap();
    }
    assert_eq!(hub.trash().len(), nasty().len());
    hub.assert_settled();
}

#[test]
fn homes_are_told_apart_by_id_and_a_space_itself_cannot_be_changed() {
    let hub = Hub::new();
    let files = hub.open();
    let alice = Place::new(SpaceId::Home(ALICE), [name(b"file")]);
    put(&files, &alice, b"1", false).unwrap();
    let bob = Place::new(SpaceId::Home(super::hub::BOB), [name(b"file")]);
    assert!(matches!(files.read(&bob), Err(FilesError::NotFound(_))));
    let home = Place::new(SpaceId::Home(ALICE), []);
    for result in [
        files.remove(ALICE, &home, true),
        files.rename(ALICE, &home, &bob, true),
        files.rename(ALICE, &alice, &home, true),
        files.make_directory(&home, false),
        files.read(&home).map(drop),
    ] {
        assert!(matches!(result, Err(FilesError::WrongKind(_))), "{result:?}");
    }
    files.make_directory(&home, true).unwrap();
    assert_eq!(files.stat(&home).unwrap().name, None);
}

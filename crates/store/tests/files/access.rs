//! Rights on directories: which rule decides, and what it keeps where it is.

use super::hub::{ALICE, BOB, Hub, home, name, put, shared};
use landline_model::access::Right;
use landline_model::role::Role;
use landline_store::files::{ACCESS_RULES_MAX, Files, FilesError, Subject};

fn right(files: &Files, path: &str, role: Role) -> Option<Right> {
    let place = shared(path);
    files.access().right(place.space, &place.components, &ALICE, role)
}

#[test]
fn the_nearest_rule_above_wins_and_the_account_comes_before_the_role_before_everyone() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("a/b/c"), true).unwrap();
    assert_eq!(right(&files, "a/b", Role::Guest), None);
    for (path, subject, given) in [
        ("", Subject::Everyone, Right::Read),
        ("a", Subject::Everyone, Right::None),
        ("a", Subject::Role(Role::Member), Right::Upload),
        ("a", Subject::Account(ALICE), Right::Write),
        ("a/b", Subject::Role(Role::Guest), Right::Read),
        ("a/b/c", Subject::Account(BOB), Right::None),
    ] {
        files.set_access(&shared(path), subject, given).unwrap();
    }
    let check = |files: &Files| {
        for (path, role, expected) in [
            ("", Role::Guest, Right::Read),
            ("ab", Role::Guest, Right::Read),
            ("a", Role::Guest, Right::Write),
            ("a/x/y", Role::Member, Right::Write),
            ("a/b/x", Role::Guest, Right::Read),
            ("a/b/x", Role::Member, Right::Write),
            ("a/b/c/d", Role::Guest, Right::Read),
        ] {
            assert_eq!(right(files, path, role), Some(expected), "{path} {role}");
        }
        let bobs = |path: &str, role| {
            files
                .access()
                .right(shared("").space, &shared(path).components, &BOB, role)
        };
        assert_eq!(bobs("a", Role::Member), Some(Right::Upload));
        assert_eq!(bobs("a", Role::Guest), Some(Right::None));
        assert_eq!(bobs("a/b/c/d", Role::Guest), Some(Right::None));
        let decides = files
            .deciding_rule(&shared("a/b/x"), &ALICE, Role::Guest)
            .unwrap();
        assert_eq!(
            (decides.place, decides.subject),
            (shared("a/b"), Subject::Role(Role::Guest))
        );
    };
    check(&files);
    drop(files);
    let files = hub.open();
    check(&files);
    files
        .remove_access(&shared("a"), Subject::Account(ALICE))
        .unwrap();
    assert_eq!(right(&files, "a", Role::Member), Some(Right::Upload));
    let missing = files.remove_access(&shared("a"), Subject::Account(ALICE));
    assert!(matches!(missing, Err(FilesError::NotFound(_))));
}

#[test]
fn rules_are_set_on_directories_that_are_there_and_there_is_an_end_to_them() {
    let hub = Hub::new();
    let files = hub.open();
    put(&files, &shared("file"), b"x", false).unwrap();
    let set = |path: &str, subject| files.set_access(&shared(path), subject, Right::Read);
    assert!(matches!(
        set("nothing", Subject::Everyone),
        Err(FilesError::NotFound(_))
    ));
    assert!(matches!(
        set("file", Subject::Everyone),
        Err(FilesError::WrongKind(_))
    ));
    assert_eq!(files.access_rules(&shared(""), 0, 10), vec![]);
    let database = hub.database();
    let mut number = 0_u128;
    let mut row = || {
        number += 1;
        let who = [b"a", &number.to_be_bytes()[..]].concat();
        let query = "INSERT INTO access VALUES (X'73', X'', ?1, 'read')";
        database.execute(query, [who]).unwrap();
    };
    (0..ACCESS_RULES_MAX).for_each(|_| row());
    drop(files);
    let files = hub.open();
    let refused = files.set_access(&shared(""), Subject::Everyone, Right::Read);
    assert!(matches!(refused, Err(FilesError::TooLarge(_))), "{refused:?}");
    assert_eq!(
        files.access_rules(&shared("x"), ACCESS_RULES_MAX - 3, 10).len(),
        3
    );
}

#[test]
fn what_has_rules_in_it_stays_where_it_is_until_they_are_gone() {
    let hub = Hub::new();
    let files = hub.open();
    files.make_directory(&shared("a/b"), true).unwrap();
    files.make_directory(&shared("a-b"), true).unwrap();
    files
        .set_access(&shared("a/b"), Subject::Everyone, Right::Read)
        .unwrap();
    let conflict = |result: Result<(), FilesError>| matches!(result, Err(FilesError::Conflict(_)));
    assert!(conflict(files.remove(ALICE, &shared("a"), true)));
    assert!(conflict(files.remove(ALICE, &shared("a/b"), false)));
    assert!(conflict(files.rename(ALICE, &shared("a"), &shared("x"), false)));
    assert!(conflict(files.rename(
        ALICE,
        &shared("a/b"),
        &home(ALICE, "x"),
        false
    )));
    files
        .rename(ALICE, &shared("a-b"), &shared("a-c"), false)
        .unwrap();
    hub.assert_settled();
    files.remove_access(&shared("a/b"), Subject::Everyone).unwrap();
    files.rename(ALICE, &shared("a"), &shared("x"), false).unwrap();
    assert_eq!(files.stat(&shared("x/b")).unwrap().name, Some(name("b")));
}

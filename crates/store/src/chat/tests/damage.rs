use super::*;
use crate::chat::{AuditFault, audit};
use landline_model::chain::{Broken, genesis_hash};

/// A room of ten events and a conversation of one, closed; then changed behind the hub's back.
async fn damaged(change: &str) -> Bench {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    for number in 1..=10 {
        bench.set_clock(1_000 + number);
        send(&chat, message(number)).await.unwrap();
    }
    send(&chat, direct(11)).await.unwrap();
    drop(chat);
    let database = rusqlite::Connection::open(bench.directory.path().join("chat.db")).unwrap();
    database.pragma_update(None, "foreign_keys", false).unwrap();
    assert_eq!(database.execute(change, []).unwrap(), 1, "{change}");
    bench
}

/// Each change of the first room is noticed as what it is, and no other room is blamed.
async fn assert_noticed(changes: &[(&str, AuditFault)]) {
    for (change, expected) in changes {
        let bench = damaged(change).await;
        let audit = audit(bench.directory.path()).unwrap();
        assert!(!audit.intact());
        assert_eq!(audit.rooms[0].verdict.as_ref(), Err(expected), "{change}");
        assert!(audit.rooms[1].verdict.is_ok(), "{change}");
    }
}

#[tokio::test]
async fn an_audit_notices_a_changed_event() {
    // The first changes one bit of one byte.
    let changes = [
        ("body = 'text 4'", Broken::Content(5)),
        ("salt = zeroblob(16)", Broken::Content(5)),
        ("sender = zeroblob(16)", Broken::Chain(5)),
        ("client_id = zeroblob(16)", Broken::Chain(5)),
        (
            "content_hash = zeroblob(32), salt = NULL, body = NULL",
            Broken::Chain(5),
        ),
        ("hash = zeroblob(32)", Broken::Chain(5)),
        ("kind = 'massage'", Broken::Chain(5)),
        ("target = 1", Broken::Chain(5)),
        ("time = 1", Broken::Time(5)),
    ];
    for (change, expected) in changes {
        let change = format!("UPDATE events SET {change} WHERE room = 1 AND sequence = 5");
        assert_noticed(&[(&change, AuditFault::Event(expected))]).await;
    }
}

#[tokio::test]
async fn an_audit_notices_a_missing_event() {
    let gap = |expected| {
        AuditFault::Event(Broken::Gap {
            expected,
            found: expected + 1,
        })
    };
    assert_noticed(&[
        ("DELETE FROM events WHERE room = 1 AND sequence = 5", gap(5)),
        ("DELETE FROM events WHERE room = 1 AND sequence = 1", gap(1)),
        (
            "DELETE FROM events WHERE room = 1 AND sequence = 10",
            AuditFault::End {
                recorded: 10,
                found: 9,
            },
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_audit_notices_a_changed_record() {
    assert_noticed(&[
        (
            "UPDATE rooms SET head_sequence = 9 WHERE room = 1",
            AuditFault::End {
                recorded: 9,
                found: 10,
            },
        ),
        (
            "UPDATE rooms SET head_hash = zeroblob(32) WHERE room = 1",
            AuditFault::Head(10),
        ),
        (
            "UPDATE rooms SET head_time = 7 WHERE room = 1",
            AuditFault::Head(10),
        ),
        (
            "UPDATE rooms SET original_name = 'generaI' WHERE room = 1",
            AuditFault::Genesis,
        ),
        (
            "UPDATE rooms SET creator = zeroblob(16) WHERE room = 1",
            AuditFault::Genesis,
        ),
        (
            "UPDATE rooms SET kind = 'secret' WHERE room = 1",
            AuditFault::Genesis,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_is_damage_and_no_failure() {
    let changes = [
        (
            "UPDATE events SET body = CAST(x'ff' AS TEXT) WHERE room = 1 AND sequence = 5",
            4,
        ),
        (
            "UPDATE events SET hash = x'00' WHERE room = 1 AND sequence = 5",
            4,
        ),
        ("UPDATE events SET salt = NULL WHERE room = 1 AND sequence = 5", 4),
        (
            "UPDATE events SET kind = 'No Kind' WHERE room = 1 AND sequence = 1",
            0,
        ),
        ("UPDATE events SET time = -1 WHERE room = 1 AND sequence = 2", 1),
        ("UPDATE rooms SET id = x'00' WHERE room = 1", 0),
        ("UPDATE rooms SET kind = 'No Kind' WHERE room = 1", 0),
    ];
    for (change, expected) in changes {
        let bench = damaged(change).await;
        let audit = audit(bench.directory.path()).unwrap();
        let verdict = &audit.rooms[0].verdict;
        assert!(
            matches!(verdict, Err(AuditFault::Unreadable { after, .. }) if *after == expected),
            "{change}: {audit:?}"
        );
        assert!(audit.rooms[1].verdict.is_ok(), "{change}");
    }
}

#[tokio::test]
async fn a_room_without_a_record_is_noticed() {
    let audit = audit(damaged("DELETE FROM rooms WHERE room = 2").await.directory.path()).unwrap();
    assert!(!audit.intact());
    assert_eq!((audit.rooms.len(), audit.strays), (1, 1));
}

#[tokio::test]
async fn a_text_that_is_gone_without_its_deletion_in_the_log_is_damage() {
    let erase = "UPDATE events SET salt = NULL, body = NULL WHERE room = 1 AND sequence = 5";
    assert_noticed(&[(erase, AuditFault::Event(Broken::Erased(5)))]).await;
    let bench = damaged(erase).await;
    let chat = bench.open();
    assert_eq!(events(&chat, &ROOM)[4].content, None);
    // It cannot be deleted afterwards, as though nothing had happened.
    let deletion = act(20, Act::Delete { message: 5 });
    assert_eq!(send(&chat, deletion).await, Err(StoreError::NotFound));
}

/// A room that a newer hub made is kept, chained and shown by its id; which of its rooms this one lets anybody into is
/// the hub's business.
#[tokio::test]
async fn a_room_of_a_kind_of_a_later_version_is_loaded_and_verified_and_listed_for_nobody() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let mut genesis = chat.room(&ROOM).unwrap().genesis;
    drop(chat);
    genesis.kind = RoomKind::try_from("secret".to_owned()).unwrap();
    let hash = genesis_hash(&genesis);
    let database = rusqlite::Connection::open(bench.directory.path().join("chat.db")).unwrap();
    database
        .execute(
            "UPDATE rooms SET kind = 'secret', genesis_hash = ?1, head_hash = ?1",
            [hash.as_bytes()],
        )
        .unwrap();
    drop(database);
    assert!(audit(bench.directory.path()).unwrap().intact());
    let chat = bench.open();
    assert_eq!(chat.room(&ROOM).unwrap().genesis, genesis);
    assert!(chat.rooms_for(&ALICE, None, 100).is_empty());
}

#[tokio::test]
async fn a_hub_does_not_write_on_where_the_end_is_missing() {
    for change in [
        "DELETE FROM events WHERE room = 1 AND sequence = 10",
        "UPDATE events SET hash = zeroblob(32) WHERE room = 1 AND sequence = 10",
        "UPDATE rooms SET creator = zeroblob(16) WHERE room = 1",
        "UPDATE rooms SET kind = 'secret' WHERE room = 1",
    ] {
        let bench = damaged(change).await;
        let error = Chat::open(bench.directory.path(), bench.options()).unwrap_err();
        let StoreError::Corrupt(message) = error else {
            panic!("{error}")
        };
        assert!(
            message.contains(&ROOM.to_string()) && message.contains("`landline audit --data DIR`"),
            "{message}"
        );
    }
}

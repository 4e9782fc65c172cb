use super::*;
use crate::chat::audit;
use std::os::unix::fs::PermissionsExt as _;

/// Lets the database grow to `pages` pages, or (`None`) as it likes; a full disk that a test can fill and empty.
async fn limit(chat: &Chat, pages: Option<i64>) {
    chat.writer
        .run(move |connection, _| {
            let now: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let limit = pages.map_or(1 << 30, |pages| now + pages);
            connection.pragma_update(None, "max_page_count", limit)?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_acknowledges_nobody_and_changes_nothing() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let before = send(&chat, message(1)).await.unwrap();
    limit(&chat, Some(3)).await;

    let release = hold(&chat).await;
    let mut outcomes = Vec::new();
    for number in 2..=40 {
        outcomes.push(
            queue(
                &chat,
                Append {
                    text: "x".repeat(4000),
                    ..message(number)
                },
            )
            .await,
        );
    }
    let person = queue(&chat, direct(41)).await;
    let (done, barrier) = completion();
    chat.barrier(done).await;
    drop(release);
    for outcome in outcomes {
        assert_eq!(outcome.await, Err(StoreError::StorageFull));
    }
    assert_eq!(person.await, Err(StoreError::StorageFull));
    barrier.await.unwrap();
    assert_eq!(chat.room(&ROOM).unwrap().head, before.head);
    assert_eq!(chat.find_direct(ALICE, BOB), None);
    assert_eq!(events(&chat, &ROOM).len(), 1);
    assert_eq!(bench.delivered().len(), 1);

    limit(&chat, None).await;
    let after = send(&chat, message(2)).await.unwrap();
    assert_eq!(
        (after.sequence, after.duplicate),
        (2, false),
        "it works again when there is space"
    );
    assert_eq!(send(&chat, direct(41)).await.unwrap().sequence, 1);
    assert!(audit(bench.directory.path()).unwrap().intact());
    drop(chat);
    assert_eq!(bench.open().room(&ROOM).unwrap().head, after.head);
}

/// What there is to know of the room in memory and on the disk, but for time.
async fn everything(bench: &Bench, chat: &Chat) -> String {
    // What was told is delivered then.
    let (done, barrier) = completion();
    chat.barrier(done).await;
    barrier.await.unwrap();
    let people = [true, false].map(|members| chat.members(&ROOM, members, None, 100));
    let room = chat.room(&ROOM).unwrap();
    let folds = chat.folds(&ROOM, &ALICE, &[4]).unwrap();
    let events = events(chat, &ROOM);
    format!("{room:?} {people:?} {folds:?} {events:?} {:?}", bench.delivered())
}

/// Alice gives the room a topic.
fn topic(number: u64, text: &str) -> Append {
    Append {
        text: text.to_owned(),
        ..act(number, Act::Topic {})
    }
}

/// More than fits where the disk is full, upon a room in which Bob and Carol are members and event 4 is a message.
fn acts_of_all_kinds() -> Vec<Append> {
    let reason = String::new;
    let acts = [
        Act::Slow { seconds: 60 },
        Act::React {
            message: 4,
            reaction: "+".to_owned(),
        },
        Act::Mute {
            who: BOB,
            seconds: 600,
            reason: reason(),
        },
        Act::Kick {
            who: CAROL,
            reason: reason(),
        },
        Act::Delete { message: 4 },
    ];
    let mut group = vec![message(8), topic(9, "after")];
    group.extend((10..).zip(acts).map(|(number, what)| act(number, what)));
    group.extend((20..26).map(|number| Append {
        text: "x".repeat(16_000),
        ..message(number)
    }));
    group.push(direct(30));
    group
}

#[tokio::test]
async fn a_full_disk_in_a_group_of_all_kinds_of_acts_leaves_everybody_where_they_were() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, act_by(BOB, 1, Act::Join {})).await.unwrap();
    send(&chat, act_by(CAROL, 2, Act::Join {})).await.unwrap();
    send(&chat, topic(3, "before")).await.unwrap();
    send(&chat, message(4)).await.unwrap();
    let before = everything(&bench, &chat).await;
    limit(&chat, Some(3)).await;

    let release = hold(&chat).await;
    let mut outcomes = Vec::new();
    for append in acts_of_all_kinds() {
        outcomes.push(queue(&chat, append).await);
    }
    drop(release);
    for outcome in outcomes {
        assert_eq!(outcome.await, Err(StoreError::StorageFull));
    }
    assert_eq!(everything(&bench, &chat).await, before);
    assert_eq!(chat.find_direct(ALICE, BOB), None);

    limit(&chat, None).await;
    for append in acts_of_all_kinds() {
        assert!(!send(&chat, append).await.unwrap().duplicate);
    }
    assert_eq!(standing(&chat, CAROL), Standing::Kicked);
    assert_eq!(&*chat.room(&ROOM).unwrap().topic, "after");
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn a_refused_event_harms_no_other_of_its_group() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let release = hold(&chat).await;
    let first = queue(&chat, message(1)).await;
    // It would make the conversation, were its target not missing.
    let refused = queue(
        &chat,
        Append {
            act: Act::Say { reply_to: Some(1) },
            ..direct(2)
        },
    )
    .await;
    let taken = {
        let (done, outcome) = completion();
        let new = NewRoom {
            id: RoomId::from_bytes([3; 16]),
            name: "General".parse().unwrap(),
            creator: BOB,
            kind: RoomKind::Public,
        };
        chat.create_room(new, done).await;
        outcome
    };
    let second = queue(&chat, message(4)).await;
    drop(release);
    assert_eq!(first.await.unwrap().sequence, 1);
    assert_eq!(refused.await, Err(StoreError::NotFound));
    assert_eq!(taken.await, Err(StoreError::NameTaken));
    assert_eq!(second.await.unwrap().sequence, 2);
    assert_eq!(chat.find_direct(ALICE, BOB), None);
    assert_eq!(
        send(&chat, direct(2)).await.unwrap().sequence,
        1,
        "a refused client id is still free"
    );
}

#[tokio::test]
async fn what_was_queued_is_written_before_the_store_ends() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let release = hold(&chat).await;
    let mut outcomes = Vec::new();
    for number in 1..=100 {
        outcomes.push(queue(&chat, message(number)).await);
    }
    let ended = tokio::task::spawn_blocking(move || drop(chat));
    drop(release);
    ended.await.unwrap();
    for (outcome, expected) in outcomes.into_iter().zip(1..) {
        assert_eq!(outcome.await.unwrap().sequence, expected);
    }
    assert_eq!(bench.open().room(&ROOM).unwrap().head.sequence, 100);
}

#[tokio::test]
async fn databases_are_for_their_owner_alone() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let files: Vec<_> = std::fs::read_dir(bench.directory.path())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            file.path()
        );
    }
    drop(chat);
}

#[tokio::test]
async fn a_commit_is_synced_before_it_is_acknowledged() {
    // What SQLite then does, in which order, is for a test that watches the system calls.
    let chat = Bench::new().open();
    let settings = chat.writer.run(|connection, _| {
        let integer = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok::<_, StoreError>((
            mode,
            integer("synchronous")?,
            integer("foreign_keys")?,
            integer("temp_store")?,
        ))
    });
    let (full, on, memory) = (2, 1, 2);
    assert_eq!(settings.await.unwrap(), ("wal".to_owned(), full, on, memory));
}

#[test]
fn databases_of_others_are_refused_and_left_alone() {
    let open = |prepare: &dyn Fn(&rusqlite::Connection)| {
        let bench = Bench::new();
        let path = bench.directory.path().join("chat.db");
        let database = rusqlite::Connection::open(&path).unwrap();
        prepare(&database);
        drop(database);
        let before = std::fs::read(&path).unwrap();
        let error = Chat::open(bench.directory.path(), bench.options()).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        error
    };
    let newer = |database: &rusqlite::Connection| {
        database
            .pragma_update(None, "application_id", crate::chat::SCHEMA.application_id)
            .unwrap();
        database.pragma_update(None, "user_version", 99).unwrap();
    };
    assert!(matches!(
        open(&newer),
        StoreError::NewerVersion {
            found: 99,
            known: 2,
            ..
        }
    ));
    let other = |database: &rusqlite::Connection| database.execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(open(&other), StoreError::Corrupt(_)));

    let bench = Bench::new();
    std::fs::write(
        bench.directory.path().join("chat.db"),
        "no database at all, but long enough".repeat(99),
    )
    .unwrap();
    assert!(matches!(
        Chat::open(bench.directory.path(), bench.options()),
        Err(StoreError::Corrupt(_))
    ));
    assert_eq!(
        audit(tempfile::tempdir().unwrap().path()).unwrap_err(),
        StoreError::NotFound
    );
}

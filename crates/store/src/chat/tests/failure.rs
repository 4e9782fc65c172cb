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
                    body: "x".repeat(4000),
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
            target: Some(1),
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
            known: 1,
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

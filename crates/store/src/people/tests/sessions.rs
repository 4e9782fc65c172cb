use super::*;
use crate::people::Asker;
use crate::people::SESSIONS_PER_ACCOUNT_MAX;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_session_ends_when_it_is_not_used() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    bench.pass(IDLE - MINUTE);
    people.resume(&secret(1), IDLE).await.unwrap();
    bench.pass(IDLE - MINUTE);
    people
        .resume(&secret(1), IDLE)
        .await
        .expect("it was used in between");
    drop(people);
    let people = bench.open();
    bench.pass(IDLE - MINUTE);
    people
        .resume(&secret(1), IDLE)
        .await
        .expect("its use was written down");
}

#[tokio::test]
async fn a_session_ends_in_time_however_much_it_is_used() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    for _ in 0..5 {
        bench.pass(LIFETIME / 6);
        people.resume(&secret(1), IDLE).await.unwrap();
    }
    bench.pass(LIFETIME / 6);
    assert_eq!(
        people.resume(&secret(1), IDLE).await,
        Err(StoreError::SessionExpired)
    );
}

#[tokio::test]
async fn a_clock_set_back_revives_nothing() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    member(&people, 2, "carol").await;
    bench.pass(IDLE);
    assert_eq!(
        people.resume(&secret(1), IDLE).await,
        Err(StoreError::SessionExpired)
    );
    // Something is written, and with it the time.
    invite(&people, 3, Role::Guest, 1).await.unwrap();
    bench.set_back(IDLE);
    assert_eq!(
        people.resume(&secret(1), IDLE).await,
        Err(StoreError::SessionExpired)
    );
    drop(people);
    let people = bench.open();
    assert_eq!(
        people.resume(&secret(2), IDLE).await,
        Err(StoreError::SessionExpired),
        "nor does a restart"
    );
}

#[tokio::test]
async fn being_seen_is_written_once_a_minute() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    let database = rusqlite::Connection::open(bench.directory.path().join("people.db")).unwrap();
    let seen = || {
        database
            .query_row("SELECT last_seen FROM sessions", [], |row| row.get::<_, u32>(0))
            .unwrap()
    };
    assert_eq!(seen(), 1_000_000);
    bench.pass(MINUTE - Duration::from_millis(1));
    people.resume(&secret(1), IDLE).await.unwrap();
    assert_eq!(seen(), 1_000_000);
    bench.pass(Duration::from_millis(1));
    people.resume(&secret(1), IDLE).await.unwrap();
    assert_eq!(seen(), 1_060_000);
}

#[tokio::test]
async fn an_ended_session_is_unknown_and_ends_once() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    assert_eq!(people.open_session(bob.id, phc(1), session(2)).await.unwrap(), []);
    for _ in 0..2 {
        people.end_session(session(1).id).await.unwrap();
        assert!(!people.session_is_open(&session(1).id) && people.session_is_open(&session(2).id));
        assert_eq!(
            people.resume(&secret(1), IDLE).await,
            Err(StoreError::SessionUnknown)
        );
    }
    people
        .resume(&secret(2), IDLE)
        .await
        .expect("the other one goes on");
    let nobody = AccountId::from_bytes([99; 16]);
    assert_eq!(
        people.open_session(nobody, phc(1), session(3)).await,
        Err(StoreError::NotFound)
    );
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_of_its_account_alone() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    member(&people, 2, "carol").await;
    for number in [3, 4] {
        people
            .open_session(bob.id, phc(1), session(number))
            .await
            .unwrap();
    }
    let phc = "$argon2id$new".to_owned();
    let mut ended = people
        .set_password(bob.id, Some(self::phc(1)), phc.clone(), session(3).id)
        .await
        .unwrap();
    ended.sort_unstable();
    assert_eq!(ended, [session(1).id, session(4).id]);
    for people in [people, bench.open()] {
        for number in [1, 4] {
            assert_eq!(
                people.resume(&secret(number), IDLE).await,
                Err(StoreError::SessionUnknown)
            );
        }
        for number in [2, 3] {
            people.resume(&secret(number), IDLE).await.unwrap();
        }
        assert_eq!(people.credentials(&bob.name).unwrap().1.as_ref(), Some(&phc));
    }
}

#[tokio::test]
async fn the_session_that_was_not_seen_the_longest_makes_room() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 0, "bob").await;
    let most = u8::try_from(SESSIONS_PER_ACCOUNT_MAX).unwrap();
    for number in 1..most {
        bench.pass(MINUTE);
        assert_eq!(
            people
                .open_session(bob.id, phc(0), session(number))
                .await
                .unwrap(),
            []
        );
    }
    bench.pass(MINUTE);
    people.resume(&secret(0), IDLE).await.unwrap();
    bench.pass(MINUTE);
    assert_eq!(
        people.open_session(bob.id, phc(0), session(most)).await.unwrap(),
        [session(1).id]
    );
    assert_eq!(
        people.resume(&secret(1), IDLE).await,
        Err(StoreError::SessionUnknown)
    );
    people.resume(&secret(0), IDLE).await.unwrap();
}

#[tokio::test]
async fn a_sweep_removes_what_has_ended_and_nothing_else() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    bench.pass(IDLE - MINUTE);
    people.open_session(bob.id, phc(1), session(2)).await.unwrap();
    assert_eq!(people.sweep(IDLE, vec![]).await.unwrap(), []);
    bench.pass(MINUTE);
    assert_eq!(
        people.sweep(IDLE, vec![]).await.unwrap(),
        [session(1).id],
        "not used"
    );
    assert_eq!(
        people.resume(&secret(1), IDLE).await,
        Err(StoreError::SessionUnknown)
    );
    bench.pass(LIFETIME - MINUTE);
    assert_eq!(
        people.sweep(LIFETIME * 9, vec![]).await.unwrap(),
        [session(2).id],
        "its time is over"
    );
    assert_eq!(people.sweep(Duration::MAX, vec![]).await.unwrap(), []);
}

#[tokio::test]
async fn people_can_get_in_when_the_disk_is_full() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    people
        .writer
        .run(|connection, _| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_update(None, "max_page_count", pages)?;
            // From now on whatever is noted makes the database grow.
            connection.execute_batch(
                "CREATE TEMP TRIGGER full AFTER UPDATE OF last_seen ON main.sessions BEGIN
                     UPDATE sessions SET device = zeroblob(100000) || '' WHERE id = new.id;
                 END",
            )?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    bench.pass(MINUTE);
    let touched = people.writer.run(|transaction, state| {
        super::super::sessions::touch(transaction, state, SessionId::from_bytes([1; 16]))
    });
    assert_eq!(touched.await, Err(StoreError::StorageFull));
    assert_eq!(people.resume(&secret(1), IDLE).await.unwrap().account, bob);
}

#[tokio::test]
async fn who_verified_a_password_that_was_changed_meanwhile_gets_no_session() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    let set = |verified, new| people.set_password(bob.id, verified, new, session(1).id);
    set(Some(phc(1)), phc(7)).await.unwrap();
    assert_eq!(
        people.open_session(bob.id, phc(1), session(2)).await,
        Err(StoreError::PasswordChanged)
    );
    for verified in [None, Some(phc(1))] {
        assert_eq!(set(verified, phc(8)).await, Err(StoreError::PasswordChanged));
    }
    assert_eq!(people.open_session(bob.id, phc(7), session(2)).await, Ok(vec![]));
}

#[tokio::test]
async fn a_session_that_was_revoked_meanwhile_sets_no_password() {
    let bench = Bench::new();
    let people = bench.open();
    let passwordless = NewAccount {
        password: None,
        ..account(1, "bob")
    };
    invite(&people, 1, Role::Member, 1).await.unwrap();
    people
        .join(token(1), passwordless, session(1), IDLE)
        .await
        .unwrap();
    let bob = Asker {
        account: account(1, "bob").id,
        role: Role::Member,
        session: session(1).id,
    };
    people.end_session(bob.session).await.unwrap();
    let asked = people.asked_by(bob);
    let set = asked.set_password(bob.account, None, phc(7), bob.session);
    assert_eq!(set.await, Err(StoreError::SessionUnknown));
    let name = "bob".parse().unwrap();
    assert_eq!(people.credentials(&name).unwrap().1, None);
}

#[tokio::test]
async fn a_session_with_an_open_connection_is_in_use() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    let in_use = || vec![session(1).id, session(9).id];
    bench.pass(IDLE - MINUTE);
    assert_eq!(people.sweep(IDLE, in_use()).await, Ok(vec![]));
    bench.pass(IDLE - MINUTE);
    assert_eq!(
        people.sweep(IDLE, vec![]).await,
        Ok(vec![]),
        "seen at the last sweep"
    );
    bench.pass(LIFETIME);
    assert_eq!(
        people.sweep(IDLE, in_use()).await,
        Ok(vec![session(1).id]),
        "its time is over all the same"
    );
}

#[tokio::test]
async fn the_use_of_an_open_session_is_noted_once_an_hour() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    let database = rusqlite::Connection::open(bench.directory.path().join("people.db")).unwrap();
    let seen = || -> u64 {
        let seen = database.query_row("SELECT last_seen FROM sessions", [], |row| row.get(0));
        seen.map(i64::cast_unsigned).unwrap()
    };
    let before = seen();
    bench.pass(MINUTE * 59);
    people.sweep(IDLE, vec![session(1).id]).await.unwrap();
    assert_eq!(seen(), before);
    bench.pass(MINUTE);
    people.sweep(IDLE, vec![session(1).id]).await.unwrap();
    assert_eq!(seen(), before + 60 * 60 * 1000);
}

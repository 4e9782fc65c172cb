use super::*;

#[tokio::test]
async fn who_joins_is_known_and_stays_so() {
    let bench = Bench::new();
    let people = bench.open();
    assert!(!people.has_admin() && !people.open_admin_invite_exists().await.unwrap());
    assert_eq!(
        invite(&people, 1, Role::Admin, 1).await.unwrap(),
        Timestamp(1_000_000).plus(DAY)
    );
    assert!(people.open_admin_invite_exists().await.unwrap());
    let alice = people
        .join(token(1), account(1, "Alice"), session(1), IDLE)
        .await
        .unwrap()
        .account;
    assert_eq!((alice.name.as_str(), alice.role), ("Alice", Role::Admin));
    assert!(people.has_admin() && !people.open_admin_invite_exists().await.unwrap());

    for people in [people, bench.open()] {
        assert_eq!(people.account(&alice.id).as_ref(), Some(&alice));
        assert_eq!(
            people.account_by_name(&"ＡＬＩＣＥ".parse().unwrap()).as_ref(),
            Some(&alice)
        );
        let credentials = people.credentials(&"alice".parse().unwrap());
        assert_eq!(credentials, Some((alice.clone(), account(1, "Alice").password)));
        assert_eq!(people.credentials(&"bob".parse().unwrap()), None);
        let resumed = people.resume(&secret(1), IDLE).await.unwrap();
        assert_eq!((&resumed.account, resumed.session), (&alice, session(1).id));
        assert_eq!(resumed.expires, Timestamp(1_000_000).plus(LIFETIME));
    }
}

#[tokio::test]
async fn an_invitation_is_refused_with_its_reason() {
    let bench = Bench::new();
    let people = bench.open();
    let join = |number| people.join(token(number), account(9, "nina"), session(9), IDLE);
    assert_eq!(join(1).await, Err(StoreError::InviteUnknown));
    member(&people, 2, "bob").await;
    assert_eq!(join(2).await, Err(StoreError::InviteUsed));
    invite(&people, 3, Role::Guest, 5).await.unwrap();
    bench.pass(DAY);
    assert_eq!(join(3).await, Err(StoreError::InviteExpired));
    people.sweep(IDLE, vec![]).await.unwrap();
    bench.set_back(DAY);
    assert_eq!(
        join(3).await,
        Err(StoreError::InviteExpired),
        "with the clock set back"
    );
    drop(people);
    let people = bench.open();
    let join = |number| people.join(token(number), account(9, "nina"), session(9), IDLE);
    assert_eq!(
        join(3).await,
        Err(StoreError::InviteExpired),
        "and after a restart"
    );
    bench.pass(DAY * 32);
    people.sweep(IDLE, vec![]).await.unwrap();
    assert_eq!(
        join(3).await,
        Err(StoreError::InviteUnknown),
        "forgotten in the end"
    );
    assert_eq!(people.account_by_name(&"nina".parse().unwrap()), None);
}

#[tokio::test]
async fn a_taken_name_uses_no_invitation_up() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "bob").await;
    invite(&people, 2, Role::Member, 1).await.unwrap();
    let taken = people.join(token(2), account(2, "BOB"), session(2), IDLE).await;
    assert_eq!(taken, Err(StoreError::NameTaken));
    assert_eq!(
        people.resume(&secret(2), IDLE).await,
        Err(StoreError::SessionUnknown)
    );
    let mut long = session(2);
    long.device = "x".repeat(65);
    assert_eq!(
        people.join(token(2), account(2, "carol"), long, IDLE).await,
        Err(StoreError::TooLarge)
    );
    assert_eq!(people.account_by_name(&"carol".parse().unwrap()), None);
    people
        .join(token(2), account(2, "carol"), session(2), IDLE)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_race_for_one_use_one_wins() {
    let bench = Bench::new();
    let people = bench.open();
    invite(&people, 1, Role::Member, 1).await.unwrap();
    let racers: Vec<_> = (2..22_u8)
        .map(|number| {
            let people = people.clone();
            tokio::spawn(async move {
                people
                    .join(
                        token(1),
                        account(number, &format!("racer{number}")),
                        session(number),
                        IDLE,
                    )
                    .await
            })
        })
        .collect();
    let mut winners = Vec::new();
    for racer in racers {
        match racer.await.unwrap() {
            Ok(account) => winners.push(account),
            Err(error) => assert_eq!(error, StoreError::InviteUsed),
        }
    }
    assert_eq!(winners.len(), 1);
    let known = (2..22_u8).filter(|number| people.account(&AccountId::from_bytes([*number; 16])).is_some());
    assert_eq!(known.count(), 1);
}

#[tokio::test]
async fn no_secret_is_stored_in_clear() {
    let bench = Bench::new();
    let people = bench.open();
    let token = Token::from_bytes([0xa7; 16]);
    let secret = SessionSecret::from_bytes([0x5c; 32]);
    let invite = NewInvite {
        token_hash: token_hash(&token),
        role: Role::Guest,
        uses: 1,
        lifetime: DAY,
        created_by: None,
    };
    people.create_invite(invite).await.unwrap();
    let session = NewSession {
        secret_hash: secret_hash(&secret),
        ..session(2)
    };
    people
        .join(token_hash(&token), account(1, "bob"), session, IDLE)
        .await
        .unwrap();
    drop(people);
    let mut searched = 0;
    for file in std::fs::read_dir(bench.directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(16)
                .any(|window| window == token.as_bytes() || secret.as_bytes().starts_with(window))
        );
        searched += bytes.len();
    }
    assert!(searched > 0);
}

#[tokio::test]
async fn a_disabled_account_lets_nobody_in() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    drop(people);
    let database = rusqlite::Connection::open(bench.directory.path().join("people.db")).unwrap();
    assert_eq!(
        database.execute("UPDATE accounts SET disabled = 1", []).unwrap(),
        1
    );
    drop(database);
    let people = bench.open();
    assert_eq!(
        people.resume(&secret(1), IDLE).await,
        Err(StoreError::SessionUnknown)
    );
    assert_eq!(people.credentials(&bob.name), None);
    assert_eq!(
        people.open_session(bob.id, phc(1), session(2)).await,
        Err(StoreError::NotFound)
    );
    assert_eq!(
        people.account(&bob.id),
        Some(bob),
        "the name still belongs to somebody"
    );
}

#[tokio::test]
async fn joining_again_with_the_same_secret_is_the_same_join() {
    let bench = Bench::new();
    let people = bench.open();
    invite(&people, 1, Role::Member, 1).await.unwrap();
    let join = |id| people.join(token(1), account(id, "bob"), session(id), IDLE);
    let first = join(1).await.unwrap();
    assert_eq!(people.open_invite(token(1)).await, Err(StoreError::InviteUsed));
    let again = NewSession {
        id: SessionId::from_bytes([9; 16]),
        ..session(1)
    };
    let second = people
        .join(token(1), account(9, "bob"), again, IDLE)
        .await
        .unwrap();
    assert_eq!(second, first);
    assert_eq!(join(2).await, Err(StoreError::InviteUsed), "with another secret");
}

#[tokio::test]
async fn joining_again_revives_no_session_that_has_ended_by_itself() {
    let bench = Bench::new();
    let people = bench.open();
    invite(&people, 1, Role::Member, 9).await.unwrap();
    // The invitation is still good, the session is not.
    people
        .join(token(1), account(1, "bob"), session(1), IDLE)
        .await
        .unwrap();
    bench.pass(IDLE / 2);
    for (idle, expected) in [(IDLE, Ok(())), (IDLE / 2, Err(StoreError::SessionExpired))] {
        let again = people.join(token(1), account(9, "eve"), session(1), idle);
        assert_eq!(again.await.map(drop), expected);
    }
}

#[tokio::test]
async fn an_invitation_to_a_role_of_a_later_version_is_kept_for_that_version() {
    let bench = Bench::new();
    let people = bench.open();
    invite(&people, 1, Role::Member, 1).await.unwrap();
    let database = rusqlite::Connection::open(bench.directory.path().join("people.db")).unwrap();
    database
        .execute("UPDATE invites SET role = 'operator'", [])
        .unwrap();
    assert_eq!(
        people.open_invite(token(1)).await,
        Err(StoreError::InviteRoleUnknown)
    );
    let joined = people.join(token(1), account(1, "bob"), session(1), IDLE).await;
    assert_eq!(joined, Err(StoreError::InviteRoleUnknown));
    let uses = database.query_row("SELECT uses_left FROM invites", [], |row| row.get(0));
    assert_eq!(uses, Ok(1));
}

#[tokio::test]
async fn of_the_hubs_own_admin_invitations_the_last_ones_are_good() {
    let bench = Bench::new();
    let people = bench.open();
    invite(&people, 1, Role::Member, 1).await.unwrap();
    for number in 2..=9 {
        invite(&people, number, Role::Admin, 1).await.unwrap();
        assert_eq!(
            people.open_invite(token(number)).await.map(drop),
            Ok(()),
            "the newest"
        );
    }
    assert_eq!(people.open_invite(token(1)).await.map(drop), Ok(()), "no admin's");
    let mut open = 0;
    for number in 2..=9 {
        open += usize::from(people.open_invite(token(number)).await.is_ok());
    }
    assert_eq!(open, 4);
}

#[tokio::test]
async fn invitations_that_have_ended_leave_room_for_others() {
    let bench = Bench::new();
    drop(bench.open());
    let mut database = rusqlite::Connection::open(bench.directory.path().join("people.db")).unwrap();
    let transaction = database.transaction().unwrap();
    for number in 0..crate::people::INVITES_MAX {
        let mut token_hash = [0xee; 32];
        token_hash[..8].copy_from_slice(&number.to_be_bytes());
        transaction
            .prepare_cached("INSERT INTO invites VALUES (?1, 'member', 1, 0, NULL, 2000000)")
            .unwrap()
            .execute([token_hash])
            .unwrap();
    }
    transaction.commit().unwrap();
    let people = bench.open();
    assert_eq!(
        invite(&people, 1, Role::Member, 1).await,
        Err(StoreError::TooMany {
            what: "open invitations",
            max: crate::people::INVITES_MAX
        })
    );
    // A hub without an admin invites one all the same.
    invite(&people, 2, Role::Admin, 1).await.unwrap();
    bench.pass(Duration::from_secs(1_000));
    invite(&people, 1, Role::Member, 1).await.unwrap();
}

#[tokio::test]
async fn an_admin_whom_nobody_can_be_any_more_is_out_of_reach() {
    let bench = Bench::new();
    let people = bench.open();
    invite(&people, 1, Role::Admin, 1).await.unwrap();
    let passwordless = NewAccount {
        password: None,
        ..account(1, "alice")
    };
    assert!(!people.has_reachable_admin(IDLE));
    people
        .join(token(1), passwordless, session(1), IDLE)
        .await
        .unwrap();
    member(&people, 2, "bob").await;
    assert!(people.has_reachable_admin(IDLE), "by her session");
    bench.pass(IDLE);
    assert!(
        people.has_admin() && !people.has_reachable_admin(IDLE),
        "not used in time"
    );
    bench.set_back(IDLE);
    people
        .set_password(AccountId::from_bytes([1; 16]), None, phc(1), session(1).id)
        .await
        .unwrap();
    people.end_session(session(1).id).await.unwrap();
    assert!(people.has_reachable_admin(IDLE), "by her password");
}

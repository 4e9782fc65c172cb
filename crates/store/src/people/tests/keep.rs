use super::*;
use crate::people::schema::SCHEMA;
use crate::people::{Asker, NewToken, OpenInvite, Sealed, TOKENS_PER_ACCOUNT_MAX, TokenFor};
use landline_model::denied::Denied;

async fn admin(people: &People, number: u8, name: &str) -> AccountId {
    invite(people, number, Role::Admin, 1).await.unwrap();
    people
        .join(token(number), account(number, name), session(number), IDLE)
        .await
        .unwrap()
        .account
        .id
}

fn new_token(number: u8, lifetime: Duration) -> NewToken {
    NewToken {
        id: SessionId::from_bytes([number; 16]),
        sealed: Sealed(vec![number; 60]),
        device: format!("script {number}"),
        lifetime,
    }
}

#[tokio::test]
async fn nobody_gets_into_a_disabled_account_by_any_way() {
    let bench = Bench::new();
    let people = bench.open();
    admin(&people, 1, "alice").await;
    let bob = member(&people, 2, "bob").await;
    people
        .create_token(TokenFor::Account(bob.id), new_token(9, DAY))
        .await
        .unwrap();
    let mut ended = people.disable(bob.id, IDLE).await.unwrap();
    ended.sort();
    assert_eq!(ended, [session(2).id, new_token(9, DAY).id]);
    for people in [people, bench.open()] {
        assert_eq!(people.role(&bob.id), None);
        assert_eq!(
            people.account(&bob.id).as_ref(),
            Some(&bob),
            "what he said stays his"
        );
        assert_eq!(people.credentials(&bob.name), None);
        assert_eq!(
            people.resume(&secret(2), IDLE).await,
            Err(StoreError::SessionUnknown)
        );
        assert_eq!(
            people.token(&new_token(9, DAY).id).err(),
            Some(StoreError::SessionUnknown)
        );
        let open = people.open_session(bob.id, phc(2), session(3)).await;
        assert_eq!(open, Err(StoreError::NotFound));
        let token = people
            .create_token(TokenFor::Account(bob.id), new_token(4, DAY))
            .await;
        assert_eq!(token, Err(StoreError::AccountDisabled));
    }
    let people = bench.open();
    people.enable(bob.id).await.unwrap();
    assert_eq!(people.role(&bob.id), Some(Role::Member));
    assert_eq!(
        people.resume(&secret(2), IDLE).await,
        Err(StoreError::SessionUnknown),
        "what ended stays so"
    );
    people.open_session(bob.id, phc(2), session(3)).await.unwrap();
}

#[tokio::test]
async fn the_last_admin_who_can_get_in_is_neither_disabled_nor_demoted() {
    let bench = Bench::new();
    let people = bench.open();
    let alice = admin(&people, 1, "alice").await;
    assert_eq!(people.disable(alice, IDLE).await, Err(StoreError::LastAdmin));
    assert_eq!(
        people.set_role(alice, Role::Member, IDLE).await,
        Err(StoreError::LastAdmin)
    );
    // One without a password is another until the session ends by itself.
    invite(&people, 2, Role::Admin, 1).await.unwrap();
    let mut passwordless = account(2, "bob");
    passwordless.password = None;
    people
        .join(token(2), passwordless, session(2), IDLE)
        .await
        .unwrap();
    bench.pass(IDLE);
    assert_eq!(people.disable(alice, IDLE).await, Err(StoreError::LastAdmin));
    // One with a token is: somebody has it.
    let robot = AccountId::from_bytes([3; 16]);
    let mut new = account(3, "robot");
    new.password = None;
    people
        .create_token(TokenFor::New(new, Role::Admin), new_token(3, LIFETIME))
        .await
        .unwrap();
    people.set_role(alice, Role::Member, IDLE).await.unwrap();
    assert_eq!(people.role(&alice), Some(Role::Member));
    assert_eq!(people.disable(robot, IDLE).await, Err(StoreError::LastAdmin));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_disable_each_other_at_once_leave_one() {
    let bench = Bench::new();
    let people = bench.open();
    let (alice, bob) = (admin(&people, 1, "alice").await, admin(&people, 2, "bob").await);
    // In one group of the writer as well: it is asked for both before either is committed.
    let (one, other) = tokio::join!(people.disable(alice, IDLE), people.disable(bob, IDLE));
    assert_eq!(
        [one.is_ok(), other.is_ok()].iter().filter(|done| **done).count(),
        1
    );
    assert!(people.has_reachable_admin(IDLE));
}

#[tokio::test]
async fn an_invitation_ends_with_the_rights_of_who_made_it() {
    let bench = Bench::new();
    let people = bench.open();
    admin(&people, 1, "alice").await;
    let bob = admin(&people, 2, "bob").await;
    let carol = admin(&people, 3, "carol").await;
    let dora = admin(&people, 6, "dora").await;
    let erin = admin(&people, 7, "erin").await;
    for (number, by) in [(4, bob), (5, carol), (8, dora), (9, erin)] {
        people
            .create_invite(NewInvite {
                token_hash: token(number),
                role: Role::Admin,
                uses: 5,
                lifetime: DAY,
                created_by: Some(by),
            })
            .await
            .unwrap();
    }
    people.set_role(bob, Role::Guest, IDLE).await.unwrap();
    people.disable(carol, IDLE).await.unwrap();
    people.reset(dora, phc(60)).await.unwrap();
    assert_eq!(
        people.open_invite(token(9)).await,
        Ok(OpenInvite {
            role: Role::Admin,
            created_by: Some(erin)
        }),
        "nobody else's"
    );
    people
        .set_password(erin, Some(phc(7)), phc(70), session(7).id)
        .await
        .unwrap();
    for number in [4, 5, 8, 9] {
        assert_eq!(
            people.open_invite(token(number)).await,
            Err(StoreError::InviteUsed)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_under_way_undoes_or_outlives_that_somebody_was_put_out() {
    let bench = Bench::new();
    let people = bench.open();
    let alice = admin(&people, 1, "alice").await;
    let bob = admin(&people, 2, "bob").await;
    let carol = admin(&people, 3, "carol").await;
    let asker = |number: u8, account| Asker {
        account,
        role: Role::Admin,
        session: session(number).id,
    };
    // What was allowed before comes after, perhaps in the same group.
    let (as_bob, as_carol) = (people.asked_by(asker(2, bob)), people.asked_by(asker(3, carol)));
    let invite = NewInvite {
        token_hash: token(4),
        role: Role::Admin,
        uses: 1,
        lifetime: DAY,
        created_by: Some(bob),
    };
    let (demoted, disabled, back, invited, enabled, made) = tokio::join!(
        biased;
        people.set_role(bob, Role::Guest, IDLE),
        people.disable(carol, IDLE),
        as_bob.set_role(bob, Role::Admin, IDLE),
        as_bob.create_invite(invite),
        as_carol.enable(carol),
        as_carol.create_token(TokenFor::Account(alice), new_token(5, DAY)),
    );
    assert!(demoted.is_ok() && disabled.is_ok());
    let denied = StoreError::Denied(Denied::Role(Role::Guest));
    assert_eq!((back, invited), (Err(denied.clone()), Err(denied)));
    assert_eq!(enabled, Err(StoreError::SessionUnknown));
    assert_eq!(made.err(), Some(StoreError::SessionUnknown));
    assert_eq!(
        (people.role(&bob), people.role(&carol)),
        (Some(Role::Guest), None)
    );
    let as_alice = people.asked_by(asker(1, alice));
    as_alice.enable(carol).await.unwrap();
}

#[tokio::test]
async fn a_token_is_not_resumed_does_not_idle_out_and_ends_in_time() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    let (account, expires) = people
        .create_token(TokenFor::Account(bob.id), new_token(7, IDLE * 5))
        .await
        .unwrap();
    assert_eq!((&account, expires), (&bob, Timestamp(1_000_000).plus(IDLE * 5)));
    let id = new_token(7, DAY).id;
    bench.pass(IDLE * 4);
    people.sweep(IDLE, vec![]).await.unwrap();
    assert!(!people.session_is_open(&session(1).id), "the session idled out");
    let people = bench.open();
    assert_eq!(people.token(&id).unwrap(), (bob, Sealed(vec![7; 60])));
    assert_eq!(people.use_token(&id).await.unwrap().expires, expires);
    assert_eq!(
        people.session(&id).unwrap().last_seen,
        Timestamp(1_000_000).plus(IDLE * 4)
    );
    bench.pass(IDLE);
    assert_eq!(people.use_token(&id).await, Err(StoreError::SessionExpired));
    assert_eq!(people.sweep(IDLE, vec![]).await.unwrap(), [id]);
    assert_eq!(people.use_token(&id).await, Err(StoreError::SessionUnknown));
}

#[tokio::test]
async fn tokens_are_bounded_and_no_login_displaces_one() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 200, "bob").await;
    let limit = u8::try_from(TOKENS_PER_ACCOUNT_MAX).unwrap();
    for number in 0..limit {
        people
            .create_token(TokenFor::Account(bob.id), new_token(number, DAY))
            .await
            .unwrap();
    }
    let one_more = people
        .create_token(TokenFor::Account(bob.id), new_token(limit, DAY))
        .await;
    assert!(
        matches!(one_more, Err(StoreError::TooMany { .. })),
        "{one_more:?}"
    );
    for number in 0..=super::super::SESSIONS_PER_ACCOUNT_MAX {
        let number = u8::try_from(number).unwrap();
        let new = NewSession {
            id: SessionId::from_bytes([number, 255, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
            ..session(number)
        };
        people.open_session(bob.id, phc(200), new).await.unwrap();
    }
    let (tokens, sessions): (Vec<_>, Vec<_>) = people
        .sessions(bob.id)
        .into_iter()
        .partition(|session| session.token);
    assert_eq!(tokens.len(), TOKENS_PER_ACCOUNT_MAX);
    assert_eq!(sessions.len(), super::super::SESSIONS_PER_ACCOUNT_MAX);
}

#[tokio::test]
async fn a_reset_and_an_end_of_all_sessions_spare_only_what_they_say() {
    let bench = Bench::new();
    let people = bench.open();
    let bob = member(&people, 1, "bob").await;
    people.open_session(bob.id, phc(1), session(2)).await.unwrap();
    let ended = people.end_sessions(bob.id, Some(session(2).id)).await.unwrap();
    assert_eq!(ended, [session(1).id]);
    people
        .create_token(TokenFor::Account(bob.id), new_token(3, DAY))
        .await
        .unwrap();
    assert_eq!(people.reset(bob.id, phc(9)).await.unwrap().len(), 2);
    assert_eq!(people.sessions(bob.id), []);
    assert_eq!(people.credentials(&bob.name).unwrap().1, Some(phc(9)));
}

#[tokio::test]
async fn people_are_found_by_a_part_of_their_name_page_by_page() {
    let bench = Bench::new();
    let people = bench.open();
    for (number, name) in [(1, "Alice"), (2, "alison"), (3, "Bob"), (4, "malik")] {
        member(&people, number, name).await;
    }
    bench.pass(DAY);
    people.resume(&secret(3), IDLE * 9).await.unwrap();
    let names = |people: &People, search: &str, with_disabled, after, limit| {
        people
            .people(search, with_disabled, after, limit)
            .into_iter()
            .map(|person| person.account.name.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&people, "ＡＬＩ", true, None, 9),
        ["Alice", "alison", "malik"]
    );
    let after = |number| Some(AccountId::from_bytes([number; 16]));
    assert_eq!(names(&people, "", true, after(1), 2), ["alison", "Bob"]);
    assert_eq!(names(&people, "", true, after(3), 2), ["malik"]);
    people
        .disable(AccountId::from_bytes([2; 16]), IDLE)
        .await
        .unwrap();
    people
        .set_status(AccountId::from_bytes([3; 16]), "away".to_owned())
        .await
        .unwrap();
    let long = people
        .set_status(AccountId::from_bytes([3; 16]), "x".repeat(257))
        .await;
    assert_eq!(long, Err(StoreError::TooLarge));
    assert_eq!(names(&people, "ali", false, None, 9), ["Alice", "malik"]);
    for people in [people, bench.open()] {
        let bob = people.person(&AccountId::from_bytes([3; 16])).unwrap();
        assert_eq!((bob.status.as_str(), bob.disabled), ("away", false));
        assert_eq!(bob.created, Timestamp(1_000_000));
        assert_eq!(bob.last_seen, Some(Timestamp(1_000_000).plus(DAY)));
        assert!(people.person(&AccountId::from_bytes([2; 16])).unwrap().disabled);
    }
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_people_and_sessions() {
    static FIRST: crate::database::Schema = crate::database::Schema {
        migrations: SCHEMA.migrations.split_at(1).0,
        ..SCHEMA
    };
    let bench = Bench::new();
    let database = crate::database::open(bench.directory.path(), &FIRST).unwrap();
    let id = AccountId::from_bytes([1; 16]);
    database
        .execute(
            "INSERT INTO accounts (id, name, name_key, role, password, created)
             VALUES (?1, 'Alice', 'alice', 'admin', 'phc', 7)",
            [id.as_bytes()],
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO sessions VALUES (?1, ?2, ?3, 'laptop', 7, 900000, 2000000)",
            (session(1).id.as_bytes(), secret(1).as_bytes(), id.as_bytes()),
        )
        .unwrap();
    drop(database);
    let people = bench.open();
    assert_eq!(
        people.resume(&secret(1), IDLE).await.unwrap().session,
        session(1).id
    );
    let alice = people.person(&id).unwrap();
    assert_eq!((alice.created, alice.status.as_str()), (Timestamp(7), ""));
    assert_eq!(
        alice.last_seen,
        Some(Timestamp(1_000_000)),
        "what was known of its session, and its use just now"
    );
    assert_eq!(people.session(&session(1).id).unwrap().device, "laptop");
}

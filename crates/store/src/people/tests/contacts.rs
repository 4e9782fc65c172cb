use super::*;
use crate::people::{CONTACTS_MAX, ContactError};
use landline_model::protocol::people::ContactAct::{self, Accept, Ask, Block, Remove, Unblock};
use landline_model::protocol::people::ContactState::{
    self, Asked, Asking, Blocked, Contact, None as Nothing,
};

const ALICE: AccountId = AccountId::from_bytes([1; 16]);
const BOB: AccountId = AccountId::from_bytes([2; 16]);

async fn both(people: &People, acts: &[(AccountId, ContactAct)]) -> (ContactState, ContactState) {
    for (me, act) in acts {
        let other = if *me == ALICE { BOB } else { ALICE };
        people.contact(*me, other, *act).await.unwrap();
    }
    (people.contact_state(ALICE, BOB), people.contact_state(BOB, ALICE))
}

#[tokio::test]
async fn two_become_contacts_by_asking_and_accepting_or_by_both_asking() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "alice").await;
    member(&people, 2, "bob").await;
    assert_eq!(both(&people, &[(ALICE, Ask)]).await, (Asked, Asking));
    assert_eq!(people.contact(ALICE, BOB, Ask).await, Err(ContactError::NoChange));
    assert_eq!(
        people.contact(ALICE, BOB, Accept).await,
        Err(ContactError::NotAsking),
        "nobody accepts for the other"
    );
    assert_eq!(both(&people, &[(BOB, Accept)]).await, (Contact, Contact));
    assert_eq!(bench.open().contacts(BOB), [(ALICE, Contact)]);
    assert_eq!(both(&people, &[(BOB, Remove)]).await, (Nothing, Nothing));
    assert_eq!(
        both(&people, &[(ALICE, Ask), (BOB, Ask)]).await,
        (Contact, Contact)
    );
    assert_eq!(
        people.contact(ALICE, ALICE, Ask).await,
        Err(ContactError::Oneself)
    );
}

#[tokio::test]
async fn who_is_blocked_cannot_ask_and_cannot_undo_it() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "alice").await;
    member(&people, 2, "bob").await;
    assert_eq!(
        both(&people, &[(ALICE, Ask), (BOB, Block)]).await,
        (Nothing, Blocked)
    );
    assert!(people.has_blocked(BOB, ALICE) && !people.has_blocked(ALICE, BOB));
    assert_eq!(people.contact(ALICE, BOB, Ask).await, Err(ContactError::Blocked));
    for act in [Accept, Remove, Unblock] {
        assert!(people.contact(ALICE, BOB, act).await.is_err(), "{act:?}");
    }
    // Blocking back and taking that back leaves the other's as it is.
    assert_eq!(both(&people, &[(ALICE, Block)]).await, (Blocked, Blocked));
    assert_eq!(
        people.contact(ALICE, BOB, Ask).await,
        Err(ContactError::BlockedByYou)
    );
    assert_eq!(both(&people, &[(ALICE, Unblock)]).await, (Nothing, Blocked));
    assert_eq!(
        both(&people, &[(BOB, Unblock), (ALICE, Ask)]).await,
        (Asked, Asking)
    );
}

#[tokio::test]
async fn contacts_are_bounded_on_both_sides() {
    let bench = Bench::new();
    let people = bench.open();
    member(&people, 1, "alice").await;
    member(&people, 2, "bob").await;
    drop(people);
    let mut database = rusqlite::Connection::open(bench.directory.path().join("people.db")).unwrap();
    // Rows without accounts behind them do for counting.
    database.pragma_update(None, "foreign_keys", false).unwrap();
    let transaction = database.transaction().unwrap();
    for number in 0..CONTACTS_MAX {
        let other = u128::try_from(number + 1000).unwrap().to_be_bytes();
        transaction
            .prepare_cached("INSERT INTO contacts VALUES (?1, ?2, 'asking')")
            .unwrap()
            .execute((BOB.as_bytes(), other))
            .unwrap();
    }
    transaction.commit().unwrap();
    let people = bench.open();
    assert_eq!(people.contacts(BOB).len(), CONTACTS_MAX);
    let refused = people.contact(ALICE, BOB, Ask).await;
    assert!(
        matches!(refused, Err(ContactError::Store(StoreError::TooMany { .. }))),
        "{refused:?}"
    );
    assert_eq!(people.contacts(ALICE), [], "nothing of it was written");
}

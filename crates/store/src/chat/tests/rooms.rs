use super::*;
use crate::chat::{DIRECT_ROOMS_PER_CREATOR_MAX, ROOMS_PER_CREATOR_MAX};

fn ids(rooms: &[RoomRecord]) -> Vec<RoomId> {
    rooms.iter().map(|room| room.genesis.room).collect()
}

#[tokio::test]
async fn a_name_is_given_once() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let taken = create(&chat, RoomId::from_bytes([2; 16]), "ＧＥＮＥＲＡＬ").await;
    assert_eq!(taken, Err(StoreError::NameTaken));
    let record = chat.room_by_name(&"General".parse().unwrap()).unwrap();
    assert_eq!(record, chat.room(&ROOM).unwrap());
    assert_eq!(record.genesis.name, "general");
    assert_eq!((record.head.sequence, record.time), (0, Timestamp(1_000)));
    assert_eq!(
        record.head.hash,
        landline_model::chain::genesis_hash(&record.genesis)
    );
    drop(chat);
    let chat = bench.open();
    assert_eq!(chat.room(&ROOM), Some(record));
    assert_eq!(
        create(&chat, RoomId::from_bytes([2; 16]), "general").await,
        Err(StoreError::NameTaken)
    );
}

#[tokio::test]
async fn two_people_have_one_conversation_whoever_speaks_first() {
    let bench = Bench::new();
    let chat = bench.open();
    let release = hold(&chat).await;
    let alice = queue(&chat, direct(1)).await;
    let fresh = RoomId::from_bytes([2; 16]);
    let answer = Append {
        place: Place::Direct { peer: ALICE, fresh },
        sender: BOB,
        ..message(2)
    };
    let bob = queue(&chat, answer).await;
    drop(release);
    let (alice, bob) = (alice.await.unwrap(), bob.await.unwrap());
    assert_eq!(
        (alice.room, alice.sequence, bob.room, bob.sequence),
        (alice.room, 1, alice.room, 2)
    );
    let record = chat.find_direct(BOB, ALICE).unwrap();
    assert_eq!(chat.find_direct(ALICE, BOB).as_ref(), Some(&record));
    assert_eq!(
        (record.genesis.kind, record.genesis.creator),
        (RoomKind::Direct, ALICE)
    );
    assert_eq!((record.genesis.peer, record.name.clone()), (Some(BOB), None));
    assert_eq!(chat.room(&fresh), None);
    drop(chat);
    assert_eq!(bench.open().find_direct(ALICE, BOB), Some(record));
}

#[tokio::test]
async fn one_sees_public_rooms_and_ones_own_conversations() {
    let bench = Bench::new();
    let chat = bench.open();
    let [public, with_bob, with_carol, later] = [4, 2, 3, 5].map(|id| RoomId::from_bytes([id; 16]));
    create(&chat, public, "public").await.unwrap();
    create(&chat, later, "later").await.unwrap();
    let carol = AccountId::from_bytes([0xca; 16]);
    send(&chat, direct(2)).await.unwrap();
    let place = Place::Direct {
        peer: carol,
        fresh: with_carol,
    };
    send(&chat, Append { place, ..message(3) }).await.unwrap();
    let all = |account| ids(&chat.rooms_for(account, None, 100));
    assert_eq!(all(&ALICE), [with_bob, with_carol, public, later]);
    assert_eq!(all(&BOB), [with_bob, public, later]);
    assert_eq!(all(&AccountId::from_bytes([0; 16])), [public, later]);
    assert_eq!(
        ids(&chat.rooms_for(&ALICE, Some(with_bob), 2)),
        [with_carol, public]
    );
    assert_eq!(ids(&chat.rooms_for(&BOB, Some(with_carol), 9)), [public, later]);
    assert!(chat.rooms_for(&ALICE, Some(later), 9).is_empty());
}

#[tokio::test]
async fn ten_thousand_rooms_are_there_after_a_restart() {
    const ROOMS: u128 = 10_000;
    let bench = Bench::new();
    let chat = bench.open();
    let mut last = None;
    for number in 0..ROOMS {
        let (done, outcome) = completion();
        let name = format!("room-{number}").parse().unwrap();
        let creator = AccountId::from_bytes((number % 10).to_be_bytes());
        let id = RoomId::from_bytes(number.to_be_bytes());
        chat.create_room(
            NewRoom {
                id,
                name,
                creator,
                kind: RoomKind::Public,
            },
            done,
        )
        .await;
        last = Some(outcome);
    }
    last.unwrap().await.unwrap();
    drop(chat);
    bench.signatures.store(0, Ordering::SeqCst);
    let chat = bench.open();
    assert_eq!(
        bench.signatures.load(Ordering::SeqCst),
        0,
        "nothing is signed before it is asked for"
    );
    let (mut after, mut count) = (None, 0);
    loop {
        let page = chat.rooms_for(&BOB, after, 999);
        let Some(room) = page.last() else { break };
        after = Some(room.genesis.room);
        count += page.len() as u128;
    }
    assert_eq!(count, ROOMS);
}

/// Makes as many rooms as one may, in few groups, and waits for the last one.
async fn make_all(chat: &Chat, creator: AccountId) -> Result<RoomRecord, StoreError> {
    let mut last = None;
    for number in 0..ROOMS_PER_CREATOR_MAX as u128 {
        last = Some(make(chat, creator, number).await);
    }
    last.unwrap().await
}

async fn make(chat: &Chat, creator: AccountId, number: u128) -> Outcome<RoomRecord> {
    let (done, outcome) = completion();
    let mut id = number.to_be_bytes();
    id[0] = creator.as_bytes()[0];
    let name = format!("{}-{number}", id[0]).parse().unwrap();
    let id = RoomId::from_bytes(id);
    chat.create_room(
        NewRoom {
            id,
            name,
            creator,
            kind: RoomKind::Public,
        },
        done,
    )
    .await;
    outcome
}

#[tokio::test]
async fn nobody_fills_the_hub_with_rooms_alone() {
    let bench = Bench::new();
    let chat = bench.open();
    make_all(&chat, ALICE).await.unwrap();
    let one_more = ROOMS_PER_CREATOR_MAX as u128;
    assert_eq!(
        make(&chat, ALICE, one_more).await.await.unwrap_err().to_string(),
        "1000 rooms that one account made are as many as there may be"
    );
    // Others go on, and so does what Alice says: a conversation is of another kind.
    make(&chat, BOB, 0).await.await.unwrap();
    send(&chat, direct(1)).await.unwrap();
    drop(chat);
    let chat = bench.open();
    assert_eq!(
        make(&chat, ALICE, one_more).await.await.unwrap_err().to_string(),
        "1000 rooms that one account made are as many as there may be"
    );
    make(&chat, BOB, 1).await.await.unwrap();
}

/// Alice's conversation with somebody of that number.
async fn open(chat: &Chat, number: u128) -> Outcome<RoomRecord> {
    let (done, outcome) = completion();
    let peer = AccountId::from_bytes(number.to_be_bytes());
    let fresh = RoomId::from_bytes((number + 1).to_be_bytes());
    chat.open_direct(ALICE, peer, fresh, done).await;
    outcome
}

#[tokio::test]
async fn nobody_begins_conversations_without_end() {
    let bench = Bench::new();
    let chat = bench.open();
    let mut last = None;
    for number in 0..DIRECT_ROOMS_PER_CREATOR_MAX as u128 {
        last = Some(open(&chat, number).await);
    }
    last.unwrap().await.unwrap();
    let one_more = DIRECT_ROOMS_PER_CREATOR_MAX as u128;
    assert_eq!(
        open(&chat, one_more).await.await.unwrap_err().to_string(),
        "10000 conversations that one account began are as many as there may be"
    );
    // The one that is there is found, and others may begin one with Alice.
    open(&chat, 0).await.await.unwrap();
    let (done, outcome) = completion();
    chat.open_direct(BOB, ALICE, ROOM, done).await;
    outcome.await.unwrap();
}

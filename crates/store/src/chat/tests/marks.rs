use super::*;

async fn flush(chat: &Chat) -> Result<(), StoreError> {
    let (done, outcome) = completion();
    chat.flush_marks(done).await;
    outcome.await
}

#[tokio::test]
async fn a_mark_moves_on_and_is_there_after_a_restart() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    for number in 1..=5 {
        send(&chat, message(number)).await.unwrap();
    }
    assert_eq!(chat.read_mark(&BOB, &ROOM), None);
    assert!(chat.mark_read(BOB, ROOM, 3));
    assert!(
        !chat.mark_read(BOB, ROOM, 3) && !chat.mark_read(BOB, ROOM, 2),
        "never back"
    );
    assert!(
        !chat.mark_read(BOB, RoomId::from_bytes([9; 16]), 1),
        "no such room"
    );
    flush(&chat).await.unwrap();
    assert!(
        chat.mark_read(BOB, ROOM, u64::MAX),
        "as far as there is something to read"
    );
    assert_eq!(chat.read_mark(&BOB, &ROOM), Some(5));
    drop(chat);
    let chat = bench.open();
    assert_eq!(chat.read_mark(&BOB, &ROOM), Some(3), "what was written");
    assert!(chat.mark_read(BOB, ROOM, 4));
    flush(&chat).await.unwrap();
    drop(chat);
    assert_eq!(bench.open().read_mark(&BOB, &ROOM), Some(4));
}

#[tokio::test]
async fn marks_that_could_not_be_written_are_written_next_time() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    assert!(chat.mark_read(BOB, ROOM, 1));
    let release = hold(&chat).await;
    let (done, flushed) = completion();
    chat.flush_marks(done).await;
    let failing = chat.writer.run(|_, _| Err::<(), _>(StoreError::StorageFull));
    let (failed, ()) = tokio::join!(failing, async { drop(release) });
    assert_eq!(failed, Err(StoreError::StorageFull));
    assert_eq!(flushed.await, Err(StoreError::StorageFull));
    flush(&chat).await.unwrap();
    drop(chat);
    assert_eq!(bench.open().read_mark(&BOB, &ROOM), Some(1));
}

#[tokio::test]
async fn all_marks_are_written_however_many_there_are() {
    const PEOPLE: u128 = 2_500;
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    for person in 0..PEOPLE {
        assert!(chat.mark_read(AccountId::from_bytes(person.to_be_bytes()), ROOM, 1));
    }
    flush(&chat).await.unwrap();
    drop(chat);
    let chat = bench.open();
    let marked = (0..PEOPLE)
        .filter(|person| chat.read_mark(&AccountId::from_bytes(person.to_be_bytes()), &ROOM) == Some(1));
    assert_eq!(marked.count() as u128, PEOPLE);
}

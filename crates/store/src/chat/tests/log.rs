use super::*;
use crate::chat::audit;
use landline_model::event::TEXT_MAX;

#[tokio::test(flavor = "multi_thread")]
async fn sequences_are_dense_under_many_senders() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let senders: Vec<_> = (0..16_u8)
        .map(|sender| {
            let chat = chat.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0..50 {
                    let mut append = message(number);
                    append.sender = AccountId::from_bytes([sender; 16]);
                    if number % 2 == 1 {
                        append.place = Place::Direct {
                            peer: BOB,
                            fresh: RoomId::from_bytes([100 + sender; 16]),
                        };
                    }
                    let appended = send(&chat, append).await.unwrap();
                    assert!(!appended.duplicate && appended.head.sequence >= appended.sequence);
                    acknowledged.push((appended.room, appended.sequence));
                }
                acknowledged
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for sender in senders {
        acknowledged.extend(sender.await.unwrap());
    }
    let mut expected: Vec<_> = (1..=400).map(|sequence| (ROOM, sequence)).collect();
    for sender in 0..16 {
        expected.extend((1..=25).map(|sequence| (RoomId::from_bytes([100 + sender; 16]), sequence)));
    }
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, expected);

    // What was delivered is what is stored, in its order, while the hub runs and after it.
    let (done, outcome) = completion();
    chat.barrier(done).await;
    outcome.await.unwrap();
    let delivered: Vec<_> = bench
        .delivered()
        .into_iter()
        .filter(|event| event.room == ROOM)
        .collect();
    assert_eq!(delivered, events(&chat, &ROOM));
    assert!(audit(bench.directory.path()).unwrap().intact());
    drop(chat);
    let after = audit(bench.directory.path()).unwrap();
    assert!(after.intact() && after.rooms.len() == 17, "{after:?}");
}

#[tokio::test]
async fn a_client_id_is_used_once_for_ever() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    create(&chat, RoomId::from_bytes([2; 16]), "other").await.unwrap();

    let release = hold(&chat).await;
    let first = queue(&chat, message(7)).await;
    bench.set_clock(5_000);
    let again = queue(&chat, message(7)).await;
    drop(release);
    let (first, again) = (first.await.unwrap(), again.await.unwrap());
    assert!(!first.duplicate && again.duplicate, "in one group");
    assert_eq!(
        (again.room, again.sequence, again.time),
        (first.room, first.sequence, first.time)
    );

    let elsewhere = Append {
        place: Place::Room(RoomId::from_bytes([2; 16])),
        ..message(7)
    };
    let elsewhere = send(&chat, elsewhere).await.unwrap();
    assert_eq!(
        (elsewhere.room, elsewhere.duplicate),
        (ROOM, true),
        "to another room"
    );

    let other = send(
        &chat,
        Append {
            sender: BOB,
            ..message(7)
        },
    )
    .await
    .unwrap();
    assert_eq!((other.sequence, other.duplicate), (2, false), "another sender's");

    drop(chat);
    let chat = bench.open();
    let later = send(&chat, message(7)).await.unwrap();
    assert_eq!(
        (later.sequence, later.time, later.head.sequence, later.duplicate),
        (1, first.time, 2, true)
    );
    assert_eq!(events(&chat, &ROOM).len(), 2);
    assert_eq!(bench.delivered().len(), 2, "nothing is delivered twice");
}

#[tokio::test]
async fn an_acknowledgement_comes_before_its_event_and_a_barrier_after_both() {
    let bench = Bench::new();
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = Arc::clone(&order);
    let mut options = bench.options();
    options.deliver = Box::new(move |event| lock(&note).push(format!("event {}", event.sequence)));
    let chat = Chat::open(bench.directory.path(), options).unwrap();
    create(&chat, ROOM, "general").await.unwrap();

    let release = hold(&chat).await;
    for number in 1..=3 {
        let note = Arc::clone(&order);
        let done = move |result: Result<Appended, StoreError>| {
            lock(&note).push(format!("acknowledged {}", result.unwrap().sequence));
        };
        chat.append(message(number), Box::new(done)).await;
    }
    let (done, outcome) = completion();
    let note = Arc::clone(&order);
    chat.barrier(Box::new(move |result| {
        lock(&note).push("barrier".to_owned());
        done(result);
    }))
    .await;
    drop(release);
    outcome.await.unwrap();
    let expected = [
        "acknowledged 1",
        "event 1",
        "acknowledged 2",
        "event 2",
        "acknowledged 3",
        "event 3",
        "barrier",
    ];
    assert_eq!(*lock(&order), expected);
}

#[tokio::test]
async fn time_in_a_room_never_runs_backwards() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let mut times = Vec::new();
    for (number, clock) in [(1, 2_000), (2, 500), (3, 0), (4, 3_000), (5, u64::MAX)] {
        bench.set_clock(clock);
        times.push(send(&chat, message(number)).await.unwrap().time.0);
    }
    assert_eq!(times, [2_000, 2_000, 2_000, 3_000, i64::MAX.unsigned_abs()]);
    drop(chat);
    bench.set_clock(1);
    let chat = bench.open();
    assert_eq!(
        send(&chat, message(6)).await.unwrap().time.0,
        i64::MAX.unsigned_abs(),
        "after a restart"
    );
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn pages_begin_and_end_where_they_were_asked_to() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    for number in 1..=9 {
        send(
            &chat,
            Append {
                text: "12345678".to_owned(),
                ..message(number)
            },
        )
        .await
        .unwrap();
    }
    let numbers =
        |events: Result<Vec<Event>, _>| events.unwrap().iter().map(|event| event.sequence).collect();
    let first = |since, limit, bytes| -> Vec<u64> { numbers(chat.events(&ROOM, since, limit, bytes)) };
    let last = |since, limit, bytes| -> Vec<u64> { numbers(chat.last_events(&ROOM, since, limit, bytes)) };
    assert_eq!(first(0, 3, 1000), [1, 2, 3]);
    assert_eq!(first(7, 100, 1000), [8, 9]);
    assert_eq!(first(0, 100, 24), [1, 2, 3]);
    assert_eq!(first(0, 100, 0), [1], "one at least");
    assert_eq!(last(0, 3, 1000), [7, 8, 9]);
    assert_eq!(last(7, 100, 1000), [8, 9]);
    assert_eq!(last(0, 100, 17), [8, 9]);
    for since in [9, i64::MAX.unsigned_abs(), u64::MAX] {
        assert!(first(since, 100, 1000).is_empty() && last(since, usize::MAX, 1000).is_empty());
    }
    assert_eq!(
        chat.events(&RoomId::from_bytes([9; 16]), 0, 1, 1),
        Err(StoreError::NotFound)
    );
}

#[tokio::test]
async fn what_cannot_be_written_is_refused() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let nowhere = Append {
        place: Place::Room(RoomId::from_bytes([9; 16])),
        ..message(1)
    };
    assert_eq!(send(&chat, nowhere).await, Err(StoreError::NotFound));
    for target in [0, 1, u64::MAX] {
        let append = Append {
            act: Act::Say {
                reply_to: Some(target),
            },
            ..message(1)
        };
        assert_eq!(send(&chat, append).await, Err(StoreError::NotFound), "{target}");
    }
    let said = |number, text: String| Append {
        text,
        ..message(number)
    };
    assert_eq!(
        send(&chat, said(1, "x".repeat(TEXT_MAX + 1))).await,
        Err(StoreError::TooLarge)
    );
    assert!(matches!(
        send(&chat, said(1, String::new())).await,
        Err(StoreError::Invalid(_))
    ));
    let longest = "\0".repeat(TEXT_MAX);
    send(&chat, said(1, longest.clone())).await.unwrap();
    let reply = Append {
        act: Act::Say { reply_to: Some(1) },
        ..message(2)
    };
    send(&chat, reply).await.unwrap();
    let stored = events(&chat, &ROOM);
    assert_eq!(stored[0].content.as_ref().unwrap().body, longest);
    assert_eq!(stored[1].target, Some(1));
}

use super::*;
use crate::chat::{
    FinishedImport, IMPORT_AHEAD_MAX, IMPORT_IDLE_MAX, IMPORTS_MAX, ImportFault, ImportedEvents, NewImport,
    audit,
};
use landline_model::chain::{Broken, content_hash, event_hash, genesis_hash};
use landline_model::event::{Content, EventKind, Genesis};
use landline_model::room::RoomRole;

/// What another hub exported.
struct Export {
    genesis: Genesis,
    events: Vec<Event>,
}

/// A private room with a topic, an edit, a reaction and a deletion.
async fn export() -> Export {
    let bench = Bench::new();
    let chat = bench.open();
    create_of(&chat, ROOM, "elsewhere", RoomKind::Private)
        .await
        .unwrap();
    let text = |text: &str, append| Append {
        text: text.to_owned(),
        ..append
    };
    let reaction = "+".to_owned();
    for append in [
        message(1),
        message(2),
        text("edited", act(3, Act::Edit { message: 1 })),
        act(4, Act::React { message: 1, reaction }),
        text("ships", act(5, Act::Topic {})),
        act(6, Act::Invite { who: BOB }),
        act(7, Act::Delete { message: 2 }),
    ] {
        send(&chat, append).await.unwrap();
    }
    Export {
        genesis: chat.room(&ROOM).unwrap().genesis,
        events: events(&chat, &ROOM),
    }
}

impl Export {
    fn new_import(&self) -> NewImport {
        NewImport {
            genesis: self.genesis.clone(),
            name: "here".parse().unwrap(),
        }
    }

    fn part(&self, events: std::ops::Range<usize>) -> ImportedEvents {
        ImportedEvents {
            room: ROOM,
            events: self.events[events].to_vec(),
            names: vec![(ALICE, "alice".parse().unwrap())],
        }
    }

    fn finished(&self) -> FinishedImport {
        let last = self.events.last().unwrap();
        FinishedImport {
            room: ROOM,
            sequence: last.sequence,
            hash: last.hash,
            admin: CAROL,
            client_id: ClientId::from_bytes([0xcc; 16]),
        }
    }
}

#[tokio::test]
async fn a_room_comes_here_whole_and_verified() {
    let export = export().await;
    let bench = Bench::new();
    let chat = bench.open();
    chat.import_begin(export.new_import()).await.unwrap();
    assert_eq!(chat.import_events(export.part(0..3)).await, Ok(3));
    // The same again, after a lost reply: nothing comes twice.
    chat.import_begin(export.new_import()).await.unwrap();
    assert_eq!(chat.import_events(export.part(0..7)).await, Ok(7));

    // Until it is whole, nobody sees it.
    assert_eq!(
        (chat.room(&ROOM), chat.room_by_name(&"here".parse().unwrap())),
        (None, None)
    );
    assert!(chat.rooms_for(&CAROL, None, 10).is_empty());
    assert_eq!(chat.events(&ROOM, 0, 9, 9), Err(StoreError::NotFound));
    assert!(audit(bench.directory.path()).unwrap().rooms.is_empty());
    assert_eq!(
        send(&chat, message(1)).await,
        Err(StoreError::Importing),
        "a client id of its"
    );
    assert_eq!(send(&chat, message(50)).await, Err(StoreError::NotFound));
    let taken = create(&chat, RoomId::from_bytes([9; 16]), "here").await;
    assert_eq!(taken, Err(StoreError::NameTaken));

    let record = chat.import_finish(export.finished()).await.unwrap();
    assert_eq!(
        (record.head.sequence, record.members, &*record.topic),
        (8, 1, "ships")
    );
    assert_eq!(standing(&chat, CAROL), Standing::Member(RoomRole::Owner));
    assert_eq!(
        standing(&chat, ALICE),
        Standing::Stranger,
        "nobody else comes with it"
    );
    // Its event is delivered behind the answer.
    let (done, delivered) = completion();
    chat.barrier(done).await;
    delivered.await.unwrap();
    assert_eq!(bench.delivered().len(), 1);
    assert_eq!(bench.delivered()[0].kind, EventKind::IMPORT);
    let again = chat.import_finish(export.finished()).await;
    assert_eq!(again, Err(StoreError::Import(ImportFault::RoomKnown)));
    drop(chat);

    let chat = bench.open();
    assert_eq!(chat.room(&ROOM), Some(record));
    assert_eq!(events(&chat, &ROOM)[..7], export.events);
    assert_eq!(chat.sender_name(&ALICE), Some("alice".parse().unwrap()));
    assert_eq!(chat.sender_name(&BOB), None);
    let fold = chat.folds(&ROOM, &ALICE, &[1]).unwrap().remove(&1).unwrap();
    assert_eq!(fold.edit, Some((3, "edited".to_owned())));
    assert_eq!((fold.reactions.len(), fold.reactions[0].mine), (1, true));
    assert!(audit(bench.directory.path()).unwrap().intact());
    let begun = chat.import_begin(export.new_import()).await;
    assert_eq!(begun, Err(StoreError::Import(ImportFault::RoomKnown)));
}

#[tokio::test]
async fn what_is_not_the_log_is_refused_and_the_import_stands_where_it_stood() {
    let export = export().await;
    let chat = Bench::new().open();
    assert_eq!(
        chat.import_events(export.part(0..1)).await,
        Err(StoreError::NotFound)
    );
    chat.import_begin(export.new_import()).await.unwrap();
    type Change = fn(&mut Vec<Event>);
    let changes: [(Change, ImportFault); 6] = [
        (
            |log| drop(log.remove(2)),
            ImportFault::Event(Broken::Gap {
                expected: 3,
                found: 4,
            }),
        ),
        (
            |log| log[2].content.as_mut().unwrap().body.push('x'),
            ImportFault::Event(Broken::Content(3)),
        ),
        (|log| log[2].sender = CAROL, ImportFault::Event(Broken::Chain(3))),
        (|log| log[2].target = Some(3), ImportFault::Shape(3)),
        (|log| log[2].time = Timestamp(u64::MAX), ImportFault::Shape(3)),
        (
            |log| log[2].room = RoomId::from_bytes([2; 16]),
            ImportFault::Shape(3),
        ),
    ];
    for (change, fault) in changes {
        let mut part = export.part(0..7);
        change(&mut part.events);
        assert_eq!(chat.import_events(part).await, Err(StoreError::Import(fault)));
    }
    assert_eq!(chat.import_events(export.part(0..3)).await, Ok(3));
    let mut other = export.part(2..3);
    other.events[0].hash = export.events[0].hash;
    let fault = ImportFault::Event(Broken::Chain(3));
    assert_eq!(chat.import_events(other).await, Err(StoreError::Import(fault)));

    let early = chat.import_finish(export.finished()).await.unwrap_err();
    assert_eq!(
        early,
        StoreError::Import(ImportFault::Event(Broken::Erased(2))),
        "not deleted yet"
    );
    assert_eq!(chat.import_events(export.part(3..7)).await, Ok(7));
    let longer = FinishedImport {
        sequence: 8,
        ..export.finished()
    };
    let fault = ImportFault::End {
        expected: 8,
        found: 7,
    };
    assert_eq!(chat.import_finish(longer).await, Err(StoreError::Import(fault)));
    chat.import_finish(export.finished()).await.unwrap();
}

#[tokio::test]
async fn a_log_that_stands_here_already_is_refused() {
    let export = export().await;
    let chat = Bench::new().open();
    create(&chat, RoomId::from_bytes([9; 16]), "other").await.unwrap();
    let place = Place::Room(RoomId::from_bytes([9; 16]));
    send(&chat, Append { place, ..message(3) }).await.unwrap();
    chat.import_begin(export.new_import()).await.unwrap();
    let known = chat.import_events(export.part(0..7)).await;
    assert_eq!(known, Err(StoreError::Import(ImportFault::ClientId(3))));
    let other = NewImport {
        name: "otherwise".parse().unwrap(),
        ..export.new_import()
    };
    assert_eq!(chat.import_begin(other).await, Err(StoreError::Importing));
    let mut new = export.new_import();
    new.genesis.kind = RoomKind::Direct;
    new.genesis.room = RoomId::from_bytes([8; 16]);
    assert!(matches!(
        chat.import_begin(new.clone()).await,
        Err(StoreError::Invalid(_))
    ));
    for number in 1..=IMPORTS_MAX {
        new.genesis.kind = RoomKind::Public;
        new.genesis.room = RoomId::from_bytes([100 + u8::try_from(number).unwrap(); 16]);
        new.name = format!("here-{number}").parse().unwrap();
        let begun = chat.import_begin(new.clone()).await;
        assert_eq!(begun.is_ok(), number < IMPORTS_MAX, "{number}: {begun:?}");
    }
}

#[tokio::test]
async fn an_import_that_was_not_finished_is_gone_after_a_restart() {
    let export = export().await;
    let bench = Bench::new();
    let chat = bench.open();
    chat.import_begin(export.new_import()).await.unwrap();
    chat.import_events(export.part(0..7)).await.unwrap();
    drop(chat);
    let chat = bench.open();
    let lost = chat.import_events(export.part(0..7)).await;
    assert_eq!(lost, Err(StoreError::NotFound));
    assert_eq!(rows(&chat).await, 0);
    chat.import_begin(export.new_import()).await.unwrap();
    assert_eq!(chat.import_events(export.part(0..7)).await, Ok(7));
    chat.import_finish(export.finished()).await.unwrap();
}

/// How many rows of rooms, events and reactions there are.
async fn rows(chat: &Chat) -> u32 {
    let count = "SELECT (SELECT count(*) FROM rooms) + (SELECT count(*) FROM events)
                      + (SELECT count(*) FROM reactions) + (SELECT count(*) FROM reaction_counts)";
    let count = chat
        .writer
        .run(move |connection, _| Ok::<_, StoreError>(connection.query_row(count, [], |row| row.get(0))?));
    count.await.unwrap()
}

#[tokio::test]
async fn an_import_that_rests_is_dropped_little_by_little() {
    let export = export().await;
    let bench = Bench::new();
    let chat = bench.open();
    chat.import_begin(export.new_import()).await.unwrap();
    chat.import_events(export.part(0..7)).await.unwrap();
    let idle = u64::try_from(IMPORT_IDLE_MAX.as_millis()).unwrap();
    let tick = || async {
        let (done, outcome) = completion();
        chat.flush_marks(done).await;
        outcome.await.unwrap();
    };
    bench.set_clock(1_000 + idle - 1);
    tick().await;
    assert_eq!(rows(&chat).await, 10);
    bench.set_clock(1_000 + idle);
    tick().await;
    let late = chat.import_events(export.part(0..7)).await;
    assert_eq!(late, Err(StoreError::NotFound));
    assert_eq!(rows(&chat).await, 1, "the events are gone, the room is not yet");
    assert_eq!(
        chat.import_begin(export.new_import()).await,
        Err(StoreError::Importing)
    );
    tick().await;
    assert_eq!(rows(&chat).await, 0);
    tick().await;
    chat.import_begin(export.new_import()).await.unwrap();
}

#[tokio::test]
async fn a_group_that_fails_takes_an_import_back_to_where_it_was() {
    let export = export().await;
    let chat = Bench::new().open();
    chat.import_begin(export.new_import()).await.unwrap();
    chat.import_events(export.part(0..2)).await.unwrap();
    let release = hold(&chat).await;
    let more = chat.import_events(export.part(2..7));
    let finish = chat.import_finish(export.finished());
    let failing = chat.writer.run(|_, _| Err::<(), _>(StoreError::StorageFull));
    let (more, finish, _, ()) = tokio::join!(more, finish, failing, async { drop(release) });
    assert_eq!(more, Err(StoreError::StorageFull));
    assert_eq!(finish, Err(StoreError::StorageFull));
    assert_eq!(chat.room(&ROOM), None);
    assert_eq!(chat.import_events(export.part(2..7)).await, Ok(7));
    chat.import_finish(export.finished()).await.unwrap();
}

#[tokio::test]
async fn a_topic_and_a_reaction_that_nobody_may_write_are_kept_and_not_taken_up() {
    let genesis = Genesis {
        room: ROOM,
        created: Timestamp(1),
        creator: ALICE,
        kind: RoomKind::Public,
        name: "elsewhere".to_owned(),
        peer: None,
    };
    let mut export = Export {
        events: Vec::new(),
        genesis,
    };
    let mut head = genesis_hash(&export.genesis);
    let log = [
        (EventKind::MESSAGE, None, "hello"),
        (EventKind::REACT, Some(1), "a\u{1b}[2J"),
        (EventKind::REACT, Some(1), "+"),
        (EventKind::TOPIC, None, "ships"),
        (EventKind::TOPIC, None, "a\u{1b}[2J"),
    ];
    for (sequence, (kind, target, body)) in (1..).zip(log) {
        let content = Content {
            salt: Salt::from_bytes([1; 16]),
            body: body.to_owned(),
        };
        let mut event = Event {
            room: ROOM,
            sequence,
            time: Timestamp(sequence),
            sender: ALICE,
            client_id: ClientId::from_time_and_random(sequence, [0; 10]),
            kind,
            target,
            content_hash: content_hash(&content.salt, &content.body),
            content: Some(content),
            hash: head,
        };
        event.hash = event_hash(&head, &event);
        head = event.hash;
        export.events.push(event);
    }
    let bench = Bench::new();
    let chat = bench.open();
    chat.import_begin(export.new_import()).await.unwrap();
    chat.import_events(export.part(0..5)).await.unwrap();
    let record = chat.import_finish(export.finished()).await.unwrap();
    assert_eq!((record.topic.as_str(), record.head.sequence), ("ships", 6));
    let fold = chat.folds(&ROOM, &ALICE, &[1]).unwrap().remove(&1).unwrap();
    let reactions: Vec<&str> = fold.reactions.iter().map(|one| one.reaction.as_str()).collect();
    assert_eq!(reactions, ["+"]);
    assert_eq!(events(&chat, &ROOM)[..5], export.events);
}

#[tokio::test]
async fn what_is_more_than_a_day_ahead_of_the_clock_does_not_come_here() {
    let export = export().await;
    let day = u64::try_from(IMPORT_AHEAD_MAX.as_millis()).unwrap();
    let bench = Bench::new();
    let chat = bench.open();
    let mut later = export.new_import();
    later.genesis.created = Timestamp(1_000 + day + 1);
    let begun = chat.import_begin(later).await;
    assert_eq!(begun, Err(StoreError::Import(ImportFault::Ahead(0))));
    chat.import_begin(export.new_import()).await.unwrap();
    let second_at = |time| {
        let mut part = export.part(0..3);
        part.events[1].time = Timestamp(time);
        chat.import_events(part)
    };
    let ahead = second_at(1_000 + day + 1).await;
    assert_eq!(ahead, Err(StoreError::Import(ImportFault::Ahead(2))));
    // A day is let pass; what is wrong with it then is that it is not what was written.
    let changed = second_at(1_000 + day).await;
    assert_eq!(
        changed,
        Err(StoreError::Import(ImportFault::Event(Broken::Chain(2))))
    );
    assert_eq!(chat.import_events(export.part(0..7)).await, Ok(7));
}

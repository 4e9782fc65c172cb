use super::*;
use crate::chat::{Fold, REACTIONS_PER_MESSAGE_MAX, audit};
use landline_model::protocol::chat::Reactions;
use landline_model::room::{REACTION_MAX, TOPIC_MAX};
use std::ops::ControlFlow;

fn edit(number: u64, message: u64, text: &str) -> Append {
    Append {
        text: text.to_owned(),
        ..act(number, Act::Edit { message })
    }
}

fn react(sender: AccountId, number: u64, message: u64, reaction: &str) -> Append {
    let reaction = reaction.to_owned();
    act_by(sender, number, Act::React { message, reaction })
}

fn unreact(sender: AccountId, number: u64, message: u64, reaction: &str) -> Append {
    let reaction = reaction.to_owned();
    act_by(sender, number, Act::Unreact { message, reaction })
}

fn reactions(reaction: &str, count: u32, mine: bool) -> Reactions {
    let reaction = reaction.to_owned();
    Reactions {
        reaction,
        count,
        mine,
    }
}

#[tokio::test]
async fn a_deletion_erases_the_text_and_every_edit_and_the_chain_stays() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    send(&chat, message(2)).await.unwrap();
    send(&chat, edit(3, 1, "better")).await.unwrap();
    send(&chat, edit(4, 2, "other")).await.unwrap();
    send(&chat, react(BOB, 5, 1, "+")).await.unwrap();
    send(&chat, act(6, Act::Delete { message: 1 })).await.unwrap();
    let gone: Vec<u64> = events(&chat, &ROOM)
        .iter()
        .filter(|event| event.content.is_none())
        .map(|event| event.sequence)
        .collect();
    assert_eq!(gone, [1, 3]);
    assert!(audit(bench.directory.path()).unwrap().intact());
    let folds = chat.folds(&ROOM, &BOB, &[1, 2]).unwrap();
    assert_eq!(folds.len(), 1);
    assert_eq!(folds[&2].edit, Some((4, "other".to_owned())));
    // Nothing more becomes of what is gone.
    for append in [
        edit(7, 1, "again"),
        act(8, Act::Delete { message: 1 }),
        react(BOB, 9, 1, "-"),
        unreact(BOB, 10, 1, "+"),
        act(11, Act::Say { reply_to: Some(1) }),
    ] {
        let text = "text".to_owned();
        assert_eq!(
            send(&chat, Append { text, ..append }).await,
            Err(StoreError::NotFound)
        );
    }
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn an_edit_behind_a_deletion_of_the_same_group_is_refused() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    let release = hold(&chat).await;
    let deleted = queue(&chat, act(2, Act::Delete { message: 1 })).await;
    let edited = queue(&chat, edit(3, 1, "late")).await;
    drop(release);
    deleted.await.unwrap();
    assert_eq!(edited.await, Err(StoreError::NotFound));
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn only_messages_are_edited_deleted_and_reacted_to() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    send(&chat, edit(2, 1, "edit")).await.unwrap();
    send(&chat, act_by(BOB, 3, Act::Join {})).await.unwrap();
    for target in [2, 3, 4, 0, u64::MAX] {
        assert_eq!(send(&chat, edit(9, target, "x")).await, Err(StoreError::NotFound));
        let delete = act(9, Act::Delete { message: target });
        assert_eq!(send(&chat, delete).await, Err(StoreError::NotFound));
        assert_eq!(
            send(&chat, react(BOB, 9, target, "+")).await,
            Err(StoreError::NotFound)
        );
    }
}

#[tokio::test]
async fn a_fold_has_the_last_edit_and_the_reactions_that_stand() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    for number in 1..=3 {
        send(&chat, message(number)).await.unwrap();
    }
    send(&chat, edit(4, 2, "second")).await.unwrap();
    send(&chat, edit(5, 2, "third")).await.unwrap();
    send(&chat, react(ALICE, 6, 2, "🚢")).await.unwrap();
    send(&chat, react(BOB, 7, 2, "🚢")).await.unwrap();
    send(&chat, react(BOB, 8, 2, "ok")).await.unwrap();
    send(&chat, react(BOB, 9, 3, "ok")).await.unwrap();
    assert_eq!(
        send(&chat, react(BOB, 10, 2, "ok")).await,
        Err(StoreError::NoChange)
    );
    assert_eq!(
        send(&chat, unreact(ALICE, 11, 2, "ok")).await,
        Err(StoreError::NoChange)
    );
    let folds = chat.folds(&ROOM, &ALICE, &[1, 2, 3, 99]).unwrap();
    let expected = Fold {
        edit: Some((5, "third".to_owned())),
        reactions: vec![reactions("🚢", 2, true), reactions("ok", 1, false)],
    };
    assert_eq!((folds.len(), &folds[&2]), (2, &expected));
    send(&chat, unreact(BOB, 12, 3, "ok")).await.unwrap();
    send(&chat, unreact(ALICE, 13, 2, "🚢")).await.unwrap();
    let folds = chat.folds(&ROOM, &BOB, &[2, 3]).unwrap();
    let both = [reactions("ok", 1, true), reactions("🚢", 1, true)];
    assert_eq!((folds.len(), &*folds[&2].reactions), (1, &both[..]));
    // Taken back, it may be given again.
    send(&chat, react(BOB, 14, 3, "ok")).await.unwrap();
}

#[tokio::test]
async fn reactions_topics_and_reasons_have_limits() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    for number in 0..REACTIONS_PER_MESSAGE_MAX as u64 {
        send(&chat, react(BOB, number, 1, &number.to_string()))
            .await
            .unwrap();
    }
    let one_more = send(&chat, react(CAROL, 1, 1, "more")).await;
    assert!(
        matches!(one_more, Err(StoreError::TooMany { .. })),
        "{one_more:?}"
    );
    send(&chat, react(CAROL, 1, 1, "7")).await.unwrap();

    let long = react(BOB, 100, 1, &"x".repeat(REACTION_MAX + 1));
    assert_eq!(send(&chat, long).await, Err(StoreError::TooLarge));
    for bad in ["", "\u{1b}[2J", "a\nb"] {
        let refused = send(&chat, react(BOB, 100, 1, bad)).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{bad:?}");
    }
    let topic = |text: String| Append {
        text,
        ..act(100, Act::Topic {})
    };
    let long = send(&chat, topic("x".repeat(TOPIC_MAX + 1))).await;
    assert_eq!(long, Err(StoreError::TooLarge));
    let refused = send(&chat, topic("\u{7}".to_owned())).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))));
    let reason = "\r".to_owned();
    let refused = send(&chat, act(100, Act::Kick { who: BOB, reason })).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn a_topic_is_kept_and_set_once() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let topic = |number, text: &str| Append {
        text: text.to_owned(),
        ..act(number, Act::Topic {})
    };
    assert_eq!(send(&chat, topic(1, "")).await, Err(StoreError::NoChange));
    send(&chat, topic(1, "ships")).await.unwrap();
    assert_eq!(send(&chat, topic(2, "ships")).await, Err(StoreError::NoChange));
    drop(chat);
    let chat = bench.open();
    assert_eq!(chat.room(&ROOM).unwrap().topic, "ships");
    send(&chat, topic(3, "")).await.unwrap();
    assert_eq!(chat.room(&ROOM).unwrap().topic, "");
}

#[tokio::test]
async fn what_was_erased_is_not_in_the_file() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    let secret = "the combination is 4711 ".repeat(600);
    let said = Append {
        text: secret.clone(),
        ..message(1)
    };
    send(&chat, said).await.unwrap();
    send(&chat, edit(2, 1, &secret[24..])).await.unwrap();
    drop(chat);
    let file = bench.directory.path().join("chat.db");
    let holds = || {
        let bytes = std::fs::read(&file).unwrap();
        bytes.windows(23).any(|part| part == b"the combination is 4711")
    };
    assert!(holds(), "it was there");
    let chat = bench.open();
    send(&chat, act(3, Act::Delete { message: 1 })).await.unwrap();
    // The last connection moves the write-ahead log into the database.
    drop(chat);
    assert!(!holds());
    assert!(!bench.directory.path().join("chat.db-wal").exists());
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn what_was_erased_leaves_the_log_of_writes_while_the_hub_runs() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    chat.scrub().unwrap();
    let said = Append {
        text: "the combination is 4711".to_owned(),
        ..message(1)
    };
    send(&chat, said).await.unwrap();
    send(&chat, act(2, Act::Delete { message: 1 })).await.unwrap();
    let holds = || {
        ["chat.db", "chat.db-wal"].map(|file| {
            let bytes = std::fs::read(bench.directory.path().join(file)).unwrap();
            bytes.windows(23).any(|part| part == b"the combination is 4711")
        })
    };
    assert_eq!(holds(), [false, true]);
    chat.scrub().unwrap();
    assert_eq!(holds(), [false, false]);
    assert_eq!(send(&chat, message(3)).await.unwrap().sequence, 3);
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn the_client_id_of_any_act_is_used_once() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    send(&chat, message(1)).await.unwrap();
    let acts: [fn() -> Act; 10] = [
        || Act::Edit { message: 1 },
        || Act::React {
            message: 1,
            reaction: "+".to_owned(),
        },
        || Act::Unreact {
            message: 1,
            reaction: "+".to_owned(),
        },
        || Act::Delete { message: 1 },
        || Act::Invite { who: BOB },
        || Act::Mute {
            who: BOB,
            seconds: 5,
            reason: String::new(),
        },
        || Act::Ban {
            who: BOB,
            reason: String::new(),
        },
        || Act::Unban { who: BOB },
        || Act::Topic {},
        || Act::Slow { seconds: 9 },
    ];
    for (number, what) in (10..).zip(acts) {
        let text = || "text".to_owned();
        let first = send(
            &chat,
            Append {
                text: text(),
                ..act(number, what())
            },
        )
        .await
        .unwrap();
        let again = Append {
            text: text(),
            permit: Box::new(|_, _| Err(Denied::NotMember)),
            ..act(number, what())
        };
        let again = send(&chat, again).await.unwrap();
        assert_eq!((again.sequence, again.time), (first.sequence, first.time));
        assert!(again.duplicate && !first.duplicate);
    }
    assert_eq!(chat.room(&ROOM).unwrap().head.sequence, 11);
    assert!(audit(bench.directory.path()).unwrap().intact());
}

#[tokio::test]
async fn messages_now_are_those_that_stand_each_with_its_place_until_there_are_enough() {
    let bench = Bench::new();
    let chat = bench.open_with_room().await;
    for number in 1..=3 {
        send(&chat, message(number)).await.unwrap();
    }
    send(&chat, edit(4, 3, "edited")).await.unwrap();
    send(&chat, react(ALICE, 5, 3, "ok")).await.unwrap();
    send(&chat, act(6, Act::Delete { message: 2 })).await.unwrap();
    let elsewhere = RoomId::from_bytes([0xee; 16]);
    // An edit, a deleted message, and what is not there, between those that stand.
    let wanted = [
        (ROOM, 4),
        (ROOM, 3),
        (ROOM, 2),
        (elsewhere, 1),
        (ROOM, 99),
        (ROOM, 0),
        (ROOM, 1),
    ];
    let mut seen = Vec::new();
    chat.messages_now(&BOB, wanted, |place, event, fold| {
        seen.push((place, event.sequence, fold));
        ControlFlow::Continue(())
    })
    .unwrap();
    let fold = Fold {
        edit: Some((4, "edited".to_owned())),
        reactions: vec![reactions("ok", 1, false)],
    };
    assert_eq!(seen, [(1, 3, Some(fold)), (6, 1, None)]);
    let mut count = 0;
    chat.messages_now(&BOB, wanted, |_, _, _| {
        count += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(count, 1);
}
